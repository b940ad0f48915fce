"""Durations and times as people write them."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from math import ceil

from hive_tui.domain.errors import HiveError

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
PARTS = re.compile(r"(\d+(?:\.\d+)?)([smhd])")


def parse_duration(text: str) -> timedelta:
    """A span like 90s, 15m, 2h or 1h30m.

    Raises:
        HiveError: It is not written like that, or is longer than ten years.
    """
    parts = PARTS.findall(text)
    seconds = sum(float(number) * UNITS[unit] for number, unit in parts)
    if not parts or "".join(number + unit for number, unit in parts) != text or seconds > 10 * 365 * 86400:
        raise HiveError(f"{text!r} is not a duration.", hint="Write it like 90s, 15m, 2h or 1h30m.")
    return timedelta(seconds=seconds)


def parse_time(text: str, now: datetime) -> datetime:
    """The next moment that a wall-clock time or date names in the local zone, as aware UTC.

    A time that the clocks skip when they go forward is as long behind the gap as it is in it.

    Args:
        text: `14:30`, `2026-01-05 14:30` or ISO 8601, with or without a zone.
        now: Aware, in the local zone.

    Raises:
        HiveError: It is no time, or is over.
    """
    wall_now = now.replace(tzinfo=None)
    if match := re.fullmatch(r"(\d{1,2}):(\d{2})", text):
        hour, minute = int(match[1]), int(match[2])
        if hour > 23 or minute > 59:
            raise HiveError(f"{text!r} is not a time of day.", hint="Write it like 14:30.")
        wall = wall_now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        folds = (0, 1) if wall > wall_now else (1,)
        today = [_moment(wall, fold, now.tzinfo) for fold in folds]
        return next((at for at in today if at > now), _moment(wall + timedelta(days=1), 0, now.tzinfo))
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise HiveError(f"{text!r} is not a time.", hint="Write it like 14:30 or 2026-01-05 14:30.") from error
    moments = [at.astimezone(UTC)] if at.tzinfo else [_moment(at, fold, now.tzinfo) for fold in (0, 1)]
    if not any(moment > now for moment in moments):
        raise HiveError(f"{text!r} is over.", hint="Name a time in the future.")
    return next(moment for moment in moments if moment > now)


def parse_past(text: str, now: datetime) -> datetime:
    """The last moment that a wall-clock time names in the local zone, or that lies so long back, as aware UTC.

    Args:
        text: `14:30`, `2h` or ISO 8601, with or without a zone.
        now: Aware, in the local zone.

    Raises:
        HiveError: It is neither a time nor a span.
    """
    if PARTS.match(text):
        return (now - parse_duration(text)).astimezone(UTC)
    if match := re.fullmatch(r"(\d{1,2}):(\d{2})", text):
        hour, minute = int(match[1]), int(match[2])
        if hour > 23 or minute > 59:
            raise HiveError(f"{text!r} is not a time of day.", hint="Write it like 14:30.")
        wall = now.replace(tzinfo=None, hour=hour, minute=minute, second=0, microsecond=0)
        today = [_moment(wall, fold, now.tzinfo) for fold in (1, 0)]
        return next((at for at in today if at <= now), _moment(wall - timedelta(days=1), 1, now.tzinfo))
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise HiveError(f"{text!r} is not a time.", hint="Write it like 14:30, 2h or 2026-01-05 14:30.") from error
    return at.astimezone(UTC) if at.tzinfo else _moment(at, 0, now.tzinfo)


def _moment(wall: datetime, fold: int, zone: tzinfo | None) -> datetime:
    """A wall-clock time as aware UTC; `fold` 1 is the second one where the clocks go back.

    A plain offset from UTC says nothing about another day, so the zone of the machine is asked then.
    """
    naive = wall.replace(fold=fold)
    if isinstance(zone, timezone):
        return datetime.fromtimestamp(naive.timestamp(), UTC)
    return naive.replace(tzinfo=zone).astimezone(UTC)


def in_words(span: timedelta) -> str:
    """Two units at most: `3d 4h`, `2h 5m`, `12m`, `40s`."""
    seconds = max(0, int(span.total_seconds()))
    for size, unit, below, smaller in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "")):
        if seconds >= size:
            rest = seconds % size // below
            return f"{seconds // size}{unit} {rest}{smaller}" if rest and smaller else f"{seconds // size}{unit}"
    return f"{seconds}s"


def time_to_come(at: datetime, now: datetime) -> str:
    """A time that is to come, in the zone of `at`; with its day where that is not soon."""
    return f"{at:%H:%M}" if at - now < timedelta(hours=20) else f"{at:%a %d %b %H:%M}"


def counted(count: int, what: str) -> str:
    """`1 line`, `2 lines`, `2 entries`."""
    plural = f"{what[:-1]}ies" if what.endswith("y") else f"{what}s"
    return f"{count} {what if count == 1 else plural}"


def bytes_in_words(size: int) -> str:
    """Decimal units: `812 B`, `4.2 kB`, `208 MB`."""
    if size < 1000:
        return f"{size} B"
    value = float(size)
    for unit in ("kB", "MB", "GB", "TB"):
        value /= 1000
        if value < 999.5 or unit == "TB":
            return f"{value:.1f} {unit}" if value < 99.95 else f"{value:.0f} {unit}"
    return f"{size} B"


def lead_words(at: datetime, now: datetime) -> str:
    """How long until an announced nap, in steps of ten seconds so that no screen is drawn each second."""
    left_s = max(0.0, (at - now).total_seconds())
    return f"in {max(1, ceil(left_s / 10)) * 10}s" if left_s < 100 else f"in {ceil(left_s / 60)}m"
