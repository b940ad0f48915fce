"""Git commands that are fed, or whose output is read, piece by piece: for what does not fit in memory."""

import os
import select
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from hive_tui.adapters.git.command import Argument, Git, end, failed


class _Running:
    """A git command that runs while the `with` block does, and has to end well after it."""

    def __init__(self, git: Git, arguments: tuple[Argument, ...], *, stdin: int | IO[bytes], stdout: int) -> None:
        self._git = git
        self._arguments = arguments
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - closed when the block ends
        self._process = git.start(arguments, stdin=stdin, stdout=stdout, stderr=self._said)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        try:
            if error is None:
                self._finish()
        finally:
            end(self._process)
            self._said.close()

    def _finish(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with suppress(OSError):
                    stream.close()
        for wait_s in self._git.ticks(self._arguments):
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)
                break
        if self._process.returncode != 0:
            self._said.seek(0)
            raise failed(self._arguments, self._process.returncode, self._said.read())

    def _ended_early(self) -> Exception:
        self._finish()
        return failed(self._arguments, 0, b"it ended early")

    def _await(self, pipe: int, event: int) -> None:
        poll = select.poll()
        poll.register(pipe, event)
        for wait_s in self._git.ticks(self._arguments):
            if poll.poll(wait_s * 1000):
                return


class Fed(_Running):
    """A running command that takes its input piece by piece."""

    def __init__(self, git: Git, *arguments: Argument) -> None:
        super().__init__(git, arguments, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert self._process.stdin is not None
        self._pipe = self._process.stdin.fileno()
        os.set_blocking(self._pipe, False)

    def write(self, data: bytes | bytearray) -> None:
        """Hand over all of it.

        Raises:
            GitFailed, WorkspaceError, Cancelled: As for `Git.run`.
        """
        with memoryview(data) as view:
            sent = 0
            while sent < len(view):
                self._await(self._pipe, select.POLLOUT)
                try:
                    sent += os.write(self._pipe, view[sent : sent + (1 << 16)])
                except BrokenPipeError:
                    raise self._ended_early() from None


class Read(_Running):
    """A running command whose output is taken piece by piece; its input is a file."""

    def __init__(self, git: Git, *arguments: Argument, stdin: Path) -> None:
        with stdin.open("rb") as given:
            super().__init__(git, arguments, stdin=given, stdout=subprocess.PIPE)
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        self._piece = b""
        self._used = 0

    def line(self) -> bytes:
        """The next line, without its end.

        Raises:
            GitFailed, WorkspaceError, Cancelled: As for `Git.run`.
        """
        while (end_at := self._piece.find(b"\n", self._used)) < 0:
            self._piece = self._piece[self._used :] + self._more()
            self._used = 0
        line = self._piece[self._used : end_at]
        self._used = end_at + 1
        return line

    def some(self, limit: int) -> bytes:
        """The next bytes, at least one and at most `limit`.

        Raises:
            GitFailed, WorkspaceError, Cancelled: As for `Git.run`.
        """
        if self._used == len(self._piece):
            self._piece, self._used = self._more(), 0
        piece = self._piece[self._used : self._used + limit]
        self._used += len(piece)
        return piece

    def _more(self) -> bytes:
        self._await(self._pipe, select.POLLIN)
        piece = os.read(self._pipe, 1 << 18)
        if not piece:
            raise self._ended_early()
        return piece
