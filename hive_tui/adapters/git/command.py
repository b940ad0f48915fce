"""Runs git so that nothing of the user's settings, hooks or programs takes part, and never for ever."""

import errno
import os
import re
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Self

from hive_tui.adapters.files.room import require_room
from hive_tui.domain.errors import Cancelled, WorkspaceError

TICK_S = 0.25
"""How often a wait looks whether the person has stopped the work."""

STANDING_BACK = 19
OLDEST = (2, 30)

SETTINGS = (
    *("core.hooksPath=/dev/null", "core.fsmonitor=", "core.pager=cat", "core.sshCommand=false"),
    *("credential.helper=", "protocol.allow=never", "gc.auto=0", "maintenance.auto=false", "gpg.program=false"),
)
"""Given with every command; they win over what a repository's own config says."""

IDENTITY = {
    "GIT_AUTHOR_NAME": "hive-tui",
    "GIT_AUTHOR_EMAIL": "hive-tui@localhost",
    "GIT_COMMITTER_NAME": "hive-tui",
    "GIT_COMMITTER_EMAIL": "hive-tui@localhost",
}

VARIABLES = IDENTITY | {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "",
    "GIT_TRACE2": "0",
    "GIT_TRACE2_EVENT": "0",
    "GIT_TRACE2_PERF": "0",
    "LC_ALL": "C",
}

Argument = str | bytes | Path


class GitFailed(WorkspaceError):
    """Git ended with an error; `said` is what it printed about it."""

    def __init__(self, what: str, *, said: str, hint: str = "") -> None:
        super().__init__(what, hint=hint)
        self.said = said


class GitMissing(WorkspaceError):
    """There is no git program."""


@dataclass(frozen=True, slots=True)
class Git:
    """Runs git commands in one place, each with a time limit.

    Args:
        home: Stands in for the user's home, so that no personal settings are read.
        cwd: Where commands run.
        timeout_s: A command that takes longer, or a pipe that stands still for longer, counts as hung.
        cancelled: Once it is set, running commands are ended.
        program: Name or path of git.
        git_dir: The repository; None to let git look for one around `cwd`.
        work_tree: Where its files are; None for none.
        index: The index to use instead of the repository's own.
        room: A folder that commands write to; they are ended before its disk is full.
        niceness: How far commands stand back behind others, as `nice` counts it.
        watch: Called while a command runs, every `TICK_S`; may raise to end it.
    """

    home: Path
    cwd: Path
    timeout_s: float = 120.0
    cancelled: threading.Event | None = None
    program: str = "git"
    git_dir: Path | None = None
    work_tree: Path | None = None
    index: Path | None = None
    room: Path | None = None
    niceness: int = 0
    watch: Callable[[], None] | None = None

    def at(self, **places: Path | None) -> Self:
        """The same with another `cwd`, `git_dir`, `work_tree`, `index` or `room`."""
        return replace(self, **places)  # type: ignore[arg-type]

    def standing_back(self) -> Self:
        """The same, whose commands leave the processor to others that want it."""
        return replace(self, niceness=STANDING_BACK)

    def run(self, *arguments: Argument, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
        """What a command prints.

        Raises:
            GitFailed: It ended with an error.
            WorkspaceError: There is no git, or it hung.
            Cancelled: The person has stopped the work.
        """
        return self.run_and_listen(*arguments, stdin=stdin, env=env)[0]

    def run_and_listen(
        self, *arguments: Argument, stdin: bytes = b"", env: Mapping[str, str] | None = None
    ) -> tuple[bytes, bytes]:
        """What a command prints, and its warnings; raises as `run` does."""
        # From a file, since `communicate` forgets the rest of its input when it is called again.
        with tempfile.TemporaryFile() as given:
            given.write(stdin)
            given.seek(0)
            process = self.start(arguments, stdin=given, env=env)
        try:
            printed, said = self._communicate(process, arguments)
        finally:
            end(process)
        if process.returncode != 0:
            raise failed(arguments, process.returncode, said)
        return printed, said

    def records(self, *arguments: Argument, stdin: bytes = b"") -> list[bytes]:
        """What a command with `-z` prints, cut at the NULs."""
        return self.run(*arguments, stdin=stdin).split(b"\0")[:-1]

    def line(self, *arguments: Argument) -> str | None:
        """The only line that a command prints; None if the command failed."""
        try:
            return os.fsdecode(self.run(*arguments).removesuffix(b"\n"))
        except GitFailed:
            return None

    def start(
        self,
        arguments: Sequence[Argument],
        *,
        stdin: int | IO[bytes],
        stdout: int = subprocess.PIPE,
        stderr: int | IO[bytes] = subprocess.PIPE,
        env: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """Start a command in a session of its own; the caller has to `end` it."""
        settings = [word for setting in SETTINGS for word in ("-c", setting)]
        try:
            process = subprocess.Popen(
                [self.program, *settings, *arguments],
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                cwd=self.cwd,
                env=self._environment() | dict(env or {}),
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise self._not_started() from error
        except OSError as error:
            raise WorkspaceError(
                f"git does not start in {self.cwd}: {error.strerror}.", hint="Look at the folder's permissions."
            ) from error
        if self.niceness:
            with suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, process.pid, os.getpriority(os.PRIO_PROCESS, 0) + self.niceness)
        return process

    def ticks(self, arguments: object) -> Iterator[float]:
        """Waits in seconds, for as long as the time limit allows.

        Raises:
            WorkspaceError: The time is up.
            DiskFull: The command leaves too little free.
            Cancelled: The person has stopped the work.
        """
        for _ in range(max(1, round(self.timeout_s / TICK_S))):
            self.stop_if_asked()
            if self.room is not None:
                require_room(self.room)
            if self.watch is not None:
                self.watch()
            yield min(TICK_S, self.timeout_s)
        raise WorkspaceError(
            f"`git {command_name(arguments)}` in {self.cwd} did not finish within {self.timeout_s:g} s.",
            hint="Look whether the disk answers and the repository is sound (`git fsck`), then try again.",
            timed_out=True,
        )

    def stop_if_asked(self) -> None:
        """Raise Cancelled once the person has stopped the work; for what is done between commands."""
        if self.cancelled is not None and self.cancelled.is_set():
            raise Cancelled("Stopped, as you asked.", hint="Nothing was changed.")

    def _communicate(self, process: subprocess.Popen[bytes], arguments: object) -> tuple[bytes, bytes]:
        for wait_s in self.ticks(arguments):
            with suppress(subprocess.TimeoutExpired):
                return process.communicate(timeout=wait_s)
        raise AssertionError("ticks end with an error")

    def _not_started(self) -> WorkspaceError:
        if not self.cwd.is_dir():
            return WorkspaceError(
                f"The folder {self.cwd} is not there.", hint="A restore of its checkpoint can build it again."
            )
        return GitMissing(
            f"There is no `{self.program}` program on your PATH.", hint="Install git 2.30 or newer, then try again."
        )

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("GIT_") and name != "LANGUAGE"}
        places = {"GIT_DIR": self.git_dir, "GIT_WORK_TREE": self.work_tree, "GIT_INDEX_FILE": self.index}
        chosen = {name: str(place) for name, place in places.items() if place is not None}
        return kept | VARIABLES | chosen | {"HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home / ".config")}


def check_version(git: Git) -> None:
    """Look whether git is new enough.

    Raises:
        WorkspaceError: There is none, or an older one.
    """
    said = git.run("version").decode(errors="replace").strip()
    found = re.search(r"(\d+)\.(\d+)", said)
    if found and (int(found[1]), int(found[2])) < OLDEST:
        raise WorkspaceError(f"{said} is too old.", hint="Install git 2.30 or newer, then try again.")


def failed(arguments: object, code: int | None, said: bytes) -> GitFailed:
    """The error for a command that ended with one."""
    text = said.decode(errors="replace").strip()
    last = next((line for line in text.splitlines() if line.startswith(("fatal:", "error:"))), text[-300:])
    reason = last.removeprefix("fatal: ").removeprefix("error: ").rstrip(".") or f"it ended with code {code}"
    return GitFailed(
        f"`git {command_name(arguments)}` failed: {reason}.",
        said=text,
        hint="Look at the repository with `git status` and `git fsck`, then try again.",
    )


OUT_OF_SPACE = (os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "Out of diskspace")
"""What git says of it: the system's words, or its own while it writes a pack."""


def is_full(error: GitFailed) -> bool:
    """Whether git failed for lack of space."""
    return any(words in error.said for words in OUT_OF_SPACE)


def command_name(arguments: object) -> str:
    """The git command in a list of arguments."""
    words: Sequence[Any] = arguments if isinstance(arguments, list | tuple) else []
    named = (word for before, word in pairwise(["", *words]) if "-c" not in (before, word))
    return next((str(word) for word in named if not str(word).startswith("-")), "")


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill exactly the process that was started here, with what it started; harmless if it has ended."""
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    for stream in (process.stdin, process.stdout, process.stderr):
        if stream is not None:
            with suppress(OSError):
                stream.close()
    process.wait()
