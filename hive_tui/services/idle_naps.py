"""Wishes naps for agents that have been idle for long, and for the idlest while memory is short."""

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from hive_tui.domain.agents import Activity
from hive_tui.domain.auto_naps import Restful, Wish
from hive_tui.domain.durations import in_words
from hive_tui.domain.idle import Calm, IdlePolicy, Memory, Span, Spans
from hive_tui.domain.ports import Clock

SETTLE_S = 60.0
"""What a nap has freed shows in the pressure of the last minute only after so long."""


class IdleNaps:
    """What it knows dies with it: a new heartbeat counts every span anew, so that none is taken for longer."""

    def __init__(self, policy: IdlePolicy, memory: Callable[[], Memory], clock: Clock) -> None:
        self._policy = policy
        self._memory = memory
        self._clock = clock
        self._spans = Spans()
        self._napped_s = float("-inf")

    def note(self, restful: Sequence[Restful]) -> None:
        """Take in one look."""
        idle = [one for one in restful if one.sighting.activity is Activity.IDLE]
        calm = [
            Calm(one.agent.id, one.agent.name, _trace(one), one.agent.since_at)
            for one in idle
            if self._policy.is_about(one.agent.name)
        ]
        self._spans.note(calm, self._clock.monotonic())

    def wishes(self) -> list[Wish]:
        """Who has been idle for long enough."""
        now_s = self._clock.monotonic()
        ripe = self._spans.ripe(self._policy, now_s, is_short=self._is_short(now_s))
        return [_wish(span, now_s, is_early=is_early) for span, is_early in ripe]

    def was_stopped(self, agent_id: str) -> None:
        """It has to be idle for as long again."""
        self._spans.begin_anew(agent_id)

    def begins(self, wish: Wish) -> None:
        """What it will free may be enough: no other agent goes for want of memory meanwhile."""
        self._napped_s = self._clock.monotonic()

    def slept(self, wish: Wish) -> None:
        """Its memory is free."""
        self._spans.begin_anew(wish.agent_id)
        self._napped_s = self._clock.monotonic()

    def mend(self) -> None:
        """Nothing is left undone."""

    def _is_short(self, now_s: float) -> bool:
        wants = self._policy.short_after_s > 0 and now_s - self._napped_s >= SETTLE_S
        return wants and self._policy.is_short(self._memory())


def _trace(one: Restful) -> Hashable:
    """What is another one once the agent has done something, however quickly it was done."""
    agent, sighting = one.agent, one.sighting
    written: Hashable = None
    with suppress(OSError):
        stat = Path(sighting.session.transcript).stat() if sighting.session.transcript else None
        written = (stat.st_mtime_ns, stat.st_size) if stat else None
    return (sighting.root.id, sighting.session.id, agent.since_at, written, sighting.pane.in_mode)


def _wish(span: Span, now_s: float, *, is_early: bool) -> Wish:
    idle_for = in_words(timedelta(minutes=(now_s - span.since_s) // 60))
    why = f"memory is short, and it has been idle the longest, for {idle_for}" if is_early else f"idle for {idle_for}"
    return Wish(span.calm.agent_id, span.calm.name, why)
