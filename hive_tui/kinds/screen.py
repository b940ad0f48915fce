"""Reads an agent's screen: the last lines, without colours, and what faint text hides."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from hive_tui.domain.agents import Activity

ESCAPE = re.compile(r"\x1b\[([0-9;:]*)([a-zA-Z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b.|[\x0e\x0f]")
RULE_LINE = re.compile(r"^[─━]{20,}")


@dataclass(frozen=True, slots=True)
class ScreenRule:
    """If a line of the bottom region matches, the agent does `activity`."""

    activity: Activity
    pattern: re.Pattern[str]
    lines: int
    """How many of the last lines that are not blank are looked at."""
    why: str
    also: re.Pattern[str] | None = None
    """Another line of the region must match this: a dialog has its cursor, a quotation of one has not."""


@dataclass(frozen=True, slots=True)
class Screen:
    """One capture of a pane, with its escape sequences."""

    ansi: str

    @property
    def lines(self) -> list[str]:
        """Lines as plain text, without trailing blanks."""
        return [ESCAPE.sub("", line).rstrip() for line in self.ansi.splitlines()]

    def bottom(self, count: int) -> list[str]:
        """The last lines that are not blank, top to bottom."""
        return [line for line in self.lines if line.strip()][-count:]

    def first_match(self, rules: Sequence[ScreenRule]) -> tuple[ScreenRule, str] | None:
        """The first rule that matches, and the line it matched."""
        for rule in rules:
            region = self.bottom(rule.lines)
            if rule.also is not None and not any(rule.also.search(line) for line in region):
                continue
            for line in reversed(region):
                if rule.pattern.search(line):
                    return rule, line.strip()
        return None

    def draft(self, prompt: str) -> str:
        """Text in the input line that begins with the glyph `prompt`; faint text is a hint of the agent's own."""
        for line in reversed(self.ansi.splitlines()):
            if ESCAPE.sub("", line).startswith(prompt):
                return strong_text(line)[len(prompt) :].replace("\xa0", " ").strip()
        return ""


def strong_text(line: str) -> str:
    """The text of a line without its escape sequences and without what is drawn faint (SGR 2)."""
    text, at, faint = "", 0, False
    for found in ESCAPE.finditer(line):
        if not faint:
            text += line[at : found.start()]
        at = found.end()
        if found.group(2) == "m":
            faint = _is_faint(found.group(1), faint)
    return text if faint else text + line[at:]


def _is_faint(parameters: str, faint: bool) -> bool:
    codes = parameters.replace(":", ";").split(";")
    at = 0
    while at < len(codes):
        code = codes[at]
        if code in ("38", "48", "58"):  # a colour takes the numbers behind it; a 2 there means RGB
            at += 4 if codes[at + 1 : at + 2] == ["2"] else 2
        elif code == "2":
            faint = True
        elif code in ("", "0", "22"):
            faint = False
        at += 1
    return faint
