"""When a checkpoint is due to be restored for proof."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hive_tui.domain.checkpoints import Checkpoint

RETRY = timedelta(days=1)
"""A drill that failed or could not be held is not repeated before."""


@dataclass(frozen=True, slots=True)
class DrillPolicy:
    """How often, and how large."""

    every_days: int = 7
    """0: the calendar asks for none."""
    every_checkpoints: int = 20
    """0: new checkpoints ask for none."""
    limit_bytes: int = 5_000_000_000


def due_drill(mine: Sequence[Checkpoint], policy: DrillPolicy, *, now: datetime) -> Checkpoint | None:
    """The newest valid checkpoint of an agent, if it is time to prove it; None if not.

    Args:
        mine: One agent's checkpoints, newest first.
        policy: How often.
        now: Aware UTC.
    """
    newest = next((one for one in mine if one.is_valid and one.is_local), None)
    if newest is None or newest.proven_at is not None or _content_bytes(newest) > policy.limit_bytes:
        return None
    tried_at = max((one.drilled_at for one in mine if one.drilled_at is not None), default=None)
    if tried_at is not None and now - tried_at < RETRY:
        return None
    proven_at = max((one.proven_at for one in mine if one.proven_at is not None), default=None)
    if policy.every_days and (proven_at is None or now - proven_at >= timedelta(days=policy.every_days)):
        return newest
    since = next((place for place, one in enumerate(mine) if one.proven_at is not None), len(mine))
    return newest if policy.every_checkpoints and since >= policy.every_checkpoints else None


def _content_bytes(one: Checkpoint) -> int:
    return max(one.size_bytes, one.content_bytes)
