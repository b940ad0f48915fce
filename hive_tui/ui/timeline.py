"""The retry timeline: attempts of a wakeup and the waits between them, drawn on a time axis. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from rich.text import Text

from hive_tui.domain.durations import in_words
from hive_tui.domain.errors import ErrorClass
from hive_tui.domain.retry import RetryPolicy
from hive_tui.domain.wakeups import Attempt, Outcome, Wakeup, WakeupStatus
from hive_tui.ui.format import due, local

OUTCOMES = {
    Outcome.SUCCEEDED: ("✓", "green"),
    Outcome.SKIPPED: ("✓", "green"),
    Outcome.FAILED: ("✕", "red"),
    Outcome.INTERRUPTED: ("!", "yellow"),
    Outcome.DEFERRED: ("»", "cyan"),
}
RUNNING = ("●", "green")
NEXT = ("◷", "yellow")
WAIT, SPREAD, AHEAD, NOW = "─", "░", "┄", "│"
MIN_SPAN = timedelta(seconds=10)
GIVEN_UP = {
    None: "Nothing more is tried by itself; r tries it again.",
    ErrorClass.TRANSIENT: "Nothing more is tried by itself; r tries it again.",
    ErrorClass.TIMEOUT: "Nothing more is tried by itself; r tries it again.",
    ErrorClass.PERMANENT: "Trying again would fail in the same way, so nothing more is tried.",
    ErrorClass.NEEDS_PERSON: "It waits for you: put right what the error says, then r tries it again.",
}
LEGEND = "✕ failed  ✓ done  » put off  ◷ next  ░ jitter of a wait  │ now"


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps times to columns."""

    begin: datetime
    end: datetime
    width: int

    def column(self, at: datetime) -> int:
        """The column of a time, kept on the axis."""
        share = (at - self.begin) / (self.end - self.begin)
        return min(self.width - 1, max(0, round(share * (self.width - 1))))


def timeline(wakeup: Wakeup, attempts: Sequence[Attempt], now: datetime, width: int, policy: RetryPolicy) -> list[Text]:
    """The wakeup as lines of at most `width` columns: what it is, the axis, its times, and a line an attempt."""
    lines = [Text(_heading(wakeup, now), style="bold")]
    lines[0].truncate(width, overflow="ellipsis")
    if attempts or wakeup.status is WakeupStatus.PENDING:
        axis = _axis(wakeup, attempts, now, width, policy)
        lines += [
            _marks(axis, wakeup, attempts, now, policy),
            _times(axis, None if wakeup.finished_at else now),
            Text(LEGEND, style="dim"),
            Text(""),
        ]
    for at, attempt in enumerate(attempts):
        lines += _attempt_lines(attempt, sum(one.outcome is not Outcome.DEFERRED for one in attempts[: at + 1]))
    lines.append(Text(_what_comes(wakeup, attempts, now, policy)))
    return lines


def _heading(wakeup: Wakeup, now: datetime) -> str:
    asked = in_words(now - wakeup.created_at)
    return f"{wakeup.action} by {wakeup.trigger}, asked for {asked} ago, priority {wakeup.priority}: {wakeup.status}"


def _axis(wakeup: Wakeup, attempts: Sequence[Attempt], now: datetime, width: int, policy: RetryPolicy) -> Axis:
    times = [now, *(attempt.started_at for attempt in attempts)]
    if wakeup.status is WakeupStatus.PENDING:
        times += [wakeup.scheduled_for, *_spread(wakeup, attempts, policy)]
    if wakeup.finished_at is not None:
        times = [*times[1:], wakeup.finished_at]
    begin = min(times)
    return Axis(begin, max(*times, begin + MIN_SPAN), max(10, width))


def _spread(wakeup: Wakeup, attempts: Sequence[Attempt], policy: RetryPolicy) -> tuple[datetime, datetime]:
    """Between which times the jitter could have put the next attempt; without jitter twice the same."""
    next_at = wakeup.scheduled_for
    early, late = _jitter(attempts, len(attempts) - 1, policy) if attempts else (next_at, next_at)
    is_planned = bool(attempts) and attempts[-1].next_at == next_at
    return (early, late) if is_planned and early <= next_at <= late else (next_at, next_at)


def _jitter(attempts: Sequence[Attempt], at: int, policy: RetryPolicy) -> tuple[datetime, datetime]:
    """Between which times the attempt after that one could have been put; a deferral has no jitter."""
    attempt = attempts[at]
    ended_at, next_at = attempt.finished_at or attempt.started_at, attempt.next_at or attempt.started_at
    counted = sum(one.outcome is not Outcome.DEFERRED for one in attempts[: at + 1])
    if attempt.outcome is Outcome.DEFERRED or not 0 < counted <= len(policy.waits_s):
        return next_at, next_at
    planned = timedelta(seconds=policy.waits_s[counted - 1])
    early, late = ended_at + planned * (1 - policy.jitter), ended_at + planned * (1 + policy.jitter)
    return (early, late) if early <= next_at <= late else (next_at, next_at)


def _marks(axis: Axis, wakeup: Wakeup, attempts: Sequence[Attempt], now: datetime, policy: RetryPolicy) -> Text:
    cells: list[tuple[str, str]] = [(" ", "")] * axis.width
    first = axis.column(attempts[0].started_at) if attempts else axis.column(now)
    for column in range(first, axis.column(wakeup.finished_at or now)):
        cells[column] = (WAIT, "dim")
    for at in range(len(attempts) - 1):
        early, late = _jitter(attempts, at, policy)
        if early < late:
            for column in range(axis.column(early), axis.column(late) + 1):
                cells[column] = (SPREAD, "dim")
    if wakeup.status is WakeupStatus.PENDING:
        for column in range(axis.column(now), axis.column(wakeup.scheduled_for)):
            cells[column] = (AHEAD, "dim")
        early, late = _spread(wakeup, attempts, policy)
        if early < late:
            for column in range(axis.column(early), axis.column(late) + 1):
                cells[column] = (SPREAD, "dim")
    if wakeup.finished_at is None:
        cells[axis.column(now)] = (NOW, "bold")
    if wakeup.status is WakeupStatus.PENDING:
        cells[axis.column(wakeup.scheduled_for)] = NEXT
    for attempt in attempts:
        cells[axis.column(attempt.started_at)] = OUTCOMES[attempt.outcome] if attempt.outcome else RUNNING
    text = Text()
    for mark, style in cells:
        text.append(mark, style=style)
    return text


def _times(axis: Axis, now: datetime | None) -> Text:
    """The clock at both ends of the axis, and at now, if it is on it, where there is room."""
    form = "%H:%M:%S" if axis.end - axis.begin < timedelta(days=1) else "%d %b %H:%M"
    row = [" "] * axis.width
    ends = [(axis.column(axis.begin), f"{local(axis.begin):{form}}"), (axis.width, f"{local(axis.end):{form}}")]
    for column, text in [*ends, *([(axis.column(now), "now")] if now is not None else [])]:
        at = max(0, min(column, axis.width - len(text)))
        if all(letter == " " for letter in row[max(0, at - 1) : at + len(text) + 1]):
            row[at : at + len(text)] = text
    return Text("".join(row), style="dim")


def _attempt_lines(attempt: Attempt, number: int) -> list[Text]:
    """When, how it ended, how long it took and why; what the gate said, where it says more, below it."""
    mark, style = OUTCOMES[attempt.outcome] if attempt.outcome else RUNNING
    took = ""
    if attempt.finished_at is not None:
        took = f"{(attempt.finished_at - attempt.started_at).total_seconds():.1f}s"
    is_counted = attempt.outcome is not Outcome.DEFERRED
    line = Text(f"{number if is_counted else '-':>2} ")
    line.append(mark, style=style)
    line.append(f" {local(attempt.started_at):%H:%M:%S} {attempt.outcome or 'runs':<11} {took:>6}  ")
    if attempt.error_class is not None:
        line.append(f"{attempt.error_class}: ", style="dim" if attempt.error_class.is_retried else "bold")
    line.append(attempt.error or attempt.verdict or "")
    if attempt.next_at is not None and attempt.finished_at is not None:
        line.append(f"  then waits {in_words(attempt.next_at - attempt.finished_at)}", style="dim")
    said = Text(f"     the gate said {attempt.verdict}", style="dim")
    return [line, said] if attempt.error and attempt.verdict else [line]


def _what_comes(wakeup: Wakeup, attempts: Sequence[Attempt], now: datetime, policy: RetryPolicy) -> str:
    if wakeup.status is WakeupStatus.PENDING:
        left = wakeup.max_attempts - wakeup.attempts
        waits = ", ".join(
            in_words(timedelta(seconds=wait)) for wait in policy.waits_s[wakeup.attempts : wakeup.max_attempts - 1]
        )
        more = f", and waits of about {waits} after that" if waits and left > 1 else ""
        return f"Next: attempt {wakeup.attempts + 1} of {wakeup.max_attempts}, due {due(wakeup, now)}{more}."
    if wakeup.status is WakeupStatus.PROCESSING:
        return f"Attempt {wakeup.attempts} of {wakeup.max_attempts} runs now."
    if wakeup.status is WakeupStatus.FAILED:
        return GIVEN_UP[attempts[-1].error_class if attempts else None]
    return f"It ended {due(wakeup, now)}."
