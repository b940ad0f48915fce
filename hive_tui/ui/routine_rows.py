"""Rows of recurring routines on the Schedule screen, and a week of one of them hour by hour. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from rich.text import Text

from hive_tui.domain.errors import HiveError
from hive_tui.domain.recurrence import latest
from hive_tui.domain.routines import RunOutcome
from hive_tui.domain.windows import DAY
from hive_tui.services.routines import RoutineView
from hive_tui.store.routines import LoggedRun
from hive_tui.ui.format import Cell, Row, local
from hive_tui.ui.schedule_rows import DAYS, DAYS_BACK, NOW, WIDE_ENOUGH, WITH_ZONE, columns, ruler, titled

OUTCOMES = {
    RunOutcome.DONE: ("✓ done", "$text-muted"),
    RunOutcome.LATE: ("! late", "$text-warning"),
    RunOutcome.MISSED: ("✕ missed", "$text-error"),
    RunOutcome.HELD: ("! held", "$text-warning"),
}
RAN, COMING, MISSED, NOTHING = "█", "▒", "×", "·"
LEGEND = f"{RAN} ran {COMING} planned {MISSED} missed {NOW} now"
LONGEST_NAME, SHORT_NAME = 30, 12
MOST = 10_000
"""A week has so many minutes."""


def routine_rows(found: Sequence[RoutineView], width: int) -> tuple[Row, ...]:
    """All routines, in the columns of the sleep windows."""
    return tuple(_row(one, width) for one in found)


def _row(one: RoutineView, width: int) -> Row:
    when, _, zone = one.routine.every.rpartition(" ")
    name = one.routine.name
    longest = LONGEST_NAME if width >= WITH_ZONE else SHORT_NAME
    cells = {
        "state": Cell("● on", "$text-success") if one.routine.active else Cell("○ off", "$text-muted"),
        "what": Cell(f"↻ {name}" if len(name) <= longest else f"↻ {name[: longest - 1]}…"),
        "agent": Cell(one.agent_name),
        "when": Cell(when or zone),
        "zone": Cell(zone if when else "-"),
        "next": Cell(f"{_does(one)} {local(one.next_at):%a %H:%M}" if one.next_at else "-"),
        "last": _last(one.last),
    }
    return Row(one.routine.id, tuple(cells[column] for column in columns(width)))


def _does(one: RoutineView) -> str:
    return "task" if one.routine.goal else "wake"


def _last(run: LoggedRun | None) -> Cell:
    if run is None:
        return Cell("-", "$text-muted")
    text, style = OUTCOMES[run.outcome]
    return Cell(f"{text} {local(run.due_at):%d %b %H:%M}", style)


def routine_week(one: RoutineView, now: datetime, width: int) -> Text:
    """Three days back, today and three days ahead, each a line of its hours in the routine's zone."""
    zone = ZoneInfo(_zone(one))
    cells = 48 if width >= WIDE_ENOUGH else 24
    today = now.astimezone(zone).date()
    coming = _coming(one, now)
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append_text(titled(f"{one.routine.name}, {one.agent_name}, {one.routine.every}", LEGEND, width))
    text.append(f"\n{'':11}{ruler(cells)}")
    for day in (today + (at - DAYS_BACK) * DAY for at in range(DAYS)):
        runs = [run for run in one.runs if run.due_at.astimezone(zone).date() == day]
        ahead = [at for at in coming if at.astimezone(zone).date() == day]
        text.append(f"\n{day:%a %d %b} ", style="bold" if day == today else "")
        text.append(_line(runs, ahead, day, now, zone, cells)).append(f" {_said(runs, ahead)}")
    if one.last is not None and one.last.why:
        text.append(f"\n{one.last.outcome}: {one.last.why}")
    return text


def _zone(one: RoutineView) -> str:
    try:
        return one.routine.recurrence.zone
    except HiveError:
        return "UTC"


def _coming(one: RoutineView, now: datetime) -> list[datetime]:
    if one.next_at is None:
        return []
    every, until = one.routine.recurrence, now + (DAYS - DAYS_BACK) * DAY
    return latest(every, one.routine.since_at, now, until, MOST)


def _line(
    runs: Sequence[LoggedRun], ahead: Sequence[datetime], day: date, now: datetime, zone: ZoneInfo, cells: int
) -> str:
    def cell(at: datetime) -> int:
        wall = at.astimezone(zone).replace(tzinfo=None) - datetime.combine(day, time())
        return int(wall / timedelta(days=1) * cells)

    line = [NOTHING] * cells
    for at in ahead:
        line[cell(at)] = COMING
    for run in runs:
        line[cell(run.due_at)] = RAN if run.outcome in (RunOutcome.DONE, RunOutcome.LATE) else MISSED
    if now.astimezone(zone).date() == day:
        line[cell(now)] = NOW
    return "".join(line)


def _said(runs: Sequence[LoggedRun], ahead: Sequence[datetime]) -> str:
    counts = [(str(one), sum(run.outcome is one for run in runs)) for one in RunOutcome]
    said = [f"{count} {word}" for word, count in counts if count]
    return ", ".join([*said, *([f"{len(ahead)} planned"] if ahead else [])])
