"""What the dashboard does when something under it fails: it says so, keeps what it shows, and stays."""

from typing import Any

import pytest
from textual.app import App, ComposeResult
from textual.widgets import Input

from hive_tui.domain.errors import StoreError
from hive_tui.ui.format import Cell, Row
from hive_tui.ui.messages import HiveChanged
from hive_tui.ui.widgets.header_bar import HeaderBar
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.side import TIMELINE, Page, Side
from hive_tui.ui.widgets.steady import Steady
from tests.stage import Stage
from tests.ui.test_dashboard import dashboard, shown, toasts, until

TROUBLE = "The database cannot be used: disk I/O error."


def shown_on(page: Page) -> str:
    return str(page.query_one(Steady).render())


def fails(*_: Any, **__: Any) -> Any:
    raise StoreError(TROUBLE)


async def test_a_database_that_cannot_be_read_is_said_and_the_list_stays(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)
        app.dashboard.hive = fails  # type: ignore[method-assign]
        app.post_message(HiveChanged())
        await until(pilot, lambda: TROUBLE in str(app.screen.query_one(HeaderBar).render()))
        assert len(shown(app)) == 1
        assert app.is_running


async def test_a_history_that_cannot_be_read_is_said_in_its_place(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)
        app.dashboard.history = fails  # type: ignore[method-assign]
        await pilot.press("right_square_bracket")
        side = app.screen.query_one(Side)
        await until(pilot, lambda: side.tab == TIMELINE)
        await until(pilot, lambda: TROUBLE in shown_on(side.query_one(Page)))
        assert app.is_running


async def test_a_mistake_of_ours_in_a_verb_is_seen(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)

        def mistaken(*_: Any, **__: Any) -> Any:
            raise OSError("no such luck")

        app.hive.snapshotter.take = mistaken  # type: ignore[method-assign]
        await pilot.press("c")
        await until(pilot, lambda: any("no such luck" in said for said in toasts(app)))
        assert app.is_running


async def test_a_pin_that_failed_is_not_told_as_done(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)
        app.hive.registry.pin = fails  # type: ignore[method-assign]
        await pilot.press("p")
        await until(pilot, lambda: any(TROUBLE in said for said in toasts(app)))
        assert not any("never put to sleep" in said for said in toasts(app))


async def test_a_home_folder_of_nobody_is_said_in_the_form(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)
        await pilot.press("n")
        await until(pilot, lambda: bool(app.screen.query("#field-command")))
        app.screen.query_one("#field-name", Input).value = "other"
        app.screen.query_one("#field-folder", Input).value = "~nobody-of-that-name/x"
        app.screen.query_one("#field-command", Input).focus()
        await pilot.press(*"ls", "enter")
        await until(pilot, lambda: "no home folder" in str(app.screen.query_one("#form-error").render()))
        assert app.is_running


class OneTable(App[None]):
    def compose(self) -> ComposeResult:
        yield KeyedTable(("name",))


@pytest.mark.parametrize(
    ("before", "cursor", "after"),
    [("abcd", 1, "bcd"), ("abcd", 3, "bcd"), ("abcd", 2, "dcb"), ("bcd", 1, "abcd"), ("abcd", 2, "dacb")],
)
async def test_the_cursor_stays_on_its_row_whatever_comes_and_goes(before: str, cursor: int, after: str):
    app = OneTable()
    async with app.run_test() as pilot:
        table = app.query_one(KeyedTable)
        await pilot.pause()
        table.show(tuple(Row(key, (Cell(key),)) for key in before))
        await pilot.pause()
        table.move_cursor(row=cursor)
        await until(pilot, lambda: table.selected_key == before[cursor])
        table.show(tuple(Row(key, (Cell(key),)) for key in after))
        await pilot.pause()
        assert table.selected_key == before[cursor]
