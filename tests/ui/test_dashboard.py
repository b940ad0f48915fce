"""What the keys of the dashboard do, on real agents in a real tmux."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from textual.app import App
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widgets import Input, Static

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, wakeups
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Confirm, Help
from hive_tui.ui.screens.agents import AgentsScreen
from hive_tui.ui.screens.queue import QueueScreen
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.pane_preview import PanePreview
from hive_tui.ui.widgets.side import GENERATIONS, TIMELINE, Page, Side
from tests.stage import TESTER, Stage, eventually, is_asleep


@asynccontextmanager
async def dashboard(stage: Stage, size: tuple[int, int] = (120, 36)) -> AsyncIterator[tuple[HiveApp, Pilot[None]]]:
    """A dashboard that has seen the agents of the stage."""
    app = HiveApp(stage.new_hive())
    async with app.run_test(size=size) as pilot:
        await until(pilot, lambda: app.view is not None and app.view.has_looked)
        yield app, pilot


async def until(pilot: Pilot[None], condition: object, timeout_s: float = 20.0) -> None:
    """Let the app run until the condition holds."""
    clock = SystemClock()
    deadline = clock.monotonic() + timeout_s
    while not condition():  # type: ignore[operator]
        assert clock.monotonic() < deadline, f"it did not come true; said: {toasts(pilot.app)}"
        await pilot.pause(0.05)


def shown(app: HiveApp) -> list[list[str]]:
    """The rows of the table on the screen."""
    table = app.screen.query_one(KeyedTable)
    return [[cell.text for cell in row.cells] for row in table.rows]


def shows(app: HiveApp, kind: type[Screen[Any]]) -> bool:
    """Whether such a dialog is there, with all that is in it."""
    return isinstance(app.screen, kind) and app.screen.is_mounted


def is_done(app: HiveApp) -> bool:
    """Whether what the latest key press began has come to its end, and `u` is about it."""
    latest = app.verbs.doing.deeds.latest()
    return bool(latest) and not any(one.is_under_way for one in latest)


def toasts(app: App[None]) -> list[str]:
    return [toast.message for toast in app._notifications]


async def test_agents_are_simply_there_with_their_live_pane(stage: Stage):
    pane_id = stage.agent_in_shell("shop", said="remember the plum")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app) and shown(app)[0][:2] == ["○ idle", "shop"])
        preview = app.screen.query_one(PanePreview)
        await until(pilot, lambda: "remember the plum" in preview.shown)
        stage.say(pane_id, "and the fig")
        await until(pilot, lambda: "and the fig" in preview.shown)


async def test_z_naps_and_w_wakes_the_selected_agent(stage: Stage):
    stage.agent_in_shell("bakery")
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 2)
        await pilot.press("j", "z")
        await until(pilot, lambda: is_asleep(stage.stored(stage.look("shop"))))
        await until(pilot, lambda: ["◌ asleep", "shop"] in [row[:2] for row in shown(app)])
        assert stage.look("bakery").lifecycle is Lifecycle.AWAKE
        assert any("shop sleeps" in said for said in toasts(app))
        screen = app.screen
        assert isinstance(screen, AgentsScreen) and screen.selected is not None
        assert screen.selected.agent.name == "shop", "the cursor stays on its agent when the list is sorted anew"
        await pilot.press("w")
        await until(pilot, lambda: stage.look("shop").lifecycle is Lifecycle.AWAKE)
        await until(pilot, lambda: any("shop is awake again" in said for said in toasts(app)))


async def test_what_cannot_be_done_says_why(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.type(pane_id, "/work 60")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app) and shown(app)[0][0] == "● working")
        await pilot.press("z")
        await until(pilot, lambda: any("it is working (says status file)" in said for said in toasts(app)))
        await pilot.press("R")
        await until(pilot, lambda: "shop has no checkpoint yet; c takes one." in toasts(app))
        await pilot.press("w")
        await until(pilot, lambda: "shop is awake already." in toasts(app))
    assert stage.look().lifecycle is Lifecycle.AWAKE


async def test_c_takes_a_checkpoint_and_V_validates_it(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("c")
        await until(pilot, lambda: any("Checkpoint of shop" in said and "verified" in said for said in toasts(app)))
        await pilot.press("V")
        await until(pilot, lambda: "Generation 0 of shop is valid" in toasts(app))
        await pilot.press("R")
        await until(pilot, lambda: any("no checkpoint that is older" in said for said in toasts(app)))
        await pilot.press("3")
        await until(pilot, lambda: [row[:2] for row in shown(app)] == [["shop", "0"]])
    assert stage.look().lifecycle is Lifecycle.AWAKE


async def test_R_shows_what_would_change_asks_once_and_restores(stage: Stage):
    folder = stage.repository("shop")
    stage.agent_in_shell("shop", folder=folder)
    agent = stage.look()
    stage.nap()
    (folder / "kept.txt").write_text("spoilt\n")
    (folder / "new.txt").write_text("not known to any checkpoint\n")
    stage.wake(agent)
    stage.nap()
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("R")
        await until(pilot, lambda: shows(app, Confirm))
        assert any("~ kept.txt" in line for line in app.screen._lines)  # type: ignore[attr-defined]
        await pilot.press("n")
        assert (folder / "kept.txt").read_text() == "spoilt\n"
        await pilot.press("R")
        await until(pilot, lambda: shows(app, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: (folder / "kept.txt").read_text() == "first\nchanged\n")
        await until(pilot, lambda: any("is back at generation" in said for said in toasts(app)))
    assert (folder / "new.txt").exists(), "a file that the checkpoint does not know stays"
    reasons = [one.reason for one in stage.hive.database.read(checkpoints.of_agent, agent.id)]
    assert reasons == ["safety", "nap", "nap"]


async def test_the_queue_can_be_cancelled_and_retried(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "half", enter=False)
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.PENDING
    async with dashboard(stage) as (app, pilot):
        await pilot.press("2")
        await until(pilot, lambda: isinstance(app.screen, QueueScreen) and shown(app))
        stage.tmux("send-keys", "-t", pane_id, "C-u")
        await pilot.press("r")
        await until(pilot, lambda: stage.hive.database.read(wakeups.get, wakeup.id).status is WakeupStatus.COMPLETED)
        await until(pilot, lambda: shown(app)[0][0] == "✓ completed")
        await pilot.press("x")
        await until(pilot, lambda: any("cannot be cancelled" in said for said in toasts(app)))


async def test_e_explains_and_question_mark_helps(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("e")
        page = app.screen.query_one(Page)
        await until(pilot, lambda: "against nap" in str(page.query_one(Static).content))
        await pilot.press("question_mark")
        await until(pilot, lambda: shows(app, Help))
        await pilot.press("escape")
        assert isinstance(app.screen, AgentsScreen)


async def test_on_a_narrow_terminal_the_preview_is_hidden_and_not_captured(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage, size=(80, 24)) as (app, pilot):
        await until(pilot, lambda: shown(app))
        screen = app.screen
        assert isinstance(screen, AgentsScreen)
        await asyncio.wait([screen.capture()])
        preview = app.screen.query_one(PanePreview)
        assert preview.shown == "" and not app.screen.query_one(Side).display
        await pilot.resize_terminal(120, 36)
        await until(pilot, lambda: "hello" in preview.shown)


async def test_a_server_that_dies_is_said_with_one_question_and_the_agents_stay_on_the_list(stage: Stage):
    stage.agent_in_shell("shop")
    stage.agent_in_shell("mill")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 2)
        stage.tmux("kill-server")
        await until(pilot, lambda: shows(app, Confirm))
        assert [line.split()[0] for line in app.screen._lines] == ["mill", "shop"]  # type: ignore[attr-defined]
        assert not any("crashed" in said for said in toasts(app))
        await pilot.press("n")
        await until(pilot, lambda: app.view is not None and "No tmux server runs" in app.view.trouble)
        await until(pilot, lambda: shown(app)[1][:2] == ["✕ failed", "shop"])
    assert any("crashed" in body for _, body in stage.notifier.messages), "the desktop was told"


async def test_after_a_crash_the_dashboard_offers_to_bring_everything_back(stage: Stage):
    stage.agent_in_shell("shop", said="remember the plum")
    agent = stage.look()
    stage.tmux("kill-server")
    await_crash(stage)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shows(app, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: shown(app) and shown(app)[0][:2] == ["○ idle", "shop"], timeout_s=40)
    assert stage.look().session_id == agent.session_id


def await_crash(stage: Stage) -> None:
    eventually(lambda: stage.look().has_crashed)


async def test_q_asks_only_if_wakes_would_lose_their_only_heartbeat(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.json("wake", "shop", "--in", "2h")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: app.view is not None and app.view.queue_depth == 1 and not app.view.is_viewer)
        await pilot.press("q")
        await until(pilot, lambda: shows(app, Confirm))
        await pilot.press("n")
        standby = stage.hive.heartbeat_lock.successor()
        assert standby.try_take("stand by")
        assert not app._leaving.reasons_to_stay(), "another one takes over"
        standby.release()
        stage.hive.queue.cancel(stage.hive.database.read(wakeups.unfinished_wakes, agent.id)[0], TESTER)
        await until(pilot, lambda: app.view is not None and app.view.queue_depth == 0)
        await pilot.press("q")
        await until(pilot, lambda: not app.is_running or app._exit)


def page_text(app: HiveApp, tab: str) -> str:
    return str(app.screen.query_one(Page).query_one(Static).content)


async def test_the_tabs_show_what_has_become_of_the_selected_agent(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "half", enter=False)
    stage.wake(agent)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "something is typed at its prompt" in page_text(app, TIMELINE))
        await pilot.press("right_square_bracket")
        await until(pilot, lambda: "✓ valid" in page_text(app, GENERATIONS))


async def test_u_undoes_a_nap(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to undo." in toasts(app))
        await pilot.press("z")
        await until(pilot, lambda: any("shop sleeps" in said for said in toasts(app)))
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: "Undo: the nap of shop" in toasts(app))
        await until(pilot, lambda: stage.look().lifecycle is Lifecycle.AWAKE)


async def test_marked_agents_nap_together_and_a_filter_hides_the_others(stage: Stage):
    for name in ("bakery", "mill", "shop"):
        stage.agent_in_shell(name)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 3)
        await pilot.press("slash", *"shop")
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["shop"])
        await pilot.press("enter", "space")
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["✔ shop"])
        app.screen.query_one("#filter", Input).value = "bakery"
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["bakery"])
        await pilot.press("space", "z")
        await until(pilot, lambda: {one.name for one in asleep(stage)} == {"bakery", "shop"})
        await pilot.press("escape")
        await until(pilot, lambda: len(shown(app)) == 3)
        assert stage.look("mill").lifecycle is Lifecycle.AWAKE


async def test_agents_of_one_project_stand_together_under_its_worst_state(stage: Stage):
    folder = stage.repository("shop")
    (folder / "api").mkdir()
    stage.agent_in_shell("shop", folder=folder)
    pane_id = stage.agent_in_shell("api", folder=folder / "api")
    stage.agent_in_shell("mill")
    stage.type(pane_id, "/ask rm -rf build")
    async with dashboard(stage) as (app, pilot):
        expected = [
            ["▲ permission", "shop/"],
            ["▲ permission", "  api"],
            ["○ idle", "  shop"],
            ["○ idle", "mill"],
        ]
        await until(pilot, lambda: [row[:2] for row in shown(app)] == expected)
        await pilot.press("s")
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["api", "mill", "shop"])
        await pilot.press("s", "s", "s", "end", "exclamation_mark")
        await until(pilot, lambda: len(shown(app)) == 4)
        screen = app.screen
        assert isinstance(screen, AgentsScreen) and screen.selected is not None
        assert screen.selected.agent.name == "api"


async def test_the_events_can_be_followed_and_filtered(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    async with dashboard(stage) as (app, pilot):
        await pilot.press("7")
        await until(pilot, lambda: any("agent.sleeping" in row[2] for row in shown(app)))
        await pilot.press("slash", *"checkpoint.taken", "enter")
        await until(pilot, lambda: {row[2] for row in shown(app)} == {"checkpoint.taken"})
        await pilot.press("escape", "F")
        await until(pilot, lambda: not shown(app))


async def test_a_message_wakes_a_sleeping_agent_and_is_said_to_it(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("m", *"fig", "enter")
        await until(pilot, lambda: "I see 2 message(s)" in stage.history(pane_id), timeout_s=30)


def asleep(stage: Stage) -> list[Agent]:
    agents = stage.hive.database.read(agent_store.everyone)
    return [one for one in agents if one.lifecycle is Lifecycle.ASLEEP]
