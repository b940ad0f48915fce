"""Puts together the log of side effects, and what finds out about those that were cut off."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.background import Background
    from hive_tui.services.chores import Chore
    from hive_tui.services.effect_commands import EffectCommands
    from hive_tui.services.effects import EffectLog, Probe

LOOK_EVERY_S = 10.0
PURGE_EVERY_S = 600.0


class Effecting:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def log(self) -> EffectLog:
        from hive_tui.adapters.effects import probes
        from hive_tui.services.effects import EffectLog
        from hive_tui.services.message_probe import MessageProbe

        hive = self._hive
        ways: dict[str, Probe] = {
            "git": probes.look_into_git,
            "file": probes.look_at_file,
            "command": lambda effect: probes.ask_command(effect, hive.processes),
            "message": MessageProbe(hive.panes),
        }
        return EffectLog(hive.database, hive.processes, ways, hive.clock, hive.hub)

    @part
    def looking(self) -> Background:
        from hive_tui.services.background import Background

        return Background("effects")

    @part
    def commands(self) -> EffectCommands:
        from hive_tui.services.effect_commands import EffectCommands

        hive = self._hive
        return EffectCommands(self.log, hive.processes, keep_bytes=hive.settings.effects.output_bytes)

    def chores(self) -> tuple[Chore, ...]:
        """What the heartbeat does for it now and then."""
        from hive_tui.services.chores import Chore

        # Not at the start, when there is other work. A hive in which one is open does not rest.
        now_s = self._hive.clock.monotonic()
        return (
            Chore("look after side effects that were cut off", self._look_after, LOOK_EVERY_S, now_s, PURGE_EVERY_S),
            Chore("purge the log of side effects", self._purge, PURGE_EVERY_S, now_s),
        )

    def settle(self) -> None:
        """Settle what was cut off, now; for a process that ends soon."""
        from hive_tui.store import effects

        if self._hive.database.read(effects.of_open):
            self.log.look_after()

    def _look_after(self) -> None:
        from hive_tui.store import effects

        # Nothing is open nearly always: then nothing else is imported. A probe may take long.
        if self._hive.database.read(effects.of_open) and not self.looking.is_busy:
            self.looking.start(self.log.look_after)

    def _purge(self) -> None:
        from hive_tui.store import effects

        days = self._hive.settings.effects.keep_days
        if days:
            before = self._hive.clock.now() - timedelta(days=days)
            self._hive.database.write(effects.purge, before=before)
