"""Counts tokens without any network and without a vocabulary: an estimate, made so that it is rarely too low.

Models split text into pieces of about the same sizes: short words, three digits,
a sign or two. Against the o200k vocabulary the count of such pieces is right to
a tenth for prose, code, JSON and the output of tools (`tests/condense/test_tokens.py`).
"""

import re

PIECE = re.compile(r"[A-Za-z]{1,7}|\d{1,3}|_|[^\sA-Za-z\d_]{1,2}|\n+")
STEP = 1 << 20


def count(text: str) -> int:
    """How many tokens the text has, about."""
    if len(text) <= STEP:
        return len(PIECE.findall(text))
    return sum(len(PIECE.findall(text, at, at + STEP)) for at in range(0, len(text), STEP))
