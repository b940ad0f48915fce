"""What the settings screen shows: every setting as the file has it, and what the running program goes by."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from hive_tui.services.settings_file import Look, SettingsFile
from hive_tui.settings import Settings
from hive_tui.settings.knobs import Knob, knobs
from hive_tui.settings.masking import is_secret, masked
from hive_tui.settings.typed import text_of


class SettingView(Struct, frozen=True):
    """One setting with its values, as text without secrets."""

    knob: Knob
    value: str
    default: str
    is_given: bool
    """Whether it stands in the file."""
    is_hidden: bool
    """Whether something of the value is not shown."""
    running: str | None
    """What the program runs with until its next start, where that is something else."""


class SettingsView(Struct, frozen=True):
    """All of them, in the order of the tables."""

    path: Path | None
    """None where the hive has no file."""
    look: Look
    """The file that the rows were read from."""
    settings: tuple[SettingView, ...]


class SettingsReader:
    """Reads the file and says what is in it; as long as nothing has changed, the view is the same one.

    Args:
        file: None for a hive without one.
        agents: The names of those in the registry, which may have no table yet.
    """

    def __init__(self, file: SettingsFile | None, agents: Callable[[], list[str]]) -> None:
        self._file = file
        self._agents = agents
        self._known: tuple[Look, Settings, list[str], SettingsView] | None = None

    def read(self, running: Settings) -> SettingsView:
        """All settings; of a file that is wrong, what the program runs with. Blocks."""
        names, known = self._agents(), self._known
        none = Look(None, running, frozenset())
        look = self._file.look(known[0] if known else None) if self._file is not None else none
        if known is not None and known[:3] == (look, running, names):
            return known[3]
        shown = running if look.trouble else look.settings
        found = tuple(_view(one, shown, running, look) for one in knobs(shown, {"agents": names}))
        view = SettingsView(self._file.path if self._file is not None else None, look, found)
        self._known = (look, running, names, view)
        return view


def _view(knob: Knob, shown: Settings, running: Settings, look: Look) -> SettingView:
    value, used = knob.value_in(shown), knob.value_in(running)
    return SettingView(
        knob,
        _text(knob, value),
        text_of(knob.default),
        knob.address in look.given,
        is_secret(knob.address, value),
        _text(knob, used) if used != value else None,
    )


def _text(knob: Knob, value: Any) -> str:
    return text_of(masked(knob.address, value))


def taken_up(running: Settings, written: Settings) -> Settings:
    """The settings that the program runs with, and of those that were written all that may change at once."""
    from msgspec import structs

    from hive_tui.settings.measures import AT_ONCE

    for table, key in AT_ONCE:
        new = structs.replace(getattr(running, table), **{key: getattr(getattr(written, table), key)})
        running = structs.replace(running, **{table: new})
    return running
