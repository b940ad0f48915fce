"""Puts the hooks into the files of agents, and takes them out again; everything else in them stays as it is."""

import json
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from difflib import unified_diff
from pathlib import Path
from typing import Any

from hive_tui.domain import hook_files
from hive_tui.domain.errors import HiveError
from hive_tui.domain.hook_files import Unfit
from hive_tui.domain.ports import Clock

KINDS = ("claude", "codex", "opencode", "gemini")
LARGEST_BYTES = 4_000_000
STATE = "hook-files.json"


class HooksRefused(HiveError):
    """The file of an agent was left as it is; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of one file."""

    kind: str
    path: Path
    before: str | None
    """None where there is no file."""
    after: str | None
    """None to remove it."""
    inserted: tuple[str, ...] = ()
    original: str | None = None
    """What the file is without our hooks."""

    @property
    def is_needed(self) -> bool:
        """Whether anything changes."""
        return self.before != self.after

    def diff(self) -> str:
        """What changes, as `diff -u` shows it."""
        old, new = (text.splitlines(keepends=True) if text else [] for text in (self.before, self.after))
        lines = unified_diff(old, new, str(self.path), str(self.path))
        return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


@dataclass(frozen=True, slots=True)
class Installed:
    """What is remembered of one file that was added to."""

    after: str
    original: str | None
    inserted: Sequence[str] = field(default_factory=tuple)
    folders: Sequence[str] = field(default_factory=tuple)
    """Those that had to be made for it, the innermost first."""


class HookInstaller:
    """Plans a change, which a person sees first, and makes it.

    Args:
        home: The hive's folder, which keeps the backups and what was done.
        environ: Tells where the agents keep their files.
        command: How this hive-tui is started, without arguments.
    """

    by_hand = "`hive-tui install hooks --kind {kind} --dry-run` shows what to add where you keep it."
    """What helps where the file is a link."""

    def __init__(self, home: Path, environ: Mapping[str, str], command: Sequence[str], clock: Clock) -> None:
        self._home = home
        self._environ = environ
        self._command = tuple(command)
        self._clock = clock

    def file_of(self, kind: str) -> Path:
        """The file in which an agent of that kind looks for its hooks."""
        named = self._environ.get
        own = Path(named("HOME") or Path.home())
        if kind == "claude":
            return Path(named("CLAUDE_CONFIG_DIR") or own / ".claude").expanduser() / "settings.json"
        if kind == "codex":
            return Path(named("CODEX_HOME") or own / ".codex").expanduser() / "config.toml"
        if kind == "gemini":
            return own / ".gemini" / "settings.json"
        folder = named("OPENCODE_CONFIG_DIR") or Path(named("XDG_CONFIG_HOME") or own / ".config") / "opencode"
        return Path(folder).expanduser() / "plugin" / "hive-tui.js"

    def is_there(self, kind: str) -> bool:
        """Whether this user has an agent of that kind: it has a folder for its settings."""
        path = self.file_of(kind)
        return (path.parent.parent if kind == "opencode" else path.parent).is_dir()

    def plan_install(self, kind: str) -> Change:
        """What has to change so that the agent tells what it does.

        Raises:
            HooksRefused: The file is a link, cannot be read, or cannot hold hooks.
        """
        path = self.file_of(kind)
        before = self._read(path, kind)
        known = self._state().get(str(path))
        words = (*self._command, "hook", kind, "--home", str(self._home))
        try:
            original = self._original(kind, before, known)
            edited = hook_files.added(kind, original or "", words)
        except Unfit as error:
            raise _refused(path, error) from error
        if before == edited.text:
            return Change(kind, path, before, before)
        return Change(kind, path, before, edited.text, edited.inserted, original)

    def plan_uninstall(self, kind: str) -> Change:
        """What has to change so that nothing of ours is in the file.

        Raises:
            HooksRefused: The file is a link, cannot be read, or our part cannot be told from the rest.
        """
        path = self.file_of(kind)
        before = self._read(path, kind)
        try:
            return Change(kind, path, before, self._original(kind, before, self._state().get(str(path))))
        except Unfit as error:
            raise _refused(path, error) from error

    def apply(self, change: Change) -> Path | None:
        """Make the change; where the file was kept as it was before, if there was one.

        Raises:
            HooksRefused: The file has changed since the plan, or cannot be written.
        """
        if self._read(change.path, change.kind) != change.before:
            raise HooksRefused(f"{change.path} was changed meanwhile, so it was left alone.", hint="Try again.")
        try:
            backup = self._back_up(change)
            made = self._remember(change)
            if change.after is None:
                change.path.unlink()
                _remove_empty(made)
            else:
                write_whole(change.path, change.after)
        except OSError as error:
            raise HooksRefused(
                f"{change.path} was left as it is: {error.filename or change.path}: {error.strerror or error}.",
                hint="Make it and its folder writable for you, or free some space.",
            ) from error
        return backup

    def _original(self, kind: str, before: str | None, known: Installed | None) -> str | None:
        """The file as it is without our hooks; None for no file."""
        if before is None:
            return None
        if known is not None and known.after == before:
            return known.original
        found = hook_files.removed(kind, before, known.inserted if known else ())
        return None if kind == "opencode" and not found else found

    def _read(self, path: Path, kind: str) -> str | None:
        try:
            found = path.lstat()
            if stat.S_ISLNK(found.st_mode):
                raise HooksRefused(
                    f"{path} is a symbolic link to {path.readlink()}, so it was left alone.",
                    hint=self.by_hand.format(kind=kind),
                )
            if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_BYTES:
                raise HooksRefused(f"{path} is no file of settings, so it was left alone.", hint="Look at it.")
            with path.open(encoding="utf-8", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise HooksRefused(f"{path} cannot be read: {said}.", hint="Look at its mode and content.") from error

    def _back_up(self, change: Change) -> Path | None:
        if change.before is None:
            return None
        folder = self._home / "hook-backups"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        backup = folder / f"{self._clock.now():%Y%m%dT%H%M%S%f}-{change.kind}-{change.path.name}"
        write_whole(backup, change.before)
        return backup

    def _state(self) -> dict[str, Installed]:
        """What was added to which file; nothing, if that is not known any more."""
        with suppress(OSError, ValueError, TypeError):
            value: dict[str, Any] = json.loads((self._home / STATE).read_text(encoding="utf-8"))
            return {path: Installed(**one) for path, one in value.items()}
        return {}

    def _remember(self, change: Change) -> Sequence[str]:
        """Before the change: after a crash in between, the file is still what it was and nothing is taken out of it.

        Returns the folders that are there for the sake of this file alone.
        """
        state = self._state()
        known = state.pop(str(change.path), None)
        made = tuple(dict.fromkeys((*_missing_folders(change.path), *(known.folders if known else ()))))
        if change.inserted and change.after is not None:
            state[str(change.path)] = Installed(change.after, change.original, change.inserted, made)
        self._home.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_whole(self._home / STATE, json.dumps({path: asdict(one) for path, one in state.items()}, indent=1))
        return made


def write_whole(path: Path, text: str, *, new_mode: int = 0o600) -> None:
    """The whole file or nothing, with the mode that it had, or else with `new_mode`."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else new_mode
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.write(text)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        part.rename(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _missing_folders(path: Path) -> list[str]:
    """The folders that have to be made for a file, the innermost first."""
    return [str(folder) for folder in path.parents if not folder.exists()]


def _remove_empty(folders: Sequence[str]) -> None:
    """Remove folders in this order, up to the first that holds something by now."""
    with suppress(OSError):
        for folder in folders:
            Path(folder).rmdir()


def _refused(path: Path, error: Unfit) -> HooksRefused:
    return HooksRefused(f"{path} was left as it is: {error}.", hint="Mend it, or add the hooks by hand.")
