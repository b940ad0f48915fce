"""Whole files of ours in folders of other programs: units of systemd, completions of shells."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from hive_tui.domain.ports import Clock
from hive_tui.domain.units import SERVICE, TIMER, WANTED_BY
from hive_tui.services.hook_install import LARGEST_BYTES, Change, HooksRefused, write_whole


class FileRefused(HooksRefused):
    """A file was left as it is; the sentence says why."""


class FileInstaller:
    """Plans what becomes of files that are ours alone, which a person sees first, and does it.

    Args:
        home: The hive's folder, which keeps the backups.
        is_ours: Whether a text was written by us; the files of a person are never changed or removed.
        remedy: What a person does about a file that is not ours.
    """

    def __init__(self, home: Path, clock: Clock, is_ours: Callable[[str], bool], remedy: str) -> None:
        self._home = home
        self._clock = clock
        self._is_ours = is_ours
        self._remedy = remedy

    def plan(self, folder: Path, texts: Mapping[str, str | None]) -> list[Change]:
        """What has to change so that the folder holds these texts; None for no such file.

        Raises:
            FileRefused: A file of that name is not ours, or cannot be read.
        """
        return [self._plan(folder / name, after) for name, after in texts.items()]

    def _plan(self, path: Path, after: str | None) -> Change:
        before = _read(path)
        if before is not None and before != after and not self._is_ours(before):
            if after is None:
                return Change(path.name, path, before, before)
            raise FileRefused(f"{path} was not written by hive-tui, so it was left alone.", hint=self._remedy)
        return Change(path.name, path, before, after)

    def apply(self, change: Change) -> Path | None:
        """Make the change; where the file was kept as it was before, if there was one.

        Raises:
            FileRefused: The file has changed since the plan, or cannot be written.
        """
        if _read(change.path) != change.before:
            raise FileRefused(f"{change.path} was changed meanwhile, so it was left alone.", hint="Try again.")
        try:
            backup = self._back_up(change)
            if change.after is None:
                change.path.unlink()
            else:
                write_whole(change.path, change.after, new_mode=0o644)
        except OSError as error:
            raise FileRefused(
                f"{change.path} was left as it is: {error.filename or change.path}: {error.strerror or error}.",
                hint="Make it and its folder writable for you, or free some space.",
            ) from error
        return backup

    def _back_up(self, change: Change) -> Path | None:
        if change.before is None:
            return None
        backup = self._home / "install-backups" / f"{self._clock.now():%Y%m%dT%H%M%S%f}-{change.path.name}"
        write_whole(backup, change.before)
        return backup


def unit_folder(environ: Mapping[str, str]) -> Path:
    """Where a user's own units lie."""
    own = Path(environ.get("HOME") or Path.home())
    return Path(environ.get("XDG_CONFIG_HOME") or own / ".config") / "systemd" / "user"


def disable(folder: Path) -> list[Path]:
    """Remove the links that start our units by themselves, as `systemctl --user disable` does; which there were."""
    gone = []
    for name in (SERVICE, TIMER):
        link = folder / f"{WANTED_BY[name]}.wants" / name
        with suppress(OSError):
            if link.is_symlink() and link.readlink().name == name:
                link.unlink()
                gone.append(link)
    return gone


def _read(path: Path) -> str | None:
    """The text; None where there is no file. A link counts as a file of somebody else."""
    try:
        if path.is_symlink() or not path.is_file():
            if not path.is_symlink() and not path.exists():
                return None
            raise FileRefused(f"{path} is no regular file, so it was left alone.", hint="Look at it.")
        if path.stat().st_size > LARGEST_BYTES:
            raise FileRefused(f"{path} is too large for what it should be, so it was left alone.", hint="Look at it.")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise FileRefused(f"{path} cannot be read: {said}.", hint="Look at its mode and content.") from error
