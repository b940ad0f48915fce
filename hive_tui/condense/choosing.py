"""Chooses the entries that tell most for the tokens that there are."""

import heapq
from collections import Counter
from collections.abc import Sequence

from hive_tui.condense.atoms import WORD_WEIGHT, weight
from hive_tui.condense.shelf import Entry

KNOWN_WEIGHT = 0.3
"""What an atom counts that stands in the ledger already: it may stand in another relation."""
LENGTH_POWER = 0.8
LEAST, LEAST_OF_ALL = 0.3, 0.12
"""An entry that is worth less than the first is left out where half of the budget is used, below the second always."""
MUST_SHARE = 0.85


OFTEN = 2
"""A plain word that stands in more entries than that tells less in each."""


def choose(entries: Sequence[Entry], budget_tokens: int) -> list[Entry]:
    """The best entries that fit, in no order. What must be there comes first, the newest of it first.

    Greedy by worth for a token, where an atom counts fully only the first time.
    """
    chosen: dict[int, Entry] = {}
    left = budget_tokens
    must = [entry for entry in entries if entry.is_must]
    for entry in sorted(must, key=lambda one: (-one.base, -one.line)):
        if entry.tokens <= left - budget_tokens * (1 - MUST_SHARE):
            left -= _take(entry, chosen)
    scale = _Scale(entries)
    scale.know(*chosen.values())
    heap = [(-scale.density(entry), number) for number, entry in enumerate(entries) if id(entry) not in chosen]
    heapq.heapify(heap)
    while heap and left > 12:
        _, number = heapq.heappop(heap)
        entry = entries[number]
        if id(entry) in chosen or entry.tokens > left:
            continue
        now = -scale.density(entry)
        if heap and now > heap[0][0] + 1e-9:
            heapq.heappush(heap, (now, number))
            continue
        if scale.worth(entry) < (LEAST if left < budget_tokens / 2 else LEAST_OF_ALL):
            continue
        left -= _take(entry, chosen)
        scale.know(entry)
    return list(chosen.values())


class _Scale:
    """Weighs entries by what they tell beyond what is known."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self._known: set[str] = set()
        frequency = Counter(atom for entry in entries for atom in entry.atoms)
        self._weight = {atom: _weight(atom, times) for atom, times in frequency.items()}

    def know(self, *entries: Entry) -> None:
        """These stand in the ledger now."""
        for entry in entries:
            self._known.update(entry.atoms)

    def worth(self, entry: Entry) -> float:
        told = sum(self._weight[atom] * (KNOWN_WEIGHT if atom in self._known else 1.0) for atom in entry.atoms)
        return entry.base + entry.factor * told

    def density(self, entry: Entry) -> float:
        return self.worth(entry) / float(entry.tokens**LENGTH_POWER)


def _weight(atom: str, times: int) -> float:
    told = weight(atom)
    return told if told != WORD_WEIGHT or times <= OFTEN else told * OFTEN / times


def _take(entry: Entry, chosen: dict[int, Entry]) -> int:
    """Take it, and what it needs; the tokens that this costs."""
    cost = 0
    pending = [entry]
    while pending:
        one = pending.pop()
        if id(one) not in chosen:
            chosen[id(one)] = one
            cost += one.tokens
            pending += one.needs
    return cost
