"""Which of the daily copies of the database are kept."""

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

DUE_AFTER = timedelta(hours=24)
DAILY = 7
WEEKLY = 4


def is_due(taken_at: Collection[datetime], now: datetime) -> bool:
    """Whether none was taken within the last 24 hours; one with a time to come, by a wrong clock, does not count."""
    return not any(now - DUE_AFTER < one <= now for one in taken_at)


def kept(taken_at: Collection[datetime], now: datetime) -> set[datetime]:
    """The newest of each of the last 7 days and 4 weeks (UTC) that have one; never drops one with a time to come."""
    ahead = {one for one in taken_at if one > now}
    past = sorted((one for one in taken_at if one <= now), reverse=True)
    daily = _newest_of_each(past, DAILY, lambda one: one.date())
    weekly = _newest_of_each(past, WEEKLY, lambda one: one.isocalendar()[:2])
    return ahead | daily | weekly


def _newest_of_each(newest_first: list[datetime], count: int, span: Callable[[datetime], object]) -> set[datetime]:
    found: dict[object, datetime] = {}
    for one in newest_first:
        if len(found) < count:
            found.setdefault(span(one), one)
    return set(found.values())
