"""When a sleep window begins and ends: wall-clock times in a zone, as moments. Exactly one of each a local date."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from hive_tui.domain.errors import HiveError
from hive_tui.domain.schedule import SleepWindow

DAY = timedelta(days=1)
LOOK_BACK = timedelta(days=8)
"""Edges that are missed for longer than that are forgotten."""


class Edge(StrEnum):
    """The two ends of a window, by what happens there."""

    NAP = "nap"
    WAKE = "wake"


@dataclass(frozen=True, slots=True)
class Night:
    """A window on one local date."""

    window_id: str
    date: date
    """The local date on which it begins."""
    start_at: datetime
    """Aware UTC, as `end_at` is, which lies behind it."""
    end_at: datetime

    def at(self, edge: Edge) -> datetime:
        """When that edge is."""
        return self.start_at if edge is Edge.NAP else self.end_at

    def is_open(self, now: datetime) -> bool:
        """Whether its agents are to sleep now."""
        return self.start_at <= now < self.end_at


@dataclass(frozen=True, slots=True)
class Tick:
    """One edge of one night."""

    night: Night
    edge: Edge

    @property
    def at(self) -> datetime:
        """Aware UTC."""
        return self.night.at(self.edge)


def checked_time(text: str) -> time:
    """A time of day like 02:00.

    Raises:
        HiveError: It is not written like that.
    """
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text, re.ASCII)
    if match is None or int(match[1]) > 23 or int(match[2]) > 59:
        raise HiveError(f"{text!r} is not a time of day.", hint="Write it like 02:00 or 23:30.")
    return time(int(match[1]), int(match[2]))


def checked_zone(name: str) -> ZoneInfo:
    """The zone with that IANA name.

    Raises:
        HiveError: There is none.
    """
    try:
        if not name:
            raise ValueError("no name")
        return ZoneInfo(name)
    except (LookupError, ValueError, OSError) as error:
        hint = "Write it like Europe/Berlin, America/New_York or UTC."
        raise HiveError(f"{name!r} is not a time zone that this machine knows.", hint=hint) from error


def checked_window(window: SleepWindow) -> SleepWindow:
    """The window with its times as HH:MM.

    Raises:
        HiveError: A time or the zone is wrong, or it ends when it begins.
    """
    start, end = checked_time(window.start_time), checked_time(window.end_time)
    checked_zone(window.timezone)
    if start == end:
        raise HiveError(
            f"A window from {start:%H:%M} to {end:%H:%M} has no length.",
            hint="An end before the start means the next morning: 23:00 to 07:00.",
        )
    return SleepWindow(
        window.id, window.agent_id, f"{start:%H:%M}", f"{end:%H:%M}", window.timezone, window.active, window.since_at
    )


def moment(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment, as aware UTC, at which clocks of the zone show `wall` or later.

    A time that is skipped when clocks go forward is the moment in which they do; of two equal times when
    they go back it is the first. So every wall time is one moment, and later ones are never earlier.
    """
    before, after = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if before <= after:
        return before
    # In a gap: with the offset of before the change the moment lies behind it, with the other one ahead of it.
    late, early, new_offset = before, after, before.astimezone(zone).utcoffset()
    while late - early > timedelta(seconds=1):
        middle = early + (late - early) // 2
        late, early = (middle, early) if middle.astimezone(zone).utcoffset() == new_offset else (late, middle)
    return late.replace(microsecond=0)


def night_of(window: SleepWindow, day: date) -> Night | None:
    """The window as it begins on that local date; None for a date that the zone leaves out, as Samoa did once.

    One that lies in the hour that is skipped keeps its length, and begins when clocks have gone forward.
    """
    zone = ZoneInfo(window.timezone)
    if moment(datetime.combine(day, time(12)), zone).astimezone(zone).date() != day:
        return None
    start_wall = datetime.combine(day, checked_time(window.start_time))
    end_wall = datetime.combine(day, checked_time(window.end_time))
    if end_wall <= start_wall:
        end_wall += DAY
    start_at, end_at = moment(start_wall, zone), moment(end_wall, zone)
    return Night(window.id, day, start_at, end_at if end_at > start_at else start_at + (end_wall - start_wall))


def nights(window: SleepWindow, after: datetime, until: datetime) -> Iterator[Night]:
    """Those that touch the span, in order; both are aware UTC."""
    zone = ZoneInfo(window.timezone)
    day, last = after.astimezone(zone).date() - 2 * DAY, until.astimezone(zone).date() + DAY
    while day <= last:
        night = night_of(window, day)
        if night is not None and night.end_at >= after and night.start_at <= until:
            yield night
        day += DAY


def ticks(window: SleepWindow, after: datetime, until: datetime) -> list[Tick]:
    """The edges with `after` < edge <= `until`, in the order of time; a wake before the nap at the same moment."""
    found = [Tick(night, edge) for night in nights(window, after, until) for edge in Edge]
    return sorted((one for one in found if after < one.at <= until), key=lambda one: (one.at, one.edge is Edge.NAP))


def open_night(window: SleepWindow, now: datetime) -> Night | None:
    """The night that is going on."""
    return next((night for night in nights(window, now, now) if night.is_open(now)), None)


def next_tick(window: SleepWindow, now: datetime, edge: Edge | None = None) -> Tick | None:
    """The next edge after `now`, of one kind if one is named."""
    return next((one for one in ticks(window, now, now + 3 * DAY) if edge in (None, one.edge)), None)


def next_of_all(windows: list[SleepWindow], now: datetime) -> tuple[SleepWindow, Tick] | None:
    """The next edge of all active windows."""
    coming = [(window, tick) for window in windows if window.active and (tick := next_tick(window, now))]
    return min(coming, key=lambda one: (one[1].at, one[0].id), default=None)


def described(window: SleepWindow) -> str:
    """The window in words: `02:00-04:00 Europe/Berlin`."""
    return f"{window.start_time}-{window.end_time} {window.timezone}"
