"""Finds operating system commands (OSC) in what a program writes to its terminal, in pieces of any size."""

import re
from collections.abc import Iterator

LONGEST_BYTES = 2048
"""A sequence that is longer is none that is looked for, and is passed over."""
ESC, BEL = 0x1B, 0x07
OSC, DCS = ord("]"), ord("P")
END = re.compile(rb"[\x07\x18\x1a\x1b]")
PASSED_THROUGH = b"tmux;"
"""What begins a string whose rest tmux hands to the terminal outside, with each escape doubled."""


class OscParser:
    r"""Takes bytes as they come and keeps no more than one unfinished sequence of at most `LONGEST_BYTES`.

    A sequence ends with BEL or with ST (`ESC \`), and is given up at CAN, SUB or another escape, as in ECMA-48
    and xterm's control sequences. Within what is passed through tmux (`ESC P tmux; ...`) sequences count, too.
    """

    def __init__(self) -> None:
        self._kind = 0
        """`OSC` or `DCS` within a string; 0 outside."""
        self._body = b""
        self._left = b""
        """An escape at the very end, of which the next byte tells what it is."""

    @property
    def is_within(self) -> bool:
        """Whether a sequence has begun and not ended."""
        return bool(self._kind or self._left)

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The contents of the sequences that are complete by now, in their order."""
        data, self._left, at = self._left + data, b"", 0
        while at < len(data) and not self._left:
            at = self._within(data, at) if self._kind else self._outside(data, at)
            if self._kind and (length := self._end_at(data, at)):
                kind, body = self._kind, self._body
                self._kind, self._body = 0, b""
                at += length
                yield from (body,) if kind == OSC else _passed_through(body)

    def _outside(self, data: bytes, at: int) -> int:
        """Go on to the first byte of the next string, or behind what begins none."""
        at = data.find(b"\x1b", at)
        if at < 0:
            return len(data)
        if at + 1 == len(data):
            self._left = b"\x1b"
        elif data[at + 1] in (OSC, DCS):
            self._kind, self._body = data[at + 1], b""
            return at + 2
        return at + 1

    def _within(self, data: bytes, at: int) -> int:
        """Take what belongs to the string; go on to its end, or to what ends or breaks it."""
        found = END.search(data, at)
        stop = found.start() if found else len(data)
        self._body += data[at : min(stop, at + LONGEST_BYTES + 1)]
        if len(self._body) > LONGEST_BYTES:
            self._kind, self._body = 0, b""
        elif found and not self._end_at(data, stop):
            return self._inside(data, stop)
        return stop

    def _inside(self, data: bytes, at: int) -> int:
        """A control character in the string that does not end it."""
        if data[at] == ESC and at + 1 == len(data):
            self._left = b"\x1b"
        elif self._kind == DCS and data[at] in (ESC, BEL):
            length = 2 if data[at] == ESC else 1
            self._body += data[at : at + length]
            return at + length
        else:
            self._kind, self._body = 0, b""
        return at

    def _end_at(self, data: bytes, at: int) -> int:
        """Length of the end of the string that stands there; 0 for none."""
        if data[at : at + 1] == b"\x07":
            return 1 if self._kind == OSC else 0
        return 2 if data[at : at + 2] == b"\x1b\\" else 0


def _passed_through(body: bytes) -> Iterator[bytes]:
    if body.startswith(PASSED_THROUGH):
        yield from OscParser().feed(body.removeprefix(PASSED_THROUGH).replace(b"\x1b\x1b", b"\x1b"))
