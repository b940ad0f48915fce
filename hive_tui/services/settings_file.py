"""The settings file as the settings screen and `hive-tui config` change it: checked first, then written as a whole."""

import os
import re
import stat
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from hive_tui import config
from hive_tui.adapters.folder_lock import held_folder
from hive_tui.domain.errors import ConfigError
from hive_tui.domain.ports import Clock
from hive_tui.services.hook_install import write_whole
from hive_tui.services.settings_text import Address, addresses_in, changed_text
from hive_tui.settings import Settings
from hive_tui.settings.knobs import dotted

HEADER = "# Settings of hive-tui. `hive-tui config list` names all of them, with their units and defaults.\n"
WAIT_S = 5.0
"""Seconds to wait for another hive-tui that writes the same file."""
LARGEST_BYTES = 4_000_000


class ChangedMeanwhile(ConfigError):
    """Somebody else has written the file since it was looked at."""


class UnfitValue(ConfigError):
    """A value, or a name of a setting, that was asked for is none; the file is not at fault."""


class Look(Struct, frozen=True):
    """The file as it was when it was read."""

    text: str | None
    """None where there is no file."""
    settings: Settings
    """What it says; the defaults where it cannot be read."""
    given: frozenset[Address]
    """The settings that stand in it."""
    trouble: str = ""
    """What is wrong with it; empty for nothing."""


class Change(Struct, frozen=True):
    """What was written, so that it can be taken back."""

    before: str | None
    after: str
    settings: Settings
    """What the file says now."""


class SettingsFile:
    """One settings file. Every method reads it anew; all of them block."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self.path = path
        self._clock = clock

    def look(self, known: Look | None = None) -> Look:
        """What stands in it, or `known` if it is as it was then; a file that is wrong is no error, but says what is."""
        text = None
        try:
            text = self._read()
            if known is not None and known.text == text and (text is not None or not known.trouble):
                return known
            return Look(text, config.parse(text or "", self.path), addresses_in(text or ""))
        except ConfigError as error:
            return Look(text, Settings(), frozenset(), f"{error.what} {error.hint}".strip())

    def change(self, values: Mapping[Address, Any], *, seen: Look | None = None) -> Change:
        """Write these settings, if the file is right with them.

        Args:
            values: By address; `UNSET` takes one out.
            seen: What the person who changes them has seen; None for whatever is there.

        Raises:
            ChangedMeanwhile: The file is not as it was seen; nothing was written.
            UnfitValue: The file would be wrong with these values; nothing was written.
            ConfigError: The file was wrong before, or cannot be read or written; nothing was written.
        """
        with self._held():
            before = self._read()
            if seen is not None and before != seen.text:
                raise self._changed_meanwhile()
            after = self._changed(before if before is not None else HEADER, values)
            settings = self._checked(before, after, values)
            if before is None or after != before:
                self._write(before, after)
        return Change(before, after, settings)

    def put_back(self, change: Change) -> Settings:
        """Write what was there before a change; what it says.

        Raises:
            ChangedMeanwhile: The file was written again since; nothing was changed.
            ConfigError: It cannot be read or written.
        """
        with self._held():
            if self._read() != change.after:
                raise self._changed_meanwhile()
            if change.before is None:
                with self._told():
                    self._target().unlink()
            elif change.before != change.after:
                self._write(change.after, change.before)
        return self.look().settings

    def _changed(self, text: str, values: Mapping[Address, Any]) -> str:
        try:
            return changed_text(text, values)
        except tomllib.TOMLDecodeError:
            config.parse(text, self.path)  # says it with its line
            raise

    def _checked(self, before: str | None, after: str, values: Mapping[Address, Any]) -> Settings:
        """By the reader that every start uses."""
        try:
            return config.parse(after, self.path)
        except ConfigError as error:
            what = re.sub(rf"^{re.escape(str(self.path))}(:\d+)?: ", "", error.what)
            if not what.startswith(tuple(dotted(address) for address in values)):
                config.parse(before or "", self.path)  # it was wrong before, and says so with its line
            raise UnfitValue(what, hint=error.hint.replace("Correct that line, or take it out", CHOOSE)) from error

    def _target(self) -> Path:
        """A link stays a link: what it leads to is written."""
        return self.path.resolve()

    def _read(self) -> str | None:
        try:
            found = self.path.stat()
            if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST_BYTES:
                raise ConfigError(f"{self.path} is no settings file.", hint="Check --config and HIVE_CONFIG.")
            with self.path.open(encoding="utf-8", newline="") as file:
                return file.read()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            said = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
            raise ConfigError(
                f"The settings file {self.path} cannot be read: {said}.", hint="Check --config and HIVE_CONFIG."
            ) from error

    def _write(self, before: str | None, after: str) -> None:
        target = self._target()
        with self._told():
            if before is not None:
                mode = stat.S_IMODE(target.stat().st_mode)
                if not mode & 0o222 or not os.access(target, os.W_OK):
                    raise ConfigError(
                        f"The settings file {self.path} is read-only, so nothing was written.",
                        hint=f"Make it writable: chmod u+w {target}",
                    )
                backup = target.with_name(f"{target.name}.bak")
                backup.unlink(missing_ok=True)  # its mode may be another one
                write_whole(backup, before, new_mode=mode)
            write_whole(target, after)

    @contextmanager
    def _held(self) -> Iterator[None]:
        """No other hive-tui writes it meanwhile."""
        folder = self._target().parent
        with self._told():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            held = held_folder(folder, self._clock, wait_s=WAIT_S)
            is_held = held.__enter__()
        try:
            if not is_held:
                raise ConfigError(
                    f"Another program keeps the folder {folder} locked.", hint="Wait until it is done, then try again."
                )
            yield
        finally:
            held.__exit__(None, None, None)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, RuntimeError) as error:
            said = error.strerror if isinstance(error, OSError) else "its links lead in a circle"
            raise ConfigError(
                f"The settings file {self.path} cannot be written: {said}.",
                hint="Make it and its folder writable for you, or free some space.",
            ) from error

    def _changed_meanwhile(self) -> ChangedMeanwhile:
        return ChangedMeanwhile(
            f"{self.path} was changed by somebody else meanwhile, so nothing was written.",
            hint="Look at it again, then repeat your change if it is still wanted.",
        )


CHOOSE = "Choose another value, or take it out"
