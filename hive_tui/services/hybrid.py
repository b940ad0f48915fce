"""Searches by words and by meaning at once, and makes one list of both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hive_tui.domain.fusion import fused
from hive_tui.services.context_search import AROUND, BY_BOTH, BY_MEANING, BY_WORDS, ContextSearch, Found
from hive_tui.services.meaning import Alike, Meaning
from hive_tui.store.context_index import ContextIndex, Hit, is_exactly_in
from hive_tui.store.vectors import Near, hash_of

DEEP = 60
"""So many of each list are looked at: what stands further down in both is not what was asked for."""
QUOTE = '"'


@dataclass(frozen=True, slots=True)
class Answer:
    """What a search has found, the best first."""

    found: tuple[Found, ...]
    note: str = ""
    """What it did without, in one line; empty for nothing."""


class HybridSearch:
    """What has the identifiers that were asked for stays first; where no vectors are wanted, words alone are found."""

    def __init__(self, searching: ContextSearch, index: ContextIndex, meaning: Meaning) -> None:
        self._searching = searching
        self._index = index
        self._meaning = meaning

    def is_by_meaning(self, text: str, *, exact: bool = False) -> bool:
        """Whether such a question is asked by its meaning as well: none is that has a quotation mark in it."""
        return self._meaning.is_on and not exact and QUOTE not in text

    def search(
        self, text: str, *, agent_id: str | None = None, limit: int = 10, around: int = AROUND, exact: bool = False
    ) -> Answer:
        """What fits best, each with the lines around it.

        Args:
            text: What is asked for.
            agent_id: In whose conversations; None for all.
            limit: Most places.
            around: Lines before and behind the best one.
            exact: By words alone.

        Raises:
            HiveError: There is nothing to search for.
            StoreError: The index cannot be used.
        """
        is_hybrid = self.is_by_meaning(text, exact=exact)
        by_words = self._searching.hits(text, agent_id=agent_id, limit=max(limit, DEEP) if is_hybrid else limit)
        alike = self._meaning.alike(text, agent_id=agent_id, limit=max(limit, DEEP)) if is_hybrid else Alike()
        hits = {hit.chunk_id: hit for hit in by_words}
        near = self._still_there(alike.near, hits)
        hits |= near
        exactly = {hit.chunk_id for hit in by_words if is_exactly_in(hit.text, text)} if near else set()
        order = fused([hit.chunk_id for hit in by_words], list(near), first=exactly)[:limit]
        worded = {hit.chunk_id for hit in by_words}
        found = (self._searching.with_lines(hits[one], text, around) for one in order)
        return Answer(tuple(replace(one, by=_by(one.hit, worded, near)) for one in found), _note(alike))

    def _still_there(self, near: Sequence[Near], known: dict[int, Hit]) -> dict[int, Hit]:
        """Pieces in their order; one whose text has changed meanwhile is not what the vector stands for."""
        rows = {hit.chunk_id: hit for hit in self._index.pieces([one.chunk_id for one in near])} if near else {}
        found = ((one, rows.get(one.chunk_id)) for one in near)
        return {
            one.chunk_id: known.get(one.chunk_id, hit)
            for one, hit in found
            if hit is not None and hash_of(hit.text) == one.hash
        }


def _by(hit: Hit, worded: set[int], near: dict[int, Hit]) -> str:
    if hit.chunk_id not in near:
        return BY_WORDS
    return BY_BOTH if hit.chunk_id in worded else BY_MEANING


def _note(alike: Alike) -> str:
    return f"words only: {alike.note}" if alike.note else ""
