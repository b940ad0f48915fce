"""Puts together the parts that do something again and again: routines, and their runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.routine_runs import RoutineRuns
    from hive_tui.services.routines import Routines


class Recurring:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def routines(self) -> Routines:
        from hive_tui.services.routines import Routines

        hive = self._hive
        return Routines(hive.database, hive.doorbell.ring, hive.clock, hive.hub)

    @part
    def runs(self) -> RoutineRuns:
        from hive_tui.services.routine_runs import RoutineRuns

        hive = self._hive
        attempts = hive.retry_policy.max_attempts
        return RoutineRuns(hive.database, hive.doorbell.ring, hive.clock, hive.hub, max_attempts=attempts)
