"""What of an event goes into a log, and how loud it is there."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from hive_tui.domain.events import Event, Severity

PRIORITIES: Mapping[Severity, int] = {Severity.INFO: 6, Severity.WARNING: 4, Severity.FAILURE: 3}
"""As in syslog(3): informational, warning, error."""


@dataclass(frozen=True, slots=True)
class LogRecord:
    """One event; never its payload, in which messages to agents may stand."""

    at: datetime
    event: Event

    @property
    def priority(self) -> int:
        """As in syslog(3)."""
        return PRIORITIES[self.event.severity]

    def fields(self) -> dict[str, str]:
        """By name; the text is one of them."""
        event = self.event
        return {
            "at": self.at.isoformat().replace("+00:00", "Z"),
            "level": str(event.severity),
            "event": str(event.kind),
            "agent": event.agent_id or "",
            "actor": event.actor.name,
            "text": event.text,
        }


def is_loud_enough(event: Event, level: str) -> bool:
    """Whether it belongs into a log of that level."""
    return PRIORITIES[event.severity] <= PRIORITIES[Severity(level)]
