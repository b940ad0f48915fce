"""How the screens look. Behaviour is asserted elsewhere; here only pictures are compared."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from hive_tui.config import Settings, UiSettings
from hive_tui.hive import Hive
from hive_tui.services.observer import Observation
from hive_tui.ui.app import HiveApp
from tests.clocks import FakeClock
from tests.ui.invented import observed, settled

SIZES = {"narrow": (80, 24), "usual": (120, 36), "wide": (200, 60)}


def after(*keys: str) -> Callable[[Pilot[None]], Awaitable[None]]:
    """Everything is read and drawn after each of the keys."""

    async def press(pilot: Pilot[None]) -> None:
        await settled(pilot)
        for key in keys:
            await pilot.press(key)
            await settled(pilot)

    return press


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["1", "2", "3", "7"])
def test_every_screen_of_the_invented_hive(snap_compare: Any, demo_app: Callable[[], HiveApp], key: str, size: str):
    assert snap_compare(demo_app(), terminal_size=SIZES[size], run_before=after(key))


STATES = {
    "timeline": ("end", "right_square_bracket"),
    "generations": ("end", "right_square_bracket", "right_square_bracket"),
    "marked_and_filtered": ("j", "space", "space", "slash", *"idle", "enter"),
    "ordered_by_memory": ("s", "s"),
    "nothing_to_undo": ("u",),
    "launch": ("n",),
    "planned": ("4",),
}


@pytest.mark.parametrize("state", STATES)
def test_a_state_of_the_dashboard(snap_compare: Any, demo_app: Callable[[], HiveApp], state: str):
    assert snap_compare(demo_app(), terminal_size=SIZES["usual"], run_before=after(*STATES[state]))


@pytest.mark.parametrize("tab", ["timeline", "generations"])
def test_the_side_on_a_narrow_terminal(snap_compare: Any, demo_app: Callable[[], HiveApp], tab: str):
    keys = ("right_square_bracket", *STATES[tab])
    assert snap_compare(demo_app(), terminal_size=SIZES["narrow"], run_before=after(*keys))


@pytest.mark.parametrize("theme", ["light", "contrast", "terminal", "nord"])
def test_the_agents_in_another_theme(snap_compare: Any, demo_app: Callable[[], HiveApp], theme: str):
    app = demo_app()
    app.hive.settings = Settings(ui=UiSettings(theme=theme))
    assert snap_compare(app, terminal_size=SIZES["usual"], run_before=settled)


def test_the_help_of_a_screen(snap_compare: Any, demo_app: Callable[[], HiveApp]):
    assert snap_compare(demo_app(), terminal_size=SIZES["usual"], run_before=after("question_mark"))


def test_the_page_for_a_hive_with_nobody_in_it(snap_compare: Any, empty_hive: Hive, clock: FakeClock):
    app = HiveApp(empty_hive, beats=False, observation=observed([], clock.now()))
    assert snap_compare(app, terminal_size=SIZES["usual"], run_before=settled)


def test_a_tmux_server_that_does_not_answer(snap_compare: Any, demo_app: Callable[[], HiveApp]):
    app = demo_app()
    seen = app._observation
    assert seen is not None
    trouble = "The tmux server did not answer within 5 s."
    app._observation = Observation(seen.at, seen.state, trouble, seen.agents, {}, seen.panes)
    assert snap_compare(app, terminal_size=SIZES["usual"], run_before=settled)
