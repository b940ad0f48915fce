"""The keys that do something now, as many as there is room for."""

from collections.abc import Sequence

from msgspec import Struct
from textual.events import Resize

from hive_tui.ui.widgets.one_line import OneLine, Part


class Key(Struct, frozen=True):
    """A key with what it does."""

    key: str
    label: str
    action: str


ALWAYS = (Key("?", "Help", "app.help"), Key("q", "Quit", "app.leave"))


class KeyBar(OneLine):
    """The most wanted first; help and quit are always there."""

    _keys: tuple[Key, ...] = ()

    def show(self, keys: Sequence[Key]) -> None:
        """Draw these keys, if they are others."""
        if tuple(keys) != self._keys:
            self._keys = tuple(keys)
            self._draw()

    def on_mount(self) -> None:
        """Help and quit at least."""
        self._draw()

    def on_resize(self, _: Resize) -> None:
        """There is more room, or less."""
        self._draw()

    def _draw(self) -> None:
        self.lay([_part(key) for key in self._keys], [_part(key) for key in ALWAYS])


def _part(key: Key) -> Part:
    return Part(key.label, key.action, key=key.key)
