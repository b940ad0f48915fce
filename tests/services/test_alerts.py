"""What reaches the desktop: failures, and agents that begin to wait for a person who looks elsewhere."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.domain.limits import UsageLimit
from hive_tui.services.alerts import Alerts, Trial
from hive_tui.store import agents, journal, ledger
from hive_tui.store.database import Database
from tests.builders import an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated
from tests.stage import Heard, Stage, eventually

CRASH = Event(EventKind.AGENT_CRASHED, "shop crashed", severity=Severity.FAILURE)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path, clock: FakeClock) -> Database:
    return Database(migrated(tmp_path / "hive.db"), clock)


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


def test_another_dialog_within_the_minute_is_told_and_the_same_one_is_not(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    alerts = Alerts(database, heard, clock)
    told = []
    for reason in ("edit a.py?", "edit a.py?", "edit b.py?", "edit a.py?"):
        text = f"shop needs you: a permission prompt is open: Do you want to {reason}"
        happens(structs.replace(needs_you(watched=False), text=text))
        told.append(alerts.tell())
        clock.advance(5)
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
    assert Alerts(database, heard, clock).test() == Trial("A notification was sent: heard.", True)

    class Deaf(Heard):
        def notify(self, title: str, body: str) -> str:
            raise HiveError("There is no desktop.", hint="Start one.")

    said = "No notification was shown: There is no desktop. Start one."
    assert Alerts(database, Deaf(), clock).test() == Trial(said, False)


def test_many_crashes_at_once_are_told_together(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    for name in ("shop", "mill", "bakery"):
        happens(Event(EventKind.AGENT_CRASHED, f"{name} crashed", severity=Severity.FAILURE))
    happens(Event(EventKind.WAKEUP_FAILED, "museum was not woken", severity=Severity.FAILURE))
    assert Alerts(database, heard, clock).tell() == 2
    said = [body for _, body in heard.messages]
    assert said[0] == "museum was not woken" and said[1].startswith("3 agents have crashed.")


DONE = Event(EventKind.AGENT_DONE, "shop has finished its turn", "id-of-shop")


def calls(database: Database, heard: Heard, clock: FakeClock, **settings: Any) -> Alerts:
    database.write(agents.add, an_agent("shop"), now=clock.now())
    return Alerts(database, heard, clock, **settings)


def test_a_call_carries_the_last_sentence_of_its_agent_and_a_failure_does_not(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    alerts = calls(database, heard, clock, done=True, last_words=lambda agent: f"I am {agent.name}.")
    happens(structs.replace(needs_you(watched=False), agent_id="id-of-shop"))
    happens(DONE)
    happens(CRASH)
    alerts.tell()
    assert heard.messages == [
        ("hive: shop", "needs you: permission\n“I am shop.”"),
        ("hive: shop", "shop has finished its turn\n“I am shop.”"),
        ("hive", "shop crashed"),
    ]


def test_what_an_agent_said_is_not_shown_where_that_is_switched_off(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    alerts = calls(database, heard, clock, done=True)
    happens(DONE)
    alerts.tell()
    assert heard.messages == [("hive: shop", "shop has finished its turn")]


def test_finished_turns_can_be_left_to_the_screen(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    alerts = calls(database, heard, clock, done=False, last_words=lambda _: "not asked for")
    happens(DONE)
    assert alerts.tell() == 0
    assert heard.messages == []


@pytest.mark.parametrize(("time", "told"), [("12:58", 0), ("13:40", 1)])
def test_the_banner_of_a_limit_that_has_just_ended_calls_nobody(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None], time: str, told: int
):
    alerts = calls(database, heard, clock)
    ended_at = clock.now() + timedelta(minutes=58)
    database.write(ledger.put_limit, "id-of-shop", UsageLimit(ended_at), said_at=clock.now())
    clock.advance(60 * 60)
    text = f"shop needs you: You've hit your usage limit · resets {time} (UTC)"
    happens(Event(EventKind.AGENT_NEEDS_YOU, text, "id-of-shop", payload={"activity": "limited"}))
    assert alerts.tell() == told


def test_a_call_of_a_limited_agent_says_until_when(
    database: Database, heard: Heard, clock: FakeClock, happens: Callable[[Event], None]
):
    for name, ends_in in (("shop", timedelta(hours=3)), ("mill", timedelta(days=3))):
        reason = f"usage limit reached, resets {clock.now() + ends_in:%Y-%m-%d %H:%M} UTC"
        limited = an_agent(name, activity=Activity.LIMITED, reason=reason, since_at=clock.now())
        database.write(agents.add, limited, now=clock.now())
        text = f"{name} needs you: {reason}"
        happens(Event(EventKind.AGENT_NEEDS_YOU, text, limited.id, payload={"activity": "limited"}))
    Alerts(database, heard, clock, local=lambda: ZoneInfo("Europe/Berlin")).tell()
    assert heard.messages == [
        ("hive: shop", "limited until 16:00"),
        ("hive: mill", "limited until Thu 08 Jan 13:00"),
    ]


def test_the_sentence_goes_to_the_desktop_and_into_no_event(stage: Stage):
    stage.agent_in_shell("shop", said="sk-ant-abcdefghijklmnop1234")
    stage.look("shop")
    stage.type("%0", "/question Shall I deploy?")
    eventually(lambda: stage.look("shop").activity is Activity.QUESTION)
    stage.hive.alerting.alerts.tell()
    [(title, body)] = [one for one in stage.notifier.messages if "needs you" in one[1]]
    assert title == "hive: shop"
    assert body.endswith("“I see 1 message(s); the first was [[REDACTED]]”")
    [call] = [event for event in stage.events if event.kind is EventKind.AGENT_NEEDS_YOU]
    assert "message(s)" not in f"{call.text} {dict(call.payload)}"
