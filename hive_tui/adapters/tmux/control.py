"""Looks at tmux through one standing client, for processes that look for hours. All else is run as ever."""

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from hive_tui.adapters.tmux.absence import Absence
from hive_tui.adapters.tmux.client import FINGERPRINT, Command, TmuxClient
from hive_tui.adapters.tmux.connection import Connection, Lost, quoted
from hive_tui.adapters.tmux.replies import Notification
from hive_tui.domain.errors import TmuxDown, TmuxError
from hive_tui.domain.ports import Clock

OBSTACLES = ("exit-unattached", "destroy-unattached", "focus-events")
"""Options, off by default, under which an attached client is no mere onlooker: it would keep the
server or the session alive, or make the programs in the session's active pane believe that a person looks at them."""

SUBSCRIPTION = " ".join([*(f"#{{{name}}}" for name in OBSTACLES), FINGERPRINT])
PROBE = "hive \x1f é ';"

LONGEST_LINE = 32_768
ANSWER_S = 2.5
FIRST_WAIT_S = 1.0
LONGEST_WAIT_S = 300.0
OBSTACLE_WAIT_S = 60.0
STEADY_S = 60.0
"""A connection that lived so long counts as good: the next loss is waited for shortly again."""


class ControlClient(TmuxClient):
    """A `TmuxClient` that asks through a standing control-mode client once it is switched on.

    Only commands that look and name what they look at go that way; they may be run once more when the
    connection fails. What changes something is run by a client of its own, since it must never run twice,
    and since tmux takes the environment and the current pane from whoever asks.

    The standing client counts for nothing: no window takes its size, no session or server lives on for
    it, it gives no environment, gets no output, and is never attached where it could be taken for a person.

    Args:
        socket: As for `TmuxClient`.
        clock: For the growing waits after a failure.
        timeout_s: As for `TmuxClient`.
    """

    def __init__(self, socket: str | None, clock: Clock, *, timeout_s: float = 5.0) -> None:
        super().__init__(socket, timeout_s=timeout_s)
        self._clock = clock
        self._absence = Absence(clock)
        self.is_on = False
        """Whether it was switched on, and not closed."""
        self.listener: Callable[[], None] = lambda: None
        self._connecting = threading.Lock()
        self._connection: Connection | None = None
        self._socket_file: tuple[Path, tuple[int, int]] | None = None
        self._pushed: str | None = None
        self._failures = 0
        self._connected_at = 0.0
        self._retry_at = 0.0
        self.trouble = ""
        """Why there is no standing client now, in words; empty while there is one, or it was not wanted."""

    def switch_on(self, listener: Callable[[], None] = lambda: None) -> None:
        """Connect at the next look.

        Args:
            listener: Called in a thread of ours when the fingerprint has changed; must be quick.
        """
        self.listener = listener
        self.is_on = True

    def close(self) -> None:
        """End the standing client for good."""
        self.is_on = False
        with self._connecting:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    @property
    def is_connected(self) -> bool:
        """Whether the standing client is there."""
        return self._connection is not None and not self._connection.lost

    def run(self, *commands: Command, stdin: str | None = None) -> list[str]:
        """Run commands as one list, in one step for the server; the lines they print.

        Raises:
            TmuxMissing, TmuxDown, TmuxHung, PaneGone, TmuxError: As their names say.
        """
        if stdin is None and all(map(is_look, commands)):
            self._refuse_while_down(commands)
            lines = self._ask(commands)
            if lines is not None:
                return lines
        return super().run(*commands, stdin=stdin)

    def fingerprint(self) -> str:
        """As of any client; costs nothing while tmux pushes it, at most a second late, and while there is no server."""
        self._refuse_while_down(())
        connection = self._connected()
        if connection is not None:
            if self._pushed is not None:
                return self._pushed
            with suppress(Lost):
                return "\n".join(connection.ask([["display-message", "-p", FINGERPRINT]], self._patience_s).lines)
        return super().fingerprint()

    def told(self) -> str | None:
        """The fingerprint that tmux has pushed; None while it pushes none."""
        return self._pushed if self.is_connected else None

    @property
    def _patience_s(self) -> float:
        return min(ANSWER_S, self.timeout_s)

    def is_absent(self) -> bool:
        """Whether there is no server for sure, as tmux last said; for next to nothing, in any thread."""
        return bool(self._said_down())

    @property
    def awaited_at(self) -> Path | None:
        """Where a server would come, if tmux has said that there is none."""
        return self._absence.socket

    def _refuse_while_down(self, commands: Sequence[Command]) -> None:
        """Say at once that there is no server, where that is as sure as if tmux was run to say it."""
        said = self._said_down()
        if said:
            raise super()._error(commands, said)

    def _said_down(self) -> str:
        return self._absence.said() if self._connection is None else ""

    def _error(self, commands: Sequence[Command], said: str) -> TmuxError:
        error = super()._error(commands, said)
        if isinstance(error, TmuxDown):
            self._absence.note(said)
        return error

    def _ask(self, commands: tuple[Command, ...]) -> list[str] | None:
        """Through the standing client; None if it must be asked otherwise."""
        connection = self._connected()
        if connection is None or sum(len(quoted(word)) for command in commands for word in command) > LONGEST_LINE:
            return None
        try:
            answer = connection.ask(commands, self._patience_s)
        except Lost as lost:
            self._fail(connection, str(lost))
            return None
        if answer.error is not None:
            raise self._error(commands, answer.error)
        return answer.lines

    def _connected(self) -> Connection | None:
        """The standing client, made if it is time to; None while it is not to be had."""
        connection = self._connection
        if connection is not None:
            if not connection.lost and self._is_same_server():
                return connection
            self._fail(connection, connection.lost or "another server has taken over the socket")
        if not self.is_on or self._clock.monotonic() < self._retry_at:
            return None
        if not self._connecting.acquire(blocking=False):
            return None
        try:
            return self._connect() if self.is_on and self._connection is None else self._connection
        finally:
            self._connecting.release()

    def _connect(self) -> Connection | None:
        self._retry_at = self._clock.monotonic() + FIRST_WAIT_S
        session, path, obstacle = self._session()
        if session is None:
            self.trouble, self._retry_at = obstacle, self._clock.monotonic() + OBSTACLE_WAIT_S
            return None
        self._pushed = None
        # -N: never start a server. -E: take over nothing of our environment into the session.
        client = ["tmux", "-N", "-u", *self.socket_arguments, "-C", "attach-session", "-E"]
        try:
            self._socket_file = (path, _file_id(path))
            connection = Connection([*client, "-f", "ignore-size,no-output", "-t", session], self._heard)
        except OSError as error:
            self._fail(None, f"it cannot be started: {error}")
            return None
        try:
            connection.await_session(self._patience_s)
            answer = connection.ask(
                [["refresh-client", "-B", f"hive::{SUBSCRIPTION}"], ["display-message", "-p", PROBE]],
                self._patience_s,
            )
            if answer.error is not None or answer.lines != [PROBE]:
                raise Lost(f"tmux answers otherwise than it should: {(answer.error or str(answer.lines))[:80]}")
        except Lost as lost:
            connection.close()
            self._fail(None, str(lost))
            return None
        self._connection, self._connected_at, self.trouble = connection, self._clock.monotonic(), ""
        return connection

    def _session(self) -> tuple[str | None, Path, str]:
        """A session to attach to, the server's socket, and else what stands in the way.

        One that a person looks at is the best: tmux marks activity otherwise in one that nobody is attached to.
        """
        names = ["session_attached", "session_id", *OBSTACLES, "socket_path"]
        rows = [
            line.split(" ", len(names) - 1)
            for line in super().run(["list-sessions", "-F", " ".join(f"#{{{name}}}" for name in names)])
        ]
        path = Path(rows[0][-1])
        obstacle = next((_obstacle(row[2:-1]) for row in rows), "there is no session")
        free = [(int(row[0]) > 0, row[1]) for row in rows if not _obstacle(row[2:-1])]
        return max(free)[1] if free else None, path, obstacle

    def _heard(self, notification: Notification) -> None:
        """In the connection's thread."""
        if notification.name != "%subscription-changed" or not notification.rest.startswith("hive "):
            return
        *options, pushed = notification.rest.partition(" : ")[2].split(" ", len(OBSTACLES))
        obstacle = _obstacle(options)
        connection = self._connection
        if obstacle and connection is not None:
            self._retry_at = self._clock.monotonic() + OBSTACLE_WAIT_S
            connection.close(obstacle)
        self._pushed = pushed
        self.listener()

    def _is_same_server(self) -> bool:
        """Whether the socket is still the one that was connected to: a new server makes a new one."""
        with suppress(OSError):
            return self._socket_file is not None and _file_id(self._socket_file[0]) == self._socket_file[1]
        return False

    def _fail(self, connection: Connection | None, why: str) -> None:
        """Rest, longer each time, unless it went well for a while."""
        if connection is not None:
            connection.close(why)
            with self._connecting:
                if self._connection is not connection:
                    return
                self._connection = None
            if self._clock.monotonic() - self._connected_at >= STEADY_S:
                self._failures = 0
        wait_s = min(FIRST_WAIT_S * 2**self._failures, LONGEST_WAIT_S)
        self._failures += 1
        self.trouble = why
        self._retry_at = max(self._retry_at, self._clock.monotonic() + wait_s)


LOOKS = {
    "list-sessions": (),
    "list-clients": (),
    "list-panes": ("-a", "-t"),
    "list-windows": ("-a", "-t"),
    "capture-pane": ("-t",),
    "display-message": ("-t",),
    "show-options": ("-t",),
}
"""Commands that change nothing, with the options of which one must name what is looked at."""
PRINTS = frozenset({"capture-pane", "display-message"})
"""Those of them that print only with `-p`."""


def is_look(command: Command) -> bool:
    """Whether a command only looks, and gives the same whoever asks."""
    targets = LOOKS.get(command[0])
    if targets is None or (command[0] in PRINTS and "-p" not in command):
        return False
    has_target = not targets or any(option in command for option in targets)
    return has_target and not any("\n" in word or "\0" in word for word in command)


def _obstacle(values: list[str]) -> str:
    """The option that stands in the way of a standing client, in words; empty for none."""
    on = [name for name, value in zip(OBSTACLES, values, strict=False) if value not in ("0", "off")]
    return f"the tmux option {on[0]} is on" if on else ""


def _file_id(path: Path) -> tuple[int, int]:
    stat = path.stat()
    return stat.st_dev, stat.st_ino
