"""How the screens look. Behaviour is asserted elsewhere; here only pictures are compared."""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from hive_tui.hive import Hive
from hive_tui.services.observer import Observation
from hive_tui.ui.app import HiveApp
from tests.clocks import FakeClock
from tests.ui.conftest import observed

SIZES = {"narrow": (80, 24), "usual": (120, 36), "wide": (200, 60)}


async def settled(pilot: Pilot[None]) -> None:
    """Everything is read and drawn."""
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("key", ["1", "2", "3"])
def test_every_screen_of_the_invented_hive(snap_compare: Any, demo_app: Callable[[], HiveApp], key: str, size: str):
    assert snap_compare(demo_app(), press=[key], terminal_size=SIZES[size], run_before=settled)


def test_the_help_of_a_screen(snap_compare: Any, demo_app: Callable[[], HiveApp]):
    assert snap_compare(demo_app(), press=["question_mark"], terminal_size=SIZES["usual"], run_before=settled)


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
