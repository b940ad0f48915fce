"""Runs tmux commands with a time limit, and says in one error type what went wrong."""

import re
import shutil
import subprocess
from collections.abc import Sequence

from hive_tui.domain.errors import PaneGone, TmuxDown, TmuxError, TmuxHung, TmuxMissing

OLDEST = (3, 2)
"""Pane options in formats and `client_control_mode` need it."""

DOWN = re.compile(
    r"no server running|error connecting to|lost server|server exited|failed to connect|no sessions", re.IGNORECASE
)
GONE = re.compile(r"can't find (pane|window|session)|no such (pane|window)", re.IGNORECASE)

LOOK_AT_PATH = "Look at what is on your PATH as tmux."

FINGERPRINT = "#{S:#{session_id}#{W:#{window_id}.#{window_activity}#{P:#{pane_id}#{pane_dead}} }}"
"""Every window with the second of its last output, and every pane. Loops, since tmux tells a client
in control mode only of the session that it is attached to."""

Command = Sequence[str]


class TmuxClient:
    """Runs command lists on one tmux server.

    Args:
        socket: A socket's name as for `tmux -L`, a path as for `tmux -S` (has a slash), or
            None for tmux's own choice: the server we run in, else the default one.
        timeout_s: After so many seconds without an answer the server counts as hung.
    """

    def __init__(self, socket: str | None = None, *, timeout_s: float = 5.0) -> None:
        self.socket = socket
        self.timeout_s = timeout_s
        self._checked = False

    @property
    def socket_arguments(self) -> list[str]:
        """The options that name the server."""
        if self.socket is None:
            return []
        return ["-S" if "/" in self.socket else "-L", self.socket]

    def run(self, *commands: Command, stdin: str | None = None) -> list[str]:
        """Run commands as one list, in one step for the server; the lines they print.

        Raises:
            TmuxMissing, TmuxDown, TmuxHung, PaneGone, TmuxError: As their names say.
        """
        # -u: without it tmux replaces separators and wide characters by underscores in a C locale.
        arguments = ["tmux", "-u", *self.socket_arguments, *_joined(commands)]
        try:
            done = subprocess.run(
                arguments,
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                timeout=self.timeout_s,
                check=False,
            )
        except (FileNotFoundError, PermissionError) as error:
            raise missing() from error
        except OSError as error:
            raise TmuxError(f"tmux could not be run: {error}.", hint="Is the text that it got too long?") from error
        except subprocess.TimeoutExpired as error:
            raise TmuxHung(
                f"The tmux server{self._named} did not answer within {self.timeout_s:g} s.",
                hint="The agents may be fine: attach with tmux and look. hive-tui tries again by itself.",
            ) from error
        if done.returncode != 0:
            raise self._error(commands, done.stderr.strip() or done.stdout.strip())
        return done.stdout.splitlines()

    def fingerprint(self) -> str:
        """A text that changes when a pane has output, comes, dies or goes.

        It tells seconds: output in the second in which it was read may not change it.

        Raises:
            Like `run`.
        """
        return "\n".join(self.run(["display-message", "-p", FINGERPRINT]))

    def check_version(self) -> str:
        """Tmux's version as it prints it.

        Raises:
            TmuxMissing: There is no tmux, or one that is too old.
        """
        try:
            said = subprocess.run(["tmux", "-V"], capture_output=True, text=True, timeout=self.timeout_s, check=False)
        except (FileNotFoundError, PermissionError) as error:
            raise missing() from error
        except subprocess.TimeoutExpired as error:
            raise TmuxHung("`tmux -V` did not answer.", hint=LOOK_AT_PATH) from error
        found = said.stdout.strip().removeprefix("tmux ")
        refuse_too_old(found)
        return found

    @property
    def _named(self) -> str:
        return f" on socket {self.socket!r}" if self.socket else ""

    def _error(self, commands: Sequence[Command], said: str) -> TmuxError:
        if DOWN.search(said):
            return TmuxDown(
                f"No tmux server runs{self._named}.",
                hint="Start tmux; after a crash `hive-tui recover` brings the agents back.",
            )
        if GONE.search(said):
            return PaneGone(f"The pane is gone: tmux says {said!r}.", hint="`hive-tui agents` shows what is there.")
        return TmuxError(
            f"tmux refused `{commands[0][0]}`: {said or 'it gave no reason'}.",
            hint="Look at the session with tmux itself, then try again.",
        )


def missing() -> TmuxMissing:
    """There is no tmux on the PATH."""
    return TmuxMissing("There is no `tmux` program on your PATH.", hint="Install tmux 3.2 or newer.")


def refuse_too_old(version: str) -> None:
    """Raise TmuxMissing for a version, of the program or of the server, below `OLDEST`."""
    if is_too_old(version):
        raise TmuxMissing(
            f"tmux {version} is too old: hive-tui needs {'.'.join(map(str, OLDEST))} or newer.",
            hint="Update tmux, then restart its server.",
        )


def is_too_old(version: str) -> bool:
    """Whether a version as tmux prints it is below `OLDEST`; unknown ones (`master`) pass."""
    found = re.search(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) < OLDEST


def is_installed() -> bool:
    """Whether there is a tmux on the PATH."""
    return shutil.which("tmux") is not None


def as_format(text: str) -> str:
    """The text as a format that stands for itself: folders and titles are expanded, and `#(...)` would be run."""
    return re.sub(r"#+(?![#\[])", lambda run: run[0] * 2, text)


def _joined(commands: Sequence[Command]) -> list[str]:
    """One argument list; a trailing `;` in an argument would end the command, so it is escaped."""
    arguments: list[str] = []
    for command in commands:
        if arguments:
            arguments.append(";")
        arguments += [word[:-1] + "\\;" if word.endswith(";") else word for word in command]
    return arguments
