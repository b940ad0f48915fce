"""The read side of a search: hits with the names of their agents, and what was said around them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hive_tui.domain.agents import Agent
from hive_tui.services.context_search import ContextSearch, Found
from hive_tui.services.hybrid import HybridSearch
from hive_tui.services.indexing import Indexing
from hive_tui.store import agents as agent_store
from hive_tui.store.context_index import Hit
from hive_tui.store.database import Database

MOST = 60
OF_AGENT = "@"


@dataclass(frozen=True, slots=True)
class FoundPlace:
    """One place in a conversation."""

    found: Found
    agent: Agent | None
    """Whose conversation it is; None for one that is not in the registry any more."""

    @property
    def hit(self) -> Hit:
        """The piece in which it was found."""
        return self.found.hit

    @property
    def key(self) -> str:
        """Which piece it is."""
        return str(self.hit.chunk_id)

    @property
    def is_left_behind(self) -> bool:
        """Whether its agent has begun another conversation since."""
        return self.agent is not None and self.agent.session_id != self.hit.session_id

    @property
    def line(self) -> str:
        """The line that fits best."""
        return self.found.lines[self.found.best] if self.found.lines else ""


@dataclass(frozen=True, slots=True)
class FindingsView:
    """What a search has found, the best first."""

    text: str
    """What was asked for."""
    words: tuple[str, ...] = ()
    """What was searched for of it."""
    agent: Agent | None = None
    """Of whose conversations; None for all."""
    unknown: str = ""
    """A name behind an `@` that no agent has."""
    places: tuple[FoundPlace, ...] = ()
    note: str = ""
    """What the search did without."""
    is_whole: bool = True
    """Whether that is all; else it is asked by its meaning next."""


@dataclass(frozen=True, slots=True)
class PassageView:
    """A place with what was said and done around it, in the order of the conversation."""

    place: FoundPlace
    before: tuple[Hit, ...]
    behind: tuple[Hit, ...]


class Finding:
    """Each call reads; none takes longer than a search does."""

    def __init__(self, database: Database, searching: ContextSearch, indexing: Indexing, hybrid: HybridSearch) -> None:
        self._database = database
        self._searching = searching
        self._indexing = indexing
        self._hybrid = hybrid

    def catch_up(self) -> list[str]:
        """Index what was said since the last time; what could not be read, as sentences."""
        return self._indexing.catch_up()

    def find(self, text: str, *, exact: bool = False) -> FindingsView:
        """Where the words stand, or what means the same where that is wanted.

        `@name` among them searches the conversations of that agent alone, a `"` only for words.

        Args:
            text: What is typed.
            exact: Only the words, which takes no time; the view says if there may be more.

        Raises:
            StoreError: The index cannot be used.
        """
        agents = self._database.read(agent_store.everyone)
        words, agent, unknown = _parted(text, agents)
        if unknown or not any(letter.isalnum() for letter in " ".join(words)):
            return FindingsView(text, (), agent, unknown)
        asked = " ".join(words)
        answer = self._hybrid.search(asked, agent_id=agent.id if agent else None, limit=MOST, exact=exact)
        by_id = {one.id: one for one in agents}
        places = tuple(FoundPlace(one, by_id.get(one.hit.agent_id)) for one in answer.found)
        is_whole = not (exact and self._hybrid.is_by_meaning(asked))
        return FindingsView(text, words, agent, "", places, answer.note, is_whole)

    def passage(self, place: FoundPlace) -> PassageView:
        """What was said and done around a place.

        Raises:
            StoreError: The index cannot be used.
        """
        before, behind = self._searching.passage(place.hit)
        return PassageView(place, tuple(before), tuple(behind))


def _parted(text: str, agents: Sequence[Agent]) -> tuple[tuple[str, ...], Agent | None, str]:
    """The words to search for, the agent that is named among them, and a name that nobody has."""
    names: Mapping[str, Agent] = {one.name: one for one in agents}
    words = text.split()
    named = [word.removeprefix(OF_AGENT) for word in words if word.startswith(OF_AGENT) and len(word) > 1]
    wanted = tuple(word for word in words if not word.startswith(OF_AGENT))
    unknown = next((name for name in named if name not in names), "")
    return wanted, next((names[name] for name in named if name in names), None), unknown
