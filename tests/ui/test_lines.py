"""Lines are made once, and again as soon as they are others: for each drawing all widgets are asked for all lines."""

from collections.abc import Callable
from typing import Any

import pytest
from rich.text import Text
from textual.app import App, ComposeResult
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from hive_tui.ui.pane_picture import PictureReader
from hive_tui.ui.widgets.lines import Below
from hive_tui.ui.widgets.pane_preview import PanePreview
from hive_tui.ui.widgets.steady import Steady


class Both(App[None]):
    CSS = """
    Below { background: green; }
    .other { background: red; }
    """

    def compose(self) -> ComposeResult:
        with Below():
            yield Steady(id="text")
            yield PanePreview()


def drawn(widget: Widget) -> list[Strip]:
    return widget.render_lines(Region(0, 0, widget.size.width, widget.size.height))


def texts(widget: Widget) -> list[str]:
    return [line.text.rstrip() for line in drawn(widget) if line.text.strip()]


def counted(monkeypatch: pytest.MonkeyPatch, kind: type[Widget]) -> list[int]:
    """The lines that are made from now on."""
    made: list[int] = []
    before: Callable[[Any, int], Strip] = kind.render_line

    def render_line(widget: Any, y: int) -> Strip:
        made.append(y)
        return before(widget, y)

    monkeypatch.setattr(kind, "render_line", render_line)
    return made


async def test_only_a_line_that_is_another_one_is_made_again(monkeypatch: pytest.MonkeyPatch):
    app, reader = Both(), PictureReader()
    async with app.run_test(size=(20, 8)) as pilot:
        preview, text = app.query_one(PanePreview), app.query_one("#text", Steady)
        text.put("one")
        preview.show(reader.read("a\nb\nc"))
        await pilot.pause()
        assert (texts(text), texts(preview)) == (["one"], ["a", "b", "c"])
        lines, words = counted(monkeypatch, PanePreview), counted(monkeypatch, Steady)
        assert (texts(text), texts(preview)) == (["one"], ["a", "b", "c"])
        assert (lines, words) == ([], [])
        preview.show(reader.read("a\nB\nc"))
        assert texts(preview) == ["a", "B", "c"]
        assert (lines, words) == ([1], [])
        text.put(Text("two"))
        assert texts(text) == ["two"]
        assert words == [0]


async def test_what_is_around_changes_its_colours_and_so_do_the_lines():
    app = Both()
    async with app.run_test(size=(20, 8)) as pilot:
        preview = app.query_one(PanePreview)
        preview.show(PictureReader().read("a\nb\nc"))
        await pilot.pause()
        before = drawn(preview)
        app.query_one(Below).add_class("other")
        await pilot.pause()
        assert [line.text for line in drawn(preview)] == [line.text for line in before]
        colours = {segment.style.bgcolor for line in drawn(preview) for segment in line if segment.style}
        assert all(colour and colour.triplet and colour.triplet.red > colour.triplet.green for colour in colours)


async def test_a_pane_that_was_scrolled_shows_other_lines():
    app = Both()
    async with app.run_test(size=(20, 8)) as pilot:
        preview = app.query_one(PanePreview)
        preview.show_scrollback(PictureReader().read("\n".join(f"line {at}" for at in range(30))))
        await pilot.pause()
        preview.scroll_to(y=0, animate=False)
        await pilot.pause()
        assert texts(preview)[0] == "line 0"
        preview.scroll_to(y=3, animate=False)
        await pilot.pause()
        assert texts(preview)[0] == "line 3"
