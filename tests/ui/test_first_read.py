"""A screen reads before it is drawn, but nobody waits long for that, and nothing of it is hidden."""

from collections.abc import Callable
from threading import Event
from typing import Any

import pytest

from hive_tui.services.dashboard import HiveView
from hive_tui.ui.app import HiveApp
from hive_tui.ui.screens.agents import AgentsScreen
from tests.ui.invented import settled
from tests.ui.test_dashboard import shown, until


async def test_a_first_read_that_takes_long_is_drawn_when_it_comes(
    demo_app: Callable[[], HiveApp], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hive_tui.ui.screens.base.FIRST_READ_S", 0.01)
    app, go_on = demo_app(), Event()
    read = app.dashboard.hive

    def slowly(*args: Any) -> HiveView:
        assert go_on.wait(20)
        return read(*args)

    monkeypatch.setattr(app.dashboard, "hive", slowly)
    async with app.run_test(size=(120, 40)) as pilot:
        assert app.view is None and app.screen.is_mounted, "there is a screen before there is anything on it"
        go_on.set()
        await settled(pilot)
        await until(pilot, lambda: len(shown(app)) > 1)


async def test_a_bug_in_the_first_read_is_not_hidden(demo_app: Callable[[], HiveApp], monkeypatch: pytest.MonkeyPatch):
    async def reload(_: AgentsScreen) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(AgentsScreen, "reload", reload)
    with pytest.raises(ZeroDivisionError):
        async with demo_app().run_test() as pilot:
            await settled(pilot)
