"""Screens whose time has not come: they say what is not there yet, and what helps until then."""

from textual.app import ComposeResult
from textual.widgets import Static

from hive_tui.ui.screens.base import HiveScreen


class PlannedScreen(HiveScreen):
    """One text."""

    TEXT = ""

    def body(self) -> ComposeResult:
        """The text."""
        yield Static(self.TEXT, classes="planned")

    async def reload(self) -> None:
        """There is nothing to read."""


class ServicesScreen(PlannedScreen):
    """Services and models."""

    TITLE_TEXT = "Services"
    TEXT = """Idle sleep of services and models is not there yet.
hive-tui starts and stops agents only.
"""


class MetricsScreen(PlannedScreen):
    """Figures over time."""

    TITLE_TEXT = "Metrics"
    TEXT = """Figures over time are not there yet.

What is known now stands in the header of every screen; hive-tui status --json  prints it.
hive-tui budget  lists what each agent has spent today, of which budget, and what its wake costs.
"""
