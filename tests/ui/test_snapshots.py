"""How the screens look. Behaviour is asserted elsewhere; here only pictures are compared."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.pilot import Pilot

from hive_tui.domain.reconcile import ServerState
from hive_tui.hive import Hive
from hive_tui.settings import Settings, UiSettings
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Confirm
from tests.clocks import FakeClock
from tests.ui.invented import PicturePanes, observed, settled
from tests.ui.past import give_the_queue_a_past

SIZES = {"narrow": (80, 24), "usual": (120, 40), "wide": (200, 60)}
NextApp = Callable[[], HiveApp]


def after(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Everything is read and drawn after each of the keys."""

    async def press(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return press


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["1", "2", "3", "4", "5", "6", "7"])
def test_every_screen_of_the_invented_hive(snap_compare: Any, demo_app: NextApp, key: str, size: str):
    assert snap_compare(demo_app(), terminal_size=SIZES[size], run_before=after(key))


SIDE = ("right_square_bracket",)
STATES = {
    "timeline": ("end", *SIDE),
    "generations": ("end", *SIDE, *SIDE),
    "marked_and_filtered": ("j", "space", "space", "slash", *"idle", "enter"),
    "ordered_by_memory": ("s", "s"),
    "nothing_to_undo": ("u",),
    "refused": ("2", "j", "x", "x"),
    "launch": ("n",),
    "launch_refused": ("n", *"No Name", "enter", "enter", "enter"),
    "message": ("end", "m"),
    "help": ("question_mark",),
    "events_filtered": ("7", "F", "slash", *"museum", "enter"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", STATES)
def test_a_state_of_the_dashboard(snap_compare: Any, demo_app: NextApp, state: str, size: str):
    keys = STATES[state]
    if size == "narrow" and SIDE[0] in keys:
        keys = (*keys[:1], *SIDE, *keys[1:])  # the side covers the list there
    assert snap_compare(demo_app(), terminal_size=SIZES[size], run_before=after(*keys))


@pytest.mark.parametrize("size", SIZES)
def test_the_palette(snap_compare: Any, demo_app: NextApp, size: str):
    async def look_for_queue(pilot: Pilot[None]) -> None:
        await after("ctrl+p")(pilot)
        await pilot.press(*"postpone")
        await pilot.pause(0.6)
        await settled(pilot)

    assert snap_compare(demo_app(), terminal_size=SIZES[size], run_before=look_for_queue)


@pytest.mark.parametrize("size", ["narrow", "usual"])
@pytest.mark.parametrize("part", ["failed", "put_off"])
def test_what_has_become_of_wakeups(snap_compare: Any, demo_app: NextApp, clock: FakeClock, part: str, size: str):
    app = demo_app()
    app.hive.database.write(give_the_queue_a_past, clock.now())
    keys = ("2", *"ffff") if part == "failed" else ("2", "f", "j")
    assert snap_compare(app, terminal_size=SIZES[size], run_before=after(*keys))


@pytest.mark.parametrize("key", ["1", "2", "question_mark"])
@pytest.mark.parametrize("theme", ["light", "contrast", "terminal", "nord"])
def test_another_theme(snap_compare: Any, demo_app: NextApp, theme: str, key: str):
    app = demo_app()
    app.hive.settings = Settings(ui=UiSettings(theme=theme))
    assert snap_compare(app, terminal_size=SIZES["usual"], run_before=after(key))


@pytest.mark.parametrize("key", ["1", "2", "3", "7", "question_mark"])
def test_without_colours(snap_compare: Any, demo_app: NextApp, key: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(demo_app(), terminal_size=SIZES["narrow"], run_before=after(key))


ODD_SCREEN = (
    "日本語のテスト ── 篮子 🧺 end\n"
    "שלום עולם - مرحبا بالعالم end\n"
    "👩‍👩‍👧‍👦 🇩🇪 ❤️ é e\u0301 end\n"
    "\x1b[7mreversed\x1b[0m \x1b[4:3munder\x1b[0m \x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\ end\n"
)


@pytest.mark.parametrize("size", ["usual", "wide"])
def test_a_pane_with_letters_of_all_kinds(snap_compare: Any, demo_app: NextApp, size: str):
    app = demo_app()
    app.hive.__dict__["panes"] = PicturePanes(ODD_SCREEN)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled)


@pytest.mark.parametrize("size", SIZES)
def test_the_page_for_a_hive_with_nobody_in_it(snap_compare: Any, empty_hive: Hive, clock: FakeClock, size: str):
    app = HiveApp(empty_hive, beats=False, observation=observed([], clock.now()))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled)


@pytest.mark.parametrize("size", SIZES)
def test_a_tmux_server_that_does_not_answer(snap_compare: Any, demo_app: NextApp, size: str):
    app = demo_app()
    seen = app._observation
    assert seen is not None
    trouble = "The tmux server did not answer within 5 s."
    long_ago = seen.at - timedelta(minutes=3)
    app._observation = replace(seen, state=ServerState.HUNG, trouble=trouble, answered_at=long_ago)
    assert snap_compare(app, terminal_size=SIZES[size], run_before=settled)


@pytest.mark.parametrize("size", ["narrow", "usual"])
def test_a_question_that_no_toast_covers(snap_compare: Any, demo_app: NextApp, size: str):
    async def ask(pilot: Pilot[None]) -> None:
        await settled(pilot)
        app = pilot.app
        assert isinstance(app, HiveApp)
        app.notify("said before the question")
        await pilot.pause()
        lines = [f"  files: {number} change" for number in range(30)]
        app.push_screen(Confirm("Restore library to generation 1?", lines, "Restore"))
        await settled(pilot)
        app.notify("said meanwhile")
        await settled(pilot)

    assert snap_compare(demo_app(), terminal_size=SIZES[size], run_before=ask)


@pytest.mark.parametrize("size", ["narrow", "usual"])
def test_work_in_flight(snap_compare: Any, demo_app: NextApp, clock: FakeClock, size: str):
    async def begin(pilot: Pilot[None]) -> None:
        await settled(pilot)
        app = pilot.app
        assert isinstance(app, HiveApp)
        job = app.verbs.jobs.begin("nap shop", "an-agent")
        job.progress.step("writing the checkpoint", 40_000_000)
        job.progress.advance(10_000_000)
        clock.advance(2)
        app._jobs_changed()
        await settled(pilot)

    assert snap_compare(demo_app(), terminal_size=SIZES[size], run_before=begin)
