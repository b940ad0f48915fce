"""What other processes do reaches this screen, once."""

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.events import Actor, Event, EventKind, Severity
from hive_tui.store import journal, unread
from hive_tui.ui.screens.agents import AgentsScreen
from hive_tui.ui.widgets.pane_preview import PanePreview
from hive_tui.ui.widgets.side import Side
from tests.stage import Stage
from tests.ui.test_dashboard import dashboard, shown, toasts, until


async def test_a_failure_of_another_process_is_told_once_and_an_old_one_never(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()

    def fails(text: str, actor: Actor) -> None:
        event = Event(EventKind.CHECKPOINT_FAILED, text, agent.id, actor, Severity.FAILURE)
        stage.hive.database.write(journal.log, event, now=stage.hive.clock.now())

    fails("it failed yesterday", Actor.person("command line"))
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        fails("the disk is full", Actor.person("command line"))
        fails("a key of this dashboard failed", Actor.person("dashboard"))
        await until(pilot, lambda: "the disk is full" in toasts(app))
        fails("and once more", Actor.person("command line"))
        await until(pilot, lambda: "and once more" in toasts(app))
        assert toasts(app) == ["the disk is full", "and once more"]
        await until(pilot, lambda: len(stage.notifier.messages) >= 3)
    assert {"the disk is full", "and once more"} <= {body for _, body in stage.notifier.messages}


async def test_a_nap_that_fails_in_another_terminal_is_seen_here(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        (stage.home / "checkpoints").write_text("no folder")
        failed = await app.in_thread(lambda: stage.command("nap", "shop"))
        assert failed.returncode == 1
        await until(pilot, lambda: any("Checkpoint of shop failed" in said for said in toasts(app)))
        assert len(toasts(app)) == 1
    assert stage.look().lifecycle is Lifecycle.AWAKE


async def test_many_failures_at_once_are_not_a_wall_of_toasts(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        now = stage.hive.clock.now()
        for number in range(9):
            event = Event(EventKind.WAKEUP_FAILED, f"failure {number}", severity=Severity.FAILURE)
            stage.hive.database.write(journal.log, event, now=now)
        await until(pilot, lambda: any("7 lists them" in said for said in toasts(app)))
        assert sum("failure" in said for said in toasts(app)) <= 9


async def test_a_turn_that_ended_unseen_is_done_until_its_pane_was_looked_at(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.agent_in_shell("mill")
    agent = stage.look("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["mill", "shop"])
        stage.type(pane_id, "/work 4")
        await until(pilot, lambda: ["● working", "shop"] in [row[:2] for row in shown(app)])
        await pilot.press("7")
        await until(pilot, lambda: agent.id in stage.hive.database.read(unread.everyone))
        await pilot.press("1", "G", "g")
        await until(pilot, lambda: shown(app)[0][:2] == ["✓ done", "shop"])
        screen = app.screen
        assert isinstance(screen, AgentsScreen)
        await pilot.press("G", "exclamation_mark")
        assert screen.selected is not None and screen.selected.agent.name == "shop"
        await until(pilot, lambda: ["○ idle", "shop"] in [row[:2] for row in shown(app)])
    assert stage.hive.database.read(unread.everyone) == frozenset()


async def test_t_and_the_scrollback_hold_up_nothing(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    for number in range(60):
        stage.tmux("send-keys", "-t", pane_id, "-l", "--", f"line {number}")
        stage.tmux("send-keys", "-t", pane_id, "Enter")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("t")
        await until(pilot, lambda: "A notification was sent: heard." in toasts(app))
        preview = app.screen.query_one(PanePreview)
        await until(pilot, lambda: preview.shown)
        await pilot.press("shift+pageup")
        await until(pilot, lambda: preview.is_back and "line 3" in preview.shown)
        at = preview.scroll_y
        await pilot.press("shift+pageup")
        await until(pilot, lambda: preview.scroll_y < at)
        for _ in range(30):
            await pilot.press("shift+pagedown")
            if not preview.is_back:
                break
        assert not preview.is_back, "live again at the end"
        app.screen.query_one(Side)
