"""Puts everything together: the one place that knows all parts."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import timedelta
from random import Random
from typing import TYPE_CHECKING

from hive_tui.assembly.outside import Outside
from hive_tui.assembly.part import part
from hive_tui.domain.errors import HiveError

if TYPE_CHECKING:
    from hive_tui.adapters.file_states import WatchedFileStates
    from hive_tui.adapters.tmux.hearing import Hearing
    from hive_tui.assembly.alerting import Alerting
    from hive_tui.assembly.effecting import Effecting
    from hive_tui.assembly.examining import Examining
    from hive_tui.assembly.keeping import Keeping
    from hive_tui.assembly.listening import Listening
    from hive_tui.assembly.machine import Machine
    from hive_tui.assembly.measuring import Measuring
    from hive_tui.assembly.recurring import Recurring
    from hive_tui.assembly.remembering import Remembering
    from hive_tui.assembly.resting import Resting
    from hive_tui.assembly.returning import Returning
    from hive_tui.assembly.serving import Unattended
    from hive_tui.assembly.spending import Spending
    from hive_tui.domain.retry import RetryPolicy
    from hive_tui.services.dispatch import Dispatcher
    from hive_tui.services.explain import Explainer
    from hive_tui.services.eyes import Eyes
    from hive_tui.services.foreground import Foreground
    from hive_tui.services.gate import Gatekeeper
    from hive_tui.services.hooks import HookReports
    from hive_tui.services.nap import Napper
    from hive_tui.services.observer import Observer
    from hive_tui.services.pane_building import PaneBuilder
    from hive_tui.services.queue import WakeupQueue
    from hive_tui.services.registry import Registry
    from hive_tui.services.schedule import Schedule
    from hive_tui.services.snapshot import Snapshotter
    from hive_tui.services.streams import Streams
    from hive_tui.services.tasks import TaskBoard
    from hive_tui.services.validation import Validator
    from hive_tui.services.wake import Waker


class Hive(Outside):
    """Outside, store and services put together; see `Outside` for the arguments."""

    @part
    def builder(self) -> PaneBuilder:
        from hive_tui.services.pane_building import PaneBuilder

        return PaneBuilder(self.database, self.panes, self.layouts, self.processes, self.clock)

    def new_eyes(self) -> Eyes:
        """Eyes with no memory yet, for one nap or one wake."""
        from hive_tui.services.eyes import Eyes

        return Eyes(self.panes, self.processes, self.kinds, self.clock, self.hook_reports, self._heard)

    @part
    def file_states(self) -> WatchedFileStates:
        from hive_tui.adapters.file_states import WatchedFileStates

        return WatchedFileStates()

    @part
    def hearing(self) -> Hearing:
        from hive_tui.adapters.tmux.hearing import Hearing

        return Hearing(self.looking, self.clock)

    @part
    def observer(self) -> Observer:
        from hive_tui.services.eyes import Eyes
        from hive_tui.services.liveness import Liveness
        from hive_tui.services.observer import Observer

        after_s = self.settings.observer.stale_after_s
        liveness = Liveness(self.database, self.hub, after=timedelta(seconds=after_s) if after_s else None)
        around = (self.panes, self.processes, self.kinds, self.clock, self.hook_reports, self._heard)
        eyes = Eyes(*around, self.file_states)
        return Observer(self.database, eyes, self.locks, self.clock, self.hub, liveness)

    @part
    def hook_reports(self) -> HookReports:
        from hive_tui.services.hooks import HookReports

        return HookReports(self.home, self.database, self.clock)

    @part
    def spending(self) -> Spending:
        from hive_tui.assembly.spending import Spending

        return Spending(self)

    @part
    def resting(self) -> Resting:
        from hive_tui.assembly.resting import Resting

        return Resting(self)

    @part
    def recurring(self) -> Recurring:
        from hive_tui.assembly.recurring import Recurring

        return Recurring(self)

    @part
    def effecting(self) -> Effecting:
        from hive_tui.assembly.effecting import Effecting

        return Effecting(self)

    @part
    def machine(self) -> Machine:
        from hive_tui.assembly.machine import Machine

        return Machine(self)

    @part
    def measuring(self) -> Measuring:
        from hive_tui.assembly.measuring import Measuring

        return Measuring(self)

    @part
    def queue(self) -> WakeupQueue:
        from hive_tui.services.queue import WakeupQueue

        return WakeupQueue(self.database, self.doorbell.ring, self.clock, self.hub)

    @part
    def tasks(self) -> TaskBoard:
        from hive_tui.services.tasks import TaskBoard

        attempts = self.retry_policy.max_attempts
        return TaskBoard(self.database, self.doorbell.ring, self.clock, self.hub, max_attempts=attempts)

    @part
    def snapshotter(self) -> Snapshotter:
        from hive_tui.services.snapshot import Snapshotter

        return Snapshotter(
            self.home,
            self.database,
            self.panes,
            self.workspaces,
            self.kinds,
            self.streams,
            self.clock,
            self.hub,
        )

    @part
    def streams(self) -> Streams:
        from hive_tui.services.streams import Streams

        required = self.settings.redis.required
        return Streams(self.stream_server, self.database, self.clock, self.hub, is_required=required)

    @part
    def validator(self) -> Validator:
        from hive_tui.services.validation import Validator

        fetch = self.keeping.offsite.bring_back
        return Validator(self.database, self.snapshotter, self.workspaces, self.clock, self.hub, fetch)

    @part
    def keeping(self) -> Keeping:
        from hive_tui.assembly.keeping import Keeping

        return Keeping(self)

    @part
    def listening(self) -> Listening:
        from hive_tui.assembly.listening import Listening

        return Listening(self)

    @part
    def napper(self) -> Napper:
        from hive_tui.services.nap import Napper

        return Napper(
            self.database,
            self.new_eyes,
            self.panes,
            self.processes,
            self.locks,
            self.snapshotter,
            self.kinds,
            self.clock,
            self.hub,
        )

    @part
    def remembering(self) -> Remembering:
        from hive_tui.assembly.remembering import Remembering

        return Remembering(self)

    @part
    def waker(self) -> Waker:
        from hive_tui.services.fill_in import FillIn
        from hive_tui.services.messages import Messenger
        from hive_tui.services.starting import Starter
        from hive_tui.services.wake import Waker

        fill_in = FillIn(
            self.database, self.validator, self.snapshotter, self.workspaces, self.kinds, self.streams, self.hub
        )
        starter = Starter(
            self.builder, self.new_eyes, self.panes, self.processes, self.kinds, self.clock, self._prelude
        )
        messenger = Messenger(self.panes, self.kinds, lambda: self.effecting.log, self.clock)
        return Waker(
            self.database,
            self.new_eyes,
            self.panes,
            self.processes,
            self.locks,
            fill_in,
            starter,
            messenger,
            self.gatekeeper,
            self.remembering.handoffs,
            self.clock,
            self.hub,
            ready=lambda agent: self.machine.ready_for(agent),
        )

    @part
    def gatekeeper(self) -> Gatekeeper:
        from hive_tui.domain.gate import GatePolicy
        from hive_tui.services.gate import Gatekeeper

        wanted = self.settings.queue
        waits = (wanted.debounce_s, wanted.debounce_most_s, wanted.cooldown_s, wanted.duplicate_s, wanted.stagger_s)
        policy = GatePolicy(*waits, self.settings.limits.most_unattended_wakes)
        return Gatekeeper(self.database, self.spending.budgets, self.clock, policy, Random())

    @part
    def retry_policy(self) -> RetryPolicy:
        from hive_tui.domain.retry import RetryPolicy

        return RetryPolicy(self.settings.retry.waits_s, self.settings.retry.jitter)

    @part
    def dispatcher(self) -> Dispatcher:
        from hive_tui.domain.breaker import BreakerPolicy
        from hive_tui.services.dispatch import Dispatcher

        wanted = self.settings.queue
        breaker = BreakerPolicy(wanted.breaker_failures, wanted.breaker_s)
        return Dispatcher(
            self.database, self.waker, self.napper, self.clock, self.hub, self.retry_policy, breaker, Random()
        )

    @part
    def schedule(self) -> Schedule:
        from hive_tui.services.schedule import Schedule

        attempts = self.retry_policy.max_attempts
        return Schedule(self.database, self.doorbell.ring, self.clock, self.hub, max_attempts=attempts)

    @part
    def foreground(self) -> Foreground:
        from hive_tui.services.foreground import Foreground

        name = f"command:{os.getpid()}"
        return Foreground(self.database, self.dispatcher, self.heartbeat_lock, self.clock, name)

    @part
    def registry(self) -> Registry:
        from hive_tui.services.registry import Registry

        return Registry(
            self.database,
            self.observer,
            self.panes,
            self.layouts,
            self.processes,
            self.locks,
            self.kinds,
            self.clock,
            self.hub,
        )

    @part
    def returning(self) -> Returning:
        from hive_tui.assembly.returning import Returning

        return Returning(self)

    @part
    def unattended(self) -> Unattended:
        from hive_tui.assembly.serving import Unattended

        return Unattended(self)

    @part
    def explainer(self) -> Explainer:
        from hive_tui.services.explain import Explainer

        around = (self.panes, self.processes, self.kinds, self.clock)
        return Explainer(self.database, self.napper, *around, self.spending.budgets, self.machine.needs_of, self._heard)

    @part
    def examining(self) -> Examining:
        from hive_tui.assembly.examining import Examining

        return Examining(self)

    @part
    def alerting(self) -> Alerting:
        from hive_tui.assembly.alerting import Alerting

        return Alerting(self)

    def finish_interrupted(self) -> None:
        """Finish or roll back what has died in the middle; what does that is made only where there is something."""
        from hive_tui.store import journal

        if self.database.read(journal.operations):
            self.returning.recovery.finish_interrupted()

    def tidy_up(self) -> None:
        """After a command that may have taken checkpoints: prune, unless a heartbeat does that anyway."""
        with suppress(HiveError):
            if "snapshotter" in self.__dict__ and not self.heartbeat_lock.is_held():
                self.keeping.retention.prune_if_due()

    def close(self) -> None:
        """Close what was opened."""
        if "listening" in self.__dict__:
            self.listening.close()
        if "hearing" in self.__dict__:
            self.hearing.close()
        if "file_states" in self.__dict__:
            self.file_states.close()
        self.looking.close()
        if self.opened_database is not None:
            self.opened_database.close()

    def _heard(self) -> Hearing | None:
        """What hears reports to terminals; only where a heartbeat listens, since it costs a client of tmux."""
        return self.hearing if self.looking.is_on and self.settings.tmux.terminal_status else None

    def _prelude(self, name: str) -> str:
        agent = self.settings.agents.get(name)
        return agent.wake_prelude if agent else ""
