"""Atoms: the identifiers, numbers and rare words of a text, by which it can be told from all others."""

import re
from functools import lru_cache

from hive_tui.condense.words import is_common

WORD = re.compile(r"[\w$@#~%](?:[\w./:@#$%~+*=-]*[\w$%)])?(?:\(\))?")
_INNER = re.compile(r"\w[._/:@#=+-]\w|[a-z][A-Z]|\(\)|\w~")
_DIGIT = re.compile(r"\d")
IDENTIFIER_WEIGHT, NUMBER_WEIGHT, WORD_WEIGHT = 1.0, 0.9, 0.55
SMALL = 3
"""Numbers with fewer digits than that say little alone."""


@lru_cache(maxsize=60_000)
def weight(atom: str) -> float:
    """How much a word tells: 1 for an identifier, 0 for a common word."""
    bare = atom.strip("'\"`.,;:()")
    if _DIGIT.search(bare):
        has_letter = any(letter.isalpha() for letter in bare)
        digits = sum(letter.isdigit() for letter in bare)
        return IDENTIFIER_WEIGHT if has_letter else NUMBER_WEIGHT if digits >= SMALL or "." in bare else 0.25
    if _INNER.search(bare) and not is_common(bare.lower().replace("-", "")):
        parts = re.split(r"[-/._:]", bare.lower())
        return IDENTIFIER_WEIGHT if "_" in bare or not all(is_common(part) for part in parts) else 0.35
    if bare.isupper() and len(bare) >= 3:
        return 0.6
    if len(bare) < 4 or is_common(bare.lower()):
        return 0.0
    return WORD_WEIGHT


def atoms(text: str) -> tuple[str, ...]:
    """The words of the text that tell something, each once, in lower case; of paths the name, too."""
    found = {word.lower(): None for word in WORD.findall(text) if weight(word) > 0}
    return tuple(found)
