"""Reads what tmux writes to a client in control mode: replies in blocks, and notifications between them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

LONGEST_BYTES = 64 * 1024 * 1024
"""More than that without an end is no reply; the screens of a thousand panes are a tenth of it."""

_BEGIN = re.compile(rb"%begin (\d+ \d+) (\d+)")


class Garbage(Exception):
    """What came is not what tmux writes; nothing that follows can be trusted."""


@dataclass(frozen=True, slots=True)
class Block:
    """What one command printed."""

    lines: tuple[str, ...]
    is_error: bool
    is_ours: bool
    """False for commands that tmux runs on its own account, such as hooks."""


@dataclass(frozen=True, slots=True)
class Notification:
    """Something happened: `%name the rest`."""

    name: str
    rest: str


class Replies:
    """Takes bytes as they come, in any pieces."""

    def __init__(self) -> None:
        self._left = b""
        self._block: bytes | None = None
        self._is_ours = False
        self._lines: list[str] = []
        self._size = 0

    def feed(self, data: bytes) -> Iterator[Block | Notification]:
        """What is complete by now, in its order.

        Raises:
            Garbage: A line that stands in no block and is no notification.
        """
        *lines, self._left = (self._left + data).split(b"\n")
        self._size += len(data)
        for line in lines:
            found = self._line(line)
            if found is not None:
                self._size = len(self._left)
                yield found
        if self._size > LONGEST_BYTES:
            raise Garbage(f"{self._size} bytes without an end")

    def _line(self, line: bytes) -> Block | Notification | None:
        if self._block is not None:
            if line.startswith(b"%") and line in (b"%end " + self._block, b"%error " + self._block):
                self._block = None
                return Block(tuple(self._lines), line.startswith(b"%error"), self._is_ours)
            # Panes may show anything, also lines that begin with a percent sign.
            self._lines.append(_text(line))
            return None
        if begin := _BEGIN.fullmatch(line):
            self._block, self._is_ours, self._lines = line.removeprefix(b"%begin "), begin[2] != b"0", []
            return None
        if not line.startswith(b"%") or line.startswith((b"%begin", b"%end", b"%error")):
            raise Garbage(_text(line)[:80])
        name, _, rest = _text(line).partition(" ")
        return Notification(name, rest)


def _text(line: bytes) -> str:
    return line.decode("utf-8", errors="replace")
