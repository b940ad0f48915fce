"""Sleep windows: where they begin and end, on days on which clocks change too."""

from datetime import UTC, date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_tui.domain.errors import HiveError
from hive_tui.domain.schedule import SleepWindow, parse_backfill
from hive_tui.domain.windows import (
    Edge,
    checked_time,
    checked_window,
    checked_zone,
    moment,
    next_of_all,
    next_tick,
    night_of,
    nights,
    open_night,
    ticks,
)

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
CHANGES = {
    "Europe/Berlin": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),  # by half an hour
    "America/Havana": (date(2026, 3, 8), date(2026, 11, 1)),  # at midnight
    "Asia/Kolkata": (date(2026, 3, 29), date(2026, 10, 25)),  # never
}
"""Zones with a date on which clocks go forward and one on which they go back."""


def a_window(start: str, end: str, zone: str = "Europe/Berlin") -> SleepWindow:
    return SleepWindow("w", None, start, end, zone, active=True)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "day", "start", "end", "start_at", "end_at"),
    [
        ("UTC", "2026-01-05", "02:00", "04:00", "2026-01-05 02:00", "2026-01-05 04:00"),
        ("UTC", "2026-01-05", "23:00", "07:00", "2026-01-05 23:00", "2026-01-06 07:00"),
        ("Europe/Berlin", "2026-07-05", "02:00", "04:00", "2026-07-05 00:00", "2026-07-05 02:00"),
        # 02:00 to 03:00 is skipped, and comes twice in autumn: the first time counts.
        ("Europe/Berlin", "2026-03-29", "02:30", "04:00", "2026-03-29 01:00", "2026-03-29 02:00"),
        ("Europe/Berlin", "2026-03-29", "02:15", "02:45", "2026-03-29 01:00", "2026-03-29 01:30"),
        ("Europe/Berlin", "2026-10-25", "02:30", "04:00", "2026-10-25 00:30", "2026-10-25 03:00"),
        ("Europe/Berlin", "2026-10-25", "01:00", "02:30", "2026-10-24 23:00", "2026-10-25 00:30"),
        ("Europe/Berlin", "2026-10-24", "23:00", "02:30", "2026-10-24 21:00", "2026-10-25 00:30"),
        ("America/New_York", "2026-11-01", "01:30", "03:00", "2026-11-01 05:30", "2026-11-01 08:00"),
        ("America/Havana", "2026-03-08", "00:30", "02:00", "2026-03-08 05:00", "2026-03-08 06:00"),
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "04:00", "2026-10-03 15:30", "2026-10-03 17:00"),
    ],
)
def test_a_window_has_one_start_and_one_end_on_each_date(
    zone: str, day: str, start: str, end: str, start_at: str, end_at: str
):
    night = night_of(a_window(start, end, zone), date.fromisoformat(day))
    assert night is not None and (night.start_at, night.end_at) == (utc(start_at), utc(end_at))


def test_a_date_that_a_zone_leaves_out_has_no_window():
    window = a_window("02:00", "04:00", "Pacific/Apia")
    found = [night.date.day for night in nights(window, utc("2011-12-28 00:00"), utc("2012-01-01 00:00"))]
    assert 29 in found and 30 not in found and 31 in found


@cache
def walls(zone: str, day: date) -> list[tuple[datetime, datetime]]:
    """What clocks show in each minute of five days about that one: the moment and the wall time."""
    begin = datetime(day.year, day.month, day.day, tzinfo=UTC) - 2 * DAY
    moments = [begin + MINUTE * at for at in range(5 * 24 * 60)]
    return [(at, at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)) for at in moments]


clock_times = st.builds(lambda minutes: f"{minutes // 60:02}:{minutes % 60:02}", st.integers(0, 24 * 60 - 1))
early_times = st.builds(lambda minutes: f"{minutes // 60:02}:{minutes % 60:02}", st.integers(0, 4 * 60))
places = st.sampled_from([(zone, day) for zone, days in CHANGES.items() for day in days])


@given(places, st.integers(-1, 1), early_times | clock_times)
@settings(deadline=None, max_examples=120)
def test_an_edge_is_the_first_minute_in_which_clocks_show_that_time_or_later(
    place: tuple[str, date], off: int, at: str
):
    zone, change = place
    wall = datetime.combine(change + off * DAY, checked_time(at))
    first = next(moment for moment, shown in walls(zone, change) if shown >= wall)
    assert moment(wall, ZoneInfo(zone)) == first


@given(places, early_times | clock_times, early_times | clock_times)
@settings(deadline=None, max_examples=200)
def test_every_date_about_a_change_has_exactly_one_nap_and_one_wake(place: tuple[str, date], start: str, end: str):
    zone, change = place
    if start == end:
        return
    window = a_window(start, end, zone)
    begin = datetime(change.year, change.month, change.day, tzinfo=UTC) - 6 * DAY
    # By many small steps, as a heartbeat goes: no edge is lost between two, and none comes twice.
    steps = [begin + timedelta(minutes=47) * at for at in range(12 * 31)]
    found = [tick for after, until in pairwise(steps) for tick in ticks(window, after, until)]
    for edge in Edge:
        dates = [tick.night.date for tick in found if tick.edge is edge]
        assert dates == [dates[0] + DAY * at for at in range(len(dates))] and len(dates) >= 10
    for night in {tick.night for tick in found}:
        assert timedelta(0) < night.end_at - night.start_at <= timedelta(hours=25)
        assert not night.is_open(night.start_at - MINUTE) and not night.is_open(night.end_at)
        assert open_night(window, night.start_at) == night


def test_what_comes_next():
    window = a_window("23:00", "07:00", "UTC")
    now = utc("2026-01-05 23:30")
    nap, wake = next_tick(window, now, Edge.NAP), next_tick(window, now, Edge.WAKE)
    assert nap is not None and nap.at == utc("2026-01-06 23:00")
    assert wake is not None and wake.at == utc("2026-01-06 07:00") and wake.night.date == date(2026, 1, 5)
    other = SleepWindow("other", None, "03:00", "04:00", "UTC", active=True)
    asleep = SleepWindow("asleep", None, "00:00", "01:00", "UTC")
    found = next_of_all([window, asleep, other], now)
    assert found is not None and (found[0].id, found[1].edge) == ("other", Edge.NAP)
    assert next_of_all([asleep], now) is None


@pytest.mark.parametrize(
    ("start", "end", "zone", "said"),
    [
        ("25:00", "04:00", "UTC", "'25:00' is not a time of day."),
        ("02:00", "4", "UTC", "'4' is not a time of day."),
        ("02:00", "04:60", "UTC", "'04:60' is not a time of day."),
        ("٠٢:00", "04:00", "UTC", "'٠٢:00' is not a time of day."),
        ("02:00", "04:00", "Europe/Berlln", "'Europe/Berlln' is not a time zone that this machine knows."),
        ("02:00", "04:00", "../../etc/passwd", "'../../etc/passwd' is not a time zone that this machine knows."),
        ("02:00", "04:00", "Europe", "'Europe' is not a time zone that this machine knows."),
        ("02:00", "04:00", "", "'' is not a time zone that this machine knows."),
        ("02:00", "2:00", "UTC", "A window from 02:00 to 02:00 has no length."),
    ],
)
def test_a_wrong_window_is_one_sentence_and_a_hint(start: str, end: str, zone: str, said: str):
    with pytest.raises(HiveError) as caught:
        checked_window(a_window(start, end, zone))
    assert caught.value.what == said and caught.value.hint


def test_times_are_stored_in_one_form():
    window = checked_window(a_window("2:05", "23:00"))
    assert (window.start_time, window.end_time) == ("02:05", "23:00")
    assert checked_zone("America/Argentina/Ushuaia").key == "America/Argentina/Ushuaia"


def test_how_many_missed_times_are_made_up_for():
    missed = ["a", "b", "c"]
    assert list(parse_backfill("skip").of(missed)) == []
    assert list(parse_backfill("once").of(missed)) == ["c"]
    assert list(parse_backfill("all(2)").of(missed)) == ["b", "c"]
    assert list(parse_backfill("all(9)").of(missed)) == missed
    for wrong in ("", "all", "all(0)", "all(-1)", "twice"):
        with pytest.raises(HiveError):
            parse_backfill(wrong)
