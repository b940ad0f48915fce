"""When a source is believed: a weak one not at once, and none that says `working` while nothing moves."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from hive_tui.domain.agents import Activity
from hive_tui.domain.sightings import DEBOUNCE, FALLBACK, STALLED, Claim

DEBOUNCE_S = 1.0
"""A screen alone that shows rest is believed only after so long: agents draw themselves anew between two steps."""
STALLED_S = 180.0
"""An agent that says that it works, and whose screen, files and processes stand still for so long, may hang."""
COUNTER = re.compile(r"\d+(\.\d+)?|[⠀-⣿◐-◓■⬝░█·✢✳✶✻✽●•◦]")
"""What moves on the screen of an agent that hangs: seconds, and its spinner."""


@dataclass(frozen=True, slots=True)
class Settling:
    """What is remembered of one process between two looks. Times are seconds that never jump."""

    activity: Activity = Activity.UNKNOWN
    """What was shown."""
    works_since_s: float = 0.0
    """Since when it was shown to work."""
    wavers_since_s: float | None = None
    """Since when a weak source says that its work has ended."""
    trace: object = None
    moved_at_s: float = 0.0
    """When the trace last changed."""


def trace_of(screen_lines: Sequence[str], *more: object) -> object:
    """What changes when an agent gets on: its screen without counters and spinners, and whatever else moves."""
    still = COUNTER.sub("", "\n".join(screen_lines))
    return ([line.strip() for line in still.split("\n")], *more)


def settled(before: Settling, claims: tuple[Claim, ...], now_s: float) -> tuple[Settling, tuple[Claim, ...]]:
    """The claims as they are to be shown, the one that counts first.

    Args:
        before: What is remembered.
        claims: What the sources say now; not empty.
        now_s: Seconds that never jump.
    """
    is_working = before.activity is Activity.WORKING
    if not is_working or not _is_weak(claims):
        began_s = before.works_since_s if is_working else now_s
        return replace(before, activity=claims[0].activity, works_since_s=began_s, wavers_since_s=None), claims
    since_s = now_s if before.wavers_since_s is None else before.wavers_since_s
    if now_s - since_s >= DEBOUNCE_S:
        return replace(before, activity=claims[0].activity, wavers_since_s=None), claims
    said = f"the {claims[0].source} says {claims[0].activity}, for less than {DEBOUNCE_S:g} s and alone"
    return replace(before, wavers_since_s=since_s), (Claim(Activity.WORKING, DEBOUNCE, said), *claims)


def moved(before: Settling, trace: object, now_s: float) -> Settling:
    """Remember whether anything has changed."""
    return before if trace == before.trace else replace(before, trace=trace, moved_at_s=now_s)


def has_stalled(settling: Settling, claims: Sequence[Claim], now_s: float) -> bool:
    """Whether work is claimed and nothing has moved for long."""
    return claims[0].activity is Activity.WORKING and now_s - settling.moved_at_s >= STALLED_S


def with_stall(settling: Settling, claims: tuple[Claim, ...], now_s: float) -> tuple[Claim, ...]:
    """The claims with one before them that says that nothing has moved: a hang is not work."""
    still_s = now_s - settling.moved_at_s
    said = f"{claims[0].source} says that it works, but nothing has moved for {still_s / 60:.0f} min: it may hang"
    return (Claim(Activity.UNKNOWN, STALLED, said), *claims)


def _is_weak(claims: Sequence[Claim]) -> bool:
    """Whether only the screen, or nothing, says that the work has ended."""
    first = claims[0]
    if first.activity not in (Activity.IDLE, Activity.UNKNOWN) or first.source not in ("screen", FALLBACK):
        return False
    return not any(other.activity is first.activity and other.source != FALLBACK for other in claims[1:])
