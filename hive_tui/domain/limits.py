"""Usage limits: when they end, from what agents say about them. The forms are those of six agents."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from random import Random
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

LONGEST = timedelta(days=35)
"""No window of any plan is longer; a time farther off was misread."""
FIVE_HOURS = timedelta(hours=5, minutes=10)
SEVERAL_DAYS = timedelta(hours=25)
GRACE = timedelta(minutes=1)
"""A time is said to the minute, so it may be over by the seconds of it."""
REST, SPREAD = timedelta(seconds=60), timedelta(seconds=60)
"""Added to a reset before a wake: clocks differ, and accounts must not all come at once."""

HOURS = ((300, "5-hour"), (10_080, "weekly"))
"""Windows are told by their length in minutes; which of two slots they stand in differs by plan."""
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
ABBREVIATIONS = {
    "utc": 0, "gmt": 0, "z": 0, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8,
    "pdt": -7, "akst": -9, "akdt": -8, "hst": -10,
}  # fmt: skip
"""Those that programs print in English; hours from UTC."""

SAYS_LIMIT = re.compile(
    r"hit your .{0,40}?limit|limit reached|reached your .{0,40}?(limit|quota)|usage limit|out of (extra )?usage|limit:"
    r"|exhausted your .{0,40}?quota|quota limit|free usage exceeded|approaching rate limits|usage credits|rate limits"
    r"|limit resets|Stop and wait for limit",
    re.IGNORECASE,
)
LEAD = r"(?:resets?|reset on|reset at|try again|automatically|cycle ends)(?:\s+(?:at|in|on|around))*\s+"
CLOCK = r"(?P<hour>\d{1,2})(?::(?P<minute>\d{2})(?::(?P<second>\d{2}))?)?\s*(?P<half>[ap]\.?m\.?)?(?![\d/])"
ZONE = (
    r"(?:\s*\((?P<named>[A-Za-z][A-Za-z0-9_+/-]*)\)"
    r"|\s*(?P<offset>(?:GMT|UTC)?[+-]\d{1,2}(?::?\d{2})?)\b|\s+(?P<short>[A-Z]{3,4})\b|(?P<zulu>Z)\b)?"
)
MONTH = rf"(?P<month>{'|'.join(MONTHS)})[a-z]*\.?\s+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?(?:,?\s+(?P<year>\d{{4}}))?"
UNIT = r"(?:days?|d|hours?|hrs?|h|minutes?|mins?|m|seconds?|secs?|s)"
FORMS = (
    ("epoch", re.compile(r"limit reached\|(?P<epoch>\d{10}(?:\d{3})?)\b", re.IGNORECASE)),
    ("iso", re.compile(rf"{LEAD}(?P<date>\d{{4}}-\d{{2}}-\d{{2}})[T\s]\s*{CLOCK}(?:\.\d+)?{ZONE}", re.IGNORECASE)),
    ("dated", re.compile(rf"{LEAD}{MONTH},?\s+(?:at\s+)?{CLOCK}{ZONE}", re.IGNORECASE)),
    ("american", re.compile(rf"{LEAD}(?P<month>\d{{1,2}})/(?P<day>\d{{1,2}})/(?P<year>\d{{4}})", re.IGNORECASE)),
    ("span", re.compile(rf"{LEAD}(?P<span>(?:\d+\s*{UNIT}\b[\s,and]*)+)", re.IGNORECASE)),
    ("clock", re.compile(rf"{LEAD}{CLOCK}{ZONE}", re.IGNORECASE)),
)  # fmt: skip
UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}


@dataclass(frozen=True, slots=True)
class UsageLimit:
    """A usage limit that an agent has run into."""

    resets_at: datetime | None
    """Aware UTC; None where nothing told it."""
    window: str = ""
    """`5-hour`, `weekly`, `monthly`; empty where nothing told it."""
    is_structured: bool = False
    """Whether a record for programs told it, and not a sentence for people."""

    @property
    def is_waitable(self) -> bool:
        """Whether it makes sense to wake the agent when it ends."""
        return self.resets_at is not None and self.window != "monthly"


def parse_limit(text: str, *, said_at: datetime, zone: tzinfo) -> UsageLimit | None:
    """The limit that a text of an agent speaks of; None if it speaks of none.

    Args:
        text: A screen, a part of one, or a message; lines may be wrapped between words.
        said_at: When it was said, aware; a screen may show it long after the reset.
        zone: The agent's own zone, for times that name none.
    """
    flat = " ".join(text.replace("\u2019", "'").split())
    if not SAYS_LIMIT.search(flat):
        return None
    found = list(_times(flat, said_at.astimezone(UTC), zone))
    window = _window(flat)
    if not found:
        return UsageLimit(None, window)
    resets_at, form = found[-1]
    if form == "american":
        window = window or "monthly"
    if not timedelta(days=-1) <= resets_at - said_at <= LONGEST:
        return UsageLimit(None, window)
    if not window and resets_at - said_at > SEVERAL_DAYS:
        window = "weekly"
    return UsageLimit(resets_at, window)


def _window(flat: str) -> str:
    named = re.findall(r"5[- ]?h(?:our)?|session limit|weekly|monthly", flat, re.IGNORECASE)
    if not named:
        return ""
    last = named[-1].lower()
    return last if last in ("weekly", "monthly") else "5-hour"


def _times(flat: str, said_at: datetime, zone: tzinfo) -> Iterator[tuple[datetime, str]]:
    """Every time in the text, in its order. A zone named once holds for the same time said again without one."""
    hits: dict[int, tuple[str, re.Match[str]]] = {}
    for form, pattern in FORMS:
        for match in pattern.finditer(flat):
            hits.setdefault(match.start(), (form, match))
    zones: dict[tuple[str, str], tzinfo] = {}
    is_five_hour = _window(flat) == "5-hour"
    for _, (form, match) in sorted(hits.items()):
        parts = match.groupdict()
        said = (parts.get("hour") or "", parts.get("minute") or "")
        own = _zone(parts)
        if own is not None:
            zones[said] = own
        found = _moment(form, parts, said_at, own or zones.get(said) or zone, is_five_hour)
        if found is not None:
            yield found.astimezone(UTC), form


def _moment(
    form: str, parts: Mapping[str, str | None], said_at: datetime, zone: tzinfo, is_five_hour: bool
) -> datetime | None:
    try:
        if form == "epoch":
            return from_epoch(int(parts["epoch"] or 0))
        if form == "span":
            return said_at + _span(parts["span"] or "")
        if form == "american":
            return _local(int(parts["year"] or 0), int(parts["month"] or 0), int(parts["day"] or 0), (0, 0, 0), zone)
        clock = _clock(parts)
        if form == "iso":
            year, month, day = map(int, str(parts["date"]).split("-"))
            return _local(year, month, day, clock, zone)
        if form == "dated":
            return _dated(parts, clock, said_at, zone)
        return _next(clock, said_at, zone, is_five_hour)
    except (ValueError, OverflowError):
        return None


def _clock(parts: Mapping[str, str | None]) -> tuple[int, int, int]:
    hour, minute, second = (int(parts[name] or 0) for name in ("hour", "minute", "second"))
    half = (parts["half"] or "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(f"there is no {hour} o'clock {half}")
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    elif not parts["minute"]:
        raise ValueError("a bare number is no time")
    return hour, minute, second


def _dated(
    parts: Mapping[str, str | None], clock: tuple[int, int, int], said_at: datetime, zone: tzinfo
) -> datetime | None:
    """A day without a year is the nearest one of that name."""
    month, day = MONTHS.index(str(parts["month"]).lower()[:3]) + 1, int(parts["day"] or 0)
    if parts["year"]:
        return _local(int(parts["year"]), month, day, clock, zone)
    found = []
    for year in (said_at.year - 1, said_at.year, said_at.year + 1):
        try:
            found.append(_local(year, month, day, clock, zone))
        except ValueError:
            continue  # a 29th of February
    return min(found, key=lambda at: abs(at - said_at), default=None)


def _next(clock: tuple[int, int, int], said_at: datetime, zone: tzinfo, is_five_hour: bool) -> datetime:
    """The first such time from when it was said; of a window of five hours none that is farther off."""
    today = said_at.astimezone(zone).date()
    days = [today + timedelta(days=offset) for offset in (-1, 0, 1, 2)]
    first, second = ([_local(day.year, day.month, day.day, clock, zone, fold) for day in days] for fold in (0, 1))
    # A time that comes twice is told apart by its fold; of one that is skipped, the second is none.
    both = first + [again for once, again in zip(first, second, strict=True) if again > once]
    coming = min(at for at in both if at >= said_at - GRACE)
    if is_five_hour and coming - said_at > FIVE_HOURS:
        return max(at for at in both if at < said_at)
    return coming


def _local(year: int, month: int, day: int, clock: tuple[int, int, int], zone: tzinfo, fold: int = 0) -> datetime:
    """That time on the wall, in UTC. One that a clock change skips is as much later as the change is long."""
    return datetime(year, month, day, *clock, tzinfo=zone, fold=fold).astimezone(UTC)


def _span(text: str) -> timedelta:
    amounts = re.findall(r"(\d+)\s*([dhms])", text.lower())
    return timedelta(seconds=sum(int(number) * UNITS[unit] for number, unit in amounts))


def _zone(parts: Mapping[str, str | None]) -> tzinfo | None:
    """The zone that stands behind the time; None for none, or for one that nobody knows."""
    if parts.get("offset"):
        digits = re.sub(r"(?i)gmt|utc", "", str(parts["offset"]))
        hours, _, minutes = digits[1:].partition(":")
        if len(hours) > 2:
            hours, minutes = hours[:-2], hours[-2:]
        span = timedelta(hours=int(hours), minutes=int(minutes or 0))
        return timezone(-span if digits[0] == "-" else span) if span < timedelta(hours=24) else None
    name = parts.get("named") or parts.get("short") or parts.get("zulu") or ""
    if name.lower() in ABBREVIATIONS:
        return timezone(timedelta(hours=ABBREVIATIONS[name.lower()]))
    try:
        return ZoneInfo(name) if parts.get("named") else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def from_epoch(value: float) -> datetime:
    """Aware UTC of seconds, or milliseconds, since 1970.

    Raises:
        ValueError: No such time is there.
    """
    try:
        return datetime.fromtimestamp(value / 1000 if value > 1e11 else value, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError(f"there is no time {value}") from error


def of_rate_limits(limits: Mapping[str, Any]) -> UsageLimit | None:
    """The limit that windows with `used_percent` (or `used_percentage`) and `resets_at` tell; None while none is full.

    Of several full windows the last one to end counts, since all have to.
    """
    full: list[UsageLimit] = []
    for slot, window in limits.items():
        if not isinstance(window, Mapping):
            continue
        used = window.get("used_percent", window.get("used_percentage"))
        resets = window.get("resets_at")
        if isinstance(used, int | float) and used >= 100 and isinstance(resets, int | float):
            minutes = window.get("window_minutes")
            named = {"five_hour": "5-hour", "seven_day": "weekly"}.get(slot, "")
            length = next((name for known, name in HOURS if minutes == known), named)
            full.append(UsageLimit(from_epoch(resets), length, is_structured=True))
    return max(full, key=lambda one: one.resets_at or datetime.min.replace(tzinfo=UTC), default=None)


def of_claude_record(record: Mapping[str, Any], zone: tzinfo) -> UsageLimit | None:
    """The limit that a line of a Claude transcript tells: the record says that it is one, its text until when."""
    is_limit = record.get("isApiErrorMessage") is True and record.get("error") == "rate_limit"
    if not is_limit or record.get("apiErrorStatus", 429) != 429 or record.get("isSidechain"):
        return None
    try:
        said_at = datetime.fromisoformat(str(record["timestamp"]))
        text = " ".join(str(part.get("text", "")) for part in record["message"]["content"])
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    found = parse_limit(text, said_at=said_at.astimezone(UTC), zone=zone) if said_at.tzinfo else None
    return None if found is None else UsageLimit(found.resets_at, found.window, is_structured=True)


SAME = timedelta(minutes=2)
"""Two resets that are no farther apart are one: it is told to the minute, or as what is left."""
TOLD_AT_ONCE = timedelta(minutes=1)
"""What comes on the screen so soon after a record for programs was caused by the same answer."""
JUST_ENDED = timedelta(minutes=15)
"""So long after a reset its banner may still be seen; the wake comes within the first minutes."""


def strongest(*found: UsageLimit | None) -> UsageLimit | None:
    """Of what several sources say, a structured one that knows the time; else any that knows it; else any."""
    known = [one for one in found if one is not None]
    order = sorted(known, key=lambda one: (one.resets_at is None, not one.is_structured))
    return order[0] if order else None


def is_same(one: datetime, other: datetime) -> bool:
    """Whether two resets are one that was told twice: to the minute, or as what is left until then."""
    return abs(one - other) <= SAME


def last_told(
    known: UsageLimit, said_at: datetime, shown: UsageLimit, shown_at: datetime, as_then: UsageLimit | None
) -> UsageLimit:
    """Which of two limits, both with a reset, an agent is in: the one that was told last.

    Args:
        known: The one that was noted; it has not ended.
        said_at: When it was told.
        shown: The one that the agent shows.
        shown_at: Since when it is seen to show that.
        as_then: The same words, read as if they had been shown at `said_at`: what counts from a moment that nobody
            has seen is the known limit, if it fits that one.
    """
    assert known.resets_at is not None and shown.resets_at is not None
    then = as_then.resets_at if as_then is not None else None
    if is_same(known.resets_at, shown.resets_at) or (then is not None and is_same(known.resets_at, then)):
        return known
    # A sentence that comes up right after a record is about the same limit, and the record knows it better.
    is_about_same = known.is_structured and shown_at - said_at < TOLD_AT_ONCE
    return known if is_about_same else shown


def is_past_banner(known_reset: datetime, shown_reset: datetime, seen_at: datetime) -> bool:
    """Whether a limit on the screen is the one that has just ended, whose time of day was read as tomorrow's.

    An agent that is woken at its reset may draw the old banner once more.
    """
    is_next_day = timedelta(hours=22) < shown_reset - known_reset < timedelta(hours=26)
    return is_next_day and timedelta() <= seen_at - known_reset < JUST_ENDED


def wake_at(resets_at: datetime, random: Random) -> datetime:
    """When to wake after a reset: a minute or two later, so that it is over and not all come at once."""
    return resets_at + REST + SPREAD * random.random()


def is_wake_of(due_at: datetime, resets_at: datetime) -> bool:
    """Whether a wake is due when `wake_at` would have it after that reset, which is told to the minute."""
    return REST <= due_at - resets_at <= REST + SPREAD + timedelta(minutes=1)
