"""A nap that comes by itself is seen before it comes, and one key stops it."""

from datetime import timedelta

from hive_tui.domain.agents import Lifecycle
from hive_tui.store import announcements
from hive_tui.store.announcements import Announced
from tests.stage import Stage
from tests.ui.test_dashboard import dashboard, shown, toasts, until


async def test_an_announced_nap_is_shown_and_x_stops_it(stage: Stage):
    stage.agent_in_shell("shop")
    agent, now = stage.look(), stage.hive.clock.now()
    nap = Announced(agent.id, now + timedelta(minutes=9), "idle for 30m")
    stage.hive.database.write(announcements.announce, nap, now=now)
    async with dashboard(stage) as (app, pilot):
        await until(pilot, lambda: shown(app))
        await until(pilot, lambda: shown(app)[0][0] == "◔ naps in 9m")
        await pilot.press("x")
        await until(pilot, lambda: any("shop stays awake" in said for said in toasts(app)))
        await until(pilot, lambda: shown(app)[0][0] == "○ idle")
    assert stage.hive.database.read(announcements.announced) == {}
    assert agent.id in stage.hive.database.read(announcements.stopped_at)
    assert stage.look().lifecycle is Lifecycle.AWAKE
