"""u takes back what the latest key press did, and says what cannot be taken back."""

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.store import settings, wakeups
from hive_tui.ui.widgets.keyed_table import KeyedTable
from tests.stage import TESTER, Stage, is_asleep
from tests.ui.test_dashboard import dashboard, is_done, shown, toasts, until


async def test_u_cancels_a_wake_that_waits(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    stage.type(pane_id, "half", enter=False)  # so that no attempt comes through
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("w")
        await until(pilot, lambda: any("shop is being woken" in said for said in toasts(app)))
        await until(pilot, lambda: [one.last_error for one in stage.hive.database.read(wakeups.recent)] != [None])
        app._heartbeat.stop()
        stage.hive.queue.postpone(stage.hive.database.read(wakeups.recent)[0], stage.hive.clock.now(), TESTER)
        await pilot.press("u")
        await until(pilot, lambda: any("The wake of shop is cancelled" in said for said in toasts(app)))
    assert [one.status for one in stage.hive.database.read(wakeups.recent)] == [WakeupStatus.CANCELLED]
    assert is_asleep(stage.look())


async def test_u_puts_an_agent_to_sleep_again_whose_wake_has_come_through(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("w")
        await until(pilot, lambda: stage.look().lifecycle is Lifecycle.AWAKE)
        await until(pilot, lambda: stage.hive.database.read(wakeups.recent)[0].status is WakeupStatus.COMPLETED)
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: any("shop sleeps again" in said for said in toasts(app)))
    assert is_asleep(stage.look())


async def test_one_key_is_undone_by_one_u_and_an_undo_is_not_undone_by_the_next(stage: Stage):
    for name in ("mill", "shop"):
        stage.agent_in_shell(name)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 2)
        await pilot.press("P")
        await until(pilot, lambda: stage.hive.database.read(settings.get, settings.PAUSED) is True)
        await pilot.press("g", "space", "space", "p")
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["✔ mill (pin)", "✔ shop (pin)"])
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: any(said.startswith("Undo: pin ") and "and 1 more" in said for said in toasts(app)))
        await until(pilot, lambda: [row[1] for row in shown(app)] == ["✔ mill", "✔ shop"])
        assert stage.hive.database.read(settings.get, settings.PAUSED) is True, "that was another key"
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: stage.hive.database.read(settings.get, settings.PAUSED) is False)
        await pilot.press("u")
        await until(pilot, lambda: "There is nothing to undo." in toasts(app))


async def test_u_says_what_is_under_way_and_what_cannot_be_undone(stage: Stage):
    stage.agent_in_shell("shop")
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("z", "u")
        await until(pilot, lambda: "The nap of shop is under way; x stops it." in toasts(app))
        await until(pilot, lambda: is_asleep(stage.stored(stage.look())))
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: stage.look().lifecycle is Lifecycle.AWAKE)
        await until(pilot, lambda: shown(app)[0][0] in ("○ idle", "✓ done"))
        await pilot.press("c")
        await until(pilot, lambda: any("Checkpoint of shop" in said for said in toasts(app)))
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: any("Cannot undo the checkpoint of shop" in said for said in toasts(app)))


async def test_u_asks_for_cancelled_wakes_again(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.json("wake", "shop", "--in", "2h", "--message", "the fig", "--key", "k")
    (before,) = stage.hive.database.read(wakeups.unfinished_wakes, agent.id)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await pilot.press("x")
        await until(pilot, lambda: not stage.hive.database.read(wakeups.unfinished_wakes, agent.id))
        await until(pilot, lambda: any("u asks for it again" in said for said in toasts(app)))
        await until(pilot, lambda: is_done(app))
        await pilot.press("u")
        await until(pilot, lambda: stage.hive.database.read(wakeups.unfinished_wakes, agent.id))
    (again,) = stage.hive.database.read(wakeups.unfinished_wakes, agent.id)
    kept = ("scheduled_for", "priority", "trigger", "context", "idempotency_key", "max_attempts")
    assert [getattr(again, name) for name in kept] == [getattr(before, name) for name in kept]


async def test_R_goes_back_one_generation_each_time(stage: Stage):
    folder = stage.repository("shop")
    stage.agent_in_shell("shop", folder=folder)
    agent = stage.look()
    for number in (2, 1, 0):
        (folder / "kept.txt").write_text(f"generation {number}\n")
        stage.nap()
        if number:
            stage.wake(agent)
    stage.agent_in_shell("shop", folder=folder)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) > 1)
        screen = app.screen
        for expected in ("generation 1", "generation 2"):
            await until(pilot, lambda: app.screen is screen)
            table = screen.query_one(KeyedTable)
            while table.selected_key != agent.id or not table.was_moved:
                # By a key: a cursor that no person has moved stays on top, whoever comes to be there.
                await pilot.press("j" if table.cursor_row < table.keys_in_order().index(agent.id) else "k")
            await pilot.press("R")
            await until(pilot, lambda: app.screen is not screen)
            said = "\n".join(app.screen._lines)  # type: ignore[attr-defined]
            assert "shop-2 (awake) works in the same folder, and its files change, too" in said
            await pilot.press("y")
            await until(
                pilot,
                lambda expected=expected: (folder / "kept.txt").read_text() == f"{expected}\n",
            )
            await until(pilot, lambda: not (app.verbs.doing.is_busy or app.verbs.jobs.running))
    assert is_asleep(stage.stored(agent))
