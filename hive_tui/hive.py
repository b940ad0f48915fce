"""Puts everything together: the one place that knows all parts."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from random import Random
from threading import RLock
from typing import TYPE_CHECKING

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.errors import HiveError
from hive_tui.services.hub import Hub

if TYPE_CHECKING:
    from hive_tui.adapters.doorbell import Doorbell
    from hive_tui.adapters.locks import AgentLocks, FileLock
    from hive_tui.config import Settings
    from hive_tui.domain.beat import Beat
    from hive_tui.domain.ports import Clock, Layouts, Notifier, Panes, Processes, StreamServer, Workspaces
    from hive_tui.domain.retry import RetryPolicy
    from hive_tui.keeping import Keeping
    from hive_tui.kinds.catalog import Kinds
    from hive_tui.services.alerts import Alerts
    from hive_tui.services.backups import Backups
    from hive_tui.services.dispatch import Dispatcher
    from hive_tui.services.doctor import Doctor
    from hive_tui.services.explain import Explainer
    from hive_tui.services.eyes import Eyes
    from hive_tui.services.foreground import Foreground
    from hive_tui.services.heartbeat import Heartbeat
    from hive_tui.services.nap import Napper
    from hive_tui.services.observer import Observation, Observer
    from hive_tui.services.pane_building import PaneBuilder
    from hive_tui.services.queue import WakeupQueue
    from hive_tui.services.recovery import Recovery
    from hive_tui.services.registry import Registry
    from hive_tui.services.restore import Restorer
    from hive_tui.services.snapshot import Snapshotter
    from hive_tui.services.streams import Streams
    from hive_tui.services.validation import Validator
    from hive_tui.services.wake import Waker
    from hive_tui.store.database import Database

MEGABYTE = 1_000_000
_making = RLock()


if TYPE_CHECKING:
    from functools import cached_property as part
else:

    class part(cached_property):
        """A cached property that several threads may ask for first; the standard one would make it for each."""

        def __get__(self, instance: object, owner: type | None = None) -> object:
            """The part, made now if nobody asked for it before."""
            with _making:
                return super().__get__(instance, owner)


class Hive:
    """The parts, each made, and its module imported, when it is first asked for.

    So `--help`, short commands and the first paint pay only for what they use.

    Args:
        home: Folder of database, checkpoints and locks.
        settings: Every knob.
        tmux_socket: As for `tmux -L` or, with a slash, `tmux -S`; None for tmux's own choice.
        clock: Time; tests give their own.
        notifier: Messages on the desktop; tests give their own.
    """

    def __init__(
        self,
        home: Path,
        settings: Settings,
        tmux_socket: str | None = None,
        *,
        clock: Clock | None = None,
        notifier: Notifier | None = None,
    ) -> None:
        from hive_tui.adapters.tmux.client import TmuxClient
        from hive_tui.adapters.tmux.control import ControlClient

        self.home = home
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._notifier = notifier
        self.tmux = TmuxClient(tmux_socket, timeout_s=settings.tmux.timeout_s)
        self.looking = ControlClient(tmux_socket, self.clock, timeout_s=settings.tmux.timeout_s)
        self.hub = Hub()

    @part
    def database(self) -> Database:
        from hive_tui.store.database import Database

        return Database(self.home / "hive.db", self.clock)

    @part
    def processes(self) -> Processes:
        from hive_tui.adapters.processes import system_processes

        return system_processes()

    @part
    def panes(self) -> Panes:
        from hive_tui.adapters.tmux.panes import TmuxPanes

        return TmuxPanes(self.looking, self.processes)

    @part
    def layouts(self) -> Layouts:
        from hive_tui.adapters.tmux.layouts import LayoutBuilder

        return LayoutBuilder(self.tmux)

    @part
    def builder(self) -> PaneBuilder:
        from hive_tui.services.pane_building import PaneBuilder

        return PaneBuilder(self.database, self.panes, self.layouts, self.processes, self.clock)

    @part
    def kinds(self) -> Kinds:
        from hive_tui.kinds.catalog import Kinds

        return Kinds()

    @part
    def locks(self) -> AgentLocks:
        from hive_tui.adapters.locks import AgentLocks

        return AgentLocks(self.home / "locks", self.clock)

    @part
    def heartbeat_lock(self) -> FileLock:
        from hive_tui.adapters.locks import FileLock

        return FileLock(self.home / "locks" / "heartbeat.lock")

    @part
    def doorbell(self) -> Doorbell:
        from hive_tui.adapters.doorbell import Doorbell

        return Doorbell(self.home)

    @part
    def workspaces(self) -> Workspaces:
        from hive_tui.adapters.folder.walk import FolderLimits
        from hive_tui.adapters.folder.workspaces import FolderWorkspaces
        from hive_tui.adapters.git.untracked import Limits
        from hive_tui.adapters.git.workspaces import GitWorkspaces
        from hive_tui.adapters.workspaces import AnyWorkspaces

        wanted = self.settings.checkpoint
        file_bytes, total_bytes = wanted.untracked_limit_mb * MEGABYTE, wanted.folder_limit_mb * MEGABYTE
        of_git = Limits(wanted.history_limit_mb * MEGABYTE, file_bytes, total_bytes)
        of_folder = FolderLimits(file_bytes, total_bytes, wanted.folder_limit_files)
        ours = (self.home,)
        git = GitWorkspaces(self.clock, of_git, ours, memory=self.home / "git")
        return AnyWorkspaces(git, FolderWorkspaces(self.clock, of_folder, ours))

    @part
    def notifier(self) -> Notifier:
        from hive_tui.services.alerts import Unheard

        if self._notifier is not None:
            return self._notifier
        if not self.settings.notify.desktop:
            return Unheard()
        from hive_tui.adapters.notify import DesktopNotifier

        return DesktopNotifier(self.clock, sound=self.settings.notify.sound)

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
    def stream_server(self) -> StreamServer | None:
        wanted = self.settings.redis
        if not wanted.url:
            return None
        from hive_tui.adapters.redis.reading import Limits as StreamLimits
        from hive_tui.adapters.redis.streams import Access, RedisStreams

        access = Access(wanted.url, wanted.pattern, wanted.flag, wanted.timeout_s, wanted.patience_s)
        return RedisStreams(access, StreamLimits(wanted.entries_limit, wanted.size_limit_mb * MEGABYTE))

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

        return Dispatcher(self.database, self.waker, self.clock, self.hub, self.retry_policy, Random())

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
        self.looking.close()
        if "database" in self.__dict__:
            self.database.close()

    def _prelude(self, name: str) -> str:
        agent = self.settings.agents.get(name)
        return agent.wake_prelude if agent else ""
