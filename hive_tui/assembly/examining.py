"""Puts together what looks for trouble: the doctor with its checks, and the support bundle."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.bundle import Bundler
    from hive_tui.services.checks.finding import Check
    from hive_tui.services.doctor import Doctor


class Examining:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def doctor(self) -> Doctor:
        from hive_tui.services.doctor import Doctor

        # The kinds first: where they cannot be read, much else cannot be looked at.
        checks = [
            *self._kinds(),
            *self._stored(),
            *self._effects(),
            *self._waking(),
            *self._released(),
            *self._surroundings(),
        ]
        return Doctor([*checks, *self._machine()])

    @part
    def bundler(self) -> Bundler:
        from hive_tui.adapters.bundle_file import write_bundle
        from hive_tui.services.bundle import Bundler

        hive = self._hive
        return Bundler(lambda: hive.database, hive.settings, os.environ, hive.clock, write_bundle)

    def _stored(self) -> list[Check]:
        from hive_tui.services.checks.stored import Stored

        hive = self._hive
        return Stored(
            hive.home,
            lambda: hive.database,
            hive.clock,
            lambda: hive.keeping.mender,
            lambda: hive.keeping.offsite,
        ).checks()

    def _kinds(self) -> list[Check]:
        from hive_tui.services.checks.own_kinds import OwnKinds

        return OwnKinds(self._hive.own_kinds, lambda: self._hive.kinds).checks()

    def _effects(self) -> list[Check]:
        from hive_tui.services.checks.effects import Effects

        hive = self._hive
        return Effects(lambda: hive.database, hive.clock).checks()

    def _machine(self) -> list[Check]:
        from hive_tui.services.checks.machine import Machine

        machine = self._hive.machine
        return Machine(lambda: machine.looked_at() if machine.is_on else None, self._hive.clock).checks()

    def _waking(self) -> list[Check]:
        from hive_tui.services.checks.waking import Waking

        hive = self._hive
        return Waking(
            hive.home,
            lambda: hive.database,
            hive.heartbeat_lock,
            hive.settings,
            hive.clock,
            lambda: hive.stream_server,
        ).checks()

    def _released(self) -> list[Check]:
        from hive_tui.services.checks.released import Released

        hive = self._hive
        return Released(hive.home, lambda: hive.database, hive.processes, hive.heartbeat_lock, hive.clock).checks()

    def _surroundings(self) -> list[Check]:
        from hive_tui.services.checks.disk import Disk
        from hive_tui.services.checks.hooks import Hooks
        from hive_tui.services.checks.notifying import Notifying
        from hive_tui.services.checks.programs import Programs
        from hive_tui.services.hook_install import HookInstaller

        hive = self._hive
        installer = HookInstaller(hive.home, os.environ, ("hive-tui",), hive.clock)
        return [
            *Programs(hive.panes, hive.tmux, hive.settings).checks(),
            *Hooks(installer).checks(),
            *Notifying(hive.notifier.probe, hive.settings, lambda: hive.database, hive.clock).checks(),
            *Disk(hive.home, hive.settings).checks(),
            *hive.remembering.meaning_checks(),
        ]
