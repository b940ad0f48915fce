"""Output of a command: passed on in full, kept up to a limit."""

import os
import threading
from collections import deque
from typing import BinaryIO

from hive_tui.domain.effects import Kept

CHUNK_BYTES = 65_536


class Pump:
    """Reads a pipe to its end in a thread of its own, so that the command never waits for us.

    Args:
        pipe: Its reading end, which is closed at last.
        echo: Where everything goes, too; None for nowhere.
        keep_bytes: So much is kept, half of it from the beginning.
    """

    def __init__(self, pipe: BinaryIO, echo: BinaryIO | None, keep_bytes: int) -> None:
        self._pipe = pipe
        self._echo = echo
        self._half = keep_bytes // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0
        self._size = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def finish(self, timeout_s: float) -> Kept:
        """What was read; a program that the command leaves behind may hold the pipe open, and is not waited for."""
        self._thread.join(timeout_s)
        with self._lock:
            tail = b"".join(self._tail)[-self._half :] if self._half else b""
            return Kept(bytes(self._head), tail, self._size)

    def _run(self) -> None:
        with self._pipe:
            while chunk := os.read(self._pipe.fileno(), CHUNK_BYTES):
                self._keep(chunk)
                self._pass_on(chunk)

    def _keep(self, chunk: bytes) -> None:
        with self._lock:
            self._size += len(chunk)
            room = self._half - len(self._head)
            self._head += chunk[: max(0, room)]
            rest = chunk[max(0, room) :]
            if rest:
                self._tail.append(rest)
                self._tail_bytes += len(rest)
            while self._tail and self._tail_bytes - len(self._tail[0]) >= self._half:
                self._tail_bytes -= len(self._tail.popleft())

    def _pass_on(self, chunk: bytes) -> None:
        if self._echo is None:
            return
        try:
            self._echo.write(chunk)
            self._echo.flush()
        except (OSError, ValueError):
            self._echo = None  # our reader has gone; what the command does must not depend on that
