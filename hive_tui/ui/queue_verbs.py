"""What can be done to wakeups."""

from collections.abc import Sequence
from datetime import timedelta
from threading import Lock

from hive_tui.domain.agents import Agent
from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor
from hive_tui.domain.progress import MeasuredProgress
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.store import queue_lists
from hive_tui.store import wakeups as store
from hive_tui.ui.doing import Doing, Done


class QueueVerbs:
    """Cancel, retry, postpone and reorder, each with its way back."""

    def __init__(self, doing: Doing, hive: Hive, actor: Actor) -> None:
        self._doing = doing
        self._hive = hive
        self._actor = actor
        self._shifting = Lock()

    def cancel(self, wakeup: Wakeup) -> None:
        """Cancel a pending wakeup."""
        self._doing.begin("", lambda _: self._cancelled([wakeup], "The wakeup is cancelled"), what="the cancelling")

    def cancel_of(self, agent_id: str, name: str) -> None:
        """Stop what is in flight for the agent, else the nap that is announced, else cancel its wakes."""
        if self._doing.jobs.cancel(agent_id):
            return

        def work(_: MeasuredProgress) -> Done:
            from hive_tui.services.auto_naps import stop_nap

            hive = self._hive
            if stop_nap(hive.database, agent_id, name, self._actor, hive.clock, hive.hub):
                hive.doorbell.ring()
                return Done(f"{name} stays awake", refusal="its nap was only announced; z puts it to sleep.")
            waiting = self._unfinished(agent_id)
            if not waiting:
                return Done(f"Nothing is in flight or queued for {name}")
            many = f"{len(waiting)} wakes of {name} are cancelled"
            return self._cancelled(waiting, many if len(waiting) > 1 else f"The wake of {name} is cancelled")

        self._doing.begin("", work, what=f"the cancelling for {name}")

    def _cancelled(self, wakeups: Sequence[Wakeup], said: str) -> Done:
        for wakeup in wakeups:
            self._hive.queue.cancel(wakeup, self._actor)
        return Done(f"{said}; u asks for it again", undo=lambda: self._doing.change(lambda: self._ask_again(wakeups)))

    def _ask_again(self, wakeups: Sequence[Wakeup]) -> None:
        for one in wakeups:
            self._hive.queue.ask_again(one, self._actor)

    def retry(self, wakeup: Wakeup) -> None:
        """Make a wakeup due now."""
        self._doing.begin("", lambda _: self._retried(wakeup, "The wakeup is due now"), what="the retry")

    def retry_of(self, agent: Agent) -> None:
        """Make the agent's waiting wake, or the one that failed last, due now."""

        def work(_: MeasuredProgress) -> Done:
            found = [one for one in self._unfinished(agent.id) if one.status is WakeupStatus.PENDING]
            failed = [
                one
                for one in self._hive.database.read(queue_lists.of_agent, agent.id, limit=100)
                if one.status is WakeupStatus.FAILED
            ]
            if not found and not failed:
                raise HiveError(f"No wake of {agent.name} waits or has failed.", hint="w asks for one.")
            return self._retried((found or failed)[0], f"The wake of {agent.name} is due now")

        self._doing.begin("", work, what=f"the retry for {agent.name}")

    def _retried(self, wakeup: Wakeup, said: str) -> Done:
        self._hive.queue.retry(wakeup, self._actor)

        return Done(said, undo=lambda: self._put_back(wakeup))

    def _put_back(self, before: Wakeup) -> None:
        """A wakeup that has not run since waits as long as before; one that had failed is cancelled."""

        def back() -> None:
            now = self._hive.database.read(store.get, before.id)
            if before.status is WakeupStatus.FAILED:
                self._hive.queue.cancel(now, self._actor)
            else:
                self._hive.queue.postpone(now, before.scheduled_for, self._actor)

        self._doing.change(back)

    async def postpone(self, wakeup: Wakeup, by: timedelta) -> None:
        """Have a pending wakeup due so long from now on.

        Raises:
            HiveError: It runs, or has ended.
        """

        def work(_: MeasuredProgress) -> Done:
            self._hive.queue.postpone(wakeup, self._hive.clock.now() + by, self._actor)
            return Done(f"The wakeup is due in {in_words(by)}; u undoes that", undo=lambda: self._put_back(wakeup))

        await self._doing.perform("", work, what="the waiting")

    def prioritize(self, wakeup: Wakeup, by: int) -> None:
        """Let a pending wakeup go sooner or later than others, within 0 to 100."""

        def work(_: MeasuredProgress) -> Done:
            before, priority = self._shifted(wakeup, by)
            moved = before - priority  # and not what it was: of two quick presses any may be carried out first
            undo = self._doing.change
            return Done(
                f"Priority {priority}, it was {before}",
                undo=lambda: undo(lambda: self._shifted(wakeup, moved)),
            )

        self._doing.begin("", work, what="the change of a priority")

    def _shifted(self, wakeup: Wakeup, by: int) -> tuple[int, int]:
        """Move a priority, and say what it was and is. One press after the other, each from where the other left it."""
        with self._shifting:
            before = self._hive.database.read(store.get, wakeup.id).priority
            priority = min(100, max(0, before + by))
            self._hive.queue.set_priority(wakeup, priority, self._actor)
            return before, priority

    def _unfinished(self, agent_id: str) -> list[Wakeup]:
        return self._hive.database.read(store.unfinished_wakes, agent_id)
