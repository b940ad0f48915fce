"""What reaches the desktop: failures, and agents that begin to wait for a person who looks elsewhere."""

from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.services.alerts import Alerts
from hive_tui.store import journal
from hive_tui.store.database import Database
from tests.clocks import FakeClock
from tests.stage import Heard

CRASH = Event(EventKind.AGENT_CRASHED, "shop crashed", severity=Severity.FAILURE)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path, clock: FakeClock) -> Database:
    return Database(tmp_path / "hive.db", clock)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def happens(database: Database, clock: FakeClock) -> Callable[[Event], None]:
    return lambda event: database.write(journal.log, event, now=clock.now())


def needs_you(*, watched: bool) -> Event:
    payload = {"activity": "permission", "watched": watched}
    return Event(EventKind.AGENT_NEEDS_YOU, "shop needs you", severity=Severity.WARNING, payload=payload)


def test_a_failure_is_told_once_however_many_heartbeats_follow_each_other(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    happens(CRASH)
    happens(Event(EventKind.AGENT_FOUND, "Found shop"))
    assert Alerts(database, heard, clock).tell() == 1
    assert Alerts(database, heard, clock).tell() == 0
    assert heard.messages == [("hive", "shop crashed")]


def test_the_same_sentence_again_is_told_after_a_while_only(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    alerts = Alerts(database, heard, clock)
    told = []
    for _ in range(12):
        happens(CRASH)
        told.append(alerts.tell())
        clock.advance(60)
    assert told == [1, *[0] * 9, 1, 0]


def test_an_agent_that_waits_for_its_person_is_told_of_again_soon(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    alerts = Alerts(database, heard, clock)
    told = []
    for _ in range(4):
        happens(needs_you(watched=False))
        told.append(alerts.tell())
        clock.advance(30)
    assert told == [1, 0, 1, 0]


def test_a_pane_that_somebody_looks_at_calls_nobody(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    happens(needs_you(watched=True))
    assert Alerts(database, heard, clock).tell() == 0
    assert heard.messages == []


def test_calls_can_be_switched_off_and_failures_still_come(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    happens(needs_you(watched=False))
    happens(CRASH)
    assert Alerts(database, heard, clock, calls=False).tell() == 1
    assert [body for _, body in heard.messages] == ["shop crashed"]


def test_what_happened_long_before_the_heartbeat_began_is_left_to_the_screen(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    happens(CRASH)
    clock.advance(11 * 60)
    assert Alerts(database, heard, clock).tell() == 0


def test_the_test_says_how_it_was_delivered_or_why_it_was_not(database: Database, heard: Heard, clock: FakeClock):
    assert Alerts(database, heard, clock).test() == "A notification was sent: heard."

    class Deaf(Heard):
        def notify(self, title: str, body: str) -> str:
            raise HiveError("There is no desktop.", hint="Start one.")

    assert Alerts(database, Deaf(), clock).test() == "No notification was shown: There is no desktop. Start one."


def test_many_crashes_at_once_are_told_together(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    for name in ("shop", "mill", "bakery"):
        happens(Event(EventKind.AGENT_CRASHED, f"{name} crashed", severity=Severity.FAILURE))
    happens(Event(EventKind.WAKEUP_FAILED, "museum was not woken", severity=Severity.FAILURE))
    assert Alerts(database, heard, clock).tell() == 2
    said = [body for _, body in heard.messages]
    assert said[0] == "museum was not woken" and said[1].startswith("3 agents have crashed.")
