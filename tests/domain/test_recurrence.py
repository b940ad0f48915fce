"""How often something comes again: what people write, and the moments, also on days on which clocks are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from hive_tui.domain.errors import HiveError
from hive_tui.domain.recurrence import latest, next_after, parse_recurrence

DAY = timedelta(days=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def coming(text: str, after: str, until: str, zone: str = "UTC") -> list[str]:
    every = parse_recurrence(text, zone)
    found = latest(every, at(after), at(after), at(until), 1000)
    one, walked = at(after), []
    while (one := next_after(every, at(after), one)) <= at(until):
        walked.append(one)
    assert walked == found, "forwards and backwards are the same"
    return [f"{one:%d %H:%M}" for one in found]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("daily 09:00", ["05 09:00", "06 09:00", "07 09:00"]),
        ("daily 09:00 Europe/Berlin", ["05 08:00", "06 08:00", "07 08:00"]),
        ("mon,wed 7:30", ["05 07:30", "07 07:30"]),
        ("weekends 07:30", []),
        ("30h", ["06 06:00", "07 12:00"]),
        ("0 9 * * 1-2", ["05 09:00", "06 09:00"]),
        ("15 */12 6 jan *", ["06 00:15", "06 12:15"]),
        ("0 0 7 * tue Asia/Tokyo", ["05 15:00", "06 15:00"]),
        ("0 8 * * sun-tue", ["05 08:00", "06 08:00"]),
        ("0 0 * * 7", []),
    ],
)
def test_what_people_write(text: str, found: list[str]):
    assert coming(text, "2026-01-05 00:00", "2026-01-07 23:59") == found


@pytest.mark.parametrize(
    "text",
    ["", "daily", "often 09:00", "daily 25:00", "30s", "0 9 * *", "61 * * * *", "0 0 31 2 *", "* * * * */0",
     "0 0 * * 8", "daily 09:00 Nowhere/Here", "5-1 * * * *", "0 8 * * tue-sun", "x"],
)  # fmt: skip
def test_what_is_none_is_refused_with_a_hint(text: str):
    with pytest.raises(HiveError) as caught:
        parse_recurrence(text, "UTC")
    assert caught.value.hint


@pytest.mark.parametrize(
    ("zone", "forward", "back"),
    [
        ("Europe/Berlin", "2026-03-29", "2026-10-25"),
        ("America/New_York", "2026-03-08", "2026-11-01"),
        ("Australia/Lord_Howe", "2026-10-04", "2026-04-05"),
        ("America/Santiago", "2026-09-06", "2026-04-05"),
        ("Africa/Cairo", "2026-04-24", "2026-10-30"),
    ],
)
def test_a_daily_time_comes_once_a_date_also_when_clocks_are_changed(zone: str, forward: str, back: str):
    for day in (forward, back):
        for wall in ("00:15", "01:30", "01:45", "02:15", "02:30", "12:00", "23:30"):
            every = parse_recurrence(f"daily {wall}", zone)
            begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC) - DAY
            found = latest(every, begin, begin - timedelta(hours=2), begin + 3 * DAY, 100)
            dates = [one.astimezone(ZoneInfo(zone)).date() for one in found]
            assert len(dates) == len(set(dates)) and datetime.fromisoformat(day).date() in dates, (wall, found)


def test_what_follows_the_hours_comes_in_both_of_two_equal_ones_and_not_in_one_that_is_skipped():
    assert len(coming("*/30 * * * * Europe/Berlin", "2026-10-24 21:59", "2026-10-25 22:59")) == 50
    assert len(coming("*/30 * * * * Europe/Berlin", "2026-03-28 22:59", "2026-03-29 21:59")) == 46
    # A fixed hour that is skipped comes once, as the clocks go forward.
    assert coming("*/30 2 * * * Europe/Berlin", "2026-03-28 22:59", "2026-03-29 21:59") == ["29 01:00"]


def test_a_leap_day_is_found_and_a_span_is_counted_from_its_beginning():
    every = parse_recurrence("0 0 29 2 *", "UTC")
    assert next_after(every, at("2026-01-01"), at("2096-03-01")) == at("2104-02-29")
    span = parse_recurrence("4h", "UTC")
    assert next_after(span, at("2026-01-01 01:00"), at("2026-01-01 00:00")) == at("2026-01-01 05:00")
    assert latest(span, at("2026-01-01"), at("2026-01-01"), at("2026-01-09"), 3)[0] == at("2026-01-08 16:00")
