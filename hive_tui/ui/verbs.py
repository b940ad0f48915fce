"""What can be done to agents: keys, palette and mouse do the same."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.durations import bytes_in_words, counted
from hive_tui.domain.errors import HiveError, NotFound
from hive_tui.domain.events import Actor
from hive_tui.domain.ports import Progress
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.domain.wakeups import NewWakeup, Trigger, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as checkpoint_store
from hive_tui.store import settings
from hive_tui.store import wakeups as wakeup_store
from hive_tui.store.wakeups import Enqueued
from hive_tui.ui.doing import Doing, Done
from hive_tui.ui.queue_verbs import QueueVerbs
from hive_tui.ui.restoring import Restoring

if TYPE_CHECKING:
    from hive_tui.domain.events import Event
    from hive_tui.ui.app import HiveApp
    from hive_tui.ui.asking_again import AskingAgain
    from hive_tui.ui.schedule_verbs import ScheduleVerbs
    from hive_tui.ui.service_verbs import ServiceVerbs

YOU = Actor.person("dashboard")
ADDS_ONLY = "it only adds a file, and changes nothing."


class Verbs:
    """Each runs in a thread, shows how far it is, ends in a toast, and knows how it is undone."""

    queue: QueueVerbs

    def __init__(self, app: HiveApp, hive: Hive) -> None:
        self._hive = hive
        self.doing = Doing(app, hive.clock)
        self.jobs = self.doing.jobs
        self.queue = QueueVerbs(self.doing, hive, YOU)
        self.restoring = Restoring(app, self.doing, hive, YOU)
        self._app = app

    @cached_property
    def again(self) -> AskingAgain:
        """Asks for one more yes where a wake needs it."""
        from hive_tui.ui.asking_again import AskingAgain

        return AskingAgain(self._app)

    def ask_again(self, events: list[Event]) -> list[Event]:
        """Ask what is a question to whoever sits here, now or once no dialog is open; those of the events that are."""
        if "again" not in self.__dict__:  # no wake was asked for here
            return []
        questions = self.again.take(events)
        self.again.ask(questions)
        return questions

    @cached_property
    def schedule(self) -> ScheduleVerbs:
        """What can be done to sleep windows."""
        from hive_tui.ui.schedule_verbs import ScheduleVerbs

        return ScheduleVerbs(self.doing, self._hive, YOU)

    @cached_property
    def services(self) -> ServiceVerbs:
        """What can be done to services and models."""
        from hive_tui.ui.service_verbs import ServiceVerbs

        return ServiceVerbs(self.doing, self._hive, YOU)

    def nap(self, agent: Agent) -> None:
        """Checkpoint the agent and end its processes."""

        def work(progress: MeasuredProgress) -> Done:
            from hive_tui.services.nap import NapRequest

            result = self._hive.napper.nap(agent.id, NapRequest("you pressed z", YOU), progress)
            said = f"{agent.name} sleeps, {bytes_in_words(result.freed_bytes)} freed"
            return Done(said, undo=lambda: self.wake(agent))

        self.doing.begin(f"nap {agent.name}", work, agent_id=agent.id, what=f"the nap of {agent.name}")

    def wake(self, agent: Agent) -> None:
        """Ask for a wake; the heartbeat does it."""

        def work(_: MeasuredProgress) -> Done:
            enqueued = self._ask(agent, {})
            note = f": {enqueued.note}" if enqueued.note else ""
            said = f"{agent.name} is being woken{note}"
            if not enqueued.is_new:
                return Done(said, refusal=f"it had been asked for before, and x cancels it for {agent.name}.")
            return Done(said, undo=lambda: self._unwake(agent, enqueued))

        self.doing.begin(f"wake {agent.name}", work, agent_id=agent.id, what=f"the wake of {agent.name}")

    def wake_all_the_same(self, agent: Agent, wakeup_id: str) -> None:
        """Ask for a wake again that was refused, with all that it had to say."""

        def work(_: MeasuredProgress) -> Done:
            refused = self._hive.database.read(wakeup_store.standing_for, wakeup_id)
            # Back in the queue for others who asked for it, too, it holds what was to be said already.
            known = {} if refused.status is WakeupStatus.PENDING else refused.context
            enqueued = self._ask(agent, {**known, "confirmed": True})
            return Done(f"{agent.name} is being woken all the same", undo=lambda: self._unwake(agent, enqueued))

        self.doing.begin(f"wake {agent.name}", work, agent_id=agent.id, what=f"the wake of {agent.name}")

    async def tell(self, agent: Agent, message: str) -> None:
        """Have something said to the agent; wakes it if it sleeps.

        Raises:
            HiveError: The request could not be stored.
        """

        def work(_: MeasuredProgress) -> Done:
            enqueued = self._ask(agent, {"message": message})
            note = f": {enqueued.note}, and both are said" if enqueued.note else ""
            said = f"{agent.name} will be told{note}"
            if not enqueued.is_new:
                return Done(said, refusal=f"it waits together with another request; x cancels both for {agent.name}.")
            return Done(said, undo=lambda: self._untell(agent, enqueued))

        await self.doing.perform(f"message {agent.name}", work, what=f"the message to {agent.name}")

    def _ask(self, agent: Agent, context: Mapping[str, Any]) -> Enqueued:
        attempts = self._hive.retry_policy.max_attempts
        now = self._hive.clock.now()
        new = NewWakeup(agent.id, Trigger.MANUAL, now, max_attempts=attempts, context=context)
        self.again.note(agent.id)
        return self._hive.queue.enqueue(new, YOU)

    def _unwake(self, agent: Agent, asked: Enqueued) -> None:
        """A wake that waits is cancelled; an agent that came up is put to sleep again."""

        def work(progress: MeasuredProgress) -> Done:
            wakeup = self._hive.database.read(wakeup_store.standing_for, asked.wakeup.id)
            if wakeup.status is WakeupStatus.COMPLETED:
                from hive_tui.services.nap import NapRequest

                self._hive.napper.nap(agent.id, NapRequest("you pressed u", YOU), progress)
                return Done(f"{agent.name} sleeps again")
            if wakeup.status is WakeupStatus.PROCESSING:
                raise HiveError(f"{agent.name} is waking up right now.", hint="z puts it to sleep once it is awake.")
            if wakeup.status is WakeupStatus.PENDING:
                self._hive.queue.cancel(wakeup, YOU)
                return Done(f"The wake of {agent.name} is cancelled")
            return Done(f"The wake of {agent.name} had come to its end before")

        self.doing.begin(f"undo the wake of {agent.name}", work, agent_id=agent.id)

    def _untell(self, agent: Agent, asked: Enqueued) -> None:
        def work(_: MeasuredProgress) -> Done:
            wakeup = self._hive.database.read(wakeup_store.standing_for, asked.wakeup.id)
            if wakeup.status is not WakeupStatus.PENDING:
                raise HiveError(f"The message to {agent.name} has gone out.", hint="Send another one that corrects it.")
            self._hive.queue.cancel(wakeup, YOU)
            return Done(f"The message to {agent.name} is not sent")

        self.doing.begin("", work)

    def checkpoint(self, agent: Agent) -> None:
        """Take a checkpoint; the agent goes on."""

        def work(progress: MeasuredProgress) -> Done:
            current = self._hive.database.read(agent_store.get, agent.id)
            with self._hive.locks.agent(agent.id, purpose="checkpoint"):
                taken = self._hive.snapshotter.take(current, CheckpointReason.MANUAL, YOU, progress)
            said = f"Checkpoint of {agent.name}: {bytes_in_words(taken.size_bytes)}, verified"
            return Done(said, refusal=ADDS_ONLY)

        what = f"the checkpoint of {agent.name}"
        self.doing.begin(f"checkpoint {agent.name}", work, agent_id=agent.id, what=what)

    def validate(self, agent: Agent) -> None:
        """Read the agent's newest checkpoint back."""

        def work(progress: MeasuredProgress) -> Done:
            newest = self._hive.database.read(checkpoint_store.generation, agent.id, 0)
            return self._validated(agent.name, newest, progress)

        self.doing.begin(f"validate {agent.name}", work, agent_id=agent.id)

    def validate_one(self, checkpoint: Checkpoint, name: str) -> None:
        """Read one checkpoint back."""

        def work(progress: MeasuredProgress) -> Done:
            return self._validated(name, checkpoint, progress)

        self.doing.begin(f"validate {name}", work, agent_id=checkpoint.agent_id)

    def _validated(self, name: str, checkpoint: Checkpoint, progress: MeasuredProgress) -> Done:
        errors = self._hive.validator.check(checkpoint, deep=True, actor=YOU, progress=progress)
        if errors:
            raise HiveError(
                f"Generation {checkpoint.generation} of {name} is damaged: {errors[0]}",
                hint="A wake falls back to an older one.",
            )
        return Done(f"Generation {checkpoint.generation} of {name} is valid")

    def restore(self, agent: Agent) -> None:
        """Show what going back to the generation before would change, ask, and do it."""
        self.restoring.previous(agent)

    def restore_one(self, checkpoint: Checkpoint) -> None:
        """Show what going back to a checkpoint would change, ask, and do it."""
        self.restoring.to(checkpoint)

    def preview_lines(self, wanted: Checkpoint, progress: Progress) -> list[str]:
        """What a restore of a checkpoint would change. Blocks."""
        return self.restoring.preview_lines(wanted, progress)

    def recover(self) -> None:
        """Build sessions again and wake the agents that a crash took away."""

        def work(progress: MeasuredProgress) -> Done:
            plan = self._hive.returning.recovery.recover(YOU, progress=progress)
            built = f"{counted(len(plan.sessions), 'session')} built, " if plan.sessions else ""
            refusal = "what a crash took away is back; z puts an agent to sleep, x cancels its wake."
            woken = "1 agent is" if len(plan.wakeups) == 1 else f"{len(plan.wakeups)} agents are"
            left = f"; stopped before {', '.join(plan.left)}" if plan.left else ""
            return Done(f"{built}{woken} being woken{left}", refusal=refusal)

        self.doing.begin("recover", work, what="the recovery")

    async def launch(self, name: str, folder: str, command: list[str]) -> None:
        """Start an agent in a new pane.

        Raises:
            HiveError: It did not start.
        """

        def work(_: MeasuredProgress) -> Done:
            agent = self._hive.registry.launch(name, Path(folder).expanduser(), command, YOU)
            return Done(f"{agent.name} runs: {agent.kind}", refusal="quit it in its pane, or z puts it to sleep.")

        await self.doing.perform(f"launch {name}", work, what=f"the launch of {name}")

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
        self, what: str, said: str, change: Callable[[Agent, bool, Actor], None], agent: Agent, wanted: bool
    ) -> None:
        def back() -> None:
            self.doing.change(lambda: change(agent, not wanted, YOU))

        def work(_: MeasuredProgress) -> Done:
            change(agent, wanted, YOU)
            return Done(said, undo=back)

        self.doing.begin("", work, what=what)

    def pause(self) -> None:
        """Stop all automatic actions, or let them go on."""

        def work(_: MeasuredProgress) -> Done:
            paused = not self._hive.database.read(settings.get, settings.PAUSED, False)
            self._set_paused(paused)
            said = "All automatic actions are paused; P lets them go on" if paused else "Automatic actions go on"
            return Done(said, undo=lambda: self.doing.change(lambda: self._set_paused(not paused)))

        self.doing.begin("", work, what="the pause of automatic actions")

    def _set_paused(self, paused: bool) -> None:
        self._hive.database.write(settings.put, settings.PAUSED, paused, now=self._hive.clock.now())
        self._hive.doorbell.ring()


def no_pane(agent: Agent) -> NotFound:
    """The agent has no pane to go to."""
    return NotFound(f"{agent.name} has no pane now.", hint="w wakes it and builds one.")
