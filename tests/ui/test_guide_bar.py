"""The guide's line above the keys."""

from collections.abc import Callable

import pytest

from hive_tui.domain.guide import GuideLine
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import wakeups
from hive_tui.ui.app import HiveApp
from hive_tui.ui.widgets.guide_bar import GuideBar, drawn
from tests.clocks import FakeClock
from tests.ui.invented import observed, seed


class Teller:
    """A guide that says what it is told to."""

    def __init__(self) -> None:
        self.line = GuideLine("Getting ready ...")
        self.listeners: list[Callable[[], None]] = []

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    def say(self, line: GuideLine) -> None:
        self.line = line
        for listener in self.listeners:
            listener()


def guided(hive: Hive, clock: FakeClock, guide: Teller | None) -> HiveApp:
    agents = seed(hive, clock.now())
    return HiveApp(hive, beats=False, observation=observed(agents, clock.now()), guide=guide)


@pytest.mark.parametrize(
    ("width", "text"),
    [(80, "▸ 3/10 shop naps · Key z does that"), (34, "▸ 3/10 shop naps · Key z does that"), (33, "▸ 3/10 shop naps")],
)
def test_more_is_said_only_where_there_is_room_for_all_of_it(width: int, text: str):
    line = drawn(GuideLine("shop naps", "Key z does that", 3, 10), width)
    assert line.plain == text
    assert line.no_wrap and line.overflow == "ellipsis"


def test_a_line_of_no_step_has_no_number():
    assert drawn(GuideLine("The story is told"), 80).plain == "▸ The story is told"


async def test_the_bar_stands_above_the_keys_on_every_screen_and_follows_the_guide(empty_hive: Hive, clock: FakeClock):
    guide = Teller()
    app = guided(empty_hive, clock, guide)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        guide.say(GuideLine("shop naps " * 20, "", 3, 10))
        for key in ("1", "2", "3"):
            await pilot.press(key)
            await pilot.pause()
            bar = app.screen.query_one(GuideBar)
            assert (bar.region.y, bar.region.height) == (22, 1)
            assert "▸ 3/10 shop naps" in str(bar.render())
    assert guide.listeners == []


async def test_without_a_guide_there_is_no_bar(empty_hive: Hive, clock: FakeClock):
    app = guided(empty_hive, clock, None)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert not app.screen.query(GuideBar)


async def test_a_guided_hive_is_left_without_a_question(empty_hive: Hive, clock: FakeClock):
    app = guided(empty_hive, clock, Teller())
    agent = empty_hive.database.read(agent_store.everyone)[0]
    new = NewWakeup(agent.id, Trigger.MANUAL, clock.now())
    empty_hive.database.write(wakeups.enqueue, new, "30000000-0000-4000-8000-000000000077", now=clock.now())
    async with app.run_test() as pilot:
        await pilot.pause()
        app._heartbeat.beat.is_working = True
        assert app._leaving.reasons_to_stay()
        await pilot.press("q")
        await pilot.pause()
    assert not app.is_running
