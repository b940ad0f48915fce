"""The table of all screens: it draws what changed and nothing else, and its cursor keeps to its row."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from hive_tui.ui.format import Cell, Row
from hive_tui.ui.widgets.cells import fitted
from hive_tui.ui.widgets.keyed_table import KeyedTable
from tests.ui.test_dashboard import until


class OneTable(App[None]):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def compose(self) -> ComposeResult:
        yield KeyedTable(("name", "what"))

    def on_keyed_table_row_highlighted(self, event: KeyedTable.RowHighlighted) -> None:
        self.told.append(f"on {event.key}")

    def on_keyed_table_row_selected(self, event: KeyedTable.RowSelected) -> None:
        self.told.append(f"chosen {event.key}")


def rows(*names: str, what: str = "-", style: str = "") -> list[Row]:
    return [Row(name, (Cell(name), Cell(what, style))) for name in names]


NAMES = [f"row-{number:02}" for number in range(40)]


@asynccontextmanager
async def table_of(shown: Sequence[Row], size: tuple[int, int] = (30, 11)) -> AsyncIterator[tuple[KeyedTable, Pilot]]:  # type: ignore[type-arg]
    app = OneTable()
    async with app.run_test(size=size) as pilot:
        table = app.query_one(KeyedTable)
        table.focus()
        table.show(shown)
        await pilot.pause()
        yield table, pilot


def lines(table: KeyedTable) -> list[str]:
    return [table.render_line(y).text.rstrip() for y in range(table.size.height)]


def told(table: KeyedTable) -> list[str]:
    app = table.app
    assert isinstance(app, OneTable)
    return app.told


async def test_it_shows_a_header_and_the_rows_in_their_order():
    async with table_of(rows("bakery", "shop", what="idle")) as (table, _):
        assert lines(table)[:3] == [" NAME    WHAT", " bakery  idle", " shop    idle"]
        assert {cell_len(table.render_line(y).text) for y in range(11)} == {30}


async def test_only_the_lines_of_changed_rows_are_drawn_again(monkeypatch: pytest.MonkeyPatch):
    async with table_of(rows(*NAMES)) as (table, _):
        drawn: list[Region] = []
        monkeypatch.setattr(Widget, "refresh", lambda _, *regions, **__: drawn.extend(regions or [Region()]))
        changed = rows(*NAMES)
        changed[3] = rows("row-03", what="!")[0]
        changed[30] = rows("row-30", what="!")[0]
        table.show(changed)
        assert drawn == [Region(0, 4, 30, 1)], "the other one is out of sight"
        drawn.clear()
        table.show(list(changed))
        assert drawn == []


async def test_a_wider_cell_moves_the_columns_of_all_rows():
    async with table_of(rows("shop", "mill")) as (table, _):
        table.show([*rows("shop"), *rows("the-old-mill")])
        assert lines(table)[1:3] == [" shop          -", " the-old-mill  -"]


async def test_the_cursor_walks_and_the_list_follows_it():
    async with table_of(rows(*NAMES)) as (table, pilot):
        await pilot.press("down", "pagedown")
        assert table.selected_key == "row-10"
        assert " row-10  -" in lines(table)
        await pilot.press("G")
        assert table.selected_key == "row-39" and lines(table)[-1] == " row-39  -"
        await pilot.press("pageup", "g")
        assert table.selected_key == "row-00" and lines(table)[:2] == [" NAME    WHAT", " row-00  -"]
        await pilot.press("up")
        assert table.cursor_row == 0


async def test_who_listens_is_told_of_another_row_once_and_of_a_choice():
    async with table_of(rows("a", "b")) as (table, pilot):
        await pilot.press("down", "down", "enter")
        assert told(table) == ["on a", "on b", "chosen b"]
        table.show([])
        await pilot.pause()
        assert told(table)[-1] == "on None"
        await pilot.press("enter")
        assert told(table)[-1] == "on None", "there is nothing to choose"


async def test_a_row_that_is_gone_leaves_the_cursor_at_its_place():
    async with table_of(rows("a", "b", "c")) as (table, pilot):
        await pilot.press("down")
        table.show(rows("a", "c"))
        assert table.selected_key == "c"
        table.show(rows("a"))
        assert table.selected_key == "a"


async def test_the_mouse_moves_the_cursor_and_a_second_click_chooses():
    async with table_of(rows(*NAMES)) as (table, pilot):
        await pilot.click(KeyedTable, offset=(3, 4))
        assert table.selected_key == "row-03"
        await pilot.click(KeyedTable, offset=(3, 4))
        assert told(table)[-1] == "chosen row-03"
        await pilot.click(KeyedTable, offset=(3, 0))
        assert table.selected_key == "row-03", "the header is no row"


async def test_the_cursor_is_seen_and_loses_its_colour_with_the_focus():
    async with table_of(rows("a", "b", style="red")) as (table, pilot):
        styles = [table.render_line(y)._segments[1].style for y in (1, 2)]
        assert styles[0] != styles[1]
        focused = styles[0]
        table.app.set_focus(None)
        await pilot.pause()
        assert table.render_line(1)._segments[1].style != focused


async def test_after_a_resize_the_cursor_is_in_sight_and_lines_have_the_new_width():
    async with table_of(rows(*NAMES)) as (table, pilot):
        await pilot.press("G")
        await pilot.resize_terminal(40, 6)
        await until(pilot, lambda: table.size.width == 40 and lines(table)[-1] == " row-39  -")
        assert {cell_len(table.render_line(y).text) for y in range(6)} == {40}


@pytest.mark.parametrize(
    ("text", "room", "seen"),
    [
        ("ab", 4, "ab  "),
        ("abcdef", 4, "abc…"),
        ("面包店", 4, "面 …"),
        ("面包", 4, "面包"),
        ("", 2, "  "),
        ("ab", 0, ""),
    ],
)
def test_a_text_is_fitted_into_its_cells(text: str, room: int, seen: str):
    assert fitted(text, room) == seen
    assert cell_len(fitted(text, room)) == room


async def test_what_is_too_long_for_the_last_column_ends_in_an_ellipsis():
    async with table_of(rows("shop", what="it waits for you to say whether it may")) as (table, _):
        assert lines(table)[1].endswith("…") and cell_len(table.render_line(1).text) == 30
