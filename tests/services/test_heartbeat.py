"""The heartbeat starts what is due at once, whoever asks, and is not fooled by clocks."""

import asyncio
import itertools
import sqlite3
import threading
from collections.abc import Iterator
from datetime import timedelta
from math import inf
from pathlib import Path
from typing import Any

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.beat import Beat
from hive_tui.domain.clock_steps import ClockSteps
from hive_tui.domain.errors import ConfigError
from hive_tui.domain.events import EventKind
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.hive import Hive
from hive_tui.services import heartbeat as heartbeat_module
from hive_tui.services import steps as steps_module
from hive_tui.services.heartbeat import Heartbeat
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.services.observer import Observation
from hive_tui.settings import HeartbeatSettings, Settings
from hive_tui.store import agents, claims, journal, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON, an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import home_with_database
from tests.stage import TESTER, eventually


class Beating:
    """A working heartbeat whose wakes only note that they were begun, and block as long as they are told to."""

    def __init__(self, folder: Path, clock: FakeClock | None = None) -> None:
        self.clock = clock or SystemClock()
        settings = Settings(heartbeat=HeartbeatSettings(sweep_s=30.0))
        self.hive = Hive(home_with_database(folder / "home"), settings, str(folder / "no-server"), clock=self.clock)
        self.begun: list[str] = []
        self.may_end = threading.Event()
        self.may_end.set()
        for name in ("ada", "bob"):
            self.hive.database.write(agents.add, an_ended_agent(name), now=NOON)
        self.hive.dispatcher.run = self.run  # type: ignore[method-assign]
        self.heartbeat: Heartbeat = new_heartbeat(self.hive, observe_every_s=0.05)
        self.thread = HeartbeatThread(lambda _: self.heartbeat)

    def run(self, claimed: Wakeup) -> None:
        self.begun.append(claimed.id)
        self.may_end.wait(20)
        self.hive.database.write(claims.complete, claimed, now=self.clock.now(), verdict="wake", result={})

    def start(self) -> None:
        self.thread.start()
        eventually(lambda: self.heartbeat._worker.has_begun and self.heartbeat.beat.beat_at, "it works")

    def ask(self, name: str = "ada", *, ahead: timedelta = timedelta(0)) -> str:
        new = NewWakeup(f"id-of-{name}", Trigger.MANUAL, self.clock.now() + ahead)
        return self.hive.queue.enqueue(new, TESTER).wakeup.id

    def said(self, kind: EventKind) -> list[str]:
        return [one.event.text for one in self.hive.database.read(journal.events, limit=500, kinds=(kind,))]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def beating(tmp_path: Path) -> Iterator[Beating]:
    made = Beating(tmp_path)
    yield made
    made.may_end.set()
    assert made.thread.stop()
    made.hive.close()


@pytest.fixture
def at_noon(tmp_path: Path, clock: FakeClock) -> Iterator[Beating]:
    made = Beating(tmp_path, clock)
    yield made
    made.may_end.set()
    assert made.thread.stop()
    made.hive.close()


def test_a_wake_starts_although_every_other_step_hangs(beating: Beating):
    hangs, goes_on = threading.Event(), threading.Event()

    def hang(*, trust_s: float) -> None:
        hangs.set()
        goes_on.wait(20)

    beating.start()
    beating.hive.observer.observe = hang  # type: ignore[method-assign,assignment]
    try:
        assert hangs.wait(20)
        asked = beating.ask()
        eventually(lambda: beating.begun == [asked], "it begins", timeout_s=10)
        assert not goes_on.is_set()
    finally:
        goes_on.set()


def test_who_rings_has_all_agents_read_and_whatever_else_moves_only_those_that_moved(
    beating: Beating, monkeypatch: pytest.MonkeyPatch
):
    trusted: list[float] = []
    observe = beating.hive.observer.observe

    def noted(*, trust_s: float) -> Observation:
        trusted.append(trust_s)
        return observe(trust_s=trust_s)

    monkeypatch.setattr(beating.hive.observer, "observe", noted)
    beating.start()
    eventually(lambda: trusted, "the first look")
    assert trusted[0] == 0.0
    before = len(trusted)
    beating.hive.database.write(agents.set_pinned, "id-of-ada", True)
    eventually(lambda: len(trusted) > before, "a look for the news")
    assert trusted[before] == heartbeat_module.TRUST_S
    rung = trusted.count(0.0)
    beating.ask()
    eventually(lambda: trusted.count(0.0) > rung, "a look for who rings")


def test_while_agents_work_rounds_only_look_until_somebody_writes(beating: Beating, monkeypatch: pytest.MonkeyPatch):
    moves = itertools.count()
    counts = {"worked": 0, "looked": 0}
    finish, observe = beating.hive.returning.recovery.finish_interrupted, beating.hive.observer.observe

    def work() -> list[str]:
        counts["worked"] += 1
        return finish()

    def look(*, trust_s: float) -> Observation:
        counts["looked"] += 1
        return observe(trust_s=trust_s)

    monkeypatch.setattr(beating.hive.returning.recovery, "finish_interrupted", work)
    monkeypatch.setattr(beating.hive.observer, "observe", look)
    monkeypatch.setattr(beating.hive.looking, "fingerprint", lambda: str(next(moves)))
    monkeypatch.setattr(beating.hive.looking, "is_absent", lambda: False)
    beating.start()
    eventually(lambda: counts["looked"] > counts["worked"] + 20, "it looks, and does nothing else", timeout_s=60)
    before = counts["worked"]
    other = Database(beating.hive.database.path, beating.clock)
    other.write(agents.set_pinned, "id-of-ada", True)
    other.close()
    eventually(lambda: counts["worked"] > before, "somebody else has written")


def test_a_wake_that_this_process_asks_for_starts_although_the_loop_is_held_up(beating: Beating):
    beating.start()
    held, goes_on = threading.Event(), threading.Event()

    def hold_up() -> None:
        held.set()
        goes_on.wait(20)

    loop = beating.heartbeat._loop
    assert loop is not None
    loop.call_soon_threadsafe(hold_up)
    try:
        assert held.wait(20)
        asked = beating.ask()
        eventually(lambda: beating.begun == [asked], "it begins", timeout_s=10)
        assert not goes_on.is_set()
    finally:
        goes_on.set()


async def test_what_is_claimed_while_the_worker_leaves_is_left_to_the_next_one(beating: Beating):
    hive, claimed, goes_on = beating.hive, threading.Event(), threading.Event()
    claim_due = hive.dispatcher.claim_due

    def slowly(*, by: str, limit: int, is_asked: bool = False) -> list[Wakeup]:
        found = claim_due(by=by, limit=limit, is_asked=is_asked)
        claimed.set()
        goes_on.wait(20)
        return found

    hive.dispatcher.claim_due = slowly  # type: ignore[method-assign]
    worker = beating.heartbeat._worker
    asked = beating.ask()
    worker.begin()
    worker.ask()
    try:
        assert await asyncio.to_thread(claimed.wait, 20)
        await worker.leave(1.0)
    finally:
        goes_on.set()
    await asyncio.to_thread(worker._claims.shutdown, wait=True)
    assert (beating.begun, worker.in_flight) == ([], [])
    assert [one.id for one in hive.dispatcher.recover_orphans(only_expired=False)] == [asked]
    assert hive.database.read(wakeups.get, asked).status == "pending"


def test_a_wake_starts_without_a_doorbell(beating: Beating, monkeypatch: pytest.MonkeyPatch):
    beating.start()
    monkeypatch.setattr(beating.hive.queue, "_ring", lambda: None)
    asked = beating.ask()
    eventually(lambda: beating.begun == [asked], "it begins")


def test_a_row_that_a_foreign_program_writes_is_noticed(beating: Beating):
    later = beating.ask(ahead=timedelta(hours=1))
    beating.start()
    foreign = sqlite3.connect(beating.hive.database.path)
    with foreign:
        foreign.execute("UPDATE wakeup_requests SET scheduled_for = 0 WHERE id = ?", (later,))
    foreign.close()
    eventually(lambda: beating.begun == [later], "it begins")


@pytest.mark.parametrize("hours", [3, -5])
def test_a_clock_that_steps_is_told_and_changes_what_is_due(at_noon: Beating, clock: FakeClock, hours: int):
    step = timedelta(hours=hours)
    soon, later = at_noon.ask(ahead=timedelta(hours=2)), at_noon.ask("bob", ahead=timedelta(hours=30))
    at_noon.start()
    clock.step(step)
    eventually(lambda: at_noon.said(EventKind.CLOCK_STEPPED), "it is told")
    way = "3h forward" if hours > 0 else "5h back"
    assert at_noon.said(EventKind.CLOCK_STEPPED) == [f"The clock went {way}: it was set, or the machine was suspended"]
    if hours > 0:
        eventually(lambda: at_noon.begun == [soon], "it is due now")
    else:
        clock.step(-step)
        clock.step(timedelta(hours=2))
        eventually(lambda: at_noon.begun == [soon], "it is due in its time")
    assert at_noon.hive.database.read(wakeups.get, later).attempts == 0


def test_a_wake_that_runs_while_the_clock_steps_keeps_its_claim(at_noon: Beating, clock: FakeClock):
    at_noon.may_end.clear()
    asked = at_noon.ask()
    at_noon.start()
    eventually(lambda: at_noon.begun == [asked])
    clock.step(timedelta(hours=3))  # far beyond its lease
    clock.advance(60)
    eventually(lambda: at_noon.said(EventKind.CLOCK_STEPPED), "it is noticed")
    beaten_at = at_noon.heartbeat.beat.beat_at
    clock.advance(60)
    eventually(lambda: at_noon.heartbeat.beat.beat_at != beaten_at, "it goes on")
    at_noon.may_end.set()
    eventually(lambda: at_noon.hive.database.read(wakeups.get, asked).is_finished, "it is done")
    done = at_noon.hive.database.read(wakeups.get, asked)
    assert (done.status, done.attempts, at_noon.begun) == ("completed", 1, [asked])


def test_a_step_of_the_clock_in_the_middle_of_a_sweep_takes_no_claim_away(at_noon: Beating, clock: FakeClock):
    asked, dispatcher = at_noon.ask(), at_noon.hive.dispatcher
    claimed = dispatcher.claim_due(by="me", limit=1)
    assert [one.id for one in claimed] == [asked]
    recover = dispatcher.recover_orphans

    def stepped(**options: Any) -> list[Wakeup]:
        clock.step(timedelta(hours=3))
        return recover(**options)

    dispatcher.recover_orphans = stepped  # type: ignore[method-assign]
    dispatcher.sweep_leases(claimed)
    assert at_noon.hive.database.read(wakeups.get, asked).attempts == 1
    dispatcher.sweep_leases([])
    assert at_noon.hive.database.read(wakeups.attempts_of, asked)[0].outcome == "interrupted"


def test_a_slow_look_is_no_step_and_each_step_counts_once():
    steps = ClockSteps(NOON, 100.0)
    assert steps.look(NOON + timedelta(seconds=61), 160.0) is None
    assert steps.look(NOON + timedelta(hours=1), 161.0) == timedelta(seconds=3600 - 62)
    assert steps.look(NOON + timedelta(hours=1, seconds=5), 166.0) is None
    assert steps.look(NOON, 167.0) == -timedelta(hours=1, seconds=6)


def test_a_stop_waits_for_a_wake_that_runs(beating: Beating):
    beating.may_end.clear()
    beating.start()
    asked = beating.ask()
    eventually(lambda: beating.begun == [asked], "it runs")
    stopping = threading.Thread(target=beating.thread.stop)
    stopping.start()
    assert stopping.is_alive() and beating.heartbeat.beat.is_working
    beating.may_end.set()
    stopping.join(20)
    done = beating.hive.database.read(wakeups.get, asked)
    assert (done.status, done.attempts) == ("completed", 1)


def test_a_stop_hands_over_what_does_not_end(beating: Beating, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(heartbeat_module, "STOP_PATIENCE_S", 0.05)
    beating.may_end.clear()
    beating.start()
    asked = beating.ask()
    eventually(lambda: beating.begun == [asked], "it runs")
    beating.thread.stop()
    left = beating.hive.database.read(wakeups.get, asked)
    assert left.status == "processing"
    [orphan] = beating.hive.dispatcher.recover_orphans(only_expired=False)
    assert (orphan.id, orphan.status) == (asked, "pending"), "the next heartbeat has it"
    beating.may_end.set()


def test_a_stop_does_not_wait_for_a_step_that_hangs_and_says_so(beating: Beating, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(steps_module, "PATIENCE_S", 0.05)
    monkeypatch.setattr(steps_module, "STEP_TIMEOUT_S", 600.0)
    beating.start()
    hangs = threading.Event()

    def hang(_: Observation) -> None:
        hangs.set()
        beating.may_end.wait(60)

    beating.may_end.clear()
    beating.heartbeat.on_observed = hang
    eventually(hangs.is_set, "a step hangs")
    assert beating.thread.stop() and beating.thread.is_stuck
    assert not beating.hive.heartbeat_lock.is_held(), "another one may begin"
    beating.may_end.set()
    eventually(lambda: not beating.thread.is_stuck, "it has ended after all")


class SureGlance:
    """Knows of news without asking."""

    asked = 0

    def is_quiet(self) -> bool:
        return False

    def is_time(self) -> bool:
        return True

    def has_news(self) -> bool:
        self.asked += 1
        return True


async def test_a_trouble_with_glances_is_over_once_one_was_taken_also_while_agents_work(beating: Beating):
    heartbeat, glance = beating.heartbeat, SureGlance()
    heartbeat.beat.is_working = True
    heartbeat.beat.trouble[heartbeat_module.GLANCE] = "The database is locked."
    for _ in range(2):
        assert await heartbeat._has_news(glance)  # type: ignore[arg-type]
    assert heartbeat.beat.trouble == {} and glance.asked == 1
    heartbeat.beat.is_working = False


async def test_nobody_wakes_up_for_news_right_after_a_round(beating: Beating):
    heartbeat = beating.heartbeat
    heartbeat._loop = asyncio.get_running_loop()
    for glances_at_s, is_awakened in ((inf, False), (-inf, True)):
        heartbeat._glances_at_s = glances_at_s
        heartbeat.stir()
        await asyncio.sleep(0)
        assert heartbeat._awakened.is_set() is is_awakened


def test_what_keeps_it_from_beating_is_told_to_whoever_started_it():
    told: list[Exception] = []
    refused = ConfigError("tool.toml:1: title is 3.")

    def refuse(_: Beat) -> Heartbeat:
        raise refused

    thread = HeartbeatThread(refuse, told.append)
    thread.start()
    eventually(lambda: told == [refused], "it is told")
    assert thread.stop()
