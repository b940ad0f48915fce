"""How lists say what the catalog knows of a checkpoint."""

from datetime import datetime

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.durations import in_words
from hive_tui.domain.offsite import CopyState, OffsiteCopy


def proven_words(one: Checkpoint, now: datetime) -> str:
    """How long ago a drill proved it, if it is still as it was; `FAILED` where the last one did not."""
    if one.proven_at is not None:
        return in_words(now - one.proven_at) if one.is_valid else "-"
    return "FAILED" if one.drilled_at is not None else "-"


def offsite_words(one: Checkpoint, copy: OffsiteCopy | None) -> str:
    """How far its copy in the second place is."""
    if copy is None:
        return "-"
    if copy.state is CopyState.VERIFIED:
        return "yes" if one.is_local else "only there"
    return "FAILED" if copy.state is CopyState.FAILED else str(copy.state)


def verified_words(copy: OffsiteCopy | None, now: datetime) -> str:
    """How long ago the copy was read there and was right; empty where it is not good."""
    if copy is None or not copy.is_good or copy.verified_at is None:
        return ""
    return f", {in_words(now - copy.verified_at)} ago"
