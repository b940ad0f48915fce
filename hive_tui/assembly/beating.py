"""Puts the heartbeat together from the steps, chores and sources of all other parts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hive_tui.domain.beat import Beat
    from hive_tui.hive import Hive
    from hive_tui.services.glance import Glance
    from hive_tui.services.heartbeat import Heartbeat
    from hive_tui.services.observer import Observation


def new_heartbeat(
    hive: Hive,
    *,
    observe_every_s: float,
    on_observed: Callable[[Observation], None] = lambda _: None,
    beat: Beat | None = None,
    is_seen: bool = True,
) -> Heartbeat:
    """A heartbeat for this process; it works as soon as no other one does.

    Args:
        is_seen: Whether somebody sees when it glanced last; else it does not where nothing can have happened.
    """
    from hive_tui.adapters.changes import DatabaseWatch
    from hive_tui.adapters.clock_watch import ClockWatch
    from hive_tui.services.heartbeat import Heartbeat

    more = (
        *hive.measuring.chores(),
        *hive.listening.chores(),
        *hive.resting.chores(),
        *hive.effecting.chores(),
        *hive.machine.chores(),
    )
    heartbeat = Heartbeat(
        hive.database,
        hive.observer,
        hive.dispatcher,
        hive.returning.recovery,
        hive.alerting.alerts,
        hive.heartbeat_lock,
        hive.doorbell,
        hive.clock,
        hive.hub,
        observe_every_s=observe_every_s,
        on_observed=hive.resting.seeing(on_observed),
        glance=_glance(hive),
        chores=hive.keeping.housekeeping.chores(hive.database, hive.clock, *more),
        beat=beat,
        sources=hive.listening.sources,
        changes=lambda: DatabaseWatch(hive.database.path),
        clock_watch=None if is_seen else ClockWatch(),
        sweep_s=hive.settings.heartbeat.sweep_s,
    )
    if hive.settings.tmux.control_mode:
        hive.looking.switch_on(heartbeat.stir)
    return heartbeat


def _glance(hive: Hive) -> Glance:
    from hive_tui.adapters.file_states import WatchedFileStates
    from hive_tui.adapters.process_ends import ProcessEnds
    from hive_tui.services.glance import Glance

    ends, files = ProcessEnds(hive.processes.is_alive), WatchedFileStates()

    def close() -> None:
        ends.close()
        files.close()

    return Glance(
        hive.database,
        hive.looking,
        ends.living,
        hive.clock,
        hive.hook_reports.folders,
        lambda: hive.hearing.changes if "hearing" in vars(hive) else 0,
        close,
        files,
    )
