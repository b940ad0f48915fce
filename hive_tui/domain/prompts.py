"""Shell prompts: is the line at the cursor empty, or has somebody typed something there?

hive types a resume command into a user's shell only if nothing else stands in
that line, so a doubt counts as "something is typed".
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Self

MARKS = "$#%❯➜➤λ»›▶⟩>"
INNER_MARK = re.compile(rf"[{MARKS}](\s|$)")
"""A mark that ends a prompt, and text behind it."""

USER_AT_HOST = r"[\w.-]+@[\w.-]+"
GIT = r"( \([^()]*\))?"
SHAPES = (
    r"([└╰]─*)?[$#%❯➜➤λ»›▶⟩]",
    rf"{USER_AT_HOST}:[~/].*{GIT}[$#%]",
    rf"{USER_AT_HOST} [^\s:|]+{GIT} ?[$#%>]",
    rf"[~/]\S*{GIT} ?[$#%>]",
    r"\[[^\[\]]+\] ?[$#%]",
    r"[^\W\d][\w.-]*[$#%]",
    # Nobody types these marks, so more may stand before them; not what also ends a prompt that has no mark.
    r"[\w~/][^:|>\ue0b0-\ue0bf]* [❯➜➤λ»›▶⟩]",
)
BEFORE = r"(\([^()]+\) |\[[^\[\]]+\] |\d\d:\d\d(:\d\d)? )*"
"""Environments, branches, clocks."""

KNOWN_PROMPT = re.compile(rf"{BEFORE}({'|'.join(SHAPES)})")
"""Prompts that show by themselves where they end. A lone '>' does not: inside a quote, bash and zsh draw it too."""


@dataclass(frozen=True, slots=True)
class PromptLine:
    """The line at the cursor, parted there."""

    before: str
    after: str
    """Also what a right-hand prompt draws."""

    @classmethod
    def at_cursor(cls, line: str, cursor_x: int) -> Self:
        """Part a line at a column; wide characters take two columns, accents belong to the letter before them."""
        column = 0
        for at, letter in enumerate(line):
            if column >= cursor_x and width(letter) > 0:
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
    if remembered is not None and remembered.before:
        if line.before == remembered.before and line.after in ("", remembered.after):
            return True
        if line.before.startswith(remembered.before):
            return False
    match = KNOWN_PROMPT.fullmatch(line.before)
    return not line.after and match is not None and not INNER_MARK.search(line.before[:-1])


def width(letter: str) -> int:
    """Columns that a character takes in a terminal."""
    if unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in ("W", "F") else 1
