"""Periodic checkpoints, and the chores of the heartbeat: a failure is told, and is never an error there."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.checkpoints import CheckpointReason
from hive_tui.domain.events import EventKind
from hive_tui.services.chores import Chore, Chores
from hive_tui.store import settings
from tests.keeper import Keeper, keeping, offsite_to
from tests.stage import eventually

MINUTE = 60.0


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path, **keeping(every="15m"))
    made.set_lifecycle(Lifecycle.AWAKE)
    yield made
    made.close()


def test_one_is_taken_each_time_that_something_changed(keeper: Keeper):
    periodic = keeper.hive.keeping.periodic
    assert periodic.take_due() == 1 and keeper.catalog[0].reason is CheckpointReason.SCHEDULE
    keeper.say("more")
    assert periodic.take_due() == 0, "not before its time"
    keeper.clock.advance(15 * MINUTE)
    assert periodic.take_due() == 1
    keeper.clock.advance(15 * MINUTE)
    assert periodic.take_due() == 0, "nothing has changed"
    keeper.say("more")
    assert periodic.due() == [], "it was looked at a moment ago"
    keeper.clock.advance(15 * MINUTE)
    assert periodic.take_due() == 1 and len(keeper.catalog) == 3


def test_a_nap_counts_as_one(keeper: Keeper):
    keeper.take()
    assert keeper.hive.keeping.periodic.due() == []


def test_agents_that_sleep_get_none(keeper: Keeper):
    keeper.set_lifecycle(Lifecycle.ASLEEP)
    assert keeper.hive.keeping.periodic.due() == []


def test_it_is_off_unless_it_is_set(keeper: Keeper):
    assert keeper.new_hive(**keeping()).keeping.periodic.due() == []


def test_an_agent_that_somebody_works_on_is_left_for_the_next_time(keeper: Keeper):
    with keeper.new_hive().locks.agent(keeper.agent.id, purpose="nap"):
        assert keeper.hive.keeping.periodic.take_due() == 0
    assert keeper.failures() == []
    assert keeper.hive.keeping.periodic.take_due() == 1


def test_one_that_fails_is_told_and_tried_again_later(keeper: Keeper):
    checkpoints = keeper.folder / "home/checkpoints"
    checkpoints.parent.mkdir(exist_ok=True)
    checkpoints.write_text("in the way")
    assert keeper.hive.keeping.periodic.take_due() == 0
    assert len(keeper.failures()) == 1 and "Checkpoint of shop failed" in keeper.failures()[0]
    assert keeper.hive.keeping.periodic.due() == []
    checkpoints.unlink()
    keeper.clock.advance(5 * MINUTE)
    assert keeper.hive.keeping.periodic.take_due() == 1


def test_a_mistake_of_our_own_is_told_too(keeper: Keeper):
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    keeper.hive.snapshotter.take = broken  # type: ignore[assignment, method-assign]
    assert keeper.hive.keeping.periodic.take_due() == 0
    assert keeper.failures() == ["The periodic checkpoint of shop failed: ZeroDivisionError: a bug"]


def test_chores_are_due_each_in_its_own_time_and_never_while_all_is_paused(keeper: Keeper):
    often, seldom = Chore("often", list, 10), Chore("seldom", list, 60)
    chores = Chores(keeper.hive.database, keeper.clock, (often, seldom))
    assert chores.due() == [often, seldom]
    keeper.clock.advance(10)
    assert chores.due() == [often]
    keeper.hive.database.write(settings.put, settings.PAUSED, True, now=keeper.clock.now())
    keeper.clock.advance(60)
    assert chores.due() == []
    keeper.hive.database.write(settings.put, settings.PAUSED, False, now=keeper.clock.now())
    assert chores.due() == [often, seldom]


def test_at_rest_some_chores_are_due_less_often(keeper: Keeper):
    ever, seldom = Chore("ever", list, 10), Chore("seldom", list, 10, at_rest_every_s=60)
    chores = Chores(keeper.hive.database, keeper.clock, (ever, seldom))
    assert chores.due(is_at_rest=True) == [ever, seldom]
    keeper.clock.advance(10)
    assert chores.due(is_at_rest=True) == [ever]
    assert chores.due() == [seldom]
    keeper.clock.advance(60)
    assert chores.due(is_at_rest=True) == [ever, seldom]


async def beat_until(keeper: Keeper, condition: Callable[[], object]) -> None:
    """Let the real heartbeat beat; no tmux server runs."""
    heartbeat = new_heartbeat(keeper.hive, observe_every_s=0.05)
    stop = asyncio.Event()
    running = asyncio.create_task(heartbeat.run(stop))
    await asyncio.to_thread(eventually, condition)
    stop.set()
    await running
    assert heartbeat.beat.trouble.keys() <= {"look at the panes"}


async def test_the_heartbeat_copies_and_prunes_by_itself(tmp_path: Path):
    second = tmp_path / "second"
    second.mkdir()
    (tmp_path / "hive").mkdir()
    tables: dict[str, Any] = offsite_to(second) | keeping(keep=1, keep_daily=0, keep_weekly=0)
    keeper = Keeper(tmp_path / "hive", clock=SystemClock(), **tables)
    keeper.take()
    keeper.take()
    await beat_until(keeper, lambda: len(keeper.catalog) == 1 and len(list(second.rglob("*.zst"))) == 1)
    keeper.close()


async def test_a_second_place_that_is_away_reaches_the_desktop_and_stops_no_heartbeat(tmp_path: Path):
    (tmp_path / "hive").mkdir()
    keeper = Keeper(tmp_path / "hive", clock=SystemClock(), **offsite_to(tmp_path / "away"))
    keeper.take()
    await beat_until(keeper, lambda: any("is not there" in body for _, body in keeper.heard.messages))
    assert keeper.said(EventKind.STEP_FAILED) == []
    keeper.close()
    shutil.rmtree(tmp_path / "hive")
