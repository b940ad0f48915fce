"""One standing client in tmux's control mode, and the thread that reads what the server writes to it."""

import os
import socket
import subprocess
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from uuid import uuid4

from hive_tui.adapters.tmux.replies import Block, Garbage, Notification, Replies

READ_BYTES = 65_536
REAP_S = 2.0


class Lost(Exception):
    """The connection is of no use any more; why, in words. What was asked may not have been done."""


@dataclass(slots=True)
class Answer:
    """What a list of commands printed, up to the first that failed."""

    expected: int
    token: str
    blocks: list[Block] = field(default_factory=list)
    is_there: threading.Event = field(default_factory=threading.Event)
    lost: str = ""

    @property
    def lines(self) -> list[str]:
        """What the commands printed, one after the other."""
        return [line for block in self.blocks for line in block.lines]

    @property
    def error(self) -> str | None:
        """What tmux said about the command that failed; None if all went well."""
        last = self.blocks[-1] if self.blocks else None
        return "\n".join(last.lines).removeprefix("parse error: ") if last and last.is_error else None

    @property
    def is_sound(self) -> bool:
        """Whether there is one block for each command, or for each up to one that failed.

        A pane can show lines that look like the end of a block. What follows then does not add up, and
        the token that ends every answer cannot be guessed.
        """
        failed = [block.is_error for block in self.blocks]
        if True in failed:
            return failed.index(True) == len(failed) - 1 and len(failed) <= self.expected
        return len(failed) == self.expected


class Connection:
    """Asks in any number of threads; answers come in the order of the questions.

    The client ends by itself when this process does, however that ends: the server then
    finds the end of the client's input.

    Args:
        arguments: The command line of the client, which must attach in control mode.
        on_notification: Called in the reading thread; must be quick and must not ask.
        rest_s: Seconds between two reads: what comes meanwhile is taken at once.

    Raises:
        OSError: The client cannot be started.
    """

    def __init__(
        self, arguments: Sequence[str], on_notification: Callable[[Notification], None], *, rest_s: float = 0.0
    ) -> None:
        self._rest_s = rest_s
        self._closed = threading.Event()
        self._on_notification = on_notification
        self._lock = threading.Lock()
        self._waiting: deque[Answer] = deque()
        self._lost = ""
        self._is_attached = threading.Event()
        # A socket for what comes back: only that can be shut down under a thread that reads from it.
        self._replies, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # or Ctrl-C in our terminal would reach it, too
            )
        assert self._process.stdin is not None
        self._commands = self._process.stdin
        os.set_blocking(self._commands.fileno(), False)
        self._thread = threading.Thread(target=self._read, name="tmux-control", daemon=True)
        self._thread.start()

    @property
    def lost(self) -> str:
        """Why it is of no use any more; empty as long as it is."""
        return self._lost

    def await_session(self, timeout_s: float) -> None:
        """Wait until the client is attached. What is asked before that runs without a session.

        Raises:
            Lost: It is not attached in time.
        """
        if not self._is_attached.wait(timeout_s):
            self.close(f"tmux did not attach within {timeout_s:g} s")
        if self._lost:
            raise Lost(self._lost)

    def ask(self, commands: Sequence[Sequence[str]], timeout_s: float) -> Answer:
        """Run commands as one list, in one step for the server.

        Raises:
            Lost: There was no answer, or none that can be trusted.
        """
        answer = Answer(len(commands), uuid4().hex)
        listed = " ; ".join(" ".join(map(quoted, command)) for command in commands)
        text = f"{listed}\ndisplay-message -p {answer.token}\n".encode()
        with self._lock:
            if self._lost:
                raise Lost(self._lost)
            self._waiting.append(answer)
            self._send(text)
        if not answer.is_there.wait(timeout_s):
            self.close(f"tmux gave no answer within {timeout_s:g} s")
        if answer.lost:
            raise Lost(answer.lost)
        return answer

    def close(self, why: str = "closed") -> None:
        """End the client; all that wait for an answer are told why."""
        with self._lock:
            if self._lost:
                return
            self._lost = why
            self._closed.set()
            for answer in self._waiting:
                answer.lost = why
                answer.is_there.set()
            self._waiting.clear()
            self._is_attached.set()
        with suppress(OSError):
            self._commands.close()
        with suppress(OSError):
            self._process.kill()
        with suppress(OSError):
            self._replies.shutdown(socket.SHUT_RDWR)
        if threading.current_thread() is not self._thread:
            self._thread.join(REAP_S)

    def _send(self, text: bytes) -> None:
        try:
            sent = self._commands.write(text)
        except OSError as error:
            sent, why = None, str(error)
        else:
            why = "tmux does not read what it is sent"
        if sent != len(text):
            # In a thread of its own, since the lock is held here.
            threading.Thread(target=self.close, args=(why,), daemon=True).start()

    def _read(self) -> None:
        replies = Replies()
        why = "tmux ended the connection"
        try:
            while data := self._replies.recv(READ_BYTES):
                for found in replies.feed(data):
                    self._take(found)
                if self._rest_s:
                    self._closed.wait(self._rest_s)
        except OSError as error:
            why = str(error)
        except Garbage as error:
            why = f"tmux wrote what is no reply: {error}"
        self.close(why)
        self._replies.close()
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(REAP_S)

    def _take(self, found: Block | Notification) -> None:
        if isinstance(found, Notification):
            if found.name == "%session-changed":
                self._is_attached.set()
            self._on_notification(found)
        elif found.is_ours:
            with self._lock:
                if not self._waiting:
                    if self._lost:
                        return
                    raise Garbage("an answer to nothing")
                answer = self._waiting[0]
                if found.is_error or found.lines != (answer.token,):
                    answer.blocks.append(found)
                    return
                self._waiting.popleft()
            if not answer.is_sound:
                answer.lost = f"{len(answer.blocks)} replies to {answer.expected} commands"
            answer.is_there.set()
            if answer.lost:
                raise Garbage(answer.lost)


@lru_cache(maxsize=256)
def quoted(word: str) -> str:
    """The word as it stands for itself in a line of tmux commands; it must have no line break."""
    return "'" + word.replace("'", "'\\''") + "'"
