"""Durations, times of day and sizes, as people write and read them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.durations import bytes_in_words, in_words, parse_duration, parse_time
from hive_tui.domain.errors import HiveError

BERLIN = ZoneInfo("Europe/Berlin")
SPRING = "2026-03-29"
"""02:00 CET becomes 03:00 CEST, at 01:00 UTC."""
AUTUMN = "2026-10-25"
"""03:00 CEST becomes 02:00 CET, at 01:00 UTC."""


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("90s", timedelta(seconds=90)),
        ("15m", timedelta(minutes=15)),
        ("2h", timedelta(hours=2)),
        ("1h30m", timedelta(minutes=90)),
        ("1.5h", timedelta(minutes=90)),
        ("0s", timedelta()),
        ("3650d", timedelta(days=3650)),
    ],
)
def test_a_duration_is_numbers_with_units(text: str, span: timedelta):
    assert parse_duration(text) == span


@pytest.mark.parametrize(
    "text", ["", "5", "5x", "-5m", "1h 30m", "h", "1h30", ".5h", "1.h", "3651d", "9" * 400 + "s", "1e3s", "5M"]
)
def test_anything_else_is_no_duration_and_the_sentence_says_how_to_write_one(text: str):
    with pytest.raises(HiveError, match="is not a duration") as caught:
        parse_duration(text)
    assert "90s" in caught.value.hint


@given(st.integers(0, 3649 * 86400))
def test_what_is_written_exactly_is_read_exactly(seconds: int):
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    assert parse_duration(f"{days}d{hours}h{rest // 60}m{rest % 60}s") == timedelta(seconds=seconds)


def berlin(text: str, fold: int = 0) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN, fold=fold)


TIMES = [
    pytest.param("2026-01-05 09:00", 0, "14:30", "2026-01-05 13:30", id="later today"),
    pytest.param("2026-01-05 15:00", 0, "14:30", "2026-01-06 13:30", id="tomorrow"),
    pytest.param("2026-01-05 14:30", 0, "14:30", "2026-01-06 13:30", id="this very minute is tomorrow"),
    pytest.param("2026-01-05 09:00", 0, "2026-07-01 14:30", "2026-07-01 12:30", id="summer, asked for in winter"),
    pytest.param("2026-07-01 09:00", 0, "2026-12-01 14:30", "2026-12-01 13:30", id="winter, asked for in summer"),
    pytest.param("2026-01-05 09:00", 0, "2026-07-01T14:30+00:00", "2026-07-01 14:30", id="with a zone of its own"),
    pytest.param("2026-01-05 09:00", 0, "2026-07-01T14:30Z", "2026-07-01 14:30", id="in UTC"),
    pytest.param("2026-01-05 09:00", 0, "2026-01-06", "2026-01-05 23:00", id="a date is its midnight"),
    pytest.param(f"{SPRING} 01:00", 0, "14:30", f"{SPRING} 12:30", id="today, behind the gap"),
    pytest.param("2026-03-28 15:00", 0, "14:30", f"{SPRING} 12:30", id="tomorrow, behind the gap"),
    pytest.param("2026-03-28 15:00", 0, "02:30", f"{SPRING} 01:30", id="in the gap tomorrow: as long behind it"),
    pytest.param(f"{SPRING} 01:00", 0, "02:30", f"{SPRING} 01:30", id="in the gap today: as long behind it"),
    pytest.param(f"{SPRING} 03:10", 0, "02:30", "2026-03-30 00:30", id="in the gap that is over: tomorrow"),
    pytest.param("2026-03-28 15:00", 0, f"{SPRING} 02:30", f"{SPRING} 01:30", id="a date in the gap"),
    pytest.param(f"{AUTUMN} 01:00", 0, "14:30", f"{AUTUMN} 13:30", id="today, behind the fold"),
    pytest.param("2026-10-24 15:00", 0, "14:30", f"{AUTUMN} 13:30", id="tomorrow, behind the fold"),
    pytest.param(f"{AUTUMN} 01:00", 0, "02:30", f"{AUTUMN} 00:30", id="a time that comes twice: the first"),
    pytest.param(f"{AUTUMN} 02:40", 0, "02:30", f"{AUTUMN} 01:30", id="the first is over: the second"),
    pytest.param(f"{AUTUMN} 02:10", 1, "02:30", f"{AUTUMN} 01:30", id="in the second hour: the second"),
    pytest.param(f"{AUTUMN} 02:40", 1, "02:30", "2026-10-26 01:30", id="both are over: tomorrow"),
    pytest.param("2026-10-24 15:00", 0, f"{AUTUMN} 02:30", f"{AUTUMN} 00:30", id="a date in the fold"),
    pytest.param(f"{AUTUMN} 02:40", 0, f"{AUTUMN} 02:30", f"{AUTUMN} 01:30", id="a date in the fold, half over"),
]


@pytest.mark.parametrize(("now", "fold", "text", "at"), TIMES)
def test_a_wall_clock_time_is_its_next_moment_in_the_local_zone(now: str, fold: int, text: str, at: str):
    found = parse_time(text, berlin(now, fold))
    assert found == datetime.fromisoformat(at).replace(tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose local zone is Berlin."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(("now", "fold", "text", "at"), TIMES)
def test_the_offset_of_now_does_not_stand_for_the_zone_of_the_machine(now: str, fold: int, text: str, at: str):
    local = berlin(now, fold).astimezone(UTC).astimezone()
    assert parse_time(text, local) == datetime.fromisoformat(at).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("25:00", "is not a time of day"),
        ("12:60", "is not a time of day"),
        ("noon", "is not a time"),
        ("2026-13-01", "is not a time"),
        ("2026-01-05 08:59", "is over"),
        ("2026-01-05T08:00Z", "is over"),
    ],
)
def test_what_is_no_time_or_is_over_is_refused_with_a_hint(text: str, words: str):
    with pytest.raises(HiveError, match=words) as caught:
        parse_time(text, berlin("2026-01-05 09:00"))
    assert repr(text) in caught.value.what
    assert caught.value.hint


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-5, "0s"),
        (0, "0s"),
        (40.9, "40s"),
        (60, "1m"),
        (719, "11m"),
        (3600, "1h"),
        (7500, "2h 5m"),
        (86400, "1d"),
        (86400 * 3 + 3600 * 4 + 59, "3d 4h"),
        (86400 + 59, "1d"),
    ],
)
def test_a_span_reads_as_two_units_at_most(seconds: float, words: str):
    assert in_words(timedelta(seconds=seconds)) == words


@pytest.mark.parametrize(
    ("size", "words"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (4200, "4.2 kB"),
        (99_960, "100 kB"),
        (208_000_000, "208 MB"),
        (999_499, "999 kB"),
        (999_999, "1.0 MB"),
        (999_999_999, "1.0 GB"),
        (5 * 10**15, "5000 TB"),
    ],
)
def test_a_size_reads_in_decimal_units(size: int, words: str):
    assert bytes_in_words(size) == words
