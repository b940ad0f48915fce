"""How the heartbeat is."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(slots=True)
class Beat:
    """How the heartbeat is, for screens."""

    is_working: bool = False
    """False for a viewer: another process has the heartbeat."""
    beat_at: datetime | None = None
    in_flight: int = 0
    trouble: dict[str, str] = field(default_factory=dict)
    """The steps that failed at their last run, and what they said."""
