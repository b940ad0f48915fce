"""Draws a curve as columns of blocks, with its goal as a line; what is not known stays a gap. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10

from rich.text import Text

from hive_tui.domain.figures import Curve, Figure, Unit, goal_in_words, in_unit
from hive_tui.services.figures import FiguresView, Span
from hive_tui.ui.format import Cell, Row, local

FIGURE_COLUMNS = ("figure", "value", "goal")
BLOCKS = " ▁▂▃▄▅▆▇█"
LINE, GAP, FLOOR = "╌", "·", "─"
AXIS = 9
"""Columns left of the plot, for its scale."""
LEAST_ROWS, MOST_ROWS = 3, 24


def figure_rows(view: FiguresView) -> tuple[Row, ...]:
    """Each figure with its value over the whole time, and whether it keeps to its goal."""
    return tuple(_row(curve) for curve in view.curves)


def _row(curve: Curve) -> Row:
    figure = curve.figure
    value = Cell(in_unit(curve.whole, figure.unit), "" if curve.whole is not None else "$text-muted")
    return Row(figure.key, (Cell(figure.title), value, _goal(curve)))


def _goal(curve: Curve) -> Cell:
    words = goal_in_words(curve.figure)
    match curve.is_met:
        case None:
            return Cell(f"  {words}" if words else "", "$text-muted")
        case True:
            return Cell(f"✓ {words}", "$text-success")
        case False:
            return Cell(f"✕ {words}", "$text-error")


@dataclass(frozen=True, slots=True)
class Paper:
    """What there is to draw on."""

    width: int
    rows: int
    points: int

    @property
    def step(self) -> int:
        """Columns of a point; at least one."""
        return max(1, (self.width - AXIS) // max(1, self.points))

    @property
    def bar(self) -> int:
        """Columns of them that a bar takes."""
        return self.step - 1 if self.step >= 3 else self.step

    @property
    def shown(self) -> int:
        """How many points there is room for: the newest ones."""
        return max(0, min(self.points, (self.width - AXIS) // self.step))


def plot(view: FiguresView, curve: Curve, width: int, height: int) -> Text:
    """Title, columns, a floor that is broken where nothing is known, times, and what it is all about."""
    figure = curve.figure
    text = Text(no_wrap=True, overflow="ellipsis")
    text.append(f"{figure.title}, {view.whose}, last {view.span}", style="bold")
    text.append(f"   {_value(curve)}{_verdict(curve)}\n")
    paper = Paper(width, max(LEAST_ROWS, min(MOST_ROWS, height - 4)), len(curve.points))
    points = list(curve.points)[len(curve.points) - paper.shown :]
    top = scale(points, figure)
    for row in range(paper.rows, 0, -1):
        text.append(f"{_mark(row, paper.rows, top, figure)[: AXIS - 1]:>{AXIS - 1}} ")
        text.append(f"{_level(points, row, paper, top, figure)}\n")
    text.append(f"{'':{AXIS}}{''.join((GAP if one is None else FLOOR) * paper.step for one in points)}\n")
    starts = view.starts[len(view.starts) - len(points) :]
    text.append(f"{'':{AXIS}}{_times(starts, paper, view.span)}\n")
    legend = f"{GAP} no data;  " if None in points else ""
    text.append(f"{legend}{figure.formula}", style="dim")
    return text


def _value(curve: Curve) -> str:
    return "no data yet" if curve.whole is None else in_unit(curve.whole, curve.figure.unit)


def _verdict(curve: Curve) -> str:
    goal = curve.figure.goal
    if goal is None:
        return ""
    words = goal_in_words(curve.figure)
    if curve.whole is not None and not curve.is_judged:
        return f"   goal {words}: too little to say"
    return f"   goal {words}" + {None: "", True: ": met", False: ": missed"}[curve.is_met]


def scale(points: Sequence[float | None], figure: Figure) -> float:
    """The value at the top: round, not below any point nor below the goal; 1 for shares that come near it."""
    if all(one is None for one in points):
        return 1.0
    most = max(one for one in points if one is not None)
    most = max(most, figure.goal.limit if figure.goal else 0.0)
    if figure.unit is Unit.SHARE:
        return next((top for top in (0.1, 0.25, 0.5, 1.0) if most <= top), most)
    if most <= 0:
        return 1.0
    size = 10.0 ** floor(log10(most))
    nice = next(step * size for step in (1, 2, 2.5, 5, 10) if most <= step * size * (1 + 1e-9))
    return max(1.0, nice) if figure.unit in (Unit.COUNT, Unit.TOKENS, Unit.BYTES) else nice


def _mark(row: int, rows: int, top: float, figure: Figure) -> str:
    """The scale: its top, its middle, and the goal beside its line."""
    goal_row = _row_of(figure.goal.limit, rows, top) if figure.goal is not None and figure.goal.limit > 0 else None
    if row == goal_row:
        return goal_in_words(figure)
    if row == rows:
        return in_unit(top, figure.unit)
    is_free = goal_row is None or abs(goal_row - row) > 1
    return in_unit(top / 2, figure.unit) if rows >= 6 and row == rows // 2 and is_free else ""


def _row_of(value: float, rows: int, top: float) -> int:
    """The row, from 1 below, in which a value lies."""
    return min(rows, max(1, ceil(value / top * rows)))


def _level(points: Sequence[float | None], row: int, paper: Paper, top: float, figure: Figure) -> str:
    """One line of the columns; the goal goes where no column stands."""
    is_goal = figure.goal is not None and figure.goal.limit > 0 and row == _row_of(figure.goal.limit, paper.rows, top)
    empty = LINE if is_goal else " "
    line = ""
    for one in points:
        block = _block(one, row, paper.rows, top)
        line += (empty if block == " " else block) * paper.bar + empty * (paper.step - paper.bar)
    return line.rstrip(" ")


def _block(value: float | None, row: int, rows: int, top: float) -> str:
    if value is None or value <= 0:
        return " "
    eighths = max(1, round(value / top * rows * 8))  # what is above 0 is seen
    return BLOCKS[max(0, min(8, eighths - (row - 1) * 8))]


def _times(starts: Sequence[datetime], paper: Paper, span: Span) -> str:
    """Local hours of a day, or the days of a week, each below the point that it begins with."""
    line = ""
    before = ""
    for place, start in enumerate(starts):
        at = local(start)
        label = f"{at:%H}" if span is Span.DAY else f"{at:%a}"
        is_new = at.hour % 3 == 0 if span is Span.DAY else place > 0 and label != before
        column = place * paper.step
        if is_new and len(line) <= column and column + len(label) <= paper.step * len(starts):
            line = line.ljust(column) + label + " "
        before = label
    return line.rstrip()
