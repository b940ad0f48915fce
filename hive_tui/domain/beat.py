"""How the heartbeat is."""

from datetime import datetime

from msgspec import Struct, field


class Beat(Struct):
    """How the heartbeat is, for screens."""

    is_working: bool = False
    """False for a viewer: another process has the heartbeat."""
    beat_at: datetime | None = None
    in_flight: int = 0
    trouble: dict[str, str] = field(default_factory=dict)
    """The steps that failed at their last run, and what they said."""
