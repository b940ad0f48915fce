"""One sentence out of what an agent said, fit for a notification."""

import re
import unicodedata
from collections.abc import Sequence

LONGEST = 160
READ = 20_000
"""So many of the last characters of a message are looked at."""
MARKS = re.compile(r"^[\s>#*+•●○◦⏺■▣│┃|⎿└╰─-]+|[*`]+")
END = re.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+(?=\S)")
FEWEST_LETTERS = 3


def last_sentence(text: str) -> str:
    """The last sentence, on one line, without control characters and marks of layout, of at most `LONGEST`.

    A very short one ("OK?") takes the one before along. Empty where nothing was said.
    """
    for line in reversed(text[-READ:].splitlines()):
        plain = MARKS.sub("", _printable(line)).strip()
        if _letters(plain) < FEWEST_LETTERS:
            continue
        pieces = [piece for piece in END.split(plain) if piece.strip()]
        said = pieces[-1]
        if len(pieces) > 1 and len(said) < 20:
            said = f"{pieces[-2]} {said}"
        return said if len(said) <= LONGEST else said[: LONGEST - 1].rstrip() + "…"
    return ""


def on_screen(lines: Sequence[str], prompt: str) -> str:
    """The last sentence above the input line of a screen; empty where nothing stands there."""
    at = [number for number, line in enumerate(lines) if prompt and line.lstrip().startswith(prompt)]
    above = lines[: at[-1]] if at else lines
    return last_sentence("\n".join(above))


def _printable(line: str) -> str:
    """Control, format (also of direction) and lone surrogate characters can change what a person sees."""
    return " ".join(
        "".join(
            letter if unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn") else " " for letter in line
        ).split()
    )


def _letters(text: str) -> int:
    return sum(letter.isalnum() for letter in text)
