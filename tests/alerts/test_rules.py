"""When it is quiet, what is told to whom, and in which words."""

import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.alerts import Message, QuietHours, class_of, next_try, phrase_for, together, words_for
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.settings.alerts import AlertSettings, mistakes

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = QuietHours.parse("22:00", "07:00", "Europe/Berlin")
LUNCH = QuietHours.parse("12:00", "13:30", "")
SECRET = "sk-ant-api03-PlantedPlantedPlanted0123456789"


def berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).astimezone(UTC)


@pytest.mark.parametrize(
    ("quiet", "now", "end"),
    [
        (NIGHT, "2026-01-05 21:59", None),
        (NIGHT, "2026-01-05 22:00", "2026-01-06 07:00"),
        (NIGHT, "2026-01-06 00:00", "2026-01-06 07:00"),
        (NIGHT, "2026-01-06 06:59", "2026-01-06 07:00"),
        (NIGHT, "2026-01-06 07:00", None),
        (NIGHT, "2026-03-28 23:00", "2026-03-29 07:00"),
        (NIGHT, "2026-10-24 23:00", "2026-10-25 07:00"),
        (LUNCH, "2026-01-05 11:59", None),
        (LUNCH, "2026-01-05 12:00", "2026-01-05 13:30"),
        (LUNCH, "2026-01-05 13:30", None),
    ],
)
def test_quiet_hours_cross_midnight_and_go_by_the_wall_clock(quiet: QuietHours, now: str, end: str | None):
    assert quiet.end_of(berlin(now), BERLIN) == (berlin(end) if end else None)


@given(st.integers(0, 1439), st.integers(0, 1439), st.integers(0, 366 * 1440))
def test_quiet_hours_end_within_a_day_and_never_in_the_past(start: int, end: int, minute: int):
    now = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=minute)
    ends = QuietHours(start, end, BERLIN).end_of(now, UTC)
    assert ends is None or now <= ends <= now + timedelta(hours=25)


@pytest.mark.parametrize(("start", "end", "zone"), [("22:00", "", ""), ("22:00", "22:00", ""), ("25:00", "7:00", "")])
def test_quiet_hours_that_make_no_sense_are_refused(start: str, end: str, zone: str):
    with pytest.raises(HiveError):
        QuietHours.parse(start, end, zone)
    assert list(mistakes(AlertSettings(quiet_from=start, quiet_until=end, quiet_zone=zone)))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ntfy": "ntfy.sh/topic"},
        {"ntfy": "https://ntfy.sh/"},
        {"ntfy": "https://ada:secret@ntfy.sh/topic"},
        {"webhook": "file:///etc/passwd"},
        {"webhook_for": ("everything",)},
        {"escalate_minutes": 5.0},
        {"escalate_to": "pigeon"},
        {"timeout_s": 0.0},
        {"quiet_from": "22:00", "quiet_until": "07:00", "quiet_zone": "Mars/Base"},
    ],
)
def test_settings_that_could_not_work_are_refused(wrong: dict[str, object]):
    assert list(mistakes(AlertSettings(**wrong)))  # type: ignore[arg-type]


def test_what_an_agent_asks_is_told_nowhere_unless_allowed():
    asks = Event(
        EventKind.AGENT_NEEDS_YOU,
        "shop needs you: shall I bake the plum cake?",
        severity=Severity.WARNING,
        payload={"activity": "question"},
    )
    for channel in ("desktop", "ntfy", "webhook"):
        assert words_for(asks, "shop", channel, details=False) == ("hive: shop", "needs you: question")
    assert "plum cake" in words_for(asks, "shop", "ntfy", details=True)[1]


def test_what_leaves_the_machine_quotes_nothing_and_shows_no_secret():
    failed = Event(EventKind.WAKEUP_FAILED, f"shop was not woken: {SECRET} refused", severity=Severity.FAILURE)
    assert words_for(failed, "shop", "ntfy", details=False) == ("hive: shop", "was not woken")
    assert words_for(failed, "", "webhook", details=False) == ("hive", "was not woken")
    for channel, details in (("desktop", False), ("ntfy", True)):
        text = words_for(failed, "shop", channel, details=details)[1]
        assert "refused" in text and SECRET not in text


def test_an_alert_that_was_not_delivered_makes_no_other_one():
    assert class_of(Event(EventKind.ALERT_FAILED, "not delivered", severity=Severity.FAILURE)) is None


def test_many_become_one_that_keeps_the_first_id_and_the_worst_class():
    at = datetime(2026, 1, 5, 12, tzinfo=UTC)
    many = [
        Message(f"id{n}", f"hive: a{n}", "crashed", "failure" if n == 6 else "warning", "k", "", at) for n in range(8)
    ]
    one = together(many)
    assert (one.id, one.title, one.class_) == ("id0", "hive: 8 alerts", "failure")
    assert one.body.splitlines()[0] == "a0: crashed" and one.body.endswith("and 3 more")


def test_attempts_end_after_hours():
    now = datetime(2026, 1, 5, 12, tzinfo=UTC)
    waits = [next_try(number, now) for number in range(1, 10)]
    assert waits[0] == now + timedelta(seconds=5) and waits[-1] is None
    assert all(a is not None and b is not None and a < b for a, b in pairwise(waits[:-1]))


def test_a_phone_is_told_in_words_of_whatever_goes_wrong():
    bad = re.compile(
        r"failed|refused|trouble|missed|unknown|damaged|invalid|skipped|unproven|full|stale|crashed|lost|held"
    )
    told = [
        one for one in EventKind if bad.search(one.value) and one not in (EventKind.ALERT_FAILED, EventKind.AGENT_HELD)
    ]
    assert len(told) > 20 and [one for one in told if phrase_for(str(one)) == str(one)] == []
