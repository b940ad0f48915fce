"""Which copies of the database are kept, and when one is due."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.backups import DAILY, WEEKLY, is_due, kept

NOW = datetime(2026, 3, 20, 12, tzinfo=UTC)
TIMES = st.sets(st.integers(0, 90 * 24 * 60).map(lambda minutes: NOW - timedelta(minutes=minutes)))


def days_ago(*numbers: float) -> list[datetime]:
    return [NOW - timedelta(days=number) for number in numbers]


def test_after_a_year_of_daily_copies_seven_days_and_four_weeks_are_left():
    left: list[datetime] = []
    for day in range(365, -1, -1):
        now = NOW - timedelta(days=day)
        left = sorted(kept([*left, now], now))
    ages = [(NOW - one).days for one in left]
    assert ages == [19, 12, 6, 5, 4, 3, 2, 1, 0], "four Sundays at most, of which this week and the last are days too"


def test_days_without_a_copy_cost_nothing():
    assert kept(days_ago(1, 50, 51), NOW) == set(days_ago(1, 50, 51))


def test_of_several_a_day_the_newest_stays():
    assert kept(days_ago(0.1, 0.2, 0.3), NOW) == set(days_ago(0.1))


@given(TIMES)
def test_the_newest_always_stays_and_never_more_than_eleven(times: set[datetime]):
    found = kept(times, NOW)
    assert found <= times and len(found) <= DAILY + WEEKLY
    assert not times or max(times) in found
    assert kept(found, NOW) == found, "pruning again removes nothing"


def test_a_copy_is_due_after_a_day_and_one_from_the_future_does_not_count():
    assert is_due([], NOW)
    assert not is_due(days_ago(0.99), NOW)
    assert is_due(days_ago(1), NOW)
    assert is_due(days_ago(-3), NOW), "the clock was wrong"
    assert kept(days_ago(-3, 0), NOW) == set(days_ago(-3, 0)), "but it is not thrown away"
