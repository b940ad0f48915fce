"""The Schedule screen: what its keys do, and how it looks."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from hive_tui.domain.routines import Routine, RunOutcome
from hive_tui.domain.schedule import SleepWindow, TickOutcome
from hive_tui.domain.windows import Edge, nights
from hive_tui.services.schedule import WindowView
from hive_tui.store import routines, windows
from hive_tui.store.routines import LoggedRun
from hive_tui.store.windows import LoggedTick
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Confirm, Form
from hive_tui.ui.schedule_rows import week
from hive_tui.ui.widgets.header_bar import HeaderBar
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady
from tests.stage import TESTER
from tests.ui.invented import settled, with_windows
from tests.ui.test_snapshots import SIZES, after

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
NextApp = Callable[[], HiveApp]


def windows_of(app: HiveApp) -> list[SleepWindow]:
    return app.hive.database.read(windows.everything)


async def press(pilot: Pilot[None], *keys: str) -> None:
    await after(*keys)(pilot)


async def test_a_window_is_added_switched_edited_removed_and_brought_back_by_keys(demo_app: NextApp):
    app = demo_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "4", "a")
        assert isinstance(app.screen, Form)
        app.screen.query_one("#field-agent", Input).value = "shop"
        app.screen.query_one("#field-zone", Input).value = "Europe/Berlin"
        await press(pilot, "enter", "enter", "enter", "enter")
        [window] = windows_of(app)
        assert (window.start_time, window.end_time, window.timezone) == ("02:00", "04:00", "Europe/Berlin")
        assert window.agent_id is not None and not window.active
        await press(pilot, "space")
        assert windows_of(app)[0].active
        assert "☾ nap 01:00" in str(app.screen.query_one(HeaderBar).render())
        await press(pilot, "enter")
        assert not windows_of(app)[0].active
        await press(pilot, "e")
        app.screen.query_one("#field-end", Input).value = "23:30"
        await press(pilot, *["enter"] * 4)
        [changed] = windows_of(app)
        assert (changed.id, changed.end_time) == (window.id, "23:30")
        await press(pilot, "d")
        assert isinstance(app.screen, Confirm)
        await press(pilot, "n")
        assert len(windows_of(app)) == 1
        await press(pilot, "d", "y")
        assert windows_of(app) == []
        await press(pilot, "u")
        assert [one.id for one in windows_of(app)] == [window.id]


async def test_what_is_wrong_in_the_form_is_said_and_what_was_written_stays(demo_app: NextApp):
    app = demo_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "4", "a")
        for field, value, said in (
            ("zone", "Europe/Berlln", "not a time zone"),
            ("start", "25:00", "not a time of day"),
            ("agent", "nobody", "There is no agent 'nobody'"),
        ):
            box = app.screen.query_one(f"#field-{field}", Input)
            right, box.value = box.value, value
            app.screen.query_one("#field-zone", Input).focus()
            await press(pilot, "enter")
            assert said in str(app.screen.query_one("#form-error").render())
            box.value = right
        assert windows_of(app) == []


@pytest.mark.parametrize("key", ["space", "enter", "e", "d"])
async def test_without_a_window_the_keys_say_so(demo_app: NextApp, key: str):
    app = demo_app()
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "4", key)
        said = [str(toast.message) for toast in app._notifications]
        assert said == ["There is no sleep window; a adds one."] if key != "enter" else said == []


def test_the_week_shows_what_was_slept_missed_and_is_planned():
    window = SleepWindow("w", None, "22:00", "01:00", "UTC", active=True)
    logged = [
        LoggedTick("w", Edge.NAP, night.date, night.start_at, night.start_at, outcome, agents)
        for night, outcome, agents in zip(
            [one for one in nights(window, NOON - timedelta(days=3), NOON) if one.start_at < NOON][-2:],
            (TickOutcome.MISSED, TickOutcome.DONE),
            (0, 3),
            strict=True,
        )
    ]
    lines = week(WindowView(window, "all agents", None, None, False, tuple(logged)), NOON, 118).plain.splitlines()
    assert len(lines) == 9 and len({len(line[:59]) for line in lines[2:]}) == 1
    days = {line[:10]: line for line in lines[2:]}
    assert days["Sat 03 Jan"].endswith("××××" + " missed") and days["Sat 03 Jan"][11:13] == "░░"
    assert days["Sun 04 Jan"][11:14] == "××·" and days["Sun 04 Jan"].endswith("████" + " asked: 3 agents")
    assert days["Mon 05 Jan"][11:14] == "██·" and days["Mon 05 Jan"][11 + 24] == "┃"
    assert days["Mon 05 Jan"].endswith("▒▒▒▒" + " next: in 10h") and days["Tue 06 Jan"].endswith("planned")


def test_the_week_of_a_narrow_screen_fits_and_knows_days_on_which_clocks_change():
    window = SleepWindow("w", None, "02:30", "04:00", "Europe/Berlin", active=True)
    for now in (datetime(2026, 3, 29, 12, tzinfo=UTC), datetime(2026, 10, 25, 12, tzinfo=UTC)):
        lines = week(WindowView(window, "shop", None, None, False, ()), now, 60).plain.splitlines()
        assert all(len(line) <= 60 for line in lines[1:])
        assert sum(any(block in line for block in "░▒") for line in lines[2:]) == 7


def with_routines(app: HiveApp) -> HiveApp:
    """A window, a routine that makes tasks and has a past, and one that only wakes and is off."""
    assert app.observation is not None
    clock, added, agent = app.hive.clock, app.hive.recurring.routines, app.observation.agents[0]
    with_windows(app)
    first = added.add("daily 09:00 Europe/Berlin", agent, TESTER, goal="Review what came in", name="inbox")
    outcomes = (RunOutcome.LATE, RunOutcome.MISSED, RunOutcome.DONE)
    for days, outcome in zip((2, 1, 0), outcomes, strict=True):
        at = clock.now().replace(hour=8, minute=0) - timedelta(days=days)
        why = "nothing ran then" if outcome is RunOutcome.MISSED else ""
        app.hive.database.write(routines.note, LoggedRun(first.id, at, at, outcome, why))
    wakes = added.add("4h", agent, TESTER, message="Go on.")
    added.enable(wakes.id, False, TESTER)
    return app


async def test_a_routine_is_switched_removed_and_brought_back_by_keys(demo_app: NextApp):
    app = with_routines(demo_app())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "4", "j", "j", "space")
        [inbox, _] = app.hive.database.read(routines.everything)
        assert (inbox.name, inbox.active) == ("inbox", False)
        await press(pilot, "space", "d")
        assert isinstance(app.screen, Confirm)
        await press(pilot, "y")
        assert [one.name for one in app.hive.database.read(routines.everything)] == ["wake shop"]
        await press(pilot, "u")
        assert len(app.hive.database.read(routines.everything)) == 2


async def test_a_routine_is_added_edited_and_each_is_undone_by_keys(demo_app: NextApp):
    app = with_routines(demo_app())

    def stored() -> dict[str, Routine]:
        return {one.name: one for one in app.hive.database.read(routines.everything)}

    before = stored()["inbox"]
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "4", "j", "j", "e")
        app.screen.query_one("#field-every", Input).value = "daily 25:00"
        await press(pilot, *["enter"] * 4)
        assert "25:00" in str(app.screen.query_one("#form-error").render()) and stored()["inbox"] == before
        app.screen.query_one("#field-every", Input).value = "daily 10:30 UTC"
        app.screen.query_one("#field-says", Input).value = "Answer what came in"
        app.screen.query_one("#field-name", Input).value = "wake shop"
        app.screen.query_one("#field-name", Input).focus()
        await press(pilot, "enter")
        assert "There is a routine 'wake shop' already" in str(app.screen.query_one("#form-error").render())
        app.screen.query_one("#field-name", Input).value = "post"
        await press(pilot, "enter")
        changed = stored()["post"]
        assert (changed.id, changed.every, changed.goal) == (before.id, "daily 10:30 UTC", "Answer what came in")
        assert changed.title == "Answer what came in" and not isinstance(app.screen, Form)
        await press(pilot, "u")
        assert (stored()["inbox"].every, stored()["inbox"].goal) == (before.every, before.goal)
        await press(pilot, "A")
        app.screen.query_one("#field-agent", Input).value = "mill"
        app.screen.query_one("#field-every", Input).value = "2h"
        app.screen.query_one("#field-name", Input).focus()
        await press(pilot, "enter")
        assert (stored()["wake mill"].goal, stored()["wake mill"].active) == (None, True)
        await press(pilot, "u")
        assert "wake mill" not in stored()


def test_a_night_that_nobody_noted_and_an_end_that_was_missed_are_shown():
    window = SleepWindow("w", None, "22:00", "01:00", "UTC", active=True, since_at=NOON - timedelta(days=2))
    [_, noted] = [one for one in nights(window, NOON - timedelta(days=2), NOON) if one.start_at < NOON][-2:]
    logged = [
        LoggedTick("w", edge, noted.date, noted.at(edge), NOON, outcome, 2)
        for edge, outcome in ((Edge.NAP, TickOutcome.DONE), (Edge.WAKE, TickOutcome.MISSED))
    ]
    text = week(WindowView(window, "all agents", None, None, False, tuple(logged)), NOON, 118).plain
    days = {line[:10]: line for line in text.splitlines()}
    assert days["Fri 02 Jan"].endswith(" off") and days["Sat 03 Jan"].endswith("×××× missed: nothing ran")
    assert days["Sun 04 Jan"].endswith("████ asked: 2 agents, end missed")


@pytest.mark.parametrize("size", SIZES)
def test_how_a_routine_looks(snap_compare: Any, demo_app: NextApp, size: str):
    assert snap_compare(with_routines(demo_app()), terminal_size=SIZES[size], run_before=after("4", "j", "j"))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", ["", "a", "jd"])
def test_how_the_schedule_looks(snap_compare: Any, demo_app: NextApp, keys: str, size: str):
    assert snap_compare(with_windows(demo_app()), terminal_size=SIZES[size], run_before=after("4", *keys))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("keys", ["e", "A"])
def test_how_the_forms_of_a_routine_look(snap_compare: Any, demo_app: NextApp, keys: str, size: str):
    assert snap_compare(with_routines(demo_app()), terminal_size=SIZES[size], run_before=after("4", "j", "j", *keys))


def test_how_the_schedule_looks_without_colours(snap_compare: Any, demo_app: NextApp, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NO_COLOR", "1")
    assert snap_compare(with_windows(demo_app()), terminal_size=SIZES["narrow"], run_before=after("4"))


async def test_everything_is_on_a_small_screen(demo_app: NextApp):
    app = with_windows(demo_app())
    async with app.run_test(size=(80, 24)) as pilot:
        await press(pilot, "4")
        await settled(pilot)
        strip = app.screen.query_one("#week", Steady)
        assert strip.region.bottom <= 23 and strip.size.height >= 9
        assert app.screen.query_one(KeyedTable).size.height >= 3
