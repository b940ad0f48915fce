"""Command lines written so that a given shell reads exactly these words."""

import re
import shlex
from collections.abc import Sequence

PLAIN_WORD = re.compile(r"[A-Za-z0-9_./:=@%+,-]+")
POSIX = frozenset({"bash", "zsh", "sh", "dash", "ksh", "mksh"})


def quoted(words: Sequence[str], shell: str) -> str | None:
    """The words as one line for that shell; None if they cannot be written safely for it.

    Args:
        words: A command and its arguments.
        shell: The shell's name without folder.
    """
    if any("\n" in word or "\r" in word or "\x1b" in word for word in words):
        return None
    if all(PLAIN_WORD.fullmatch(word) for word in words):
        return " ".join(words)
    if shell in POSIX:
        return shlex.join(words)
    if shell == "fish":
        return " ".join(_fish_word(word) for word in words)
    return None


def _fish_word(word: str) -> str:
    if PLAIN_WORD.fullmatch(word):
        return word
    escaped = word.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
