"""Marked agents: one key does something to all of them, also to those that a filter hides."""

from collections.abc import Collection, Iterable, Sequence

from msgspec import Struct, field

from hive_tui.services.dashboard import AgentView
from hive_tui.ui.actions import Action


class Marks(Struct):
    """Ids of agents. What is hidden is named, so that nothing is done to anybody unnoticed."""

    ids: set[str] = field(default_factory=set)

    def toggle(self, found: Collection[str]) -> None:
        """Mark them all, or let them go where all of them are marked."""
        self.ids = self.ids - set(found) if set(found) <= self.ids else self.ids | set(found)

    def keep(self, there: Iterable[str]) -> None:
        """Forget those that are gone."""
        self.ids &= set(there)

    def hidden(self, shown: Collection[str]) -> int:
        """How many of the marked ones are not in the list that is shown."""
        return len(self.ids - set(shown))

    def in_words(self, shown: Collection[str]) -> str:
        """How many there are: `3 marked, 1 of them hidden by the filter`."""
        hidden = self.hidden(shown)
        return f"{len(self.ids)} marked" + (f", {hidden} of them hidden by the filter" if hidden else "")

    def targets(self, action: Action, agents: Sequence[AgentView], selected: AgentView | None) -> list[AgentView]:
        """What an action is done to: the marked agents, if it is for them, else the selected one."""
        marked = [one for one in agents if one.agent.id in self.ids]
        return marked if marked and action.for_marked else [selected] if selected else []
