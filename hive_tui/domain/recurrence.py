"""How often something comes again: a span, a time of day on some days of the week, or the five fields of cron."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hive_tui.domain.durations import parse_duration
from hive_tui.domain.errors import HiveError
from hive_tui.domain.windows import DAY, checked_time, checked_zone, moment

DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SHORTEST = timedelta(minutes=1)
FARTHEST = timedelta(days=366 * 9)
"""The 29th of February can be eight years away."""
HINT = 'Write it like "daily 09:00", "mon,fri 18:30 Europe/Berlin", 4h or "0 9 * * 1-5".'


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a cron line: its name, its least and its greatest number, and names for them."""

    name: str
    least: int
    most: int
    names: tuple[str, ...] = ()


MINUTE, HOUR, DAY_OF_MONTH = Field("minute", 0, 59), Field("hour", 0, 23), Field("day", 1, 31)
MONTH, DAY_OF_WEEK = Field("month", 1, 12, MONTHS), Field("day of the week", 0, 7, DAYS)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """When it comes. Either a span, counted from `since`, or wall-clock times in a zone."""

    text: str
    """As it was written, with its zone."""
    span: timedelta | None = None
    minutes: frozenset[int] = frozenset()
    hours: frozenset[int] = frozenset()
    days: frozenset[int] = frozenset()
    """Of the month."""
    months: frozenset[int] = frozenset()
    weekdays: frozenset[int] = frozenset()
    """0 is Sunday."""
    zone: str = "UTC"
    """IANA name."""
    any_hour: bool = False
    """Whether it follows the hours as they pass, also through one that comes twice."""
    either_day: bool = False
    """Cron's rule: where day of the month and of the week are both restricted, one of them is enough."""


def parse_recurrence(text: str, zone: str) -> Recurrence:
    """What is written like 4h, `daily 09:00`, `mon,fri 18:30 Europe/Berlin` or `0 9 * * 1-5 [ZONE]`.

    Args:
        text: What a person wrote.
        zone: IANA name of the zone where none is written.

    Raises:
        HiveError: It is none of these, or never comes.
    """
    words = text.split()
    named = words.pop() if words and re.match(r"[A-Z]", words[-1]) and len(words) in (3, 6) else zone
    if len(words) == 1 and words[0][0].isdigit():
        return _every_span(words[0])
    written = " ".join(words)
    if len(words) == 2:
        at = checked_time(words[1])
        words = [str(at.minute), str(at.hour), "*", "*", _days_named(words[0].lower(), text)]
    if len(words) != 5:
        raise HiveError(f"{text!r} does not say how often.", hint=HINT)
    return _cron(words, written, str(checked_zone(named)))


def _every_span(word: str) -> Recurrence:
    span = parse_duration(word)
    if span < SHORTEST:
        raise HiveError(f"Every {word} is too often.", hint="A minute is the least: 1m.")
    return Recurrence(word, span)


def _days_named(word: str, text: str) -> str:
    named = {"daily": "*", "weekdays": "1-5", "weekends": "0,6"}.get(word, word)
    if not re.fullmatch(r"[*]|[0-9,-]+|[a-z]{3}([,-][a-z]{3})*", named):
        raise HiveError(f"{text!r} does not say how often.", hint=HINT)
    return named


def _cron(words: list[str], written: str, zone: str) -> Recurrence:
    fields = (MINUTE, HOUR, DAY_OF_MONTH, MONTH, DAY_OF_WEEK)
    minutes, hours, days, months, weekdays = (_numbers(*one) for one in zip(words, fields, strict=True))
    found = Recurrence(
        f"{written} {zone}",
        None,
        minutes,
        hours,
        days,
        months,
        frozenset(one % 7 for one in weekdays),
        zone,
        any_hour=words[1].startswith("*"),
        either_day=not (words[2].startswith("*") or words[4].startswith("*")),
    )
    if not any(_is_on(found, date(2000, 1, 1) + number * DAY) for number in range(366)):
        raise HiveError(f"{written!r} never comes: there is no such day.", hint=HINT)
    return found


def _numbers(word: str, field: Field) -> frozenset[int]:
    found: set[int] = set()
    for part in word.lower().split(","):
        match = re.fullmatch(r"(?:(\*)|(\w+)(?:-(\w+))?)(?:/(\d+))?", part)
        if match is None:
            raise _wrong(word, field)
        step = int(match[4]) if match[4] else 1
        least = field.least if match[1] else _number(match[2], word, field)
        most = _number(match[3], word, field) if match[3] else field.most if match[1] or match[4] else least
        if not 1 <= step <= field.most or least > most:
            raise _wrong(word, field)
        found.update(range(least, most + 1, step))
    return frozenset(found)


def _number(text: str, word: str, field: Field) -> int:
    if text in field.names:
        return field.names.index(text) + field.least
    if not re.fullmatch(r"\d{1,2}", text, re.ASCII) or not field.least <= int(text) <= field.most:
        raise _wrong(word, field)
    return int(text)


def _wrong(word: str, field: Field) -> HiveError:
    return HiveError(f"{word!r} is not a {field.name} of a cron line ({field.least}-{field.most}).", hint=HINT)


def next_after(every: Recurrence, since: datetime, now: datetime) -> datetime:
    """The first moment after `now` at which it comes; all are aware UTC.

    Args:
        every: How often.
        since: From when spans are counted.
        now: The moment itself does not count.
    """
    if every.span is not None:
        return since + (max(0, (now - since) // every.span) + 1) * every.span
    local = now.astimezone(ZoneInfo(every.zone)).date()
    for number in range(-1, FARTHEST.days):
        found = [at for at in _moments(every, local + number * DAY) if at > now]
        if found:
            return found[0]
    raise HiveError(f"{every.text!r} never comes.", hint=HINT)


def latest(every: Recurrence, since: datetime, after: datetime, until: datetime, most: int) -> list[datetime]:
    """The last moments with `after` < moment <= `until` at which it comes, oldest first, and at most so many.

    A wall-clock time that is skipped when clocks go forward comes as they do, once; one that comes twice when they
    go back is the first. Only what follows every hour comes in both (Debian's cron does the same).
    """
    if every.span is not None:
        last = (until - since) // every.span
        first = max(1, (max(after, since) - since) // every.span + 1, last - most + 1)
        return [since + number * every.span for number in range(first, last + 1)]
    zone = ZoneInfo(every.zone)
    day, earliest = until.astimezone(zone).date() + DAY, after.astimezone(zone).date() - DAY
    found: list[datetime] = []
    while day >= earliest and len(found) < most:
        found = [at for at in _moments(every, day) if after < at <= until] + found
        day -= DAY
    return found[-most:] if most else []


def _moments(every: Recurrence, day: date) -> list[datetime]:
    """All of one local date, as aware UTC, each once."""
    zone = ZoneInfo(every.zone)
    if not _is_on(every, day) or moment(datetime.combine(day, time(12)), zone).astimezone(zone).date() != day:
        return []
    walls = [datetime.combine(day, time(hour, minute)) for hour in every.hours for minute in every.minutes]
    if not every.any_hour:
        return sorted({moment(wall, zone) for wall in walls})
    return sorted({at for wall in walls for at in _passes(wall, zone)})


def _passes(wall: datetime, zone: ZoneInfo) -> Iterator[datetime]:
    """Every moment at which clocks show that time: none, one, or two."""
    for fold in (0, 1):
        at = wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        if at.astimezone(zone).replace(tzinfo=None) == wall:
            yield at


def _is_on(every: Recurrence, day: date) -> bool:
    of_month, of_week = day.day in every.days, day.isoweekday() % 7 in every.weekdays
    return day.month in every.months and (of_month or of_week if every.either_day else of_month and of_week)
