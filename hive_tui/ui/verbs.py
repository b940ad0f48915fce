"""What can be done to agents and checkpoints: each verb runs in a thread, shows how far it is, and ends in a toast."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.errors import Cancelled, HiveError, NotFound
from hive_tui.domain.events import Actor
from hive_tui.domain.progress import MeasuredProgress, Unwatched
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as checkpoint_store
from hive_tui.store import settings
from hive_tui.store import wakeups as wakeup_store
from hive_tui.ui.dialogs import Confirm
from hive_tui.ui.jobs import Jobs
from hive_tui.ui.undo import UndoStack

if TYPE_CHECKING:
    from hive_tui.services.restore import RestoreResult
    from hive_tui.ui.app import HiveApp

T = TypeVar("T")
YOU = Actor.person("dashboard")
Work = Callable[[MeasuredProgress], str]
"""Long work; what it returns is said when it is done."""


class Verbs:
    """The actions of all screens, so that keys, palette and mouse do the same."""

    def __init__(self, app: HiveApp, hive: Hive) -> None:
        self._app = app
        self._hive = hive
        self.jobs = Jobs(hive.clock)
        self._undo = UndoStack()

    def nap(self, agent: Agent) -> None:
        """Checkpoint the agent and end its processes."""

        def work(progress: MeasuredProgress) -> str:
            from hive_tui.services.nap import NapRequest

            result = self._hive.napper.nap(agent.id, NapRequest("you pressed z", YOU), progress)
            self._undo.push(f"the nap of {agent.name}", lambda: self.wake(agent))
            return f"{agent.name} sleeps, {bytes_in_words(result.freed_bytes)} freed"

        self._do(f"nap {agent.name}", work, agent)

    def wake(self, agent: Agent, *, message: str = "") -> None:
        """Ask for a wake, and have something said to the agent then; the heartbeat does it."""

        def work(_: MeasuredProgress) -> str:
            new = NewWakeup(
                agent.id,
                Trigger.MANUAL,
                self._hive.clock.now(),
                max_attempts=self._hive.retry_policy.max_attempts,
                context={"message": message} if message else {},
            )
            enqueued = self._hive.queue.enqueue(new, YOU)
            if not message:
                self._undo.push(f"the wake of {agent.name}", lambda: self.nap(agent))
            note = f": {enqueued.note}" if enqueued.note else ""
            return f"{agent.name} will be told{note}" if message else f"{agent.name} is being woken{note}"

        self._do(f"wake {agent.name}", work, agent)

    def checkpoint(self, agent: Agent) -> None:
        """Take a checkpoint; the agent goes on."""

        def work(progress: MeasuredProgress) -> str:
            current = self._hive.database.read(agent_store.get, agent.id)
            with self._hive.locks.agent(agent.id, purpose="checkpoint"):
                taken = self._hive.snapshotter.take(current, CheckpointReason.MANUAL, YOU, progress)
            return f"Checkpoint of {agent.name}: {bytes_in_words(taken.size_bytes)}, verified"

        self._do(f"checkpoint {agent.name}", work, agent)

    def validate(self, agent: Agent) -> None:
        """Read the agent's newest checkpoint back."""

        def work(progress: MeasuredProgress) -> str:
            newest = self._hive.database.read(checkpoint_store.generation, agent.id, 0)
            return self._validated(agent.name, newest, progress)

        self._do(f"validate {agent.name}", work, agent)

    def validate_one(self, checkpoint: Checkpoint, name: str) -> None:
        """Read one checkpoint back."""
        self._do(f"validate {name}", lambda progress: self._validated(name, checkpoint, progress))

    def restore(self, agent: Agent, *, generation: int = 1) -> None:
        """Show what going back to a generation would change, ask, and do it."""
        self._restore(agent.id, lambda: self._hive.database.read(checkpoint_store.generation, agent.id, generation))

    def restore_one(self, checkpoint: Checkpoint) -> None:
        """Show what going back to a checkpoint would change, ask, and do it."""
        self._restore(checkpoint.agent_id, lambda: checkpoint)

    def recover(self) -> None:
        """Build sessions again and wake the agents that a crash took away."""

        def work(_: MeasuredProgress) -> str:
            plan = self._hive.recovery.recover(YOU)
            built = f"{len(plan.sessions)} sessions built, " if plan.sessions else ""
            return f"{built}{len(plan.wakeups)} agents are being woken"

        self._do("recover", work)

    def launch(self, name: str, cwd: Path, command: list[str]) -> None:
        """Start an agent in a new pane."""

        def work(_: MeasuredProgress) -> str:
            agent = self._hive.registry.launch(name, cwd, command, YOU)
            return f"{agent.name} runs: {agent.kind}"

        self._do(f"launch {name}", work)

    def pin(self, agent: Agent) -> None:
        """Pin the agent, or let it go."""
        wanted = not agent.pinned
        said = f"{agent.name} is {'never put to sleep unasked' if wanted else 'not pinned any more'}"
        self._flag(f"{'pin' if wanted else 'unpin'} {agent.name}", said, self._hive.registry.pin, agent, wanted)

    def hold(self, agent: Agent) -> None:
        """Hold the agent asleep, or let it go."""
        wanted = not agent.held
        said = f"{agent.name} {'is woken by you only' if wanted else 'may be woken unasked again'}"
        self._flag(f"{'hold' if wanted else 'release'} {agent.name}", said, self._hive.registry.hold, agent, wanted)

    def _flag(
        self, title: str, said: str, change: Callable[[Agent, bool, Actor], None], agent: Agent, wanted: bool
    ) -> None:
        def work(_: MeasuredProgress) -> str:
            change(agent, wanted, YOU)
            self._undo.push(title, lambda: self._set(lambda: change(agent, not wanted, YOU)))
            return said

        self._do("", work)

    def pause(self) -> None:
        """Stop all automatic actions, or let them go on."""

        def work() -> str:
            paused = not self._hive.database.read(settings.get, settings.PAUSED, False)
            self._hive.database.write(settings.put, settings.PAUSED, paused, now=self._hive.clock.now())
            self._hive.doorbell.ring()
            return "All automatic actions are paused; P lets them go on" if paused else "Automatic actions go on"

        self._do("", lambda _: work())

    def cancel_of(self, agent: Agent) -> None:
        """Stop what is in flight for the agent, else cancel its wakes."""
        if self.jobs.cancel(agent.id):
            return

        def work() -> str:
            waiting = self._unfinished(agent)
            if not waiting:
                return f"Nothing is in flight or queued for {agent.name}"
            for wakeup in waiting:
                self._hive.queue.cancel(wakeup, YOU)
            return (
                f"{len(waiting)} wakes of {agent.name} are cancelled" if len(waiting) > 1 else "The wake is cancelled"
            )

        self._do("", lambda _: work())

    def retry_of(self, agent: Agent) -> None:
        """Make the agent's waiting wake, or the one that failed last, due now."""

        def work() -> str:
            found = [one for one in self._unfinished(agent) if one.status is WakeupStatus.PENDING]
            failed = [
                one
                for one in self._hive.database.read(wakeup_store.recent, limit=500)
                if one.agent_id == agent.id and one.status is WakeupStatus.FAILED
            ]
            if not found and not failed:
                return f"No wake of {agent.name} waits or has failed; w asks for one"
            self._hive.queue.retry((found or failed)[0], YOU)
            return f"The wake of {agent.name} is due now"

        self._do("", lambda _: work())

    def cancel(self, wakeup: Wakeup) -> None:
        """Cancel a pending wakeup."""

        def work() -> str:
            self._hive.queue.cancel(wakeup, YOU)
            again = NewWakeup(wakeup.agent_id, wakeup.trigger, wakeup.scheduled_for, context=wakeup.context)
            self._undo.push("a cancelled wakeup", lambda: self._set(lambda: self._hive.queue.enqueue(again, YOU)))
            return "The wakeup is cancelled; u asks for it again"

        self._do("", lambda _: work())

    def retry(self, wakeup: Wakeup) -> None:
        """Make a wakeup due now."""

        def work() -> str:
            self._hive.queue.retry(wakeup, YOU)
            return "The wakeup is due now"

        self._do("", lambda _: work())

    def postpone(self, wakeup: Wakeup, until: datetime) -> None:
        """Move a pending wakeup to another time."""

        def work() -> str:
            self._hive.queue.postpone(wakeup, until)
            then = wakeup.scheduled_for
            self._undo.push("a postponed wakeup", lambda: self._set(lambda: self._hive.queue.postpone(wakeup, then)))
            return "The wakeup waits longer; u undoes that"

        self._do("", lambda _: work())

    def undo(self) -> None:
        """Take back the latest thing that was done here."""
        latest = self._undo.pop()
        if latest is None:
            self._app.notify("There is nothing to undo.")
            return
        self._app.notify(f"Undo: {latest.what}")
        latest.do()

    def _unfinished(self, agent: Agent) -> list[Wakeup]:
        return self._hive.database.read(wakeup_store.unfinished_wakes, agent.id)

    def _validated(self, name: str, checkpoint: Checkpoint, progress: MeasuredProgress) -> str:
        progress.step("reading it back", checkpoint.size_bytes)
        errors = self._hive.validator.check(checkpoint, deep=True, actor=YOU)
        if errors:
            raise HiveError(
                f"Generation {checkpoint.generation} of {name} is damaged: {errors[0]}",
                hint="A wake falls back to an older one.",
            )
        return f"Generation {checkpoint.generation} of {name} is valid"

    def _restore(self, agent_id: str, find: Callable[[], Checkpoint]) -> None:
        def restore(agent: Agent, wanted: Checkpoint, progress: MeasuredProgress) -> RestoreResult:
            # The wake is asked for in the same thread: the screen may stand still while its person is in a pane.
            result = self._hive.restorer.restore(agent, wanted, YOU, progress)
            if result.was_awake:
                self._hive.restorer.ask_for_wake(agent, self._hive.queue, YOU)
            return result

        async def run() -> None:
            try:
                agent = await self._app.in_thread(lambda: self._hive.database.read(agent_store.get, agent_id))
                wanted = await self._app.in_thread(find)
                lines = await self._watched(f"compare {agent.name}", agent, lambda p: self.preview_lines(wanted, p))
                question = f"Restore {agent.name} to generation {wanted.generation}?"
                if not await self._app.push_screen_wait(Confirm(question, lines, "Restore")):
                    return
                result = await self._watched(f"restore {agent.name}", agent, lambda p: restore(agent, wanted, p))
                self._undo.push(f"the restore of {agent.name}", lambda: self.restore_one(result.safety))
                self._app.notify(_said(result), timeout=10)
            except HiveError as error:
                self._app.toast_error(error)

        self._app.run_worker(run(), group="verbs", exit_on_error=False)

    def preview_lines(self, wanted: Checkpoint, progress: Unwatched) -> list[str]:
        """What a restore of a checkpoint would change. Blocks."""
        agent = self._hive.database.read(agent_store.get, wanted.agent_id)
        return self._hive.restorer.preview(agent, wanted, progress).lines()

    async def _watched(self, title: str, agent: Agent, work: Callable[[MeasuredProgress], T]) -> T:
        """Run work beside the screen as a job that shows how far it is."""
        job = self.jobs.begin(title, agent.id)
        try:
            return await self._app.in_background(lambda: work(job.progress))
        finally:
            self.jobs.end(job)

    def _set(self, change: Callable[[], object]) -> None:
        """A change that takes no time and needs no words."""

        def work(_: MeasuredProgress) -> str:
            change()
            return ""

        self._do("", work)

    def _do(self, title: str, work: Work, agent: Agent | None = None) -> None:
        """Run a verb in a thread; what it returns, or what went wrong, becomes a toast. Without title, no job."""

        async def run() -> None:
            job = self.jobs.begin(title, agent.id if agent else None) if title else None
            try:
                said = await self._app.in_background(
                    lambda: work(job.progress if job else MeasuredProgress(self._hive.clock))
                )
            except Cancelled:
                self._app.notify(f"Stopped: {title}; nothing was changed")
                return
            except HiveError as error:
                self._app.toast_error(error)
                return
            except Exception as error:
                # A bug of ours must be seen, and must not take the dashboard with it.
                self._app.toast_error(HiveError(f"hive-tui made a mistake: {type(error).__name__}: {error}"))
                return
            finally:
                if job is not None:
                    self.jobs.end(job)
            if said:
                self._app.notify(said)

        self._app.run_worker(run(), group="verbs", exit_on_error=False)


def _said(result: RestoreResult) -> str:
    return f"{result.sentence()} u goes back."


def no_pane(agent: Agent) -> NotFound:
    """The agent has no pane to go to."""
    return NotFound(f"{agent.name} has no pane now.", hint="w wakes it and builds one.")
