"""The rows of the Schedule screen, and a week of one window hour by hour. Pure."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rich.text import Text

from hive_tui.domain.schedule import TickOutcome
from hive_tui.domain.windows import DAY, Edge, Night, described, nights
from hive_tui.services.schedule import ScheduleView, WindowView
from hive_tui.store.windows import LoggedTick
from hive_tui.ui.format import Cell, Row, local

WINDOW_COLUMNS = ("state", "agent", "hours", "zone", "next nap", "next wake", "last")
OUTCOMES = {
    TickOutcome.DONE: ("✓", "", "$text-muted"),
    TickOutcome.LATE: ("!", " late", "$text-warning"),
    TickOutcome.MISSED: ("✕", " missed", "$text-error"),
}
SLEPT, PLANNED, MISSED, OFF, AWAKE, NOW = "█", "▒", "×", "░", "·", "┃"
LEGEND = f"{SLEPT} slept {PLANNED} planned {MISSED} missed {NOW} now"
DAYS_BACK, DAYS = 3, 7
WIDE_ENOUGH = 76
"""From so many columns on a cell is half an hour; below it is an hour."""


def window_rows(view: ScheduleView) -> tuple[Row, ...]:
    """All windows."""
    return tuple(_row(one) for one in view.windows)


def _row(one: WindowView) -> Row:
    window = one.window
    state = Cell("○ off", "$text-muted")
    if window.active:
        state = Cell("◌ open", "$text-accent") if one.is_open else Cell("● on", "$text-success")
    return Row(
        window.id,
        (
            state,
            Cell(one.agent_name),
            Cell(f"{window.start_time}-{window.end_time}"),
            Cell(window.timezone),
            Cell(_coming(one.next_nap_at)),
            Cell(_coming(one.next_wake_at)),
            _last(one.last),
        ),
    )


def _coming(at: datetime | None) -> str:
    return f"{local(at):%a %H:%M}" if at is not None else "-"


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
    text.append(f"{one.agent_name}, {described(one.window)}", style="bold").append(f"   {LEGEND}")
    text.append(f"\n{'':11}{_ruler(cells)}")
    next_date = next((day for day in sorted(found) if found[day].start_at > now), None)
    for day in (today + (at - DAYS_BACK) * DAY for at in range(DAYS)):
        is_today = day == today
        text.append(f"\n{day:%a %d %b} ", style="bold" if is_today else "")
        text.append(_line(one, list(found.values()), day, now, cells))
        text.append(f" {_said(one, found.get(day), now, is_next=day == next_date)}")
    return text


def _ruler(cells: int) -> str:
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
    return PLANNED if one.window.active and night.start_at > now else OFF


def _nap_tick(one: WindowView, night: Night) -> LoggedTick | None:
    return next((tick for tick in one.ticks if tick.edge is Edge.NAP and tick.date == night.date), None)


def _said(one: WindowView, night: Night | None, now: datetime, *, is_next: bool) -> str:
    """What became of the night that begins on a date, in words."""
    if night is None:
        return "no such date"
    tick = _nap_tick(one, night)
    if tick is not None:
        if tick.outcome is TickOutcome.MISSED:
            return "missed"
        late = "late" if tick.outcome is TickOutcome.LATE else "asked"
        return f"{'open' if night.is_open(now) else late}: {_agents(tick.agents)}"
    if not one.window.active or night.start_at <= now:
        return "off"
    return f"next: in {_short(night.start_at - now)}" if is_next else "planned"


def _short(span: timedelta) -> str:
    minutes = int(span.total_seconds()) // 60
    return f"{minutes // 60}h" if minutes >= 60 else f"{minutes}m"
