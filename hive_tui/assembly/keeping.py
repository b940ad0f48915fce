"""Puts together the parts that keep checkpoints: catalog, retention, second place, drills."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.domain.ports import Sealer
    from hive_tui.hive import Hive
    from hive_tui.services.backups import Backups
    from hive_tui.services.catalog import Catalog
    from hive_tui.services.comparing import Comparer
    from hive_tui.services.drill import Drills
    from hive_tui.services.housekeeping import Housekeeping
    from hive_tui.services.mending import Mender
    from hive_tui.services.offsite import Offsite
    from hive_tui.services.periodic import PeriodicCheckpoints
    from hive_tui.services.retention import Retention
    from hive_tui.services.thinning import Thinning


class Keeping:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def retention(self) -> Retention:
        from hive_tui.domain.retention import RetentionPolicy
        from hive_tui.services.retention import Retention

        wanted = self._hive.settings.checkpoint
        policy = RetentionPolicy(
            wanted.keep,
            wanted.keep_daily,
            wanted.keep_weekly,
            wanted.quota_bytes,
            wanted.safety_days,
            wanted.safety_quota_bytes,
        )
        return Retention(self._hive.database, self._hive.locks, policy, self._hive.clock, self._hive.hub)

    @part
    def sealer(self) -> Sealer:
        from hive_tui.adapters.offsite.age import AgeSealer

        named = self._hive.settings.offsite.identity
        return AgeSealer(self._hive.settings.offsite.recipients, Path(named).expanduser() if named else None)

    @part
    def offsite(self) -> Offsite:
        from hive_tui.adapters.locks import FileLock
        from hive_tui.adapters.offsite import second_place
        from hive_tui.domain.offsite import RereadPolicy
        from hive_tui.services.background import Patience
        from hive_tui.services.offsite import Offsite

        wanted = self._hive.settings.offsite
        place = None
        if wanted.destination:
            place = second_place(wanted.destination, endpoint=wanted.endpoint, region=wanted.region)
        return Offsite(
            self._hive.database,
            place,
            self.sealer,
            self._hive.snapshotter,
            FileLock(self._hive.home / "locks" / "offsite.lock"),
            Patience(f"The second place {wanted.destination}", self._hive.clock, timeout_s=wanted.timeout_s),
            self._hive.clock,
            self._hive.hub,
            lambda: self._hive.effecting.log,
            is_sealed=bool(wanted.recipients),
            reread=RereadPolicy(wanted.verify_every_days, wanted.verify_bytes_a_day),
        )

    @part
    def drills(self) -> Drills:
        from hive_tui.adapters.locks import FileLock
        from hive_tui.domain.drills import DrillPolicy
        from hive_tui.services.drill import Drills

        wanted = self._hive.settings.drill
        return Drills(
            self._hive.database,
            self._hive.validator,
            self._hive.snapshotter,
            self._hive.workspaces,
            FileLock(self._hive.home / "locks" / "drill.lock"),
            DrillPolicy(wanted.every_days, wanted.every_checkpoints, wanted.limit_bytes),
            self._hive.clock,
            self._hive.hub,
            timeout_s=wanted.timeout_s,
        )

    @part
    def catalog(self) -> Catalog:
        from hive_tui.services.catalog import Catalog

        return Catalog(
            self._hive.home,
            self._hive.database,
            self._hive.locks,
            self._hive.validator,
            self._hive.snapshotter,
            self.sealer,
            self._hive.kinds,
            self._hive.clock,
            self._hive.hub,
        )

    @part
    def mender(self) -> Mender:
        from hive_tui.services.mending import Mender

        return Mender(
            self._hive.home, self._hive.database, self._hive.locks, self._hive.kinds, self._hive.clock, self._hive.hub
        )

    @part
    def comparer(self) -> Comparer:
        from hive_tui.services.comparing import Comparer

        return Comparer(self._hive.validator, self._hive.snapshotter, self._hive.workspaces)

    @part
    def periodic(self) -> PeriodicCheckpoints:
        from hive_tui.domain.durations import parse_duration
        from hive_tui.services.periodic import PeriodicCheckpoints

        said = self._hive.settings.checkpoint.every
        every = None if said == "off" else parse_duration(said)
        hive = self._hive
        return PeriodicCheckpoints(
            hive.database, hive.snapshotter, hive.locks, hive.kinds, hive.clock, hive.hub, every=every
        )

    @part
    def thinning(self) -> Thinning:
        from hive_tui.services.thinning import Thinning

        hive = self._hive
        days = hive.settings.offsite.only_after_days
        after = timedelta(days=days) if days else None
        keep = hive.settings.checkpoint.keep
        return Thinning(hive.database, self.offsite, hive.locks, hive.clock, after=after, keep=keep)

    @part
    def backups(self) -> Backups:
        from hive_tui.services.backups import Backups

        hive = self._hive
        return Backups(hive.home, hive.database, hive.clock, hive.hub)

    @part
    def housekeeping(self) -> Housekeeping:
        from hive_tui.services.housekeeping import Housekeeping

        hive = self._hive
        days = hive.settings.queue.keep_days
        return Housekeeping(
            self.retention,
            self.periodic,
            self.offsite,
            self.thinning,
            self.drills,
            self.backups,
            hive.listening.scheduler,
            hive.spending.ledger,
            hive.spending.budget_keeper,
            hive.queue,
            hive.remembering.consolidation,
            keep_wakeups=timedelta(days=days) if days else None,
        )
