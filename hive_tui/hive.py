"""Puts everything together: the one place that knows all parts."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING

from hive_tui.domain.errors import HiveError
from hive_tui.outside import Outside
from hive_tui.part import part

if TYPE_CHECKING:
    from hive_tui.domain.beat import Beat
    from hive_tui.domain.retry import RetryPolicy
    from hive_tui.keeping import Keeping
    from hive_tui.services.alerts import Alerts
    from hive_tui.services.backups import Backups
    from hive_tui.services.context_search import ContextSearch
    from hive_tui.services.dispatch import Dispatcher
    from hive_tui.services.doctor import Doctor
    from hive_tui.services.explain import Explainer
    from hive_tui.services.eyes import Eyes
    from hive_tui.services.foreground import Foreground
    from hive_tui.services.handoff import Handoffs
    from hive_tui.services.heartbeat import Heartbeat
    from hive_tui.services.nap import Napper
    from hive_tui.services.observer import Observation, Observer
    from hive_tui.services.pane_building import PaneBuilder
    from hive_tui.services.queue import WakeupQueue
    from hive_tui.services.recovery import Recovery
    from hive_tui.services.registry import Registry
    from hive_tui.services.restore import Restorer
    from hive_tui.services.schedule import Schedule
    from hive_tui.services.scheduler import Scheduler
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

        return Eyes(self.panes, self.processes, self.kinds, self.clock)

    @part
    def observer(self) -> Observer:
        from hive_tui.services.observer import Observer

        return Observer(self.database, self.new_eyes(), self.locks, self.clock, self.hub)

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
        from hive_tui.keeping import Keeping

        return Keeping(self)

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
    def handoffs(self) -> Handoffs:
        from hive_tui.domain.handoffs import ContextMode, ContextPolicy
        from hive_tui.services.handoff import Handoffs

        wanted = self.settings.handoff
        policy = ContextPolicy(wanted.auto_above_tokens, wanted.cache_s)
        return Handoffs(
            self.database,
            self.kinds,
            self.clock,
            default=ContextMode(wanted.default),
            policy=policy,
            rewritten=lambda agent_id, sha256: self.keeping.consolidation.rewritten(agent_id, sha256),
        )

    @part
    def searching(self) -> ContextSearch:
        from hive_tui.services.context_search import ContextSearch
        from hive_tui.store.context_index import ContextIndex

        return ContextSearch(ContextIndex(self.home / "context.db"))

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
        messenger = Messenger(self.panes, self.kinds, self.clock)
        return Waker(
            self.database,
            self.new_eyes,
            self.panes,
            self.processes,
            self.locks,
            fill_in,
            starter,
            messenger,
            self.handoffs,
            self.clock,
            self.hub,
        )

    @part
    def retry_policy(self) -> RetryPolicy:
        from hive_tui.domain.retry import RetryPolicy

        return RetryPolicy(self.settings.retry.waits_s, self.settings.retry.jitter)

    @part
    def dispatcher(self) -> Dispatcher:
        from hive_tui.services.dispatch import Dispatcher

        return Dispatcher(self.database, self.waker, self.napper, self.clock, self.hub, self.retry_policy, Random())

    @part
    def schedule(self) -> Schedule:
        from hive_tui.services.schedule import Schedule

        attempts = self.retry_policy.max_attempts
        return Schedule(self.database, self.doorbell.ring, self.clock, self.hub, max_attempts=attempts)

    @part
    def scheduler(self) -> Scheduler:
        from hive_tui.adapters.ticker import ApTicker
        from hive_tui.domain.schedule import parse_backfill
        from hive_tui.services.scheduler import Scheduler

        return Scheduler(
            self.database,
            ApTicker(lambda: self.scheduler.on_time()),
            self.doorbell.ring,
            self.clock,
            self.hub,
            backfill=parse_backfill(self.settings.schedule.backfill),
            max_attempts=self.retry_policy.max_attempts,
        )

    @part
    def foreground(self) -> Foreground:
        from hive_tui.services.foreground import Foreground

        name = f"command:{os.getpid()}"
        return Foreground(self.database, self.dispatcher, self.heartbeat_lock, self.clock, name)

    @part
    def restorer(self) -> Restorer:
        from hive_tui.services.conversation import Conversation
        from hive_tui.services.restore import Restorer

        return Restorer(
            self.home,
            self.database,
            self.locks,
            self.napper,
            self.snapshotter,
            self.validator,
            self.workspaces,
            self.observer,
            Conversation(),
            self.streams,
            self.clock,
            self.hub,
        )

    @part
    def recovery(self) -> Recovery:
        from hive_tui.services.recovery import Recovery

        return Recovery(
            self.database,
            self.observer,
            self.panes,
            self.builder,
            self.processes,
            self.locks,
            self.snapshotter,
            self.restorer,
            self.queue,
            self.clock,
            self.hub,
        )

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
    def explainer(self) -> Explainer:
        from hive_tui.services.explain import Explainer

        return Explainer(self.database, self.napper, self.panes, self.processes, self.kinds, self.clock)

    @part
    def doctor(self) -> Doctor:
        from hive_tui.services.doctor import Doctor

        return Doctor(
            self.home,
            lambda: self.database,
            self.panes,
            self.tmux,
            self.heartbeat_lock,
            self.notifier.probe,
            self.settings,
            self.clock,
            lambda: self.stream_server,
            lambda: self.keeping.mender,
            lambda: self.keeping.offsite,
        )

    @part
    def backups(self) -> Backups:
        from hive_tui.services.backups import Backups

        return Backups(self.home, self.database, self.clock, self.hub)

    @part
    def alerts(self) -> Alerts:
        from hive_tui.services.alerts import Alerts

        return Alerts(self.database, self.notifier, self.clock, calls=self.settings.notify.needs_you)

    def heartbeat(
        self,
        *,
        observe_every_s: float,
        on_observed: Callable[[Observation], None] = lambda _: None,
        beat: Beat | None = None,
    ) -> Heartbeat:
        """A heartbeat for this process; it works as soon as no other one does."""
        from hive_tui.services.glance import Glance
        from hive_tui.services.heartbeat import Heartbeat

        heartbeat = Heartbeat(
            self.database,
            self.observer,
            self.dispatcher,
            self.recovery,
            self.alerts,
            self.heartbeat_lock,
            self.doorbell,
            self.clock,
            self.hub,
            observe_every_s=observe_every_s,
            on_observed=on_observed,
            glance=Glance(self.database, self.looking, self.processes.is_alive, self.clock),
            chores=self.keeping.housekeeping.chores(self.database, self.clock),
            beat=beat,
        )
        if self.settings.tmux.control_mode:
            self.looking.switch_on(heartbeat.stir)
        return heartbeat

    def tidy_up(self) -> None:
        """After a command that may have taken checkpoints: prune, unless a heartbeat does that anyway."""
        with suppress(HiveError):
            if "snapshotter" in self.__dict__ and not self.heartbeat_lock.is_held():
                self.keeping.retention.prune_if_due()

    def close(self) -> None:
        """Close what was opened."""
        if "scheduler" in self.__dict__:
            self.scheduler.stop()
        self.looking.close()
        if "database" in self.__dict__:
            self.database.close()

    def _prelude(self, name: str) -> str:
        agent = self.settings.agents.get(name)
        return agent.wake_prelude if agent else ""
