"""Sentences that an agent says again and again with other names in them: each of them tells little."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from zlib import crc32

from hive_tui.condense.atoms import WORD, weight
from hive_tui.condense.sentences import pieces
from hive_tui.condense.shelf import Entry, Section

OFTEN = 8
"""What is said more often than that, but for the names in it, counts for less each time."""
FADING = 0.6
"""The power with which it counts for less."""
NAME_WEIGHT = 0.5
MOST_SHAPES = 200_000
PROSE = frozenset({Section.DECISION, Section.DEAD_END, Section.CAUSE, Section.FINDING, Section.NOTE})
DEMOTED = frozenset({Section.FINDING, Section.NOTE})


class Templates:
    """Counts the shapes of sentences: what is left of them without names and numbers."""

    def __init__(self) -> None:
        self._times: Counter[int] = Counter()

    def note(self, said: Iterable[int]) -> None:
        """The agent has said something of these shapes."""
        for key in said:
            if key in self._times or len(self._times) < MOST_SHAPES:
                self._times[key] += 1

    def told_apart(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """The entries, with sentences of a common shape on their own, and worth less the more often they are said."""
        for entry in entries:
            yield from self._apart(entry) if entry.section in PROSE and not entry.overruled_by else (entry,)

    def _apart(self, entry: Entry) -> Iterator[Entry]:
        parts = pieces(entry.text)
        common = [part for part in parts if self._times[_shape(part)] > OFTEN]
        if not common:
            yield entry
            return
        rest = [part for part in parts if part not in common]
        if rest:
            yield replace(entry, text=" ".join(rest), needs=[], tokens=0)
        for part in common:
            share = (OFTEN / self._times[_shape(part)]) ** FADING
            section = Section.NOTE if rest else entry.section
            scale = share if section in DEMOTED else 1.0
            base = entry.base if not rest else 0.0
            yield replace(
                entry, section=section, text=part, base=base * scale, factor=entry.factor * scale, needs=[], tokens=0
            )


def shapes(sentence: str) -> tuple[int, ...]:
    """Of each of its single sentences, what is equal for those that differ in names and numbers only."""
    return tuple(_shape(piece) for piece in pieces(sentence))


def _shape(sentence: str) -> int:
    bare = WORD.sub(lambda found: "·" if weight(found[0]) >= NAME_WEIGHT else found[0].lower(), sentence)
    return crc32(bare.encode(errors="surrogatepass"))
