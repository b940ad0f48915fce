"""Checks texts that were made of a conversation: no secret, no invention, nothing lost."""

import re
from collections.abc import Collection

from hive_tui.condense.atoms import NUMBER_WEIGHT, WORD, weight
from hive_tui.domain.redaction import Redactor

POINTER = re.compile(r"\[\d*#([\d,]+)\]")


def identifiers(text: str) -> set[str]:
    """The identifiers and larger numbers of a text, in lower case, without pointers."""
    bare = POINTER.sub(" ", text)
    return {word.lower().strip(".,:;") for word in WORD.findall(bare) if weight(word) >= NUMBER_WEIGHT}


def invented(text: str, source: str) -> set[str]:
    """Identifiers of the text that the source does not have."""
    low = source.lower()
    return {one for one in identifiers(text) if one not in low}


def lost(text: str, wanted: Collection[str]) -> set[str]:
    """Those of the identifiers that the text does not have."""
    low = text.lower()
    return {one for one in wanted if not stands_in(one, low)}


def stands_in(identifier: str, text: str) -> bool:
    """Whether it stands there whole, and not as a part of another one. Both in lower case."""
    return re.search(rf"(?<![^\W_]){re.escape(identifier)}(?![^\W_])", text) is not None


def bad_pointers(text: str, lines: int) -> list[int]:
    """Pointers to lines that the transcript does not have."""
    found = (int(match[1].replace(",", "") or 0) for match in POINTER.finditer(text))
    return [line for line in found if not 1 <= line <= lines]


def shows_secret(text: str) -> bool:
    """Whether a secret can be read in the text."""
    return Redactor().shows(text)
