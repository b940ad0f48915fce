"""Puts together the parts that listen: to what asks for wakes from outside, and to what happens."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.chores import Chore
    from hive_tui.services.forgetting import Forgetting
    from hive_tui.services.scheduler import Scheduler
    from hive_tui.services.sources.intake import Intake
    from hive_tui.services.sources.redis import KeySignals, StreamSignals
    from hive_tui.services.sources.runner import Source
    from hive_tui.services.sources.sources import Sources
    from hive_tui.services.subscription import EventLog

LOOK_AFTER_EVERY_S = 15.0
FORGET_EVERY_S = 600.0
FORGET_FIRST_S = 30.0


class Listening:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def intake(self) -> Intake:
        from hive_tui.services.sources.intake import Intake

        hive = self._hive
        attempts = hive.retry_policy.max_attempts
        return Intake(hive.database, hive.doorbell.ring, hive.clock, hive.hub, max_attempts=attempts)

    @part
    def sources(self) -> Sources:
        from hive_tui.services.sources.sources import Sources

        return Sources(self._made, self._hive.database, self._hive.clock, self._hive.hub)

    @part
    def scheduler(self) -> Scheduler:
        from hive_tui.adapters.ticker import ApTicker
        from hive_tui.domain.schedule import parse_backfill
        from hive_tui.services.scheduler import Scheduler

        hive = self._hive
        return Scheduler(
            hive.database,
            ApTicker(lambda: self.scheduler.on_time()),
            hive.doorbell.ring,
            hive.clock,
            hive.hub,
            backfill=parse_backfill(hive.settings.schedule.backfill),
            max_attempts=hive.retry_policy.max_attempts,
            routines=hive.recurring.runs,
        )

    @part
    def event_log(self) -> EventLog:
        from hive_tui.adapters.changes import DatabaseWatch
        from hive_tui.services.subscription import EventLog

        database = self._hive.database
        return EventLog(database, self._hive.hub, lambda: DatabaseWatch(database.path))

    @part
    def forgetting(self) -> Forgetting:
        from hive_tui.services.forgetting import Forgetting

        days = self._hive.settings.events.keep_days
        return Forgetting(self._hive.database, self._hive.clock, events_kept=timedelta(days=days) if days else None)

    def close(self) -> None:
        """End what was begun."""
        if "scheduler" in self.__dict__:
            self.scheduler.stop()

    def chores(self) -> tuple[Chore, ...]:
        """What the heartbeat does for them now and then."""
        from hive_tui.services.chores import Chore

        # Not at the start, when there is other work.
        forgot_at = self._hive.clock.monotonic() - FORGET_EVERY_S + FORGET_FIRST_S
        return (
            Chore("look after what asks for wakes", self.sources.look_after, LOOK_AFTER_EVERY_S),
            Chore("forget old events", self.forgetting.forget_old, FORGET_EVERY_S, forgot_at),
        )

    def look_once(self) -> None:
        """Take what asks for wakes through Redis now; for a process that ends soon.

        Raises:
            HiveError: The server cannot be asked.
        """
        for source in self._wakes_of_redis():
            try:
                source.look()
            finally:
                source.close()

    def _made(self, sources: Sources) -> Sequence[Source]:
        return [*self._of_redis(), *self._of_files(sources), *self._hive.alerting.sources()]

    def _of_redis(self) -> Sequence[Source]:
        made: list[Source] = [*self._wakes_of_redis()]
        wanted = self._hive.settings.redis
        if wanted.url and wanted.publish:
            from hive_tui.adapters.redis.signals import RedisChannel
            from hive_tui.services.sources.redis import EventPublisher

            made.append(EventPublisher(RedisChannel(wanted.url, wanted.timeout_s, wanted.publish), self.event_log))
        return made

    def _wakes_of_redis(self) -> Sequence[KeySignals | StreamSignals]:
        wanted, hive = self._hive.settings.redis, self._hive
        if not wanted.url:
            return ()
        from hive_tui.adapters.redis.signals import RedisSignals, RedisStreamReader
        from hive_tui.services.sources.redis import KeySignals, StreamSignals

        made: list[KeySignals | StreamSignals] = []
        if wanted.wake_key:
            signals = RedisSignals(wanted.url, wanted.timeout_s, wanted.wake_key)
            made.append(KeySignals(signals, self.intake, hive.database))
        if wanted.wake_stream:
            home = hashlib.sha256(str(hive.home).encode()).hexdigest()[:12]
            stream, group = wanted.wake_stream, wanted.wake_group
            reader = RedisStreamReader(wanted.url, wanted.timeout_s, stream, group, f"hive-{home}")
            made.append(StreamSignals(stream, reader, self.intake))
        return made

    def _of_files(self, sources: Sources) -> Sequence[Source]:
        hive, wanted = self._hive, self._hive.settings.files
        watched = {name: agent.watch for name, agent in hive.settings.agents.items() if agent.watch}
        if not watched:
            return ()
        from hive_tui.adapters.file_watch import SystemFileWatch
        from hive_tui.services.sources.files import FileChanges

        return [
            FileChanges(
                SystemFileWatch((hive.home,)),
                watched,
                self.intake,
                hive.database,
                hive.clock,
                sources.warn,
                quiet_s=wanted.quiet_s,
                longest_s=wanted.longest_s,
                poll_s=wanted.poll_s,
                sweep_s=hive.settings.heartbeat.sweep_s,
            )
        ]
