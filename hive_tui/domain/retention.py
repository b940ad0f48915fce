"""Which checkpoints are kept, and which go: by count, by calendar, under a byte quota."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason

QUOTA_ORDER = ("newest", "daily", "weekly")
"""Which kept checkpoints the quota takes last, and which first."""


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How much is kept."""

    keep: int = 4
    """Newest valid checkpoints of each agent."""
    keep_daily: int = 7
    """Beyond those, the newest of each day (UTC) for so many days."""
    keep_weekly: int = 4
    """Beyond those, the newest of each week (from Monday, UTC) for so many weeks."""
    quota_bytes: int = 20_000_000_000
    """For all files but safety copies; 0 for no limit."""
    safety_days: int = 7
    """For so many days a safety copy is kept whatever it takes: a restore can be undone."""
    safety_quota_bytes: int = 2_000_000_000
    """For the safety copies that are older."""


@dataclass(frozen=True, slots=True)
class Removal:
    """A checkpoint that is to go."""

    checkpoint: Checkpoint
    why: str


@dataclass(frozen=True, slots=True)
class RetentionPlan:
    """What would become of each checkpoint."""

    kept: Mapping[str, str]
    """Why each one stays, by id."""
    removals: tuple[Removal, ...]
    """Oldest first."""
    bytes_over_quota: int = 0
    """By how much what must be kept is larger than the quota."""


def plan_retention(
    catalog: Iterable[Checkpoint],
    policy: RetentionPolicy,
    *,
    now: datetime,
    needed: Collection[str] = (),
    sleeping: Collection[str] = (),
) -> RetentionPlan:
    """Decide for each checkpoint.

    Nothing goes unless the same agent keeps a newer valid checkpoint. The quota takes the weekly ones
    first, then the daily, then the others of agents that run, each time the oldest of the whole store;
    it never takes an agent's newest valid one, nor any of the `keep` newest of one that sleeps.

    Args:
        catalog: All checkpoints of all agents.
        now: Aware UTC.
        needed: Ids that stay in any case.
        sleeping: Ids of agents whose process is gone, so that a wake starts from a checkpoint.
    """
    by_agent: dict[str, list[Checkpoint]] = {}
    for one in sorted(catalog, key=lambda one: one.generation):
        by_agent.setdefault(one.agent_id, []).append(one)
    kept: dict[str, str] = {}
    why_not: dict[str, str] = {}
    for agent_id, mine in by_agent.items():
        kept |= _kept_by_count(mine, policy, now)
        kept |= _kept_by_need(mine, policy, now, needed, is_asleep=agent_id in sleeping)
        why_not |= {one.id: _beyond(one, policy) for one in mine if one.id not in kept}
    everything = [one for mine in by_agent.values() for one in mine]
    over = _apply_quota(everything, kept, why_not, policy)
    _apply_safety_quota(everything, kept, why_not, policy)
    removals = [Removal(one, why_not[one.id]) for one in everything if one.id not in kept]
    return RetentionPlan(kept, tuple(sorted(removals, key=lambda one: one.checkpoint.created_at)), over)


def _kept_by_count(mine: Sequence[Checkpoint], policy: RetentionPolicy, now: datetime) -> dict[str, str]:
    """The valid ones that count, day and week ask for; `mine` is one agent's, newest first."""
    good = [one for one in mine if one.is_valid and one.reason is not CheckpointReason.SAFETY]
    kept: dict[str, str] = {}
    weeks: set[tuple[int, int]] = set()
    days: set[object] = set()
    for place, one in enumerate(good):
        day, week = one.created_at.date(), one.created_at.isocalendar()[:2]
        if place < max(1, policy.keep):
            kept[one.id] = "newest"
        elif now - one.created_at < timedelta(days=policy.keep_daily) and day not in days:
            kept[one.id] = "daily"
        elif now - one.created_at < timedelta(weeks=policy.keep_weekly) and week not in weeks:
            kept[one.id] = "weekly"
        if one.id in kept:
            days.add(day)
            weeks.add(week)
    return kept


def _kept_by_need(
    mine: Sequence[Checkpoint], policy: RetentionPolicy, now: datetime, needed: Collection[str], *, is_asleep: bool
) -> dict[str, str]:
    """What may not go, whatever count and quota say."""
    valid = [one for one in mine if one.is_valid]
    kept = {one.id: "needed" for one in mine if one.id in needed}
    kept |= {one.id: "imported" for one in mine if one.imported_at is not None}
    kept |= {
        one.id: "undo"
        for one in mine
        if one.reason is CheckpointReason.SAFETY and now - one.created_at < timedelta(days=policy.safety_days)
    }
    # A damaged one may still hold what no other does, until there are enough good ones after it.
    newer = 0
    for one in mine:
        if not one.is_valid and newer < max(1, policy.keep):
            kept[one.id] = "too few good ones are newer"
        newer += one.is_valid
    fallbacks = [one for one in valid if one.reason is not CheckpointReason.SAFETY][: max(1, policy.keep)]
    kept |= {one.id: "a wake may need it" for one in (fallbacks if is_asleep else fallbacks[:1])}
    return kept | {one.id: "last valid one" for one in valid[:1]}


def _beyond(one: Checkpoint, policy: RetentionPolicy) -> str:
    if one.reason is CheckpointReason.SAFETY:
        return f"a safety copy, older than {policy.safety_days} days"
    if not one.is_valid:
        return f"damaged, and {max(1, policy.keep)} good ones are newer"
    return f"beyond {policy.keep} newest, {policy.keep_daily} daily and {policy.keep_weekly} weekly ones"


def _apply_quota(
    everything: Sequence[Checkpoint], kept: dict[str, str], why_not: dict[str, str], policy: RetentionPolicy
) -> int:
    """Give up what is kept by count only, until the rest fits; the bytes that it is still over."""
    counted = [one for one in everything if one.id in kept and one.reason is not CheckpointReason.SAFETY]
    over = sum(one.size_bytes for one in counted if one.is_local) - policy.quota_bytes
    if policy.quota_bytes == 0:
        return 0
    order = sorted(
        (one for one in counted if one.is_local and kept[one.id] in QUOTA_ORDER),
        key=lambda one: (-QUOTA_ORDER.index(kept[one.id]), one.created_at),
    )
    for one in order:
        if over <= 0:
            break
        over -= one.size_bytes
        why_not[one.id] = f"over the quota, and kept only as {kept.pop(one.id)}"
    return max(0, over)


def _apply_safety_quota(
    everything: Sequence[Checkpoint], kept: dict[str, str], why_not: dict[str, str], policy: RetentionPolicy
) -> None:
    """Safety copies that are past their days stay, the newest first, as long as they fit their own quota."""
    safety = [one for one in everything if one.reason is CheckpointReason.SAFETY and one.is_valid]
    room = policy.safety_quota_bytes - sum(one.size_bytes for one in safety if one.id in kept)
    for one in sorted(safety, key=lambda one: one.created_at, reverse=True):
        if one.id in kept:
            continue
        room -= one.size_bytes
        if room < 0:
            return
        kept[one.id] = "safety"
        why_not.pop(one.id, None)
