"""Puts together the parts that bring an agent back: to a generation, and after a crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.recovery import Recovery
    from hive_tui.services.restore import Restorer
    from hive_tui.services.restore_ending import RestoreEnding


class Returning:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def restorer(self) -> Restorer:
        from hive_tui.services.conversation import Conversation
        from hive_tui.services.restore import Restorer

        hive = self._hive
        return Restorer(
            hive.home,
            hive.database,
            hive.locks,
            hive.napper,
            hive.snapshotter,
            hive.validator,
            hive.workspaces,
            hive.observer,
            Conversation(),
            hive.streams,
            self.ending,
            hive.clock,
        )

    @part
    def ending(self) -> RestoreEnding:
        from hive_tui.services.conversation import Conversation
        from hive_tui.services.restore_ending import RestoreEnding

        hive = self._hive
        ring = hive.doorbell.ring
        return RestoreEnding(hive.database, hive.workspaces, Conversation(), hive.streams, ring, hive.clock, hive.hub)

    @part
    def recovery(self) -> Recovery:
        from hive_tui.services.recovery import Recovery

        hive = self._hive
        return Recovery(
            hive.database,
            hive.observer,
            hive.panes,
            hive.builder,
            hive.processes,
            hive.locks,
            hive.snapshotter,
            self.ending,
            hive.queue,
            hive.dispatcher,
            hive.heartbeat_lock,
            hive.clock,
            hive.hub,
        )
