"""What the hive has to do with: files, tmux, processes, git, Redis, the desktop."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from hive_tui.adapters.clock import SystemClock
from hive_tui.assembly.part import part
from hive_tui.services.hub import Hub

if TYPE_CHECKING:
    from hive_tui.adapters.doorbell import Doorbell
    from hive_tui.adapters.locks import AgentLocks, FileLock
    from hive_tui.domain.ports import Clock, Layouts, Notifier, Panes, Processes, StreamServer, Workspaces
    from hive_tui.kinds.catalog import Kinds
    from hive_tui.settings import Settings
    from hive_tui.store.database import Database

MEGABYTE = 1_000_000


class Outside:
    """Parts of the hive, each made, and its module imported, when it is first asked for.

    So `--help`, short commands and the first paint pay only for what they use.

    Args:
        home: Folder of database, checkpoints and locks.
        settings: Every knob.
        tmux_socket: As for `tmux -L` or, with a slash, `tmux -S`; None for tmux's own choice.
        clock: Time; tests give their own.
        notifier: Messages on the desktop; tests give their own.
        kinds_folder: The person's own manifests of kinds; None for none.
        settings_file: Where the settings come from; None for a hive that has no file of its own.
    """

    def __init__(
        self,
        home: Path,
        settings: Settings,
        tmux_socket: str | None = None,
        *,
        clock: Clock | None = None,
        notifier: Notifier | None = None,
        kinds_folder: Path | None = None,
        settings_file: Path | None = None,
    ) -> None:
        from hive_tui.adapters.tmux.client import TmuxClient
        from hive_tui.adapters.tmux.control import ControlClient

        self.home = home
        self.settings = settings
        self.clock: Clock = clock or SystemClock()
        self._notifier = notifier
        self._kinds_folder = kinds_folder
        self.settings_file = settings_file
        self.tmux = TmuxClient(tmux_socket, timeout_s=settings.tmux.timeout_s)
        self.looking = ControlClient(tmux_socket, self.clock, timeout_s=settings.tmux.timeout_s)
        self.hub = Hub()

    @part
    def database(self) -> Database:
        from hive_tui.store.database import Database

        return Database(self.home / "hive.db", self.clock)

    @property
    def opened_database(self) -> Database | None:
        """The database, if anybody has asked for it yet."""
        return self.__dict__.get("database")

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
    def kinds(self) -> Kinds:
        from hive_tui.kinds.catalog import Kinds

        return Kinds(self._kinds_folder)

    @property
    def own_kinds(self) -> list[Path]:
        """The person's own manifests."""
        return sorted(self._kinds_folder.glob("*.toml")) if self._kinds_folder is not None else []

    def check_own_kinds(self) -> None:
        """Read the kinds now if a person has changed or added some: theirs may be wrong, ours are not.

        Raises:
            ConfigError: One is; the sentence names file, line and key.
        """
        if self.own_kinds:
            self.kinds  # noqa: B018 - made when it is asked for

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

    @part
    def stream_server(self) -> StreamServer | None:
        wanted = self.settings.redis
        if not wanted.url:
            return None
        from hive_tui.adapters.redis.reading import Limits as StreamLimits
        from hive_tui.adapters.redis.streams import Access, RedisStreams

        access = Access(wanted.url, wanted.pattern, wanted.flag, wanted.timeout_s, wanted.patience_s)
        return RedisStreams(access, StreamLimits(wanted.entries_limit, wanted.size_limit_mb * MEGABYTE))
