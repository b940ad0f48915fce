"""Shell prompts: is the line at the cursor empty, or has somebody typed something there?

hive types a resume command into a user's shell only if nothing else stands in
that line, so a doubt counts as "something is typed".
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Self

# Not '>': the continuation prompts of bash and zsh end with it, and inside a quote is no place to type.
TERMINATORS = "$#%❯➜λ»›▶⟩"
LONE_TERMINATOR = re.compile(rf"(?P<body>.*)[{TERMINATORS}] ?")
INNER_TERMINATOR = re.compile(rf"[{TERMINATORS}](\s|$)")


@dataclass(frozen=True, slots=True)
class PromptLine:
    """The line at the cursor, parted there."""

    before: str
    after: str
    """Also what a right-hand prompt draws."""

    @classmethod
    def at_cursor(cls, line: str, cursor_x: int) -> Self:
        """Part a line at a column; wide characters take two columns."""
        column = 0
        for at, letter in enumerate(line):
            if column >= cursor_x:
                return cls(line[:at].rstrip(), line[at:].strip())
            column += width(letter)
        return cls(line.rstrip(), "")

    def to_text(self) -> str:
        """For the database."""
        return f"{self.before}\n{self.after}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Back from `to_text`."""
        before, _, after = text.partition("\n")
        return cls(before, after)


def is_empty(line: PromptLine, remembered: PromptLine | None) -> bool:
    """Whether the line shows a prompt and nothing else.

    Args:
        line: The line now.
        remembered: The line as it was when certainly nothing had been typed.
    """
    if remembered is not None and line == remembered:
        return bool(line.before)
    match = LONE_TERMINATOR.fullmatch(line.before)
    return not line.after and match is not None and not INNER_TERMINATOR.search(match["body"])


def width(letter: str) -> int:
    """Columns that a character takes in a terminal."""
    if unicodedata.combining(letter):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
