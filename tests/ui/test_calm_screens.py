"""A look that found nothing new costs a screen no new layout: it comes every few seconds, all day long."""

import asyncio

import pytest
from textual.pilot import Pilot
from textual.screen import Screen

from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.screens import TITLES, watching
from hive_tui.ui.screens.watching import (
    CALM_AFTER,
    CALM_EVERY_S,
    CAPTURE_EVERY_S,
    EASED_AFTER_S,
    EASED_EVERY_S,
    LOOKS_AFTER_S,
    LOOKS_MISSING_S,
    WatchingScreen,
)
from hive_tui.ui.widgets.pane_preview import PanePreview
from tests.stage import Stage
from tests.ui.test_dashboard import dashboard, shown, until

MOST_RELOADS = 20


async def test_what_has_not_changed_is_not_laid_out_anew(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    stage.agent_in_shell("shop")
    stage.look()
    laid_out: list[str] = []
    lay_out = Screen._refresh_layout

    def counted(self: Screen[None], *arguments: object, **more: object) -> None:
        laid_out.append(type(self).__name__)
        lay_out(self, *arguments, **more)  # type: ignore[arg-type]

    async def is_calm(pilot: Pilot[None]) -> bool:
        laid_out.clear()
        pilot.app.screen.post_message(HiveChanged())
        await pilot.pause()
        await pilot.pause()
        return not laid_out

    monkeypatch.setattr(Screen, "_refresh_layout", counted)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        for name in TITLES:
            app.switch_mode(name)
            await until(pilot, lambda: app.screen.is_current and app.screen.is_mounted)
            # The first ones show what a screen reads by and by.
            reloads = 0
            while not await is_calm(pilot):
                reloads += 1
                assert reloads < MOST_RELOADS, f"each reload of {type(app.screen).__name__} lays it out"


async def test_a_pane_that_never_stands_still_is_drawn_less_often_until_somebody_does_something(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    loop = asyncio.get_running_loop()

    def wait_s(screen: WatchingScreen) -> float:
        before = loop.time()
        screen._look_again_soon()
        assert screen._next_look is not None
        return round(screen._next_look.when() - before, 1)

    def has_moved_for(screen: WatchingScreen, span_s: float) -> None:
        screen._calm, screen._moves_since = 0, loop.time() - span_s

    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        screen = app.screen
        assert isinstance(screen, WatchingScreen)
        screen.look_elsewhere()
        assert wait_s(screen) == CAPTURE_EVERY_S
        has_moved_for(screen, EASED_AFTER_S)
        assert wait_s(screen) == EASED_EVERY_S
        has_moved_for(screen, LOOKS_AFTER_S)
        assert wait_s(screen) == LOOKS_MISSING_S and app.on_look is not None
        screen._calm = CALM_AFTER
        assert wait_s(screen) == CALM_EVERY_S
        screen._calm = 0
        assert wait_s(screen) == CAPTURE_EVERY_S, "it stood still in between"
        has_moved_for(screen, LOOKS_AFTER_S)
        screen.look_elsewhere()
        assert wait_s(screen) == CAPTURE_EVERY_S
        has_moved_for(screen, LOOKS_AFTER_S)
        await pilot.press("j")
        assert wait_s(screen) == CAPTURE_EVERY_S, "somebody is there"
        due_s = screen._next_look.when() if screen._next_look is not None else 0.0
        screen.on_key()
        assert screen._next_look is not None and screen._next_look.when() == due_s, (
            "a key that is held puts nothing off"
        )
        has_moved_for(screen, LOOKS_AFTER_S)
        app.app_focus = False
        app.app_focus = True
        assert wait_s(screen) == CAPTURE_EVERY_S, "somebody is back"


async def test_what_has_moved_for_long_is_shown_as_the_looks_have_seen_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    pane = stage.agent_in_shell("shop")
    stage.look()
    stage.type(pane, "/work 100")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        screen = app.screen
        assert isinstance(screen, WatchingScreen)
        preview = screen.query_one(PanePreview)
        await until(pilot, lambda: "hello" in preview.shown)
        monkeypatch.setattr(screen, "capture", lambda: pytest.fail("there is no need for a capture"))
        monkeypatch.setattr(watching, "LOOKS_MISSING_S", 600.0)
        screen._moves_since = asyncio.get_running_loop().time() - LOOKS_AFTER_S
        screen._look_again_soon()
        for _ in range(2):
            before = preview.shown
            await until(pilot, lambda before=before: preview.shown != before)
        assert app.on_look is not None
    assert app.on_look is None, "nobody draws what is closed"
