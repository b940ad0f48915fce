"""Puts together what runs without a screen: the service, its log, and the single pass."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from collections.abc import Callable

    from hive_tui.adapters.serving.logs import Log
    from hive_tui.domain.events import Event
    from hive_tui.hive import Hive
    from hive_tui.services.gate_pass import GatePass
    from hive_tui.services.serving import Serving


class Unattended:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def service(self) -> Serving:
        from hive_tui.adapters.serving.manager import own_manager
        from hive_tui.services.serving import Serving

        return Serving(own_manager(), self._hive.clock)

    @part
    def log(self) -> Log:
        from hive_tui.adapters.serving.logs import log_for

        wanted = self._hive.settings.log
        return log_for(os.environ, wanted.file, max_bytes=wanted.max_bytes, keep=wanted.keep)

    def keep(self, event: Event) -> None:
        """Write an event into the log; for the hub."""
        from hive_tui.domain.log_records import LogRecord, is_loud_enough

        if is_loud_enough(event, self._hive.settings.log.level):
            self.log.write(LogRecord(self._hive.clock.now(), event))

    @part
    def gate_pass(self) -> GatePass:
        from hive_tui.services.gate_pass import GatePass

        hive, name = self._hive, f"gate:{os.getpid()}"
        before: dict[str, Callable[[], object]] = {
            "look at the panes": hive.observer.observe,
            "finish what was interrupted": hive.returning.recovery.finish_interrupted,
            "look at Redis": hive.listening.look_once,
            "keep the sleep windows": hive.listening.scheduler.tick,
        }
        after: dict[str, Callable[[], object]] = {
            "look after side effects that were cut off": hive.effecting.settle,
            "take checkpoints": hive.keeping.periodic.take_due,
            "copy the database": hive.keeping.backups.take_if_due,
            "tell failures": hive.alerting.tell_and_wait,
        }
        return GatePass(
            hive.database,
            hive.dispatcher,
            hive.heartbeat_lock,
            hive.doorbell.ring,
            hive.clock,
            name,
            before=before,
            after=after,
        )
