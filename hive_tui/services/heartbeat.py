"""The heartbeat: looks at the agents and works off the queue. One a database works; others watch."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime, timedelta

from hive_tui.adapters.doorbell import Doorbell
from hive_tui.adapters.locks import FileLock
from hive_tui.domain.beat import Beat
from hive_tui.domain.changes import Changes
from hive_tui.domain.clock_steps import ClockSteps
from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.reconcile import ServerState
from hive_tui.services.alerts import Alerts
from hive_tui.services.chores import Chores
from hive_tui.services.dispatch import Dispatcher
from hive_tui.services.glance import Glance
from hive_tui.services.hub import Hub
from hive_tui.services.observer import Observation, Observer
from hive_tui.services.pace import Pace
from hive_tui.services.queue_worker import QueueWorker
from hive_tui.services.recovery import Recovery
from hive_tui.services.sources.sources import Sources
from hive_tui.store import journal, settings, wakeups
from hive_tui.store.database import Database

LEASE_SWEEP_S = 15.0
STEP_TIMEOUT_S = 30.0
ROUND_AT_LEAST_EVERY_S = 5.0
"""So often there is a round although nothing seems to have happened."""
TRUST_S = 10.0
"""So long an agent of whose work there is no sign is believed to be as it was seen: then all are looked at."""
DESERTED_S = 15.0
"""So often where there is neither a tmux server nor an agent that ran; when either comes is noticed by a glance."""
STOP_PATIENCE_S = 8.0
STEP_PATIENCE_S = 2.0
"""A stop waits so long for the steps of a round; one that hangs is left alone."""
SWEEP_S = 60.0


class Heartbeat:
    """An asyncio loop; each step runs in a thread, under a time limit, and may fail without the others.

    Args:
        observe_every_s: How often the panes are looked at while they change all the time.
        on_observed: Called with each new look, in the thread that looked.
        glance: Tells whether anything changes; without one, the panes are looked at all the time.
        beat: Where it writes down how it is.
        chores: What else is done now and then.
        sources: What asks for wakes from outside, while this heartbeat works.
        changes: Makes what notices writes of other programs into the database.
        sweep_s: The longest time between two rounds, whatever is due and whatever clocks say.
    """

    def __init__(
        self,
        database: Database,
        observer: Observer,
        dispatcher: Dispatcher,
        recovery: Recovery,
        alerts: Alerts,
        lock: FileLock,
        doorbell: Doorbell,
        clock: Clock,
        hub: Hub,
        *,
        observe_every_s: float = 1.0,
        on_observed: Callable[[Observation], None] = lambda _: None,
        glance: Glance | None = None,
        beat: Beat | None = None,
        chores: Chores | None = None,
        sources: Sources | None = None,
        changes: Callable[[], Changes] | None = None,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._database, self._observer, self._dispatcher = database, observer, dispatcher
        self._recovery, self._alerts = recovery, alerts
        self._lock, self._standby, self._doorbell = lock, lock.successor(), doorbell
        self._clock, self._hub = clock, hub
        self.observe_every_s, self.on_observed = observe_every_s, on_observed
        self._glance, self._chores, self._sources = glance, chores, sources
        self._sweep_s = sweep_s
        self._clock_steps = ClockSteps(clock.now(), clock.monotonic())
        self.beat = beat or Beat()
        self._name = f"heartbeat:{os.getpid()}"
        self._slow: dict[str, asyncio.Future[object]] = {}
        self._begun: set[Future[object]] = set()
        self._to_begin: dict[str, Callable[[], object]] = {}
        self._swept_at = 0.0
        self._pace = Pace(observe_every_s, clock.monotonic, lambda: database.commits)
        self._due_at: datetime | None = None
        self._server_was = ServerState.UP
        self._answered_at: str | None = None
        self._is_rung, self._was_rung = False, True
        self._awakened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        # Steps have threads of their own: a look at the panes must not wait behind somebody's checkpoint.
        self._steps = ThreadPoolExecutor(3, thread_name_prefix="step")
        # One thread alone: the database tells of changes by connection, and each thread has its own.
        self._glances = ThreadPoolExecutor(1, thread_name_prefix="glance")
        self._telling = ThreadPoolExecutor(1, thread_name_prefix="tell")
        self._worker = self._new_worker(changes)

    def _new_worker(self, changes: Callable[[], Changes] | None) -> QueueWorker:
        return QueueWorker(
            self._database,
            self._dispatcher,
            self._name,
            step=self._step,
            failed=self._failed,
            claimed=self._look,
            done=self.ring,
            changes=changes,
        )

    def ring(self) -> None:
        """Start what is due, and look once that has begun; call it in any thread. Many calls in a row are one."""
        if not self._worker.ask() and self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._look)

    def _look(self) -> None:
        """Look at once; for the loop's thread."""
        self._is_rung = True
        self._awakened.set()

    def stir(self) -> None:
        """Glance at once; call it in any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._awakened.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Beat until `stop` is set, then wait a little for what is in flight."""
        self._loop = asyncio.get_running_loop()
        unsubscribe = self._hub.subscribe(self._heard)
        stopping = self._loop.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._awakened.set())
        try:
            while not stop.is_set():
                await self._tick_or_stop(stop)
                await self._wait(stop)
        finally:
            stopping.cancel()
            unsubscribe()
            await self._leave()

    async def _tick_or_stop(self, stop: asyncio.Event) -> None:
        """One round; left in the middle where a step of it hangs and all is to stop."""
        loop = asyncio.get_running_loop()
        tick, stopped = loop.create_task(self.tick()), loop.create_task(stop.wait())
        try:
            await asyncio.wait((tick, stopped), return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait((tick,), timeout=STEP_PATIENCE_S if stop.is_set() else None)
            if tick.done():
                tick.result()
        finally:
            stopped.cancel()
            tick.cancel()

    async def tick(self) -> None:
        """One round: become the working heartbeat if that is free, look, and work off what is due."""
        if not self.beat.is_working:
            await self._take_over_or_stand_by()
        self._note_clock_step()
        if self._worker.has_begun and not self._is_only_look:
            await self._worker.work_off()
        await self._step("look at the panes", self._observe)
        if self.beat.is_working and not self._is_only_look:
            await self._work()
        self.beat.beat_at = self._clock.now()
        self.beat.in_flight = len(self._worker.in_flight)

    @property
    def _is_only_look(self) -> bool:
        """Whether there is nothing else to do in this round: while agents work, one follows the other."""
        is_ready = self._worker.has_begun and (self._sources is None or self._sources.are_heard)
        return is_ready and not self.beat.trouble and self._pace.is_only_look

    async def _work(self) -> None:
        """What the working heartbeat does in a round once it has looked."""
        self._pace.works()
        await self._step("finish what was interrupted", self._recovery.finish_interrupted)
        if not self._worker.has_begun and await self._begin():
            self._worker.begin()
        if self._sources is not None and not self._sources.are_heard:
            await self._step("listen to what asks for wakes", self._sources.start)
        if self._clock.monotonic() - self._swept_at >= min(LEASE_SWEEP_S, self._sweep_s):
            self._swept_at = self._clock.monotonic()
            await self._worker.sweep_leases()
            await self._step("leave a sign of life", self._sign)
        if self._worker.has_begun:
            await self._worker.work_off()
        await self._do_chores()
        await self._step("tell failures", self._alerts.tell)
        await self._step("see what is due next", self._read_due_at)

    @property
    def is_busy(self) -> bool:
        """Whether wakeups run in this process."""
        return bool(self._worker.in_flight)

    @property
    def is_stuck(self) -> bool:
        """Whether a step hangs, for which the interpreter would wait at its end."""
        return any(not step.done() for step in list(self._begun))

    async def _do_chores(self) -> None:
        due = await self._step("see what else is due", self._chores.due) if self._chores else None
        for chore in due if isinstance(due, list) else ():
            await self._step(chore.name, chore.work)

    async def _take_over_or_stand_by(self) -> None:
        if self._lock.try_take("heartbeat"):
            self._standby.release()
            await self._take_over()
        else:
            with suppress(HiveError):
                self._standby.try_take("stand by")

    async def _take_over(self) -> None:
        self.beat.is_working = True
        with suppress(OSError):
            receiver = self._doorbell.open(self.ring)
            asyncio.get_running_loop().add_reader(receiver.fileno(), self._on_ring)
        self._to_begin = {
            "own the write-ahead log": lambda: self._database.checkpoint_wal(own=True),
            "reset orphaned wakeups": lambda: self._dispatcher.recover_orphans(only_expired=False),
            "sweep temporary files": self._recovery.sweep,
        }

    async def _begin(self) -> bool:
        """What is done once before any wakeup is claimed; tried again where it failed, as on a full disk."""
        for name, work in list(self._to_begin.items()):
            await self._step(name, work)
            if name not in self.beat.trouble:
                del self._to_begin[name]
        return not self._to_begin

    def _on_ring(self) -> None:
        self._doorbell.drain()
        self.ring()

    def _heard(self, event: Event) -> None:
        """A wakeup was asked for in this process, and who asked has not rung yet."""
        if event.kind is EventKind.WAKEUP_SCHEDULED:
            self.ring()

    def _note_clock_step(self) -> bool:
        """Whether the wall clock has stepped since the last look: then every due time is another one."""
        step = self._clock_steps.look(self._clock.now(), self._clock.monotonic())
        if step is not None and self.beat.is_working:
            way = "forward" if step > timedelta(0) else "back"
            text = f"The clock went {in_words(abs(step))} {way}: it was set, or the machine was suspended"
            payload = {"step_s": round(step.total_seconds(), 3)}
            self._tell(Event(EventKind.CLOCK_STEPPED, text, severity=Severity.WARNING, payload=payload))
        return step is not None

    def _observe(self) -> None:
        # Who rings has done something that shows in no sign.
        trust_s = 0.0 if self._was_rung or self._glance is None else max(TRUST_S, self.observe_every_s)
        observation = self._observer.observe(trust_s=trust_s)
        if self._glance is not None:
            self._glance.note(observation)
        self.on_observed(observation)
        self._answered_at = observation.answered_at.isoformat() if observation.answered_at else None
        if self.beat.is_working and (observation.state is not self._server_was):
            self._tell_server(observation)
        self._server_was = observation.state

    def _tell_server(self, observation: Observation) -> None:
        """The tmux server went away or came back: that is one event, and not one for each agent."""
        if observation.state is ServerState.UP:
            event = Event(EventKind.TMUX_BACK, "The tmux server answers again", None, HEARTBEAT)
        else:
            event = Event(EventKind.TMUX_LOST, observation.trouble, None, HEARTBEAT, Severity.WARNING)
        self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)

    def _sign(self) -> None:
        sign = {"pid": os.getpid(), "name": self._name, settings.ANSWERED_AT: self._answered_at}
        self._database.write(settings.put, settings.HEARTBEAT, sign, now=self._clock.now())

    async def _step(self, name: str, work: Callable[[], object], pool: ThreadPoolExecutor | None = None) -> object:
        """Run one step in a thread; what it returns, or None if it failed.

        A step that hangs is left alone until it ends; it is not started twice.
        """
        before = self._slow.pop(name, None)
        if before is not None and not before.done():
            self._slow[name] = before
            return None
        begun = (pool or self._steps).submit(work)
        self._begun.add(begun)
        begun.add_done_callback(self._begun.discard)
        future = asyncio.wrap_future(begun)
        done, _ = await asyncio.wait([future], timeout=STEP_TIMEOUT_S)
        if not done:
            self._slow[name] = future
            self._failed(name, f"no end after {STEP_TIMEOUT_S:g} s")
            return None
        error = future.exception()
        if error is not None:
            self._failed(name, error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}")
            return None
        self.beat.trouble.pop(name, None)
        return future.result()

    def _failed(self, name: str, said: str) -> None:
        if self.beat.trouble.get(name) == said:
            return
        self.beat.trouble[name] = said
        self._tell(Event(EventKind.STEP_FAILED, f"The heartbeat could not {name}: {said}", severity=Severity.FAILURE))

    def _tell(self, event: Event) -> None:
        """In a thread of its own: it is told by the event loop, and the database may be locked."""
        with suppress(RuntimeError):  # all is over
            self._telling.submit(self._log, event)

    def _log(self, event: Event) -> None:
        with suppress(HiveError):
            self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)

    async def _wait(self, stop: asyncio.Event) -> None:
        """Sleep until somebody rings, the next wakeup is due, something happens, or it is time to look again."""
        begun_at = self._clock.monotonic()
        longest_s = due_s = self._longest_wait_s()
        if self._glance is not None and self._glance.is_deserted:  # a round writes a sign of life, and more
            await self._step("glance at the panes", self._glance.settle, self._glances)
        has_news = is_step = False
        while not stop.is_set() and not self._is_rung:
            left_s = longest_s - (self._clock.monotonic() - begun_at)
            if left_s <= 0:
                break
            alarm = asyncio.get_running_loop().call_later(min(left_s, self._pace.glance_s), self._awakened.set)
            await self._awakened.wait()
            alarm.cancel()
            self._awakened.clear()
            if is_step := self._note_clock_step():
                break
            if stop.is_set() or self._is_rung or self._glance is None:
                continue
            if not has_news and await self._has_news(self._glance):
                has_news = True
                longest_s = min(longest_s, self._pace.rest_s())
            self.beat.beat_at = self._clock.now()
        is_asked = self._is_rung or is_step or self._clock.monotonic() - begun_at >= due_s
        is_written = self._glance is None or self._glance.take_writes()
        self._pace.rested(is_for_news=has_news and not is_asked and not is_written)
        self._is_rung, self._was_rung = False, self._is_rung

    def _read_due_at(self) -> None:
        self._due_at = self._database.read(wakeups.next_due_at)

    def _longest_wait_s(self) -> float:
        """Seconds until the next round must begin, whatever happens."""
        is_deserted = self._glance is not None and self._glance.is_deserted
        usual_s = 0.0 if self._glance is None else DESERTED_S if is_deserted else ROUND_AT_LEAST_EVERY_S
        longest_s = min(max(usual_s, self.observe_every_s), self._sweep_s)
        if self.beat.is_working and not self._worker.is_full and self._due_at is not None:
            ahead_s = (self._due_at - self._clock.now()).total_seconds()
            # What was due already and was not claimed waits for another wakeup of its agent.
            longest_s = min(longest_s, ahead_s if ahead_s > 0 else self.observe_every_s)
        return longest_s

    async def _has_news(self, glance: Glance) -> bool:
        if not self.beat.is_working and not self._lock.is_held():
            return True
        if glance.is_quiet():
            return False
        return await self._step("glance at the panes", glance.has_news, self._glances) is not False

    async def _leave(self) -> None:
        """Wait for wakes that run; what does not end is taken up by the next heartbeat."""
        if self._sources is not None:
            await self._step("leave what asks for wakes", self._sources.stop)
        await self._worker.leave(STOP_PATIENCE_S)
        self._standby.release()
        if self.beat.is_working:
            with suppress(OSError, ValueError):
                asyncio.get_running_loop().remove_reader(self._doorbell.fileno())
            self._doorbell.close()
            with suppress(HiveError):
                self._database.checkpoint_wal(own=False)
            self._lock.release()
            self.beat.is_working = False
        self._telling.shutdown(wait=False)
        for pool in (self._steps, self._glances):
            pool.shutdown(wait=False, cancel_futures=True)
        if self._glance is not None:
            self._glance.close()
