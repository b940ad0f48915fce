"""Turns what the hive knows into the text of rows. Pure; state shows by shape and word, colour only helps."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from textwrap import wrap

from msgspec import Struct

from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.durations import bytes_in_words, in_words, lead_words, time_to_come
from hive_tui.domain.events import Severity
from hive_tui.domain.wakeups import Action, Wakeup, WakeupStatus
from hive_tui.services.dashboard import AgentView, EventsView, HiveView, QueueView
from hive_tui.store.journal import LoggedEvent


class Cell(Struct, frozen=True):
    """Text of one cell; the style is a name of the theme's colours, or empty."""

    text: str
    style: str = ""


class Row(Struct, frozen=True):
    """One row of a table."""

    key: str
    cells: tuple[Cell, ...]


ACTIVITY = {
    Activity.PERMISSION: ("▲", "permission", "bold $text-error"),
    Activity.QUESTION: ("◆", "question", "bold $text-error"),
    Activity.LIMITED: ("◷", "limited", "$text-warning"),
    Activity.ERROR: ("✕", "error", "$text-error"),
    Activity.WORKING: ("●", "working", "$text-success"),
    Activity.IDLE: ("○", "idle", ""),
    Activity.UNKNOWN: ("·", "unknown", "$text-muted"),
}
DONE = ("✓", "done", "bold $text-accent")
"""An idle agent whose last turn nobody has looked at."""
LIFECYCLE = {
    Lifecycle.NAPPING: ("◔", "napping", "$text-accent"),
    Lifecycle.ASLEEP: ("◌", "asleep", "$text-muted"),
    Lifecycle.WAKING: ("◕", "waking", "$text-accent"),
    Lifecycle.FAILED: ("✕", "failed", "bold $text-error"),
}
STATUS = {
    WakeupStatus.PENDING: ("◷", ""),
    WakeupStatus.PROCESSING: ("●", "$text-success"),
    WakeupStatus.COMPLETED: ("✓", "$text-muted"),
    WakeupStatus.FAILED: ("✕", "$text-error"),
    WakeupStatus.CANCELLED: ("-", "$text-muted"),
}

AGENT_COLUMNS = ("state", "agent", "for", "memory", "kind")
WAKEUP_COLUMNS = ("status", "agent", "due", "by", "prio", "tries", "last error")
MAX_NAME = 22
EVENT_COLUMNS = ("time", "agent", "what", "text")
SEVERITY = {
    Severity.INFO: ("·", ""),
    Severity.WARNING: ("!", "$text-warning"),
    Severity.FAILURE: ("✕", "bold $text-error"),
}


def state_of(view: AgentView, now: datetime | None = None) -> Cell:
    """Glyph and word of what an agent is or does; with its age where that is old.

    Told the time, it says too until when the agent is limited, and that it is about to nap.
    """
    agent = view.agent
    glyph, word, style = ACTIVITY[agent.activity] if agent.lifecycle is Lifecycle.AWAKE else LIFECYCLE[agent.lifecycle]
    if view.is_unread:
        glyph, word, style = DONE
    if view.is_stale:
        seen = f"{age(view.stale_for)} ago" if view.stale_for is not None else "before"
        return Cell(f"? {word} {seen}", "$text-muted")
    if view.silent_for is not None:
        return Cell(f"? stale {age(view.silent_for)}", "$text-warning")
    if view.limited_until is not None and agent.lifecycle is Lifecycle.AWAKE and now is not None:
        word = f"{word} until {clock_time(view.limited_until, now)}"
    if view.nap is not None and now is not None:
        return Cell(f"◔ naps {lead_words(view.nap.at, now)}", "bold $text-accent")
    return Cell(f"{glyph} {word}", style)


def agent_row(view: AgentView, now: datetime, *, is_marked: bool = False, indent: str = "") -> Row:
    """One agent in the list."""
    agent = view.agent
    mark = "✔ " if is_marked else ""
    memory = bytes_in_words(view.memory_bytes) if view.memory_bytes else "-"
    if agent.lifecycle is Lifecycle.ASLEEP and agent.freed_bytes:
        memory = f"{bytes_in_words(agent.freed_bytes)} freed"
    return Row(
        agent.id,
        (
            state_of(view, now),
            Cell(f"{indent}{mark}{shortened(agent.name)}{_flags(agent)}", "bold" if is_marked else ""),
            Cell(age(now - agent.since_at)),
            Cell(memory),
            Cell(agent.kind, "$text-muted"),
        ),
    )


def shortened(name: str) -> str:
    """A name that leaves room for the other columns; its end tells it from its like, so that stays."""
    return name if len(name) <= MAX_NAME else f"{name[: MAX_NAME - 9]}…{name[-8:]}"


def clock_time(at: datetime, now: datetime) -> str:
    """A time that is to come, in the zone of the screen; with its day where that is not soon."""
    return time_to_come(local(at), now)


def age(span: timedelta) -> str:
    """A span as a list shows it: not by the second, or every row would be drawn anew all the time."""
    return in_words(span) if span >= timedelta(minutes=1) else "<1m"


def _flags(agent: Agent) -> str:
    words = [word for word, is_set in (("pin", agent.pinned), ("hold", agent.held)) if is_set]
    return f" ({', '.join(words)})" if words else ""


def agent_details(view: AgentView, now: datetime) -> list[tuple[str, str]]:
    """What stands below the preview: label and text."""
    agent = view.agent
    details = [("why", f"{agent.reason or 'no reason is noted'} (for {in_words(now - agent.since_at)})")]
    if view.is_stale:
        seen = f"{in_words(view.stale_for)} ago" if view.stale_for is not None else "before"
        details.append(("stale", f"that was seen {seen}; tmux does not answer"))
    if view.silent_for is not None and view.last_sign is not None:
        silent = in_words(view.silent_for)
        details.append(("stale", f"no sign of life for {silent}; the last one was {view.last_sign.by}"))
    if view.nap is not None:
        details.append(
            ("naps", f"{lead_words(view.nap.at, now)}: {view.nap.why}; x, or an input in its pane, stops it")
        )
    if view.is_unread:
        details.append(("news", "its turn has ended, and you have not looked at it yet"))
    if wakes := _what_wakes(view, now):
        details.append(("wakes", wakes))
    if spent := _spent(view):
        details.append(("tokens", spent))
    if view.sighting is not None and view.sighting.background:
        details.append(("behind", ", ".join(view.sighting.background)))
    checkpoint = view.checkpoint
    if checkpoint is None:
        details.append(("checkpoint", "none yet"))
    else:
        valid = "valid" if checkpoint.is_valid else "DAMAGED"
        age = in_words(now - checkpoint.created_at)
        details.append(("checkpoint", f"{age} ago, {bytes_in_words(checkpoint.size_bytes)}, {valid}"))
    details.append(("folder", short_path(agent.cwd)))
    details.append(("session", agent.session_id or "none that could be resumed"))
    return details


def hung(label: str, text: str, width: int, *, most: int | None = None) -> list[str]:
    """The label with the text beside it, in lines of at most `width` columns; of more than `most` the rest is cut."""
    room = max(10, width - len(label))
    lines = list(_wrapped(text, room))
    if most is not None and len(lines) > most:
        lines = [*lines[: most - 1], f"{lines[most - 1][: room - 2]} …"]
    return [f"{label if at == 0 else ' ' * len(label)}{line}" for at, line in enumerate(lines)]


@lru_cache(maxsize=64)
def _wrapped(text: str, room: int) -> tuple[str, ...]:
    """Kept: of what stands below a preview, most is the same each second."""
    return tuple(wrap(text, room, break_on_hyphens=False)) or ("",)


def detail_lines(details: Sequence[tuple[str, str]], width: int) -> str:
    """Labels and texts, two lines of each at most."""
    lines = [hung(f"{label:>10}  ", text, width, most=2) for label, text in details]
    return "\n".join(line for some in lines for line in some)


def _what_wakes(view: AgentView, now: datetime) -> str:
    """What brings an agent back that does not run or cannot go on."""
    agent = view.agent
    planned = ""
    if view.next_wake_at is not None:
        ahead = view.next_wake_at - now
        planned = f"in {in_words(ahead)}" if ahead.total_seconds() > 0 else "now"
        planned += f" (at {local(view.next_wake_at):%H:%M:%S})"
    if agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED):
        if agent.session_id is None:
            return "nothing: it has no conversation that could be resumed; nothing is planned"
        costs = f" for about {_count(view.wake_price)} tokens" if view.wake_price else ""
        if agent.held:
            return f"w wakes it{costs}; it is held from all that you did not ask for, until N releases it"
        return f"{planned}{costs}, or w at once" if planned else f"w wakes it{costs}; nothing is planned"
    if agent.lifecycle is Lifecycle.AWAKE and agent.activity is Activity.LIMITED:
        return planned or "when its limit resets, if you tell it to go on"
    return planned


def _spent(view: AgentView) -> str:
    """What an agent has spent today, and of which budget; empty where there is neither."""
    if view.budget is None:
        return f"{_count(view.tokens_today)} today" if view.tokens_today else ""
    if not _is_counted(view.agent.kind):
        return f"not told by {view.agent.kind}: its {view.budget.mode} budget does nothing"
    share = view.tokens_today / view.budget.tokens_per_day
    whole = _count(view.budget.tokens_per_day)
    return f"{_count(view.tokens_today)} of {whole} today ({share:.0%} of a {view.budget.mode} budget)"


def _is_counted(kind: str) -> bool:
    """Whether the records of that kind tell what it spends."""
    from hive_tui.domain.usage import COUNTED

    return kind in COUNTED


def _count(tokens: int) -> str:
    from hive_tui.domain.usage import count_in_words  # here, since the first paint shows no tokens

    return count_in_words(tokens)


def wakeup_rows(view: QueueView) -> tuple[Row, ...]:
    """The queue."""
    return tuple(_wakeup_row(wakeup, view) for wakeup in view.wakeups)


def _wakeup_row(wakeup: Wakeup, view: QueueView) -> Row:
    glyph, style = STATUS[wakeup.status]
    return Row(
        wakeup.id,
        (
            Cell(f"{glyph} {wakeup.status}", style),
            Cell(shortened(view.names.get(wakeup.agent_id, "?"))),
            Cell(due(wakeup, view.at)),
            Cell(_asked_by(wakeup), "$text-muted"),
            Cell(str(wakeup.priority)),
            Cell(f"{wakeup.attempts}/{wakeup.max_attempts}"),
            Cell(wakeup.last_error or ""),
        ),
    )


def _asked_by(wakeup: Wakeup) -> str:
    """Who asked, and for what if it is not a wake."""
    return str(wakeup.trigger) if wakeup.action is Action.WAKE else f"{wakeup.trigger} ({wakeup.action})"


def due(wakeup: Wakeup, now: datetime) -> str:
    """When it is due, or how long ago it ended."""
    if wakeup.status is WakeupStatus.PENDING:
        ahead = wakeup.scheduled_for - now
        return f"in {in_words(ahead)}" if ahead.total_seconds() >= 1 else "now"
    if wakeup.status is WakeupStatus.PROCESSING:
        return "running"
    return f"{in_words(now - (wakeup.finished_at or wakeup.created_at))} ago"


def event_rows(view: EventsView, words: Sequence[str], severities: Collection[Severity]) -> tuple[Row, ...]:
    """The events that have all the words, oldest first; times in the zone of the screen."""
    rows = []
    for one in view.events:
        event = one.event
        glyph, style = SEVERITY[event.severity]
        name = view.names.get(event.agent_id or "", "")
        text = f"{name} {event.kind} {event.text}".casefold()
        if event.severity in severities and all(word in text for word in words):
            at = local(one.at)
            time = f"{at:%H:%M:%S}" if view.at - one.at < timedelta(hours=20) else f"{at:%d %b %H:%M}"
            first_line = event.text.partition("\n")[0]
            rows.append(
                Row(
                    str(one.seq),
                    (
                        Cell(f"{glyph} {time}", style),
                        Cell(shortened(name)),
                        Cell(str(event.kind), "$text-muted"),
                        Cell(first_line, style),
                    ),
                )
            )
    return tuple(rows)


def event_text(logged: LoggedEvent, alerts: Sequence[str] = ()) -> str:
    """Everything about one event; `alerts` say how a person was told of it."""
    event = logged.event
    details = ", ".join(f"{key} {value}" for key, value in event.payload.items() if isinstance(value, str | int))
    head = f"{local(logged.at):%Y-%m-%d %H:%M:%S}  {event.kind}  by {event.actor.name}"
    return "\n".join(line for line in (head, event.text, details, "; ".join(alerts)) if line).strip()


def header_parts(view: HiveView) -> list[Cell]:
    """The line at the top, the most important first."""
    awake, asleep = view.count(Lifecycle.AWAKE), view.count(Lifecycle.ASLEEP)
    failed = view.count(Lifecycle.FAILED)
    parts = [_beat(view)]
    if view.waiting:
        parts.append(Cell(f"▲ {view.waiting} {'waits' if view.waiting == 1 else 'wait'}", "bold $text-error"))
    parts += [Cell(f"● {awake} awake"), Cell(f"◌ {asleep} asleep")]
    if failed:
        parts.append(Cell(f"✕ {failed} failed", "bold $text-error"))
    parts.append(Cell(f"queue {view.queue_depth}"))
    naps = sum(one.nap is not None for one in view.agents)
    if naps:
        parts.append(Cell(f"◔ {naps} {'naps' if naps == 1 else 'nap'} soon", "bold $text-accent"))
    if view.next_edge is not None:
        at, edge = view.next_edge
        day = "%a " if at - view.at > timedelta(hours=20) else ""
        parts.append(Cell(f"☾ {edge} {local(at):{day}%H:%M}"))
    if view.freed_bytes:
        parts.append(Cell(f"{bytes_in_words(view.freed_bytes)} freed", "$text-success"))
    if view.tokens_today:
        parts.append(Cell(f"{_count(view.tokens_today)} tokens today"))
    if view.http:
        parts.append(Cell(f"HTTP {view.http}", "$text-muted"))
    if view.is_paused:
        parts.insert(1, Cell("PAUSED", "bold $text-warning"))
    return parts


def _beat(view: HiveView) -> Cell:
    if view.beat_at is None:
        return Cell("no heartbeat yet", "$text-muted")
    age = max(0, int((view.at - view.beat_at).total_seconds()))
    if age > 30:
        return Cell(f"no heartbeat for {age}s", "bold $text-error")
    return Cell("♥ elsewhere" if view.is_viewer else f"♥ {age}s", "$text-muted")


def printable(text: str) -> str:
    """The text without what a terminal cannot be sent: bytes of file names that are no UTF-8."""
    return text.encode(errors="replace").decode()


def short_path(path: str) -> str:
    """The home folder as `~`."""
    home = str(Path.home())
    return "~" + path[len(home) :] if path == home or path.startswith(home + "/") else path


def local(at: datetime) -> datetime:
    """In the zone of the screen."""
    return at.astimezone()
