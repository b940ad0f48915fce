"""Daily sleep windows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SleepWindow:
    """A daily span in which agents sleep. May cross midnight."""

    id: str
    agent_id: str | None
    """None for all agents."""
    start_time: str = "02:00"
    """Local wall time in `timezone`, HH:MM."""
    end_time: str = "04:00"
    timezone: str = "UTC"
    """IANA name."""
    active: bool = False
    """A new window sleeps nobody until a person enables it."""
