"""Every form in which agents tell when a usage limit ends, read at any hour of any zone."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_tui.domain import limits
from hive_tui.domain.limits import UsageLimit, is_past_banner, of_claude_record, of_rate_limits, parse_limit, strongest

CAPTURES = Path(__file__).parents[1] / "kinds" / "captures"
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kolkata",
    "Australia/Lord_Howe",
    "Pacific/Apia",
    "Africa/Casablanca",
)
SAID = datetime(2026, 7, 10, 12, 0, tzinfo=UTC)
"""14:00 in Berlin."""


def wall(*parts: int) -> datetime:
    """A time as clocks show it, of no zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type,misc]


@pytest.mark.parametrize(
    ("text", "resets_at", "window"),
    [
        (
            "You've hit your session limit · resets 8:30pm (Asia/Tokyo)",
            utc(2026, 7, 10, 11, 30) + timedelta(days=0),
            "5-hour",
        ),
        ("You've hit your weekly limit · resets Jul 15 at 12am (Australia/Melbourne)", utc(2026, 7, 14, 14), "weekly"),
        ("You've hit your weekly limit · resets 5pm (America/Detroit)", utc(2026, 7, 10, 21), "weekly"),
        ("You've hit your weekly limit · resets Jul 14, 4:33am (UTC)", utc(2026, 7, 14, 4, 33), "weekly"),
        ("You've hit your limit · resets 3pm (Europe/Dublin)", utc(2026, 7, 10, 14), ""),
        ("You're out of extra usage · resets 11:30am (Asia/Colombo)", utc(2026, 7, 11, 6), ""),
        ("5-hour limit reached ∙ resets 5:30pm", utc(2026, 7, 10, 15, 30), "5-hour"),
        ("Session limit reached ∙ resets 7pm", utc(2026, 7, 10, 17), "5-hour"),
        ("Weekly limit reached · resets 7pm", utc(2026, 7, 10, 17), "weekly"),
        ("Claude AI usage limit reached|1783695600", utc(2026, 7, 10, 15), ""),
        ("Claude AI usage limit reached|1783695600000", utc(2026, 7, 10, 15), ""),
        ("Usage limit reached · continuing automatically at 5:49pm · esc to cancel", utc(2026, 7, 10, 15, 49), ""),
        ("⚠ Usage limit reached · limit resets 5:49pm", utc(2026, 7, 10, 15, 49), ""),
        ("⚠ 5h limit: only <1% left · resets at 16:11 · /status", utc(2026, 7, 10, 14, 11), "5-hour"),
        ("You've hit your usage limit. Try again at 3:09 PM.", utc(2026, 7, 10, 13, 9), ""),
        (
            "You’ve hit your usage limit. Upgrade to Pro (x), visit y or try\n again at 3:09\u202fPM.",
            utc(2026, 7, 10, 13, 9),
            "",
        ),
        ("You've hit your usage limit or try again at Jul 21st, 2026 2:53 AM.", utc(2026, 7, 21, 0, 53), "weekly"),
        ("You've hit your usage limit. try again in 5 days 22 hours 11 minutes.", utc(2026, 7, 16, 10, 11), "weekly"),
        ("usage limit reached, resets in 3 hours", utc(2026, 7, 10, 15), ""),
        ("Usage limit reached for Pro. Access resets at 10:57 PM GMT-3.", utc(2026, 7, 11, 1, 57), ""),
        ("Usage limit reached for Pro. Access resets at 10:57 PM GMT+5:30.", utc(2026, 7, 10, 17, 27), ""),
        ("Usage limit reached for Pro. Access resets at 10:57 AM PDT.", utc(2026, 7, 10, 17, 57), ""),
        (
            "Usage limit reached for 5 hour. Your limit will reset at 2026-07-10 20:30:24 [retrying in 2m 22s #8]",
            utc(2026, 7, 10, 18, 30, 24),
            "5-hour",
        ),
        ("usage limit: reset at 2026-07-10T20:30:24Z", utc(2026, 7, 10, 20, 30, 24), ""),
        ("weekly usage limit reached. It will reset in 5 days 10 hours.", utc(2026, 7, 15, 22), "weekly"),
        (
            "hit your usage limit. Your usage limits will reset when your monthly cycle ends on 7/17/2026",
            utc(2026, 7, 16, 22),
            "monthly",
        ),
        ("The usage limit has been reached [retrying in 4s attempt #2]", None, ""),
        ("You've hit your usage limit, try again later.", None, ""),
        ("[API Error: You have exhausted your daily quota on this model.]", None, ""),
        ("You've hit your limit · resets 45:99pm", None, ""),
        ("You've hit your limit · resets Feb 31 at 3pm", None, ""),
        ("You've hit your limit · resets 3pm (Mars/Olympus)", utc(2026, 7, 10, 13), ""),
        ("You've hit your limit. Try again at Jan 1st, 2031 2:53 AM.", None, ""),
    ],
)
def test_every_form_that_agents_use(text: str, resets_at: datetime | None, window: str):
    found = parse_limit(text, said_at=SAID, zone=BERLIN)
    assert found == UsageLimit(resets_at, window)


@pytest.mark.parametrize(
    ("name", "resets_at", "window"),
    [
        ("claude/usage-limit", utc(2026, 11, 21, 5, 49), "5-hour"),
        ("claude/usage-limit-weekly", utc(2026, 11, 24, 4, 33), "weekly"),
        ("codex/usage-limit", utc(2026, 11, 21, 6, 11), ""),
    ],
)
def test_the_screens_of_real_agents(name: str, resets_at: datetime, window: str):
    screen = (CAPTURES / f"{name}.txt").read_text()
    found = parse_limit(screen, said_at=utc(2026, 11, 21, 4, 19), zone=UTC)
    assert found == UsageLimit(resets_at, window)


def test_what_speaks_of_no_limit_is_none():
    for text in ("The clock resets 5pm every day", "please try again at 3:09 PM", "", "limits of the proof"):
        assert parse_limit(text, said_at=SAID, zone=BERLIN) is None


def test_a_monthly_limit_is_not_waited_for():
    found = parse_limit("hit your usage limit; monthly cycle ends on 7/17/2026", said_at=SAID, zone=UTC)
    assert found is not None and found.resets_at is not None and not found.is_waitable


def test_the_newest_of_several_banners_counts_and_a_zone_holds_for_the_same_time():
    text = "You've hit your limit · resets 3pm (UTC) ... limit reached · resets 6pm (Asia/Tokyo) · automatically at 6pm"
    found = parse_limit(text, said_at=SAID - timedelta(hours=6), zone=BERLIN)
    assert found is not None and found.resets_at == utc(2026, 7, 10, 9)


def test_a_banner_of_five_hours_that_is_read_late_is_over_and_not_due_tomorrow():
    found = parse_limit("Session limit reached ∙ resets 3pm (UTC)", said_at=utc(2026, 7, 10, 15, 20), zone=UTC)
    assert found is not None and found.resets_at == utc(2026, 7, 10, 15)
    weekly = parse_limit("Weekly limit reached ∙ resets 3pm (UTC)", said_at=utc(2026, 7, 10, 15, 20), zone=UTC)
    assert weekly is not None and weekly.resets_at == utc(2026, 7, 11, 15)


def test_a_day_without_a_year_goes_over_new_year():
    found = parse_limit("hit your weekly limit · resets Jan 3, 4am (UTC)", said_at=utc(2026, 12, 29), zone=UTC)
    assert found is not None and found.resets_at == utc(2027, 1, 3, 4)


def test_times_that_a_clock_change_skips_or_repeats():
    # 2026-03-29 02:00 to 03:00 is not there in Berlin; 2026-10-25 02:00 to 03:00 is there twice.
    skipped = parse_limit("limit reached · resets 2:30am", said_at=utc(2026, 3, 28, 23), zone=BERLIN)
    assert skipped is not None and skipped.resets_at == utc(2026, 3, 29, 1, 30)
    first = parse_limit("limit reached · resets 2:30am", said_at=utc(2026, 10, 24, 23), zone=BERLIN)
    assert first is not None and first.resets_at == utc(2026, 10, 25, 0, 30)
    second = parse_limit("limit reached · resets 2:30am", said_at=utc(2026, 10, 25, 0, 45), zone=BERLIN)
    assert second is not None and second.resets_at == utc(2026, 10, 25, 1, 30)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.datetimes(wall(2024, 1, 1), wall(2030, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(ZONES),
    st.integers(0, 23),
    st.integers(0, 59),
)
def test_a_clock_time_is_the_next_one_of_its_zone(said_at: datetime, name: str, hour: int, minute: int):
    zone = ZoneInfo(name)
    half = "am" if hour < 12 else "pm"
    text = f"You've hit your limit · resets {hour % 12 or 12}:{minute:02}{half} ({name})"
    found = parse_limit(text, said_at=said_at, zone=UTC)
    assert found is not None and found.resets_at is not None
    assert -timedelta(minutes=1) <= found.resets_at - said_at <= timedelta(hours=26)
    local = found.resets_at.astimezone(zone)
    naive = wall(local.year, local.month, local.day, hour, minute)
    is_skipped = naive.replace(tzinfo=zone).astimezone(UTC).astimezone(zone).replace(tzinfo=None) != naive
    assert is_skipped or (local.hour, local.minute) == (hour, minute)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.text(max_size=80),
    st.sampled_from(("usage limit reached resets ", "limit reached|", "hit your limit try again at ")),
)
def test_no_text_breaks_it(text: str, lead: str):
    found = parse_limit(lead + text, said_at=SAID, zone=BERLIN)
    assert found is not None
    assert found.resets_at is None or abs(found.resets_at - SAID) <= limits.LONGEST


def test_a_record_for_programs_comes_first():
    told = of_rate_limits(
        {
            "primary": {"used_percent": 100.0, "window_minutes": 10_080, "resets_at": 1_783_900_800},
            "secondary": {"used_percent": 100, "window_minutes": 300, "resets_at": 1_783_695_600},
            "plan": "pro",
        }
    )
    assert told == UsageLimit(utc(2026, 7, 13), "weekly", is_structured=True), "both have to end"
    said = parse_limit("hit your usage limit, try again at 3:09 PM", said_at=SAID, zone=BERLIN)
    assert strongest(said, told) == told
    assert strongest(said, UsageLimit(None, "", is_structured=True)) == said, "one that knows the time"
    assert of_rate_limits({"five_hour": {"used_percentage": 99.9, "resets_at": 1_783_695_600}}) is None
    assert strongest(None, None) is None


def test_a_line_of_a_transcript_is_a_limit_only_if_it_says_so_itself():
    record = {
        "type": "assistant",
        "timestamp": "2026-07-10T12:00:00.000Z",
        "isApiErrorMessage": True,
        "error": "rate_limit",
        "apiErrorStatus": 429,
        "message": {"content": [{"type": "text", "text": "You've hit your 5-hour limit · resets 3pm (UTC)"}]},
    }
    assert of_claude_record(record, UTC) == UsageLimit(utc(2026, 7, 10, 15), "5-hour", is_structured=True)
    for change in ({"isApiErrorMessage": False}, {"error": "server_error"}, {"isSidechain": True}, {"message": None}):
        assert of_claude_record(record | change, UTC) is None


def test_the_wake_comes_a_little_after_the_reset_and_not_for_all_at_once():
    times = [limits.wake_at(SAID, Random(seed)) - SAID for seed in range(20)]
    assert all(timedelta(seconds=60) <= one <= timedelta(seconds=120) for one in times)
    assert len(set(times)) == 20


@pytest.mark.parametrize(
    ("shown_after_h", "seen_after_min", "is_past"),
    [(24, 2, True), (23, 14, True), (25, 0, True), (24, 16, False), (24, -1, False), (5, 2, False), (48, 2, False)],
)
def test_the_banner_of_a_limit_that_has_just_ended_is_no_limit_until_tomorrow(
    shown_after_h: int, seen_after_min: int, is_past: bool
):
    known = datetime(2026, 1, 5, 21, 11, tzinfo=UTC)
    shown, seen_at = known + timedelta(hours=shown_after_h), known + timedelta(minutes=seen_after_min)
    assert is_past_banner(known, shown, seen_at) is is_past
