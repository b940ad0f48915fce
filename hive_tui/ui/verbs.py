"""What the keys do: each verb runs in a thread and ends in a toast."""

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hive_tui.adapters.tmux import visit
from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.errors import HiveError, NotFound
from hive_tui.domain.events import Actor
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.hive import Hive
from hive_tui.services.nap import NapRequest
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as checkpoint_store
from hive_tui.ui.dialogs import Confirm, Reading

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

YOU = Actor.person("dashboard")


class Verbs:
    """The actions of all screens, so that keys, palette and mouse do the same."""

    def __init__(self, app: "HiveApp", hive: Hive) -> None:
        self._app = app
        self._hive = hive

    def nap(self, agent: Agent) -> None:
        """Checkpoint the agent and end its processes."""

        def work() -> str:
            result = self._hive.napper.nap(agent.id, NapRequest("you pressed z", YOU), Unwatched())
            return f"{agent.name} sleeps, {bytes_in_words(result.freed_bytes)} freed"

        self._do(f"{agent.name} goes to sleep: checkpoint, then exit", work)

    def wake(self, agent: Agent) -> None:
        """Ask for a wake; the heartbeat does it."""

        def work() -> str:
            new = NewWakeup(
                agent.id,
                Trigger.MANUAL,
                self._hive.clock.now(),
                max_attempts=self._hive.retry_policy.max_attempts,
            )
            enqueued = self._hive.queue.enqueue(new, YOU)
            return enqueued.note and f"{agent.name}: {enqueued.note}"

        self._do(f"{agent.name} is being woken", work)

    def checkpoint(self, agent: Agent) -> None:
        """Take a checkpoint; the agent goes on."""

        def work() -> str:
            current = self._hive.database.read(agent_store.get, agent.id)
            with self._hive.locks.agent(agent.id, purpose="checkpoint"):
                taken = self._hive.snapshotter.take(current, CheckpointReason.MANUAL, YOU, Unwatched())
            return f"Checkpoint of {agent.name}: {bytes_in_words(taken.size_bytes)}, verified"

        self._do(f"Taking a checkpoint of {agent.name}", work)

    def validate(self, agent: Agent) -> None:
        """Read the agent's newest checkpoint back."""

        def work() -> str:
            newest = self._hive.database.read(checkpoint_store.generation, agent.id, 0)
            return self._validated(newest)

        self._do(f"Validating the newest checkpoint of {agent.name}", work)

    def validate_one(self, checkpoint: Checkpoint) -> None:
        """Read one checkpoint back."""
        self._do("Validating the checkpoint", lambda: self._validated(checkpoint))

    def restore(self, agent: Agent, *, generation: int) -> None:
        """Show what going back to a generation would change, ask, and do it."""

        def find() -> Checkpoint:
            return self._hive.database.read(checkpoint_store.generation, agent.id, generation)

        self._restore(agent.id, find)

    def restore_one(self, checkpoint: Checkpoint) -> None:
        """Show what going back to a checkpoint would change, ask, and do it."""
        self._restore(checkpoint.agent_id, lambda: checkpoint)

    def recover(self) -> None:
        """Build sessions again and wake the agents that a crash took away."""

        def work() -> str:
            plan = self._hive.recovery.recover(YOU)
            built = f"{len(plan.sessions)} sessions built, " if plan.sessions else ""
            return f"{built}{len(plan.wakeups)} agents are being woken"

        self._do("Bringing back what the crash took away", work)

    def explain(self, agent: Agent) -> None:
        """Show why the agent is in its state."""

        async def run() -> None:
            observation = await self._app.in_thread(self._hive.observer.observe)
            with suppress(HiveError):
                current = await self._app.in_thread(lambda: self._hive.database.read(agent_store.get, agent.id))
                explained = await self._app.in_thread(lambda: self._hive.explainer.explain(current, observation))
                self._app.push_screen(Reading(f"Why {agent.name} is as it is", explained.lines()[0:]))

        self._app.run_worker(run(), group="verbs")

    def visit(self, agent: Agent) -> None:
        """Go to the agent's pane: switch there inside its tmux server, attach from outside."""
        pane = self._app.pane_of(agent)
        if pane is None:
            self._app.toast_error(NotFound(f"{agent.name} has no pane now.", hint="w wakes it and builds one."))
            return
        try:
            if visit.is_inside(self._hive.tmux):
                visit.switch_to(self._hive.tmux, pane.id)
            else:
                with self._app.suspend():
                    visit.attach_to(self._hive.tmux, pane.id)
        except HiveError as error:
            self._app.toast_error(error)

    def cancel(self, wakeup: Wakeup) -> None:
        """Cancel a pending wakeup."""

        def work() -> str:
            self._hive.queue.cancel(wakeup, YOU)
            return "The wakeup is cancelled"

        self._do("", work)

    def retry(self, wakeup: Wakeup) -> None:
        """Make a wakeup due now."""

        def work() -> str:
            self._hive.queue.retry(wakeup, YOU)
            return "The wakeup is due now"

        self._do("", work)

    def _validated(self, checkpoint: Checkpoint) -> str:
        errors = self._hive.validator.check(checkpoint, deep=True, actor=YOU)
        if errors:
            raise HiveError(f"The checkpoint is damaged: {errors[0]}", hint="A wake falls back to an older one.")
        return "The checkpoint is valid"

    def _restore(self, agent_id: str, find: Callable[[], Checkpoint]) -> None:
        async def run() -> None:
            try:
                agent = await self._app.in_thread(lambda: self._hive.database.read(agent_store.get, agent_id))
                wanted = await self._app.in_thread(find)
                preview = await self._app.in_background(lambda: self._hive.restorer.preview(agent, wanted, Unwatched()))
                question = f"Restore {agent.name} to generation {wanted.generation}?"
                if not await self._app.push_screen_wait(Confirm(question, preview.lines(), "Restore")):
                    return
                self._app.notify(f"{agent.name}: safety checkpoint first, then the restore")
                result = await self._app.in_thread(lambda: self._hive.restorer.restore(agent, wanted, YOU, Unwatched()))
                if result.was_awake:
                    await self._app.in_thread(lambda: self._hive.restorer.ask_for_wake(agent, self._hive.queue, YOU))
                self._app.notify(result.sentence(), timeout=10)
            except HiveError as error:
                self._app.toast_error(error)

        self._app.run_worker(run(), group="verbs")

    def _do(self, begin: str, work: Callable[[], str]) -> None:
        """Run a verb in a thread; what it returns, or what went wrong, becomes a toast."""

        async def run() -> None:
            if begin:
                self._app.notify(begin, timeout=3)
            try:
                said = await self._app.in_background(work)
            except HiveError as error:
                self._app.toast_error(error)
                return
            if said:
                self._app.notify(said)

        self._app.run_worker(run(), group="verbs", exit_on_error=False)
