"""The rows of the Schedule screen, and a week of one window hour by hour. Pure."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rich.text import Text

from hive_tui.domain.schedule import TickOutcome
from hive_tui.domain.windows import DAY, Edge, Night, described, nights
from hive_tui.services.schedule import ScheduleView, WindowView
from hive_tui.store.windows import LoggedTick
from hive_tui.ui.format import Cell, Row, local

COLUMNS = ("state", "what", "agent", "when", "zone", "next", "last")
NARROW = ("state", "what", "agent", "when", "next", "last")
"""A small screen says the zone below, for the selected row."""
SLEEP = "☾ sleep"
OUTCOMES = {
    TickOutcome.DONE: ("✓", "", "$text-muted"),
    TickOutcome.LATE: ("!", " late", "$text-warning"),
    TickOutcome.MISSED: ("✕", " missed", "$text-error"),
}
SLEPT, PLANNED, MISSED, OFF, AWAKE, NOW = "█", "▒", "×", "░", "·", "┃"
LEGEND = f"{SLEPT} slept {PLANNED} planned {MISSED} missed {NOW} now"
DAYS_BACK, DAYS = 3, 7
SHORTEST_TITLE = 12
WITH_ZONE = 110
"""From so many columns on the list has room for the zone, and for two times."""
WIDE_ENOUGH = 76
"""From so many columns on a cell is half an hour; below it is an hour."""


def columns(width: int) -> tuple[str, ...]:
    """The columns of windows and routines on a screen of so many columns."""
    return COLUMNS if width >= WITH_ZONE else NARROW


def window_rows(view: ScheduleView, width: int) -> tuple[Row, ...]:
    """All windows."""
    return tuple(_row(one, width) for one in view.windows)


def _row(one: WindowView, width: int) -> Row:
    window = one.window
    state = Cell("○ off", "$text-muted")
    if window.active:
        state = Cell("◌ open", "$text-accent") if one.is_open else Cell("● on", "$text-success")
    cells = {
        "state": state,
        "what": Cell(SLEEP),
        "agent": Cell(one.agent_name),
        "when": Cell(f"{window.start_time}-{window.end_time}"),
        "zone": Cell(window.timezone),
        "next": Cell(_next(one, width)),
        "last": _last(one.last),
    }
    return Row(window.id, tuple(cells[name] for name in columns(width)))


def _next(one: WindowView, width: int) -> str:
    """What comes next, and on a wider screen what comes after it."""
    coming = [(at, word) for at, word in ((one.next_nap_at, "nap"), (one.next_wake_at, "wake")) if at is not None]
    said = [f"{word} {local(at):%a %H:%M}" for at, word in sorted(coming)]
    return ", ".join(said if width >= WITH_ZONE else said[:1]) or "-"


def _last(tick: LoggedTick | None) -> Cell:
    if tick is None:
        return Cell("-", "$text-muted")
    glyph, word, style = OUTCOMES[tick.outcome]
    return Cell(f"{glyph} {tick.edge}{word} {tick.date:%d %b} ({_agents(tick.agents)})", style)


def _agents(count: int) -> str:
    return "1 agent" if count == 1 else f"{count} agents"


def week(one: WindowView, now: datetime, width: int) -> Text:
    """Three days back, today and three days ahead, each a line of its hours in the window's zone."""
    zone = ZoneInfo(one.window.timezone)
    today = now.astimezone(zone).date()
    cells = 48 if width >= WIDE_ENOUGH else 24
    found = {night.date: night for night in nights(one.window, now - 5 * DAY, now + 5 * DAY)}
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append_text(titled(f"{one.agent_name}, {described(one.window)}", LEGEND, width))
    text.append(f"\n{'':11}{ruler(cells)}")
    next_date = next((day for day in sorted(found) if found[day].start_at > now), None)
    for day in (today + (at - DAYS_BACK) * DAY for at in range(DAYS)):
        is_today = day == today
        text.append(f"\n{day:%a %d %b} ", style="bold" if is_today else "")
        text.append(_line(one, list(found.values()), day, now, cells))
        text.append(f" {_said(one, found.get(day), now, is_next=day == next_date)}")
    return text


def titled(title: str, legend: str, width: int) -> Text:
    """A title with the legend beside it; a title that is too long for both is cut, one that cannot be stands alone."""
    room = width - len(legend) - 3
    if room < SHORTEST_TITLE:
        return Text(title[:width], style="bold")
    shown = title if len(title) <= room else f"{title[: room - 1]}…"
    return Text(shown, style="bold").append(f"   {legend}", style="not bold")


def ruler(cells: int) -> str:
    """The hours above a day of so many cells."""
    every = 3 if cells == 48 else 6
    return "".join(f"{hour:02}".ljust(6) for hour in range(0, 24, every))


def _line(one: WindowView, found: list[Night], day: date, now: datetime, cells: int) -> str:
    zone = ZoneInfo(one.window.timezone)
    wall_now = now.astimezone(zone).replace(tzinfo=None)
    step = DAY / cells
    walls = [
        (
            night,
            night.start_at.astimezone(zone).replace(tzinfo=None),
            night.end_at.astimezone(zone).replace(tzinfo=None),
        )
        for night in found
    ]
    line = ""
    for at in range(cells):
        begin = datetime.combine(day, time()) + at * step
        night = next((night for night, start, end in walls if start < begin + step and begin < end), None)
        is_now = begin <= wall_now < begin + step
        line += NOW if is_now else AWAKE if night is None else _block(one, night, now)
    return line


def _block(one: WindowView, night: Night, now: datetime) -> str:
    tick = _nap_tick(one, night)
    if tick is not None:
        return MISSED if tick.outcome is TickOutcome.MISSED else SLEPT
    if _was_passed_over(one, night, now):
        return MISSED
    return PLANNED if one.window.active and night.start_at > now else OFF


def _nap_tick(one: WindowView, night: Night) -> LoggedTick | None:
    return _tick(one, night, Edge.NAP)


def _tick(one: WindowView, night: Night, edge: Edge) -> LoggedTick | None:
    return next((tick for tick in one.ticks if tick.edge is edge and tick.date == night.date), None)


def _was_passed_over(one: WindowView, night: Night, now: datetime) -> bool:
    """Whether the window was on, and nothing has run since, so that nobody has even noted that it was missed."""
    since = one.window.since_at
    return one.window.active and night.end_at <= now and since is not None and since <= night.start_at


def _said(one: WindowView, night: Night | None, now: datetime, *, is_next: bool) -> str:
    """What became of the night that begins on a date, in words."""
    if night is None:
        return "no such date"
    tick = _nap_tick(one, night)
    if tick is not None:
        if tick.outcome is TickOutcome.MISSED:
            return "missed"
        late = "late" if tick.outcome is TickOutcome.LATE else "asked"
        return f"{'open' if night.is_open(now) else late}: {_agents(tick.agents)}{_end_in_words(one, night)}"
    if _was_passed_over(one, night, now):
        return "missed: nothing ran"
    if not one.window.active or night.start_at <= now:
        return "off"
    return f"next: in {_short(night.start_at - now)}" if is_next else "planned"


def _end_in_words(one: WindowView, night: Night) -> str:
    end = _tick(one, night, Edge.WAKE)
    return f", end {end.outcome}" if end is not None and end.outcome is not TickOutcome.DONE else ""


def _short(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes // 60}h" if minutes >= 60 else f"{minutes}m"
