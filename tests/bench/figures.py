"""What was measured, and the table of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

WIDTH = 100


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound on one figure of a row; it is shown, never asserted."""

    of: str
    """`ratio`, `more` (ours less the other, in the row's unit) or `ours`."""
    limit: float
    is_least: bool = False
    """Whether the figure should be at least, and not at most, the limit."""

    def is_met(self, row: "Row") -> bool:
        """Whether the row keeps to it."""
        figure = {"ratio": row.ratio, "more": row.more, "ours": median(row.ours)}[self.of]
        return figure >= self.limit if self.is_least else figure <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.is_least else "≤"
        return f"{sign} {self.limit:g}" + {"ratio": "x", "more": " more", "ours": ""}[self.of]


@dataclass(frozen=True, slots=True)
class Row:
    """One figure of ours, beside that of a peer in the same run."""

    name: str
    unit: str
    ours: Sequence[float]
    """One value a round."""
    beside: Sequence[float] = ()
    """The peer's, of the same rounds; empty where there is none."""
    goal: Goal | None = None

    @property
    def ratio(self) -> float:
        """Median of ours over median of the peer's; 0 where there is none."""
        below = median(self.beside) if self.beside else 0.0
        return median(self.ours) / below if below else 0.0

    @property
    def more(self) -> float:
        """Median of ours less median of the peer's."""
        return median(self.ours) - (median(self.beside) if self.beside else 0.0)


@dataclass(frozen=True, slots=True)
class Section:
    """The rows of one measurement."""

    title: str
    peer: str
    """What stands beside ours."""
    rows: Sequence[Row]
    notes: Sequence[str] = ()

    def to_json(self) -> dict[str, Any]:
        """All values of all rounds."""
        return asdict(self)


def alternate(runs: int, measures: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """Run all in turn, A/B/A/B, so that a machine that drifts drifts for all; the first turn warms up."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for turn in range(runs + 1):
        for name, measure in measures.items():
            value = measure()
            if turn:
                found[name].append(value)
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies; 0.5 is the middle."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def table(sections: Sequence[Section]) -> str:
    """Plain text of 100 columns."""
    lines = [
        "median (lowest-highest of the rounds)".ljust(34)
        + "ours".rjust(23)
        + "beside it".rjust(23)
        + "ratio  goal".rjust(13)
    ]
    for section in sections:
        lines += ["", f"{section.title}; beside it: {section.peer}"[:WIDTH], "-" * WIDTH]
        lines += [_line(row) for row in section.rows]
        lines += [f"  {note}"[:WIDTH] for note in section.notes]
    return "\n".join(lines)


def _line(row: Row) -> str:
    ratio = f"{row.ratio:.2f}" if row.ratio else ""
    goal = f"{row.goal} {'met' if row.goal.is_met(row) else 'MISSED'}" if row.goal else ""
    name = f"{row.name}, {row.unit}"
    return f"{name:36}{_values(row.ours):>21}{_values(row.beside):>21} {ratio:>5}  {goal}".rstrip()


def _values(values: Sequence[float]) -> str:
    if not values:
        return ""
    if len(values) == 1:
        return number(values[0])
    return f"{number(median(values))} ({number(min(values))}-{number(max(values))})"


def number(value: float) -> str:
    """Three digits that count."""
    digits = next((digits for digits, bound in enumerate((100, 10, 1)) if abs(value) >= bound), 3)
    return f"{value:,.{digits}f}" if value else "0"
