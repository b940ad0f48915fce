"""Puts together the parts that put agents to sleep unasked: idle ones, and those that wait for their usage limit."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.domain.auto_naps import Wishing
    from hive_tui.domain.idle import IdlePolicy
    from hive_tui.hive import Hive
    from hive_tui.services.auto_naps import AutoNaps
    from hive_tui.services.chores import Chore
    from hive_tui.services.observer import Observation

KEEP_EVERY_S = 1.0


class Resting:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def policy(self) -> IdlePolicy:
        from hive_tui.domain.idle import IdlePolicy

        wanted, agents = self._hive.settings.idle, self._hive.settings.agents
        own = {name: one.idle_after_minutes for name, one in agents.items()}
        return IdlePolicy(
            wanted.after_minutes * 60,
            {name: minutes * 60 for name, minutes in own.items() if minutes is not None},
            wanted.short_of_memory_after_minutes * 60,
            wanted.available_below,
            wanted.stalled_above,
        )

    @part
    def is_on(self) -> bool:
        """Whether anything is ever put to sleep unasked."""
        return self.policy.is_on or self._hive.settings.limits.nap

    @part
    def auto_naps(self) -> AutoNaps:
        from hive_tui.services.auto_naps import AutoNaps

        hive = self._hive
        lead_s = hive.settings.idle.announce_s
        return AutoNaps(hive.database, hive.napper, self._sources(), hive.clock, hive.hub, announce_s=lead_s)

    def seeing(self, on_observed: Callable[[Observation], None]) -> Callable[[Observation], None]:
        """What the heartbeat calls with each look: that, and what counts how long agents rest."""
        if not self.is_on:
            return on_observed

        def seen(observation: Observation) -> None:
            on_observed(observation)
            self.auto_naps.note(observation)

        return seen

    def chores(self) -> tuple[Chore, ...]:
        """What the heartbeat does for it now and then; nothing, unless a person has switched it on."""
        from hive_tui.services.chores import Chore

        return (Chore("put idle agents to sleep", self.auto_naps.keep, KEEP_EVERY_S),) if self.is_on else ()

    def _sources(self) -> list[Wishing]:
        from hive_tui.adapters.memory import read_memory
        from hive_tui.services.idle_naps import IdleNaps
        from hive_tui.services.limit_naps import LimitNaps

        hive = self._hive
        found: list[Wishing] = []
        if hive.settings.limits.nap:
            found.append(LimitNaps(hive.database, hive.queue, hive.clock, Random(), say=hive.settings.limits.say))
        if self.policy.is_on:
            found.append(IdleNaps(self.policy, read_memory, hive.clock))
        return found
