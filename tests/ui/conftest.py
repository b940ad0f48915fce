"""A dashboard over an invented hive that stands still."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from textual.notifications import Notification
from textual.widgets import Input

from hive_tui.hive import Hive
from hive_tui.ui.app import HiveApp
from tests.clocks import FakeClock
from tests.ui.invented import new_app, new_hive


@pytest.fixture(autouse=True)
def no_cursor_blink(monkeypatch: pytest.MonkeyPatch) -> None:
    """A blinking cursor makes a picture differ from itself."""
    monkeypatch.setattr(Input, "cursor_blink", False)


@pytest.fixture(autouse=True)
def toasts_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine one would be gone before it is looked at."""
    monkeypatch.setattr(Notification, "time_left", 600.0)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def empty_hive(tmp_path: Path, clock: FakeClock) -> Iterator[Hive]:
    """A hive with nobody in it, no tmux and a clock that stands."""
    hive = new_hive(tmp_path / "home", clock)
    yield hive
    hive.close()


@pytest.fixture
def demo_app(empty_hive: Hive, clock: FakeClock) -> Callable[[], HiveApp]:
    """Makes a dashboard over the invented agents."""
    return lambda: new_app(empty_hive, clock)
