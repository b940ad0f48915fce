"""The heartbeat: looks at the agents and works off the queue. One a database works; others watch."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime

from hive_tui.adapters.clock_watch import ClockWatch
from hive_tui.adapters.doorbell import Doorbell
from hive_tui.adapters.locks import FileLock
from hive_tui.domain.beat import Beat
from hive_tui.domain.changes import Changes
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind
from hive_tui.domain.ports import Clock
from hive_tui.services.alerts import Alerts
from hive_tui.services.chores import Chores
from hive_tui.services.dispatch import Dispatcher
from hive_tui.services.glance import Glance
from hive_tui.services.hub import Hub
from hive_tui.services.observer import Observation, Observer
from hive_tui.services.pace import Pace
from hive_tui.services.queue_worker import QueueWorker
from hive_tui.services.recovery import Recovery
from hive_tui.services.rest import Rest
from hive_tui.services.sign_of_life import SignOfLife
from hive_tui.services.sources.sources import Sources
from hive_tui.services.steps import Step, Steps, done_or_left
from hive_tui.services.tidings import Tidings
from hive_tui.store import wakeups
from hive_tui.store.database import Database

LEASE_SWEEP_S = 15.0
ROUND_AT_LEAST_EVERY_S = 5.0
"""So often there is a round although nothing seems to have happened."""
TRUST_S = 20.0
"""So long an agent of whose work there is no sign is believed to be as it was seen: then all are looked at."""
DESERTED_S = 15.0
"""So often where there is neither a tmux server nor an agent that ran; when either comes is noticed by a glance."""
STOP_PATIENCE_S = 8.0
GLANCE = "glance at the panes"
SWEEP_S = 60.0
FULL_EVERY_S = 600.0
"""So often all is looked at although the hive rests."""


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
        clock_watch: Tells that the clock was set; with it, nothing is glanced at where nothing runs (see `Rest`).
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
        clock_watch: ClockWatch | None = None,
        sweep_s: float = SWEEP_S,
    ) -> None:
        self._database, self._observer, self._dispatcher = database, observer, dispatcher
        self._recovery, self._alerts = recovery, alerts
        self._lock, self._standby, self._doorbell = lock, lock.successor(), doorbell
        self._clock, self._hub = clock, hub
        self.observe_every_s, self.on_observed = observe_every_s, on_observed
        self._glance, self._chores, self._sources = glance, chores, sources
        self._sweep_s = sweep_s
        self._tidings = Tidings(database, clock, hub)
        self.beat = beat or Beat()
        self._name = f"heartbeat:{os.getpid()}"
        self._to_begin: dict[str, Callable[[], object]] = {}
        self._sign = SignOfLife(database, clock, self._name, longest_s=sweep_s)
        self._swept_at = self._looked_at = self._glances_at_s = float("-inf")
        self._pace = Pace(observe_every_s, clock.monotonic, lambda: database.commits)
        self._is_rung, self._was_rung = False, True
        self._is_in_round = self._was_written = False
        self._due_at: datetime | None = None
        self._awakened = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._steps = Steps(self.beat, self._tidings.tell)
        # One thread alone: the database tells of changes by connection, and each thread has its own.
        self._glances = ThreadPoolExecutor(1, thread_name_prefix="glance")
        self._rest = Rest(database, glance, clock, clock_watch, self._awakened.set)
        self._worker = self._new_worker(changes)

    def _new_worker(self, changes: Callable[[], Changes] | None) -> QueueWorker:
        return QueueWorker(
            self._database,
            self._dispatcher,
            self._name,
            steps=self._steps,
            claimed=self._look,
            done=self.ring,
            changes=changes,
            written=self._on_written,
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
        """Glance soon; call it in any thread. Right after a round nobody need wake up for it: a glance comes anyway."""
        if self._loop is not None and self._clock.monotonic() >= self._glances_at_s:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._awakened.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Beat until `stop` is set, then wait a little for what is in flight."""
        self._loop = asyncio.get_running_loop()
        unsubscribe = self._hub.subscribe(self._heard)
        stopping = self._loop.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._awakened.set())
        self._rest.begin()
        try:
            while not stop.is_set():
                await done_or_left(self.tick(), stopping)
                await self._wait(stop)
        finally:
            stopping.cancel()
            unsubscribe()
            await self._leave()

    async def tick(self) -> None:
        """One round: become the working heartbeat if that is free, look, and work off what is due."""
        if not self.beat.is_working:
            await self._take_over_or_stand_by()
        self._tidings.look_at_clock(is_told=self.beat.is_working)
        self._is_in_round = True
        try:
            is_at_rest = self._is_at_rest()
            if not is_at_rest:
                await self._look_round()
            if self.beat.is_working and not self._is_only_look:
                await self._work(is_at_rest=is_at_rest)
        finally:
            self._is_in_round = False
        self.beat.beat_at = self._clock.now()
        self.beat.in_flight = len(self._worker.in_flight)

    def _is_at_rest(self) -> bool:
        """Whether a look would find nothing: then there is little to do in a round."""
        if self._was_rung or not self._rest.is_complete or self.beat.trouble or not self._worker.has_begun:
            return False
        every_s = self.observe_every_s if self._glance is None else FULL_EVERY_S
        return self._clock.monotonic() - self._looked_at < every_s and not self._worker.in_flight

    @property
    def _is_only_look(self) -> bool:
        """Whether there is nothing else to do in this round: while agents work, one follows the other."""
        is_ready = self._worker.has_begun and (self._sources is None or self._sources.are_heard)
        return is_ready and not self.beat.trouble and self._pace.is_only_look

    async def _look_round(self) -> None:
        """Look at the panes."""
        self._looked_at = self._clock.monotonic()
        if self._worker.has_begun and not self._is_only_look:
            await self._worker.work_off()
        await self._steps.run("look at the panes", self._observe)

    async def _set_up(self) -> None:
        """See to it that all works."""
        await self._steps.run("finish what was interrupted", self._recovery.finish_interrupted)
        if not self._worker.has_begun and await self._begin():
            self._worker.begin()
        if self._sources is not None and not self._sources.are_heard:
            await self._steps.run("listen to what asks for wakes", self._sources.start)

    async def _work(self, *, is_at_rest: bool) -> None:
        """What the working heartbeat does in a round once it has looked."""
        self._pace.works()
        if not is_at_rest:
            await self._set_up()
        now_s = self._clock.monotonic()
        # At rest nobody has begun anything, or asked for anything, since the last round.
        if not is_at_rest and now_s - self._swept_at >= min(LEASE_SWEEP_S, self._sweep_s):
            self._swept_at = now_s
            await self._worker.sweep()
        elif self._worker.has_begun and (self._is_due or not is_at_rest):
            await self._worker.work_off()
        await self._steps.run_all(self._others(is_at_rest=is_at_rest))
        if is_at_rest and self._is_due:
            await self._worker.work_off()

    @property
    def _is_due(self) -> bool:
        """Whether a wakeup was due, as far as the last round knows."""
        return self._due_at is not None and self._due_at <= self._clock.now()

    def _others(self, *, is_at_rest: bool) -> Iterator[Step]:
        """All that one thread can do, one after the other."""
        for chore in self._chores.due(is_at_rest=is_at_rest) if self._chores else ():
            yield chore.name, chore.work
        yield "tell failures", self._alerts.tell
        yield "see what is due next", self._see_next
        yield "see whether anything goes on", self._rest.look_back
        if self._sign.is_due(is_at_rest=is_at_rest):
            yield "leave a sign of life", lambda: self._rest.signed(self._sign.give(is_at_rest=is_at_rest))

    @property
    def is_busy(self) -> bool:
        """Whether wakeups run in this process."""
        return bool(self._worker.in_flight)

    @property
    def is_stuck(self) -> bool:
        """Whether a step hangs, for which the interpreter would wait at its end."""
        return self._steps.is_stuck

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
            await self._steps.run(name, work)
            if name not in self.beat.trouble:
                del self._to_begin[name]
        return not self._to_begin

    def _on_ring(self) -> None:
        self._doorbell.drain()
        self.ring()

    def _on_written(self, by_others: bool) -> None:
        """The database was written to: by others, or by this process outside of a round."""
        if self._is_in_round:
            self._was_written = self._was_written or by_others
        else:
            self._rest.written(by_others=by_others)

    def _heard(self, event: Event) -> None:
        """A wakeup was asked for in this process, and who asked has not rung yet."""
        if event.kind is EventKind.WAKEUP_SCHEDULED:
            self.ring()

    def _observe(self) -> None:
        # Who rings has done something that shows in no sign.
        trust_s = 0.0 if self._was_rung or self._glance is None else max(TRUST_S, self.observe_every_s)
        observation = self._observer.observe(trust_s=trust_s)
        if self._glance is not None:
            self._glance.note(observation)
        self.on_observed(observation)
        self._sign.answered_at = observation.answered_at.isoformat() if observation.answered_at else None
        self._tidings.of_server(observation.state, observation.trouble, is_told=self.beat.is_working)

    def _see_next(self) -> None:
        self._due_at = None
        with suppress(HiveError):  # who claims meets it, too, and that is told
            self._due_at = self._database.read(wakeups.next_due_at)

    async def _wait(self, stop: asyncio.Event) -> None:
        """Sleep until somebody rings, the next wakeup is due, something happens, or it is time to look again."""
        begun_at = self._clock.monotonic()
        longest_s = due_s = self._longest_wait_s()
        await self._lie_down()
        self._glances_at_s = begun_at + self._pace.glance_s if self._rest.needs_glances else begun_at
        has_news = is_step = False
        while not stop.is_set() and not self._is_rung:
            left_s = longest_s - (self._clock.monotonic() - begun_at)
            if left_s <= 0:
                break
            alarm_s = min(left_s, self._pace.glance_s) if self._rest.needs_glances else left_s
            alarm = asyncio.get_running_loop().call_later(alarm_s, self._awakened.set)
            await self._awakened.wait()
            alarm.cancel()
            self._awakened.clear()
            if is_step := self._tidings.look_at_clock(is_told=self.beat.is_working):
                self._rest.disturb()
                break
            if stop.is_set() or self._is_rung or self._glance is None or self._rest.is_deep:
                continue
            if not has_news and await self._has_news(self._glance):
                has_news = True
                longest_s = min(longest_s, self._pace.rest_s())
            self.beat.beat_at = self._clock.now()
        if self._is_rung:
            self._rest.disturb()
        is_asked = self._is_rung or is_step or self._clock.monotonic() - begun_at >= due_s
        is_written = self._glance is None or self._glance.take_writes()
        self._pace.rested(is_for_news=has_news and not is_asked and not is_written)
        self._is_rung, self._was_rung = False, self._is_rung

    async def _lie_down(self) -> None:
        """After a round: rest on, if it has changed nothing."""
        if self._rest.has_moved or self._was_written or not self.beat.is_working:
            self._rest.disturb()
        self._was_written = False
        # A round writes a sign of life, and more, which is no news.
        if self._glance is not None and self._glance.is_deserted and not self._rest.is_deep:
            await self._steps.run(GLANCE, self._glance.settle, self._glances)

    def _longest_wait_s(self) -> float:
        """Seconds until the next round must begin, whatever happens."""
        usual_s = 0.0 if self._glance is None else ROUND_AT_LEAST_EVERY_S
        if self._glance is not None and self._glance.is_deserted:
            usual_s = self._rest.rounds_every_s(usual_s, DESERTED_S, SWEEP_S)
        longest_s = min(max(usual_s, self.observe_every_s), self._sweep_s)
        if self.beat.is_working and not self._worker.is_full and self._due_at is not None:
            ahead_s = (self._due_at - self._clock.now()).total_seconds()
            # What was due already and was not claimed waits for another wakeup of its agent.
            longest_s = min(longest_s, ahead_s if ahead_s > 0 else self.observe_every_s)
        return longest_s

    async def _has_news(self, glance: Glance) -> bool:
        if not self.beat.is_working and not self._lock.is_held():
            return True
        is_quiet = glance.is_quiet()
        self._rest.glanced(is_quiet=is_quiet and self._worker.is_watching)
        if is_quiet:
            return False
        # A trouble with it is over once it was asked and answered.
        if GLANCE not in self.beat.trouble and (glance.is_time() or glance.is_told()):
            return True
        return await self._steps.run(GLANCE, glance.has_news, self._glances) is not False

    async def _leave(self) -> None:
        """Wait for wakes that run; what does not end is taken up by the next heartbeat."""
        if self._sources is not None:
            await self._steps.run("leave what asks for wakes", self._sources.stop)
        await self._worker.leave(STOP_PATIENCE_S)
        self._rest.end()
        self._standby.release()
        if self.beat.is_working:
            with suppress(OSError, ValueError):
                asyncio.get_running_loop().remove_reader(self._doorbell.fileno())
            self._doorbell.close()
            with suppress(HiveError):
                self._database.checkpoint_wal(own=False)
            self._lock.release()
            self.beat.is_working = False
        self._tidings.end()
        self._steps.shutdown()
        self._glances.shutdown(wait=False, cancel_futures=True)
        if self._glance is not None:
            self._glance.close()
