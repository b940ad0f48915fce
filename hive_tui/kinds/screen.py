"""Reads an agent's screen: the last lines, without colours, and what faint text hides."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import zip_longest

from hive_tui.domain.agents import Activity

ESCAPE = re.compile(r"\x1b\[([0-9;:]*)([a-zA-Z])|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[()][A-Z0-9]|\x1b.|[\x0e\x0f]")

UNSEEN = {0xA0: " ", 0x200B: None}
"""What looks like a blank, or like nothing: some draw it where their cursor stands behind what was typed."""
LONGEST_PARAGRAPH = 6
"""Lines; even in a narrow pane no limit is told in more."""
LONGEST_GLYPH = 2
"""Of an input box, which may stand where another one stood; prompts of shells are longer, or not told from it."""
SURELY = 8
"""Letters of a command by which it is known; further on a shell may draw a prompt at the right."""
INDENTED = " ─━▔▀"
"""What lines below an input line begin with."""


@dataclass(frozen=True, slots=True)
class ScreenRule:
    """If a line of the bottom region matches, the agent does `activity`."""

    activity: Activity | None
    """None for what covers the screen and says nothing: what was known before is kept."""
    pattern: re.Pattern[str]
    why: str
    lines: int = 12
    """How many of the last lines that are not blank are looked at."""
    also: re.Pattern[str] | None = None
    """Another line of the region must match this: a dialog has its cursor, a quotation of one has not."""
    unless: re.Pattern[str] | None = None
    """A line below the match that takes it back: what it told is over."""
    last_turn: bool = False
    """Only what stands below the last message of the person counts: an older error is over."""


@dataclass(frozen=True, slots=True)
class TitleRule:
    """If the title of the pane matches, the agent does `activity`."""

    activity: Activity
    pattern: re.Pattern[str]
    why: str


@dataclass(frozen=True)
class Screen:
    """One capture of a pane, with its escape sequences."""

    ansi: str
    typed: str = ""
    """The command that was typed at the prompt of its shell right after it; empty for none, or if it is not known."""

    @cached_property
    def lines(self) -> list[str]:
        """Lines as plain text, without trailing blanks."""
        # All that is taken out is not printable: of most lines that is quickly known.
        return [
            line.rstrip() if line.isprintable() else ESCAPE.sub("", line).translate(UNSEEN).rstrip()
            for line in self.ansi.splitlines()
        ]

    def bottom(self, count: int) -> list[str]:
        """The last lines that are not blank, top to bottom."""
        return self._written[-count:]

    def since(self, before: "Screen") -> "Screen":
        """What has come below all that an earlier capture of the pane shows; the whole screen if that is gone.

        Args:
            before: Taken when a shell stood at its prompt, in the last line that is not blank: that line counts as
                old whatever was typed there, and some shells draw it anew.
        """
        old = before.lines[: max((at for at, line in enumerate(before.lines, 1) if line), default=0)]
        for scrolled in range(len(old)):
            above, prompt = old[scrolled:-1], old[-1]
            if self.lines[: len(above)] != above or len(above) >= len(self.lines):
                continue
            if any(above) or self.lines[len(above)].startswith(prompt):
                return self._below(len(above))
        return self._below_typed(old, before.typed)

    def _below_typed(self, old: list[str], typed: str) -> "Screen":
        """Below the prompt that has got a command: what a program that was killed has drawn may stand under it."""
        for scrolled in range(len(old)):
            left = old[scrolled:]
            kept = next((at for at, (one, now) in enumerate(zip(left, self.lines, strict=False)) if one != now), 0)
            is_prompt = len(left[kept]) > LONGEST_GLYPH
            if is_prompt and any(left[:kept]) and _has_got(self.lines[kept], left[kept], typed):
                return self._below(kept)
        return self

    def _below(self, row: int) -> "Screen":
        return Screen("\n".join(self.ansi.splitlines()[row + 1 :]))

    @cached_property
    def _written(self) -> list[str]:
        return [line for line in self.lines if line.strip()]

    @cached_property
    def _found(self) -> dict[tuple[int, str], tuple[Sequence[ScreenRule], tuple[ScreenRule, str] | None]]:
        """By the identity of the rules, which are kept so that no others take their place."""
        return {}

    @cached_property
    def _drafts(self) -> dict[str, str]:
        return {}

    def first_match(self, rules: Sequence[ScreenRule], prompt: str = "") -> tuple[ScreenRule, str] | None:
        """The first rule that matches, and the line it matched; looked for once, since screens at rest are kept.

        Args:
            rules: In the order in which they count.
            prompt: The glyph at the beginning of the input line, and of each message that was sent.
        """
        key = (id(rules), prompt)
        if key not in self._found:
            self._found[key] = (rules, self._first_match(rules, prompt))
        return self._found[key][1]

    def _first_match(self, rules: Sequence[ScreenRule], prompt: str) -> tuple[ScreenRule, str] | None:
        for rule in rules:
            region = self.bottom(rule.lines)
            if rule.last_turn:
                region = _last_turn(region, prompt)
            if rule.also is not None and not any(rule.also.search(line) for line in region):
                continue
            for line in reversed(region):
                if rule.pattern.search(line):
                    return rule, line.strip()
                if rule.unless is not None and rule.unless.search(line):
                    break
        return None

    def paragraph(self, line: str) -> str:
        """The last line with that text together with what follows it up to a blank line, as one line."""
        lines = [one.strip() for one in self.lines]
        at = max((number for number, one in enumerate(lines) if one == line), default=None)
        if at is None:
            return line
        rest = lines[at + 1 : at + LONGEST_PARAGRAPH]
        end = next((number for number, one in enumerate(rest) if not any(map(str.isalnum, one))), len(rest))
        return " ".join([line, *rest[:end]])

    def draft(self, prompt: str) -> str:
        """Text in the input line that begins with the glyph `prompt`; faint text is a hint of the agent's own."""
        if prompt not in self._drafts:
            self._drafts[prompt] = self._draft(prompt)
        return self._drafts[prompt]

    def has_passed(self, prompt: str) -> bool:
        """Whether the last line with the glyph is a message that was sent, and no input line: see `_last_turn`."""
        return bool(_below_message(self._written, prompt))

    def _draft(self, prompt: str) -> str:
        for line in reversed(self.ansi.splitlines()):
            if prompt[:1] in line and ESCAPE.sub("", line).startswith(prompt):
                return strong_text(line)[len(prompt) :].translate(UNSEEN).strip()
        return ""


def _has_got(line: str, prompt: str, typed: str) -> bool:
    """Whether a line is that prompt with the command, or as much of it as fits; unknown commands are any text.

    A program that draws the same again may do so with longer lines, which are no prompts.
    """
    if not line.startswith(prompt):
        return False
    said = line[len(prompt) :].strip()
    return not typed or said.startswith(typed[:SURELY]) or (said != "" and typed.startswith(said))


def _last_turn(lines: list[str], prompt: str) -> list[str]:
    """The lines below the last message.

    The last line with the glyph is the input line, or a menu in its place: below these all is indented. Where
    something stands at the left, that line is the message itself, and the input line is out of sight.
    """
    at = [number for number, line in enumerate(lines) if prompt and line.startswith(prompt)]
    return _below_message(lines, prompt) or (lines[at[-2] + 1 :] if len(at) > 1 else lines)


def _below_message(lines: list[str], prompt: str) -> list[str]:
    """What stands below the last line with the glyph, if that is a message and no input line; no line is empty."""
    at = next((at for at in range(len(lines) - 1, -1, -1) if prompt and lines[at].startswith(prompt)), len(lines))
    below = lines[at + 1 :]
    return below if any(line[0] not in INDENTED for line in below) else []


def strong_text(line: str) -> str:
    """The text of a line without its escape sequences and without what is drawn faint (SGR 2).

    One letter in reverse right before faint text is the cursor that stands on that text.
    """
    text = ""
    pieces = [piece for piece in _pieces(line) if piece.text]
    for piece, following in zip_longest(pieces, pieces[1:]):
        is_cursor = piece.is_reverse and len(piece.text) == 1 and following is not None and following.is_faint
        text += "" if piece.is_faint or is_cursor else piece.text
    return text


@dataclass(frozen=True, slots=True)
class _Piece:
    text: str
    is_faint: bool
    is_reverse: bool


def _pieces(line: str) -> Iterator[_Piece]:
    """The text between the escape sequences."""
    at, faint, reverse = 0, False, False
    for found in ESCAPE.finditer(line):
        yield _Piece(line[at : found.start()], faint, reverse)
        at = found.end()
        if found.group(2) == "m":
            for code in _codes(found.group(1)):
                faint = code == "2" or (faint and code not in ("", "0", "22"))
                reverse = code == "7" or (reverse and code not in ("", "0", "27"))
    yield _Piece(line[at:], faint, reverse)


def _codes(parameters: str) -> Iterator[str]:
    """The numbers of an SGR sequence without those that belong to a colour: a 2 there means RGB."""
    codes = iter(parameters.replace(":", ";").split(";"))
    for code in codes:
        if code in ("38", "48", "58"):
            following = 3 if next(codes, "") == "2" else 1
            for _ in range(following):
                next(codes, "")
        else:
            yield code
