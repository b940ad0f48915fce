"""A program in a real pty of 120x36, read byte by byte; it is ended by its pid."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from types import TracebackType
from typing import Self

COLUMNS, LINES = 120, 36
PATIENCE_S = 30.0


class Terminal:
    """What a program draws, and what is typed into it."""

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.output = bytearray()
        """All that came since the start, or since it was cleared."""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.began = perf_counter()
        self._program = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "COLORTERM": "truecolor"},
            cwd=folder,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._program.terminate()
        try:
            self._program.wait(5)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait()
        os.close(self._ours)

    @property
    def pid(self) -> int:
        """The program's process."""
        return self._program.pid

    def press(self, keys: bytes) -> float:
        """Type; the moment of it."""
        pressed_at = perf_counter()
        os.write(self._ours, keys)
        return pressed_at

    def until(self, is_there: Callable[[bytearray], bool]) -> float:
        """Read until the output has what is waited for; the moment of the read that had it."""
        deadline = perf_counter() + PATIENCE_S
        while not is_there(self.output):
            if not self._read(deadline - perf_counter()):
                raise AssertionError(f"It was not drawn; the last output was {bytes(self.output[-2000:])!r}")
        return perf_counter()

    def until_drawn(self, *words: str) -> float:
        """The same, until all the words have come."""
        wanted = [word.encode() for word in words]
        return self.until(lambda seen: all(word in seen for word in wanted))

    def watch(self, seconds: float) -> None:
        """Read for some time, as a terminal does."""
        deadline = perf_counter() + seconds
        while (left_s := deadline - perf_counter()) > 0:
            if not self._read(left_s) and self._program.poll() is not None:
                raise AssertionError(f"It ended; the last output was {bytes(self.output[-2000:])!r}")

    def leave(self, keys: bytes) -> None:
        """Type the keys that end the program, and wait for its end."""
        self.press(keys)
        deadline = perf_counter() + PATIENCE_S
        while self._read(deadline - perf_counter()):
            pass
        self._program.wait(PATIENCE_S)

    def _read(self, timeout_s: float) -> bool:
        """Take what there is; False if nothing came in time, or the program has ended."""
        ready, _, _ = select.select([self._ours], [], [], max(0.0, timeout_s))
        came = b""
        with suppress(OSError):  # how a pty ends on Linux
            came = os.read(self._ours, 1 << 16) if ready else b""
        self.output += came
        return bool(came)
