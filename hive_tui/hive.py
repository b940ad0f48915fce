"""Puts everything together: the one place that knows all parts."""

import os
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from random import Random

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.doorbell import Doorbell
from hive_tui.adapters.folder.walk import FolderLimits
from hive_tui.adapters.folder.workspaces import FolderWorkspaces
from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.adapters.locks import AgentLocks, FileLock
from hive_tui.adapters.processes import system_processes
from hive_tui.adapters.tmux.client import TmuxClient
from hive_tui.adapters.tmux.control import ControlClient
from hive_tui.adapters.tmux.layouts import LayoutBuilder
from hive_tui.adapters.tmux.panes import TmuxPanes
from hive_tui.adapters.workspaces import AnyWorkspaces
from hive_tui.config import Settings
from hive_tui.domain.ports import Clock, Layouts, Notifier, Panes, Processes, Workspaces
from hive_tui.domain.retry import RetryPolicy
from hive_tui.kinds.catalog import Kinds
from hive_tui.services.alerts import Alerts, Unheard
from hive_tui.services.conversation import Conversation
from hive_tui.services.dispatch import Dispatcher
from hive_tui.services.doctor import Doctor
from hive_tui.services.explain import Explainer
from hive_tui.services.eyes import Eyes
from hive_tui.services.fill_in import FillIn
from hive_tui.services.foreground import Foreground
from hive_tui.services.glance import Glance
from hive_tui.services.heartbeat import Heartbeat
from hive_tui.services.hub import Hub
from hive_tui.services.messages import Messenger
from hive_tui.services.nap import Napper
from hive_tui.services.observer import Observer
from hive_tui.services.pane_building import PaneBuilder
from hive_tui.services.queue import WakeupQueue
from hive_tui.services.recovery import Recovery
from hive_tui.services.registry import Registry
from hive_tui.services.restore import Restorer
from hive_tui.services.snapshot import Snapshotter
from hive_tui.services.starting import Starter
from hive_tui.services.validation import Validator
from hive_tui.services.wake import Waker
from hive_tui.store.database import Database

MEGABYTE = 1_000_000


class Hive:
    """The parts, each made when it is first asked for; short commands pay only for what they use.

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
        self.home = home
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._notifier = notifier
        self.tmux = TmuxClient(tmux_socket, timeout_s=settings.tmux.timeout_s)
        self.looking = ControlClient(tmux_socket, self.clock, timeout_s=settings.tmux.timeout_s)
        self.hub = Hub()

    @cached_property
    def database(self) -> Database:
        return Database(self.home / "hive.db", self.clock)

    @cached_property
    def processes(self) -> Processes:
        return system_processes()

    @cached_property
    def panes(self) -> Panes:
        return TmuxPanes(self.looking, self.processes)

    @cached_property
    def layouts(self) -> Layouts:
        return LayoutBuilder(self.tmux)

    @cached_property
    def builder(self) -> PaneBuilder:
        return PaneBuilder(self.database, self.panes, self.layouts, self.processes, self.clock)

    @cached_property
    def kinds(self) -> Kinds:
        return Kinds()

    @cached_property
    def locks(self) -> AgentLocks:
        return AgentLocks(self.home / "locks", self.clock)

    @cached_property
    def heartbeat_lock(self) -> FileLock:
        return FileLock(self.home / "locks" / "heartbeat.lock")

    @cached_property
    def doorbell(self) -> Doorbell:
        return Doorbell(self.home)

    @cached_property
    def workspaces(self) -> Workspaces:
        wanted = self.settings.checkpoint
        file_bytes, total_bytes = wanted.untracked_limit_mb * MEGABYTE, wanted.folder_limit_mb * MEGABYTE
        of_git = Limits(wanted.history_limit_mb * MEGABYTE, file_bytes, total_bytes)
        of_folder = FolderLimits(file_bytes, total_bytes, wanted.folder_limit_files)
        ours = (self.home,)
        git = GitWorkspaces(self.clock, of_git, ours, memory=self.home / "git")
        return AnyWorkspaces(git, FolderWorkspaces(self.clock, of_folder, ours))

    @cached_property
    def notifier(self) -> Notifier:
        if self._notifier is not None:
            return self._notifier
        if not self.settings.notify.desktop:
            return Unheard()
        from hive_tui.adapters.notify import DesktopNotifier

        return DesktopNotifier(self.clock, sound=self.settings.notify.sound)

    def new_eyes(self) -> Eyes:
        """Eyes with no memory yet, for one nap or one wake."""
        return Eyes(self.panes, self.processes, self.kinds, self.clock)

    @cached_property
    def observer(self) -> Observer:
        return Observer(self.database, self.new_eyes(), self.locks, self.clock, self.hub)

    @cached_property
    def queue(self) -> WakeupQueue:
        return WakeupQueue(self.database, self.doorbell.ring, self.clock, self.hub)

    @cached_property
    def snapshotter(self) -> Snapshotter:
        return Snapshotter(self.home, self.database, self.panes, self.workspaces, self.kinds, self.clock, self.hub)

    @cached_property
    def validator(self) -> Validator:
        return Validator(self.database, self.snapshotter, self.workspaces, self.clock, self.hub)

    @cached_property
    def napper(self) -> Napper:
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

    @cached_property
    def waker(self) -> Waker:
        fill_in = FillIn(self.database, self.validator, self.snapshotter, self.workspaces, self.kinds, self.hub)
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

    @cached_property
    def retry_policy(self) -> RetryPolicy:
        return RetryPolicy(self.settings.retry.waits_s, self.settings.retry.jitter)

    @cached_property
    def dispatcher(self) -> Dispatcher:
        return Dispatcher(self.database, self.waker, self.clock, self.hub, self.retry_policy, Random())

    @cached_property
    def foreground(self) -> Foreground:
        name = f"command:{os.getpid()}"
        return Foreground(self.database, self.dispatcher, self.heartbeat_lock, self.clock, name)

    @cached_property
    def restorer(self) -> Restorer:
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
            self.clock,
            self.hub,
        )

    @cached_property
    def recovery(self) -> Recovery:
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

    @cached_property
    def registry(self) -> Registry:
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

    @cached_property
    def explainer(self) -> Explainer:
        return Explainer(self.database, self.napper, self.panes, self.processes, self.kinds, self.clock)

    @cached_property
    def doctor(self) -> Doctor:
        return Doctor(
            self.home,
            lambda: self.database,
            self.panes,
            self.tmux,
            self.heartbeat_lock,
            self.notifier.probe,
            self.settings,
        )

    @cached_property
    def alerts(self) -> Alerts:
        return Alerts(self.database, self.notifier, self.clock, calls=self.settings.notify.needs_you)

    def heartbeat(self, *, observe_every_s: float, on_observed: "Callable[..., None]" = lambda _: None) -> Heartbeat:
        """A heartbeat for this process; it works as soon as no other one does."""
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
        )
        if self.settings.tmux.control_mode:
            self.looking.switch_on(heartbeat.stir)
        return heartbeat

    def close(self) -> None:
        """Close what was opened."""
        self.looking.close()
        if "database" in self.__dict__:
            self.database.close()

    def _prelude(self, name: str) -> str:
        agent = self.settings.agents.get(name)
        return agent.wake_prelude if agent else ""
