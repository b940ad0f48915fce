"""The keys of the screens with what they do: for help and palette."""

from collections.abc import Iterator

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen

TABLE_KEYS = (("↑ ↓ j k", "Move"), ("g G", "First, last"), ("pgup pgdn", "A page up, down"))
NOT_SAID = frozenset({"down", "up"})
"""Actions of keys that `TABLE_KEYS` says already."""


def bindings_of(screen: type[Screen[None]]) -> Iterator[Binding]:
    """The screen's own keys, then those that all screens of the hive have; each once, as the screen means it."""
    seen: set[str] = set()
    for kind in screen.__mro__:
        own: list[BindingType] = kind.__dict__.get("BINDINGS", []) if kind.__module__.startswith("hive_tui.") else []
        for one in own:
            if isinstance(one, Binding) and one.action not in NOT_SAID and not set(one.key.split(",")) & seen:
                seen |= set(one.key.split(","))
                yield one


def shown_key(app: App[None], binding: Binding) -> str:
    """All keys of a binding, as people write them."""
    if binding.key_display:
        return binding.key_display
    return " ".join(app.get_key_display(one) for one in binding.make_bindings([binding]))


def keys_of(app: App[None], screen: type[Screen[None]]) -> list[tuple[str, str]]:
    """Every key that does something on a screen, and what it does."""
    everywhere = [one for one in type(app).BINDINGS if isinstance(one, Binding)]
    screens = [one for one in everywhere if one.key.isdigit()]
    others = [one for one in everywhere if one not in screens]
    switches = (f"{screens[0].key} ... {screens[-1].key}", ", ".join(one.description for one in screens))
    own, common = ([(shown_key(app, one), one.description) for one in some] for some in (bindings_of(screen), others))
    return [*own, switches, *common, *TABLE_KEYS]
