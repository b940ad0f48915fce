"""Command lines written so that a given shell reads exactly these words."""

import re
import unicodedata
from collections.abc import Sequence

PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:@+,-][A-Za-z0-9_./:=@%+,-]*")
"""Means itself in every shell. Not with '=' in front, which zsh takes for a program to look up, nor '%' (fish)."""
POSIX = frozenset({"bash", "zsh", "sh", "dash", "ksh", "mksh"})


def quoted(words: Sequence[str], shell: str) -> str | None:
    """The words as one line for that shell; None if they cannot be written safely for it.

    Args:
        words: A command and its arguments. Control characters cannot be typed: a tab completes, a line feed runs.
        shell: The shell's name without folder.
    """
    if any(unicodedata.category(letter) == "Cc" for word in words for letter in word):
        return None
    if all(PLAIN_WORD.fullmatch(word) for word in words):
        return " ".join(words)
    if shell in POSIX:
        return " ".join(_by_bytes(word, '"$({})"') or _word(word, "'\"'\"'") for word in words)
    if shell == "fish":
        return " ".join(_by_bytes(word, "({})") or _word(word.replace("\\", "\\\\"), "\\'") for word in words)
    return None


def _by_bytes(word: str, substitution: str) -> str:
    """A word with bytes that are no UTF-8, which a terminal cannot be sent; empty for any other."""
    if not any("\udc80" <= letter <= "\udcff" for letter in word):
        return ""
    raw = word.encode(errors="surrogateescape")
    return substitution.format("printf '" + "".join(f"\\{byte:03o}" for byte in raw) + "'")


def _word(word: str, quote: str) -> str:
    """The word itself, or in single quotes, with those inside it written as `quote`."""
    return word if PLAIN_WORD.fullmatch(word) else "'" + word.replace("'", quote) + "'"
