"""What a person is told of, in which words, and when not. Pure rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, tzinfo

from hive_tui.domain.alert_words import DESKTOP, FAILURE, NEEDS_YOU, WARNING
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.domain.redaction import Redactor
from hive_tui.domain.windows import checked_time, checked_zone

WAITS_S = (5.0, 30.0, 120.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0)
"""Before each new attempt to deliver one; then it is given up."""
LONGEST_TEXT = 1000
_PHRASES: Mapping[EventKind, str] = {
    EventKind.CHECKPOINT_FAILED: "a checkpoint failed",
    EventKind.CHECKPOINT_INVALID: "a checkpoint is damaged",
    EventKind.CHECKPOINT_SKIPPED: "a damaged checkpoint was skipped at a wake",
    EventKind.AGENT_CRASHED: "crashed",
    EventKind.WAKEUP_FAILED: "was not woken",
    EventKind.WAKEUP_HELD_BACK: "was not woken after its usage limit, and waits for you to wake it",
    EventKind.WAKEUP_RETRY: "was not woken yet, and is tried again",
    EventKind.RESTORE_FAILED: "a restore failed",
    EventKind.BACKUP_FAILED: "the copy of the database failed",
    EventKind.STEP_FAILED: "the heartbeat could not do all it should",
    EventKind.OFFSITE_FAILED: "a copy to the second place failed",
    EventKind.OFFSITE_DAMAGED: "a copy in the second place is damaged",
    EventKind.CHECKPOINT_UNPROVEN: "a checkpoint could not be restored for proof",
    EventKind.CATALOG_FULL: "there is no room for more checkpoints",
    EventKind.CATALOG_MENDED: "the catalog of checkpoints was mended",
    EventKind.AGENT_NAP_REFUSED: "was not put to sleep",
    EventKind.AGENT_SLEEPING: "sleeps, with something left to look at",
    EventKind.AGENT_AWAKE: "is awake again, with something left to look at",
    EventKind.AGENT_STALE: "has not moved for long",
    EventKind.AGENT_BUDGET_WARNING: "has used most of its tokens of today",
    EventKind.AGENT_BUDGET_EXCEEDED: "has used up its tokens of today",
    EventKind.EFFECT_FAILED: "a command that is run once has failed",
    EventKind.EFFECT_UNKNOWN: "a command that is run once was cut off: say whether it has happened",
    EventKind.SERVICE_FAILED: "a service did not start or stop",
    EventKind.SERVICE_ENDED: "a service has ended by itself",
    EventKind.MODEL_FAILED: "a model could not be loaded or unloaded",
    EventKind.MODEL_RELOADED: "a program keeps loading a model again",
    EventKind.HTTP_REFUSED: "a request by HTTP was refused",
    EventKind.HTTP_FAILED: "programs cannot be answered by HTTP",
    EventKind.REDIS_TROUBLE: "Redis does not answer as it should",
    EventKind.SOURCE_TROUBLE: "a source of wakes does not answer as it should",
    EventKind.SOURCE_REFUSED: "a request to wake an agent was refused",
    EventKind.WINDOW_MISSED: "a sleep window was missed",
    EventKind.ROUTINE_MISSED: "a routine was missed",
    EventKind.ROUTINE_HELD: "a routine adds no more tasks: too many are unfinished",
    EventKind.CLOCK_STEPPED: "the clock of the machine was set",
    EventKind.TMUX_LOST: "the tmux server is gone",
}


@dataclass(frozen=True, slots=True)
class QuietHours:
    """A span of the local day, perhaps across midnight."""

    start_minute: int
    end_minute: int
    zone: tzinfo | None = None
    """None for the zone of the machine."""

    @classmethod
    def parse(cls, start: str, end: str, zone: str) -> "QuietHours | None":
        """As in the settings; None for none.

        Raises:
            HiveError: A time or the zone is wrong, one of the times is missing, or they are the same.
        """
        if not start and not end:
            return None
        if not (start and end):
            raise HiveError("Quiet hours need both ends.", hint="Set quiet_from and quiet_until together.")
        first, last = checked_time(start), checked_time(end)
        if first == last:
            raise HiveError(f"Quiet hours from {start} to {end} have no length.", hint="Take both out for none.")
        named = checked_zone(zone) if zone else None
        return cls(first.hour * 60 + first.minute, last.hour * 60 + last.minute, named)

    def end_of(self, now: datetime, local: tzinfo) -> datetime | None:
        """When they are over, as aware UTC, if they last now; else None.

        Args:
            now: Aware.
            local: The zone of the machine.
        """
        zone = self.zone or local
        wall = now.astimezone(zone)
        minute = wall.hour * 60 + wall.minute
        crosses = self.end_minute < self.start_minute
        is_evening = crosses and minute >= self.start_minute
        is_quiet = is_evening or minute < self.end_minute if crosses else self.start_minute <= minute < self.end_minute
        if not is_quiet:
            return None
        day = wall.date() + timedelta(days=1 if is_evening else 0)
        # By the wall clock, whatever the clocks do in that night; never before now, when they go back.
        end = datetime(day.year, day.month, day.day, self.end_minute // 60, self.end_minute % 60, tzinfo=zone)
        return max(end.astimezone(UTC), now.astimezone(UTC))


@dataclass(frozen=True, slots=True)
class AlertPolicy:
    """Which classes go to which channel, and when."""

    wanted: Mapping[str, frozenset[str]] = field(default_factory=lambda: {DESKTOP: frozenset({FAILURE, NEEDS_YOU})})
    """Classes by channel; a channel that is not set up is not in it."""
    details: bool = False
    repeat: timedelta = timedelta(minutes=10)
    repeat_call: timedelta = timedelta(minutes=1)
    """An agent that asks again after so long is told of again."""
    quiet: QuietHours | None = None
    lets: frozenset[str] = frozenset()
    """Classes that are told of in quiet hours, too."""
    escalate_after: timedelta | None = None
    escalate_to: str = ""

    def repeat_of(self, class_: str) -> timedelta:
        """Within which the same is not told again."""
        return self.repeat_call if class_ == NEEDS_YOU else self.repeat

    def due_at(self, class_: str, now: datetime, local: tzinfo) -> datetime:
        """When an alert of that class may go out."""
        if self.quiet is None or class_ in self.lets:
            return now
        return self.quiet.end_of(now, local) or now


@dataclass(frozen=True, slots=True)
class Message:
    """What goes out, by whatever channel."""

    id: str
    """The same at each attempt, so that a receiver can tell a repetition."""
    title: str
    body: str
    class_: str
    kind: str
    agent: str
    at: datetime
    """When it happened, aware UTC."""
    is_escalation: bool = False


class Refused(HiveError):
    """A receiver does not take it, and would not at another time either."""


def class_of(event: Event) -> str | None:
    """What it is to a person; None if nobody is told of it.

    An agent that waits while somebody looks at its pane calls nobody, and an alert that could not be delivered makes
    no other one.
    """
    if event.kind is EventKind.ALERT_FAILED:
        return None
    if event.kind is EventKind.AGENT_NEEDS_YOU:
        return None if event.payload.get("watched") else NEEDS_YOU
    if event.kind in (EventKind.AGENT_DONE, EventKind.WAKEUP_HELD_BACK):
        return NEEDS_YOU
    return {Severity.FAILURE: FAILURE, Severity.WARNING: WARNING}.get(event.severity)


def words_for(event: Event, name: str, channel: str, *, details: bool, until: str = "") -> tuple[str, str]:
    """Title and text. Never what an agent asks; what leaves the machine names agent and kind alone, unless allowed.

    Args:
        until: When the usage limit ends that it tells of, in words; empty if that is not known.
    """
    title = f"hive: {name}" if name else "hive"
    if until and not details:
        return title, f"limited until {until}"
    if event.kind is EventKind.AGENT_NEEDS_YOU and not details:
        return title, f"needs you: {event.payload.get('activity', 'it waits')}"
    if channel == DESKTOP or details:
        return title, Redactor().redact(event.text)[:LONGEST_TEXT]
    return title, phrase_for(str(event.kind))


def phrase_for(kind: str) -> str:
    """What happened, in words that quote nothing."""
    return {str(one): phrase for one, phrase in _PHRASES.items()}.get(kind, kind)


def escalated(message: Message, id_: str, minutes: float, channel: str, *, details: bool) -> Message:
    """The same for a second channel."""
    body = message.body if channel == DESKTOP or details or message.class_ == NEEDS_YOU else phrase_for(message.kind)
    return replace(message, id=id_, body=f"{body} (nobody has reacted for {minutes:g} minutes)", is_escalation=True)


def together(messages: list[Message]) -> Message:
    """Many at once, as after quiet hours or without a network, as one; it has the id of the first."""
    first = messages[0]
    lines = [f"{one.title.removeprefix('hive: ')}: {one.body}" for one in messages[:5]]
    more = [f"and {len(messages) - 5} more"] if len(messages) > 5 else []
    worst = FAILURE if any(one.class_ == FAILURE for one in messages) else first.class_
    return Message(first.id, f"hive: {len(messages)} alerts", "\n".join([*lines, *more]), worst, "alerts", "", first.at)


def next_try(attempts: int, now: datetime) -> datetime | None:
    """When to try again after so many attempts; None to give up."""
    return now + timedelta(seconds=WAITS_S[attempts - 1]) if attempts <= len(WAITS_S) else None
