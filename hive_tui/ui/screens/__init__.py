"""Screens put widgets together, read their view, and decide. Each is imported when it is first shown."""

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from hive_tui.ui.screens.base import HiveScreen

TITLES: Mapping[str, str] = {
    "agents": "Agents",
    "queue": "Queue",
    "checkpoints": "Checkpoints",
    "schedule": "Schedule",
    "services": "Services",
    "metrics": "Metrics",
    "events": "Events",
}
"""The screens by name, in the order of the keys 1, 2, 3, ..., and what the header calls them."""


BESIDE: Mapping[str, str] = {"search": "Search", "settings": "Settings"}
"""Screens without a number, that keys or the palette lead to."""


def screen_class(name: str) -> type["HiveScreen"]:
    """The class of a screen."""
    module = import_module(f"{__name__}.{name}")
    return cast("type[HiveScreen]", getattr(module, f"{TITLES.get(name) or BESIDE[name]}Screen"))
