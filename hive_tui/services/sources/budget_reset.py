"""At 00:00 UTC a new day's budget begins: wakes the agents that sleep because they had used up the last one."""

from collections.abc import Mapping
from datetime import date
from typing import Protocol

from hive_tui.domain.ports import Clock
from hive_tui.domain.wakeups import Trigger
from hive_tui.services.sources.intake import Delivery, Intake

BUDGET = "budget"


class BudgetSleepers(Protocol):
    """Knows which agents sleep for their budget."""

    def sleeping_for_budget(self) -> Mapping[str, date]:
        """Their ids, and the day (UTC) whose budget they had used up."""
        ...


class NoBudgets:
    """Nobody has one."""

    def sleeping_for_budget(self) -> Mapping[str, date]:
        """Nobody."""
        return {}


class BudgetReset:
    """A chore of the heartbeat; each agent is woken once a day however often it runs."""

    def __init__(self, sleepers: BudgetSleepers, intake: Intake, clock: Clock) -> None:
        self._sleepers = sleepers
        self._intake = intake
        self._clock = clock

    def wake_due(self) -> int:
        """Ask for the wakes of those whose day is over; how many."""
        today = self._clock.now().date()
        due = [agent_id for agent_id, day in self._sleepers.sleeping_for_budget().items() if day < today]
        return sum(
            self._intake.take(Delivery(BUDGET, f"{agent_id}:{today}", agent_id, Trigger.BUDGET_RESET))
            for agent_id in due
        )
