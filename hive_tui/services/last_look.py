"""What a look has found, so that the next one looks only at the agents that have moved since."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from msgspec import structs

from hive_tui.domain.panes import PaneList
from hive_tui.kinds.catalog import GENERIC

if TYPE_CHECKING:
    from hive_tui.domain.agents import Agent, PaneRef
    from hive_tui.domain.panes import Glimpse, Pane
    from hive_tui.domain.processes import ProcessId
    from hive_tui.domain.sightings import Sighting
    from hive_tui.services.found import Found


@dataclass(frozen=True, slots=True)
class Registered:
    """What the registry knows by which agents are found and read."""

    sessions: Mapping[ProcessId | None, str | None]
    adopted: Collection[ProcessId]
    """Processes of no known kind that were taken under care."""


def registered(agents: Sequence[Agent]) -> Registered:
    """Of these agents; of several with one process, the first one counts."""
    return Registered(
        {agent.process: agent.session_id for agent in reversed(agents)},
        {agent.process for agent in agents if agent.kind == GENERIC and agent.process is not None},
    )


@dataclass(slots=True)
class LastLook:
    """Agents as they were seen last, each of them at the last look at it."""

    all_seen_at_s: float
    """When all were looked at, in seconds that never jump."""
    second: int
    """Of the epoch, in which the panes were listed; there may have been more output in it afterwards."""
    told_mark: object
    """Another one once any agent has told something of itself."""
    registry: Registered
    listed: PaneList
    found: Sequence[Found]
    sightings: Sequence[Sighting]
    """One of each that was found."""

    def panes_now(self, glimpse: Glimpse) -> PaneList | None:
        """The panes with what a glimpse shows of them; None where others are there than before."""
        shown = {pane.ref: pane for pane in glimpse.panes}
        if glimpse.shape != self.listed.shape or not shown.keys() <= {pane.ref for pane in self.listed.panes}:
            return None
        panes = [shown.get(pane.ref) or _watched(pane, glimpse.watched) for pane in self.listed.panes]
        return PaneList(self.listed.server, tuple(panes), glimpse.shape)

    def moved(self, listed: PaneList, glimpse: Glimpse, rests: Callable[[Found, Sighting], bool]) -> set[PaneRef]:
        """The panes of agents that are to be looked at again.

        Args:
            listed: The panes now, as of `panes_now`.
            glimpse: What has changed in them.
            rests: Whether one has done nothing that its pane does not show.
        """
        pairs = zip(self.listed.panes, listed.panes, strict=True)
        moved = {pane.ref for pane in glimpse.panes} | {now.ref for before, now in pairs if now is not before}
        known = zip(self.found, self.sightings, strict=True)
        return moved | {one.pane.ref for one, seen in known if one.pane.ref not in moved and not rests(one, seen)}

    def with_new(self, moved: Collection[PaneRef], found: Iterable[Found]) -> list[Found] | None:
        """All that are found, in the same order; None where they are not the same agents as before."""
        new = {one.pane.ref: one for one in found}
        old = {one.pane.ref: one for one in self.found if one.pane.ref in moved}
        if {ref: one.root.id for ref, one in new.items()} != {ref: one.root.id for ref, one in old.items()}:
            return None
        return [new.get(one.pane.ref, one) for one in self.found]


def _watched(pane: Pane, sessions: Collection[str]) -> Pane:
    is_watched = pane.is_active and pane.session_id in sessions
    return pane if is_watched == pane.is_watched else structs.replace(pane, is_watched=is_watched)
