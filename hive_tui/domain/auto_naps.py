"""Naps that nobody asks for: what is wished, and what is told of it beforehand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hive_tui.domain.agents import Agent
from hive_tui.domain.sightings import Sighting


@dataclass(frozen=True, slots=True)
class Restful:
    """An agent that was just seen, and that nothing speaks against putting to sleep."""

    agent: Agent
    sighting: Sighting


@dataclass(frozen=True, slots=True)
class Wish:
    """A nap that somebody should have."""

    agent_id: str
    name: str
    why: str
    """As in `shop naps in 60 s: idle for 30m`; it becomes the reason of the sleep."""


class Wishing(Protocol):
    """One cause of automatic naps. Called by one thread at a time."""

    def note(self, restful: Sequence[Restful]) -> None:
        """Take in one look: all agents that nothing speaks against putting to sleep."""
        ...

    def wishes(self) -> list[Wish]:
        """Who should nap as of the last look."""
        ...

    def was_stopped(self, agent_id: str) -> None:
        """A person does not want the nap, or it was refused."""
        ...

    def begins(self, wish: Wish) -> None:
        """The nap begins, and may take a while."""
        ...

    def slept(self, wish: Wish) -> None:
        """The agent sleeps."""
        ...

    def mend(self) -> None:
        """Make up for what a crash has left undone."""
        ...
