"""The picture of a pane: read beside the screen, drawn by the line, as wide as the terminal makes its letters."""

import threading
from time import thread_time
from typing import Any

import pytest
from msgspec import structs
from rich.cells import cell_len
from textual.app import App, ComposeResult
from textual.geometry import Region

from hive_tui.ui.pane_picture import Picture, PictureReader, Pictures
from hive_tui.ui.widgets.pane_preview import PanePreview
from tests.stage import Stage
from tests.ui.test_dashboard import dashboard, shown, until

LETTERS = {
    "wide": "日本語 end",
    "emoji": "🧺🐝 end",
    "joined emoji": "👩‍👩‍👧‍👦 end",
    "flags": "🇩🇪 end",
    "hebrew": "שלום עולם end",
    "arabic": "مرحبا بالعالم end",
    "combining": "e\u0301a\u0308 end",
}


class OnePreview(App[None]):
    def compose(self) -> ComposeResult:
        yield PanePreview()


@pytest.mark.parametrize("text", LETTERS.values(), ids=LETTERS)
async def test_every_line_fills_the_width_exactly_whatever_is_in_it(text: str):
    app = OnePreview()
    async with app.run_test(size=(12, 4)) as pilot:
        preview = app.query_one(PanePreview)
        preview.show(PictureReader().read(f"{text}\n{text * 5}"))
        await pilot.pause()
        for y in range(4):
            line = preview.render_line(y)
            assert cell_len(line.text) == line.cell_length == 12, repr(line.text)
        assert preview.render_line(0).text.startswith(text[:3])


def test_colours_go_on_over_lines_and_nothing_but_text_is_left_of_escapes():
    picture = PictureReader().read(
        "\x1b[31mred\nstill red\x1b[0m \x1b]8;;https://x.org\x1b\\link\x1b]8;;\x1b\\\n\x1b[2Kplain\x07"
    )
    assert [line.text for line in picture.lines[:2]] == ["red", "still red link"]
    segments = list(picture.lines[1])
    assert segments[0].style is not None and segments[0].style.color is not None
    assert all(letter.isprintable() for line in picture.lines for letter in line.text)


async def test_the_picture_is_read_beside_the_screen(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    stage.agent_in_shell("shop")
    threads: list[threading.Thread] = []
    read = PictureReader.read

    def noted(reader: PictureReader, ansi: str) -> Picture:
        threads.append(threading.current_thread())
        return read(reader, ansi)

    monkeypatch.setattr(PictureReader, "read", noted)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app) and threads)
        await pilot.press("shift+pageup")
        await until(pilot, lambda: app.screen.query_one(PanePreview).is_back)
    assert threading.main_thread() not in threads


async def test_a_long_scrollback_costs_little_more_to_draw_than_a_short_one():
    lines = [f"\x1b[3{number % 8}m{number:04} \x1b[1mbold\x1b[0m {'x' * 80}" for number in range(1000)]
    pictures = {count: PictureReader().read("\n".join(lines[:count])) for count in (24, 1000)}
    app = OnePreview()
    async with app.run_test(size=(80, 24)) as pilot:
        preview = app.query_one(PanePreview)
        spans: dict[int, list[float]] = {count: [] for count in pictures}
        for _ in range(8):
            for count, picture in pictures.items():
                preview.follow()
                began = thread_time()
                preview.show_scrollback(picture)
                for y in range(24):
                    preview.render_line(y)
                spans[count].append(thread_time() - began)
                await pilot.pause()
        assert min(spans[1000]) < 5 * min(spans[24])


async def test_the_same_picture_is_drawn_once_and_a_sentence_takes_its_place():
    app = OnePreview()
    async with app.run_test(size=(40, 4)) as pilot:
        preview = app.query_one(PanePreview)
        one = PictureReader().read("one")
        assert preview.show(one) and not preview.show(PictureReader().read("one")) and not preview.show(None)
        preview.say("Its pane is gone; a wake builds it again, with all that was in it.")
        await pilot.pause()
        said = " ".join(preview.render_line(y).text.strip() for y in range(3)).strip()
        assert said == "Its pane is gone; a wake builds it again, with all that was in it."
        assert preview.show(PictureReader().read("one"))


def test_a_line_is_read_once_wherever_it_stands_and_as_its_colours_were_before_it():
    reader = PictureReader()
    before = reader.read("\x1b[31mred\nsame\x1b[0m\nplain\nsame")
    assert [line.text for line in before.lines] == ["red", "same", "plain", "same"]
    assert before.lines[1] != before.lines[3], "one is red, the other is not"
    after = reader.read("plain\nsame\nnew")
    assert after.lines[0] is before.lines[2] and after.lines[1] is before.lines[3]
    assert after.lines[2].text == "new"


async def test_only_the_lines_that_changed_are_drawn_again(monkeypatch: pytest.MonkeyPatch):
    app, reader = OnePreview(), PictureReader()
    async with app.run_test(size=(20, 6)) as pilot:
        preview = app.query_one(PanePreview)
        preview.show(reader.read("one\ntwo\nthree\nfour"))
        await pilot.pause()
        drawn: list[Region] = []
        refresh = preview.refresh

        def noted(*regions: Region, **options: bool) -> PanePreview:
            drawn.extend(regions or [Region(0, 0, 20, 6)])
            return refresh(*regions, **options)

        monkeypatch.setattr(preview, "refresh", noted)
        preview.show(reader.read("one\nTWO\nthree\nfour"))
        await pilot.pause()
        assert drawn == [Region(0, 1, 20, 1)]
        shown = [line.text.strip() for line in preview.render_lines(Region(0, 0, 20, 6))]
        assert shown == ["one", "TWO", "three", "four", "", ""]
        assert [line.text for line in preview.render_lines(Region(1, 1, 3, 1))] == ["WO "]


def test_a_known_capture_is_not_read_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: Any) -> Any:
        raise AssertionError("it was known")

    monkeypatch.setattr(PictureReader, "read", never)
    pane_id = stage.shell(stage.folder)
    known = stage.hive.panes.capture(pane_id)

    assert Pictures(stage.hive).capture(pane_id, known=known) is None


def test_what_a_look_has_captured_is_the_picture_of_the_pane(stage: Stage) -> None:
    stage.agent_in_shell("shop")
    agent = stage.look()
    assert agent.pane is not None
    pictures = Pictures(stage.hive)
    captured = pictures.capture(agent.pane.pane_id)
    assert captured is not None and "hello" in captured.ansi
    assert pictures.seen(agent.pane, "") == captured
    assert pictures.seen(agent.pane, captured.ansi) is None
    assert pictures.seen(structs.replace(agent.pane, pane_id="%999"), "") is None, "nobody has looked there"
