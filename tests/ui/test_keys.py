"""Keys on every screen: palette, cancel, marks, and reasons where something cannot be done."""

import pytest
from textual.binding import Binding
from textual.command import CommandPalette
from textual.widgets import Static

from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.store import wakeups
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Form
from hive_tui.ui.keys import bindings_of, keys_of, shown_key
from hive_tui.ui.palette import HiveCommands
from hive_tui.ui.screens import TITLES, screen_class
from hive_tui.ui.widgets.key_bar import KeyBar
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.one_line import OneLine
from hive_tui.ui.widgets.side import TIMELINE, Side
from hive_tui.ui.widgets.steady import Steady
from hive_tui.ui.widgets.tab_bar import TabBar
from tests.stage import Stage
from tests.ui.held import held_at
from tests.ui.test_dashboard import asleep, dashboard, is_done, shown, shows, toasts, until


async def test_the_palette_holds_every_key_of_every_screen_with_what_it_does(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        commands = list(HiveCommands(app.screen)._commands())
        here = {action for _, action, _ in commands}
        helps = "\n".join(f"{title} {text}" for title, _, text in commands)
        for screen in map(screen_class, TITLES):
            for one in bindings_of(screen):
                assert one.description and one.description in helps, one
                assert f"key {shown_key(app, one)}" in helps.replace("Key", "key"), one
        for binding in HiveApp.BINDINGS:
            assert isinstance(binding, Binding)
            assert binding.priority or f"app.{binding.action}" in here
        assert ("Nap: shop", "screen.agent('nap')") in {(title, action) for title, action, _ in commands}
        await pilot.press("ctrl+p")
        await until(pilot, lambda: shows(app, CommandPalette))
        await pilot.press(*"queue: cancel the")
        await pilot.pause(0.5)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: app.current_mode == "queue")


async def test_help_says_a_key_once_and_as_the_screen_means_it(stage: Stage):
    async with dashboard(stage) as (app, pilot):
        await pilot.pause()
        for screen in map(screen_class, TITLES):
            keys = [key for key, _ in keys_of(app, screen)]
            assert len(set(keys)) == len(keys)
        queue = dict(keys_of(app, screen_class("queue")))
        assert queue["x"].startswith("Cancel the selected wakeup")


@pytest.mark.parametrize(
    ("screen", "key", "why"),
    [
        ("2", "x", "There is no wakeup that could be cancelled; w on the Agents screen asks for one."),
        ("2", "r", "There is no wakeup that could be tried again; w on the Agents screen asks for one."),
        ("2", "p", "There is no wakeup that could be put off; w on the Agents screen asks for one."),
        ("3", "x", "Nothing is in flight that could be cancelled here; 2 lists the wakes that wait."),
        ("4", "x", "Nothing is in flight that could be cancelled here; 2 lists the wakes that wait."),
        ("7", "x", "Nothing is in flight that could be cancelled here; 2 lists the wakes that wait."),
        ("1", "z", "No agent is selected."),
        ("1", "tab", "No agent has a pane now."),
        ("1", "exclamation_mark", "No agent needs you now."),
        ("1", "shift+pageup", "There is no pane to be seen whose scrollback could be read."),
    ],
)
async def test_what_cannot_be_done_says_why_on_every_screen(stage: Stage, screen: str, key: str, why: str):
    async with dashboard(stage) as (app, pilot):
        await pilot.press(screen)
        await pilot.press(key)
        await until(pilot, lambda: why in toasts(app))


async def test_a_key_that_does_nothing_is_no_wall_of_toasts(stage: Stage):
    async with dashboard(stage) as (app, pilot):
        await pilot.press("2")
        why = "There is no wakeup that could be cancelled; w on the Agents screen asks for one."
        await pilot.press("x")
        await until(pilot, lambda: why in toasts(app))
        await pilot.press("x", "x", "u")
        await until(pilot, lambda: "There is nothing to undo." in toasts(app))
        assert toasts(app).count(why) == 1


async def test_a_wake_that_is_done_says_that_it_can_neither_be_cancelled_nor_put_off(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    assert stage.wake(agent).status is WakeupStatus.COMPLETED
    async with dashboard(stage) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: shown(app))
        await pilot.press("x", "p", "plus", "r")
        for what in ("cancelled", "put off", "made more or less urgent", "tried again"):
            await until(pilot, lambda what=what: f"It is done, so it cannot be {what}." in toasts(app))


STOPPED = "Stopped: validate shop; nothing was changed"


async def test_x_stops_a_job_on_every_screen(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        for screen in ("1", "3", "7"):
            app.clear_notifications()
            with held_at("unpacking it") as held:
                await pilot.press("1", "V")
                await until(pilot, held.reached.is_set)
                await pilot.press(screen)
                await until(pilot, lambda: shown(app))
                await pilot.press("x")
                await until(pilot, lambda: STOPPED in toasts(app))
            assert any(name == "reading it back" and size > 0 for name, size in held.steps)


async def test_marks_that_a_filter_hides_are_named_before_something_is_done_to_them(stage: Stage):
    for name in ("bakery", "mill", "shop"):
        stage.agent_in_shell(name)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 3)
        await pilot.press("g", "space", "G", "space", "slash", *"mill", "enter")
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["mill"])
        note = app.screen.query_one("#list-note", Steady)
        assert "2 marked, 2 of them hidden by the filter" in str(note.render())
        await pilot.press("z")
        await until(pilot, lambda: "Nap: 2 marked agents, 2 of them hidden by the filter" in toasts(app))
        await until(pilot, lambda: {one.name for one in asleep(stage)} == {"bakery", "shop"})


async def test_p_P_N_do_what_they_say(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.json("wake", "shop", "--in", "1h")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("p")
        await until(pilot, lambda: stage.stored(agent).pinned)
        await pilot.press("N")
        await until(pilot, lambda: stage.stored(agent).held)
        await until(pilot, lambda: "(pin, hold)" in shown(app)[0][1])
        await pilot.press("P")
        await until(pilot, lambda: app.view is not None and app.view.is_paused)
        await until(pilot, lambda: "PAUSED" in str(app.screen.query_one("#header", Steady).render()))


async def test_a_wakeup_is_put_off_and_reordered_and_each_is_undone(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.json("wake", "shop", "--in", "1h")

    def queued() -> Wakeup:
        return stage.hive.database.read(wakeups.unfinished_wakes, agent.id)[0]

    before = queued()
    async with dashboard(stage) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: shown(app))
        await pilot.press(*["minus"] * 5)
        await until(pilot, lambda: queued().priority == 30)
        for again in (40, 50, 60, 70, 80):
            await until(pilot, lambda: is_done(app))
            await pilot.press("u")
            await until(pilot, lambda again=again: queued().priority == again)
        await pilot.press("p")
        await until(pilot, lambda: shows(app, Form))
        await pilot.press("ctrl+u", *"soon", "enter")
        await until(pilot, lambda: "is not a duration" in str(app.screen.query_one("#form-error", Static).render()))
        await pilot.press("ctrl+u", *"3h", "enter")
        await until(pilot, lambda: (queued().scheduled_for - before.scheduled_for).total_seconds() > 7000)
        await until(pilot, lambda: not isinstance(app.screen, Form))
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: queued().scheduled_for == before.scheduled_for)


async def test_the_queue_is_shown_a_part_at_a_time(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.wake(agent)
    stage.nap()
    stage.json("wake", "shop", "--in", "1h")
    async with dashboard(stage) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: len(shown(app)) == 2)
        parts = [
            ("f", ["pending"]),
            ("f", []),
            ("F", ["pending"]),
            ("F", ["pending", "completed"]),
            ("F", ["completed"]),
        ]
        for key, statuses in parts:
            await pilot.press(key)
            await until(pilot, lambda statuses=statuses: [row[0].split()[-1] for row in shown(app)] == statuses)
        assert " all 2 " in str(app.screen.query_one("#tabs", OneLine).render())


async def test_the_mouse_chooses_rows_tabs_screens_and_keys(stage: Stage):
    for name in ("mill", "shop"):
        stage.agent_in_shell(name)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 2)
        table = app.screen.query_one(KeyedTable)
        await until(pilot, lambda: table.region.height > 3)
        await pilot.click(table, offset=(3, 2))
        await until(pilot, lambda: table.cursor_row == 1)
        assert app.current_mode == "agents", "one click only chooses"
        tabs = app.screen.query_one(TabBar)
        await pilot.click(tabs, offset=(str(tabs.render()).index("Timeline") + 2, 0))
        await until(pilot, lambda: app.screen.query_one(Side).tab == TIMELINE)
        bar = app.screen.query_one(KeyBar)
        await pilot.click(bar, offset=(str(bar.render()).index("Pin") + 2, 0))
        await until(pilot, lambda: stage.look("shop").pinned)
        assert not stage.look("mill").pinned
        header = app.screen.query_one("#header", Steady)
        await pilot.click(header, offset=(str(header.render()).index("Events") + 2, 0))
        await until(pilot, lambda: app.current_mode == "events")
