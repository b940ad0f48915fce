"""Sleep windows by the clock: once each, made up for, and only their own sleepers are woken."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.events import HEARTBEAT, Event, EventKind
from hive_tui.domain.schedule import SleepWindow, TickOutcome
from hive_tui.domain.wakeups import Action, Outcome, Trigger, Wakeup, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.services.scheduler import reason_of
from hive_tui.settings import ScheduleSettings, Settings
from hive_tui.store import agents, claims, journal, settings, wakeups, windows
from tests.builders import an_agent
from tests.clocks import FakeClock
from tests.migrated import home_with_database
from tests.stage import TESTER, Heard

HOUR = timedelta(hours=1)


class Nights:
    """A hive without tmux, and a heartbeat that the test beats itself."""

    def __init__(self, folder: Path, now: datetime, **schedule: str) -> None:
        self.clock = FakeClock(now)
        self.folder = folder
        self.settings = Settings(schedule=ScheduleSettings(**schedule))
        self.hive = self.new_hive()

    def new_hive(self) -> Hive:
        return Hive(
            home_with_database(self.folder / "home"), self.settings, "no-server", clock=self.clock, notifier=Heard()
        )

    def agent(self, name: str, **facts: object) -> str:
        one = an_agent(name, **facts)
        self.hive.database.write(agents.add, one, now=self.clock.now())
        return one.id

    def window(
        self, agent_id: str | None = None, start: str = "02:00", end: str = "04:00", zone: str = "UTC"
    ) -> SleepWindow:
        return self.hive.schedule.add(SleepWindow("", agent_id, start, end, zone, active=True), TESTER)

    def go_to(self, at: datetime, *, step: timedelta = timedelta(minutes=1)) -> None:
        """Let the time pass, with a tick each step."""
        while self.clock.now() < at:
            self.clock.advance(min(step, at - self.clock.now()).total_seconds())
            self.hive.listening.scheduler.tick()

    def jump_to(self, at: datetime) -> None:
        """Nothing runs until then."""
        self.clock.advance((at - self.clock.now()).total_seconds())
        self.hive.listening.scheduler.tick()

    @property
    def rows(self) -> list[Wakeup]:
        return sorted(self.hive.database.read(wakeups.recent), key=lambda one: (one.created_at, one.agent_id))

    def asked(self, action: Action) -> list[str]:
        return [one.agent_id.removeprefix("id-of-") for one in self.rows if one.action is action]

    def fall_asleep(self, agent_id: str, window: SleepWindow | None = None, reason: str = "you pressed z") -> None:
        """What a nap that works leaves behind; with a window, its row is run and completed."""
        now, db = self.clock.now(), self.hive.database
        if window is not None:
            reason = reason_of(window)
            [row] = [one for one in self.rows if one.agent_id == agent_id and one.status is WakeupStatus.PENDING]
            claimed = db.write(claims.claim_one, row.id, by="test", now=now)
            assert claimed is not None
            db.write(claims.complete, claimed, now=now, verdict="nap", result={"napped": True})
        agent = db.read(agents.get, agent_id)
        db.write(agents.put, structs.replace(agent, lifecycle=Lifecycle.ASLEEP, process=None, reason=reason))
        event = Event(EventKind.AGENT_SLEEPING, f"{agent.name} sleeps: {reason} (1 process ended)", agent_id)
        db.write(journal.log, event, now=now)

    def wake_up(self, agent_id: str) -> None:
        agent = self.hive.database.read(agents.get, agent_id)
        self.hive.database.write(agents.put, structs.replace(agent, lifecycle=Lifecycle.AWAKE))

    def outcomes(self, window: SleepWindow) -> list[tuple[str, str, int]]:
        noted = self.hive.database.read(windows.noted, window.id, since=datetime(2020, 1, 1, tzinfo=UTC))
        return [(one.edge.value, one.outcome.value, one.agents) for one in noted]


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    made = Nights(tmp_path, at("2026-01-05 01:00"))
    yield made
    made.hive.close()


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_window_naps_its_agents_once_and_wakes_those_that_it_put_to_sleep(nights: Nights):
    ada, bob = nights.agent("ada"), nights.agent("bob")
    nights.agent("pinned", pinned=True)
    nights.agent("held", held=True)
    nights.agent("nameless", session_id=None)
    nights.agent("sleeper", lifecycle=Lifecycle.ASLEEP)
    window = nights.window()
    nights.go_to(at("2026-01-05 01:59"))
    assert nights.rows == []
    nights.go_to(at("2026-01-05 02:30"))
    assert nights.asked(Action.NAP) == ["ada", "bob"]
    assert {one.trigger for one in nights.rows} == {Trigger.SCHEDULE} and {one.priority for one in nights.rows} == {50}
    nights.fall_asleep(ada, window)
    nights.go_to(at("2026-01-05 05:00"))
    assert nights.asked(Action.WAKE) == ["ada"]
    assert nights.outcomes(window) == [("nap", "done", 2), ("wake", "done", 1)]
    [left] = [one for one in nights.rows if one.agent_id == bob]
    assert left.status is WakeupStatus.CANCELLED and left.last_error == "its sleep window is over"


def test_a_second_process_that_ticks_too_and_a_clock_that_goes_back_change_nothing(nights: Nights):
    nights.agent("ada")
    nights.window()
    nights.go_to(at("2026-01-05 02:01"))
    other = nights.new_hive()
    assert other.listening.scheduler.tick() == 0
    other.close()
    nights.clock.advance(-3600)
    nights.go_to(at("2026-01-05 02:30"))
    assert nights.asked(Action.NAP) == ["ada"]


def test_one_that_somebody_woke_and_put_to_sleep_again_is_left_alone(nights: Nights):
    ada = nights.agent("ada")
    window = nights.window()
    nights.go_to(at("2026-01-05 02:10"))
    nights.fall_asleep(ada, window)
    nights.wake_up(ada)
    nights.fall_asleep(ada)
    nights.go_to(at("2026-01-05 04:10"))
    assert nights.asked(Action.WAKE) == []


def test_a_nap_that_another_process_finished_counts_as_the_windows(nights: Nights):
    ada = nights.agent("ada")
    nights.window()
    nights.go_to(at("2026-01-05 02:10"))
    [row] = nights.rows
    nights.hive.database.write(claims.claim_one, row.id, by="dead", now=nights.clock.now())
    nights.hive.dispatcher.recover_orphans(only_expired=False)
    nights.fall_asleep(ada, reason="napped; hive-tui was interrupted at the end of it")
    nights.go_to(at("2026-01-05 04:10"))
    assert nights.asked(Action.WAKE) == ["ada"]


def test_an_agent_that_another_open_window_covers_sleeps_on_until_that_one_ends(nights: Nights):
    ada = nights.agent("ada")
    first, second = nights.window(None, "02:00", "04:00"), nights.window(ada, "03:00", "06:00")
    nights.go_to(at("2026-01-05 02:10"))
    nights.fall_asleep(ada, first)
    nights.go_to(at("2026-01-05 04:10"))
    assert nights.asked(Action.WAKE) == []
    [taken_over] = [one for one in nights.rows if one.status is WakeupStatus.PENDING]
    claimed = nights.hive.database.write(claims.claim_one, taken_over.id, by="test", now=nights.clock.now())
    assert claimed is not None
    nights.hive.dispatcher.run(claimed)
    nights.go_to(at("2026-01-05 06:10"))
    assert nights.asked(Action.WAKE) == ["ada"] and nights.outcomes(second)[-1] == ("wake", "done", 1)


@pytest.mark.parametrize(
    ("policy", "naps", "outcome"), [("once", ["ada"], "late"), ("all(3)", ["ada"], "late"), ("skip", [], "missed")]
)
def test_a_start_that_was_missed_naps_while_the_window_is_open(
    tmp_path: Path, policy: str, naps: list[str], outcome: str
):
    nights = Nights(tmp_path, at("2026-01-05 01:00"), backfill=policy)
    nights.agent("ada")
    window = nights.window()
    nights.jump_to(at("2026-01-05 03:30"))
    assert nights.asked(Action.NAP) == naps
    assert nights.outcomes(window) == [("nap", outcome, len(naps))]
    nights.hive.close()


@pytest.mark.parametrize(("policy", "woken"), [("once", ["ada"]), ("all(3)", ["ada"]), ("skip", [])])
def test_an_end_that_was_missed_for_days_wakes_once(tmp_path: Path, policy: str, woken: list[str]):
    nights = Nights(tmp_path, at("2026-01-05 01:00"), backfill=policy)
    ada = nights.agent("ada")
    window = nights.window()
    nights.go_to(at("2026-01-05 02:10"))
    nights.fall_asleep(ada, window)
    nights.jump_to(at("2026-01-08 12:00"))
    assert nights.asked(Action.WAKE) == woken and len(nights.asked(Action.NAP)) == 1
    assert [one for one in nights.outcomes(window) if one[0] == "nap"][1:] == [("nap", "missed", 0)] * 3
    assert nights.hive.listening.scheduler.tick() == 0
    nights.hive.close()


def test_one_that_should_have_been_woken_and_slept_again_by_now_sleeps_on(nights: Nights):
    ada = nights.agent("ada")
    window = nights.window()
    nights.go_to(at("2026-01-05 02:10"))
    nights.fall_asleep(ada, window)
    nights.jump_to(at("2026-01-06 03:00"))
    assert nights.asked(Action.WAKE) == []
    nights.go_to(at("2026-01-06 04:01"))
    assert nights.asked(Action.WAKE) == ["ada"]


def test_nothing_happens_while_all_is_paused_and_it_is_made_up_for_afterwards(nights: Nights):
    nights.agent("ada")
    nights.window()
    nights.hive.database.write(settings.put, settings.PAUSED, True, now=nights.clock.now())
    nights.go_to(at("2026-01-05 02:30"))
    assert nights.rows == []
    nights.hive.database.write(settings.put, settings.PAUSED, False, now=nights.clock.now())
    nights.go_to(at("2026-01-05 02:31"))
    assert nights.asked(Action.NAP) == ["ada"]


def test_a_window_that_is_enabled_in_its_middle_begins_with_its_next_start(nights: Nights):
    nights.agent("ada")
    nights.go_to(at("2026-01-05 03:00"))
    nights.window()
    nights.go_to(at("2026-01-05 05:00"))
    assert nights.rows == []
    nights.go_to(at("2026-01-06 02:01"), step=HOUR)
    assert nights.asked(Action.NAP) == ["ada"]


@pytest.mark.parametrize("how", ["disable", "remove", "edit"])
def test_a_change_wakes_those_that_the_window_does_not_want_asleep_any_more(nights: Nights, how: str):
    ada = nights.agent("ada")
    nights.agent("bob")
    window = nights.window()
    nights.go_to(at("2026-01-05 02:10"))
    nights.fall_asleep(ada, window)
    schedule = nights.hive.schedule
    if how == "disable":
        schedule.enable(window.id, False, TESTER)
    elif how == "remove":
        schedule.remove(window.id[:8], TESTER)
    else:
        schedule.edit(window.id, structs.replace(window, start_time="22:00", end_time="23:00"), TESTER)
    assert nights.asked(Action.WAKE) == ["ada"]
    assert [one.status for one in nights.rows if one.agent_id == "id-of-bob"] == [WakeupStatus.CANCELLED]
    if how == "edit":
        nights.wake_up(ada)
        nights.go_to(at("2026-01-05 22:01"))
        assert len(nights.asked(Action.NAP)) == 4, "on the same date, at its new time"


def test_a_longer_end_lets_them_sleep_longer(nights: Nights):
    ada = nights.agent("ada")
    window = nights.window()
    nights.go_to(at("2026-01-05 02:10"))
    nights.fall_asleep(ada, window)
    nights.hive.schedule.edit(window.id, structs.replace(window, end_time="06:00"), TESTER)
    nights.go_to(at("2026-01-05 05:59"))
    assert nights.asked(Action.WAKE) == []
    nights.go_to(at("2026-01-05 06:01"))
    assert nights.asked(Action.WAKE) == ["ada"]


def test_a_vetoed_nap_is_tried_again_without_counting_until_the_window_is_over(nights: Nights):
    nights.agent("ada")
    nights.window()
    nights.go_to(at("2026-01-05 02:00"))
    tried = []
    while nights.clock.now() < at("2026-01-05 04:05"):
        for claimed in nights.hive.dispatcher.claim_due(by="test", limit=5):
            tried.append(nights.clock.now())
            nights.hive.dispatcher.run(claimed)  # no tmux server runs, so the nap is refused
        nights.go_to(nights.clock.now() + timedelta(seconds=30))
    [row] = nights.rows
    assert 8 <= len(tried) <= 40 and max(tried) < at("2026-01-05 04:00") and row.attempts == 0
    assert row.status is WakeupStatus.CANCELLED and row.last_error is not None
    assert row.last_error.startswith("ada was not put to sleep") and row.last_error.endswith("its sleep window is over")
    assert {one.outcome for one in nights.hive.database.read(wakeups.attempts_of, row.id)} == {Outcome.DEFERRED}


CHANGES = [
    ("Europe/Berlin", "2026-03-29", "2026-10-25"),
    ("America/New_York", "2026-03-08", "2026-11-01"),
    ("Australia/Lord_Howe", "2026-10-04", "2026-04-05"),
    ("America/Havana", "2026-03-08", "2026-11-01"),
    ("Africa/Casablanca", "2026-03-22", "2026-02-15"),
]


@pytest.mark.parametrize("times", [("02:30", "04:00"), ("01:45", "02:15"), ("00:10", "00:50"), ("23:30", "02:30")])
@pytest.mark.parametrize(("zone", "day"), [(zone, day) for zone, *days in CHANGES for day in days])
def test_days_on_which_clocks_change_have_one_nap_and_one_wake(
    tmp_path: Path, zone: str, day: str, times: tuple[str, str]
):
    middle = datetime.fromisoformat(day).replace(tzinfo=UTC)
    nights = Nights(tmp_path, middle - timedelta(days=2))
    nights.agent("ada")
    window = nights.window(None, *times, zone=zone)
    nights.go_to(middle + timedelta(days=2), step=timedelta(minutes=13))
    noted = nights.hive.database.read(windows.noted, window.id, since=middle - timedelta(days=9))
    for edge in ("nap", "wake"):
        dates = [one.date for one in noted if one.edge == edge]
        assert len(set(dates)) == len(dates) and date.fromisoformat(day) in dates
        assert dates == [dates[0] + timedelta(days=n) for n in range(len(dates))] and len(dates) >= 3
    assert all(one.outcome is not TickOutcome.MISSED for one in noted)
    assert len(nights.asked(Action.NAP)) == sum(one.edge == "nap" for one in noted)
    nights.hive.close()
    assert HEARTBEAT.name in {one.event.actor.name for one in nights.new_hive().database.read(journal.events, limit=5)}
