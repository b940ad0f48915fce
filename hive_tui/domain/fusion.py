"""Makes one order out of two: what was found by its words, and what was found by its meaning."""

from collections.abc import Collection, Sequence

CONSTANT = 60
"""See `fused`; the one that its authors found best, and hardly sensitive."""


def fused(by_words: Sequence[int], by_meaning: Sequence[int], *, first: Collection[int] = ()) -> list[int]:
    """Both lists as one, the best first, each key once.

    Args:
        by_words: Keys, the best first.
        by_meaning: The same, or other keys, the best first.
        first: Those of `by_words` that stay before all others, in its order: what was asked for stands there as it is.

    Source: reciprocal rank fusion, the sum over the lists of 1 / (60 + rank), ranks from 1 (Cormack, Clarke and
    Büttcher, "Reciprocal Rank Fusion outperforms Condorcet and individual Rank Learning Methods", SIGIR 2009).
    """
    scores: dict[int, float] = {}
    for ranked in (by_words, by_meaning):
        for rank, key in enumerate(dict.fromkeys(ranked), 1):
            scores[key] = scores.get(key, 0.0) + 1 / (CONSTANT + rank)
    head = [key for key in dict.fromkeys(by_words) if key in first]
    return [*head, *sorted((key for key in scores if key not in head), key=lambda key: -scores[key])]
