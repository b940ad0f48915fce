"""The stage of the demo: folder, environment, repositories, tmux server and hive; cleared away at the end."""

import json
import os
import threading
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from hive_tui import config
from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.processes import system_processes
from hive_tui.adapters.tmux.client import TmuxClient
from hive_tui.demo import leftovers
from hive_tui.demo.deeds import Deeds
from hive_tui.demo.repositories import make_repository
from hive_tui.demo.script import Script
from hive_tui.demo.story import Story
from hive_tui.demo.surroundings import surroundings, write_programs
from hive_tui.hive import Hive
from hive_tui.services.alerts import Unheard

BACK_KEY = "F12"
"""Without a prefix: the person may stand in a tmux of their own, which would take the prefix."""


class DemoStage:
    """A hive that has nothing to do with the user's; leaving the block leaves nothing behind.

    Raises:
        TmuxMissing: There is no tmux, or it is too old.
        HiveError: Git is missing, or something else cannot be made.
    """

    hive: Hive
    story: Story
    folder: Path

    def __init__(self, script: Script) -> None:
        self._script = script
        self._clock = SystemClock()
        self._processes = system_processes()
        self._undo = ExitStack()
        self._clearing = threading.Lock()

    def __enter__(self) -> Self:
        TmuxClient().check_version()
        leftovers.sweep(self._processes, self._clock)
        try:
            self._build()
        except BaseException:
            self.clear_away()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear_away()

    def clear_away(self) -> None:
        """End and remove everything, once; a second caller waits until that is done.

        Raises:
            HiveError: Something is left.
        """
        with self._clearing:
            self._undo.close()

    def end_server(self) -> None:
        """End the tmux server: whoever is attached to one of its panes comes back."""
        leftovers.end_server(self.folder)

    def _build(self) -> None:
        self.folder = leftovers.new_folder(self._processes)
        # The environment is put back last: until nothing of the demo lives, nothing must reach the user's.
        self._undo.enter_context(surroundings(self.folder))
        self._undo.callback(leftovers.clear_away, self.folder, self._processes, self._clock)
        for name in ("agents", "hive", "tmp"):
            (self.folder / name).mkdir(mode=0o700)
        write_programs(self.folder / "bin")
        (self.folder / "config.toml").write_text(self._script.settings)
        (self.folder / "agents" / "script.json").write_text(json.dumps(dict(self._script.prompts)))
        for player in self._script.players:
            make_repository(self.work(player.name), player, home=self.folder / "user")
        self._start_server()
        settings = config.load(self.folder / "config.toml", must_exist=True)
        socket = str(self.folder / leftovers.SOCKET)
        self.hive = Hive(self.folder / "hive", settings, socket, clock=self._clock, notifier=Unheard())
        self._undo.callback(self.hive.close)
        folders = {player.name: self.work(player.name) for player in self._script.players}
        self.story = Story(self._script, Deeds(self.hive, self._script.players, folders), self.hive, self._clock)
        self._undo.callback(self.story.stop)

    def work(self, name: str) -> Path:
        """Where the agent of that name works."""
        return self.folder / "user" / "work" / name

    def _start_server(self) -> None:
        server = _FreshServer(str(self.folder / leftovers.SOCKET))
        server.run(
            ["start-server"],
            # Else it would end with the last pane, and be started again with the user's settings.
            ["set-option", "-s", "exit-empty", "off"],
            ["set-option", "-g", "mouse", "on"],
            ["set-option", "-g", "status-right", f" {BACK_KEY}: back to the dashboard "],
            ["set-option", "-g", "status-right-length", "40"],
            ["bind-key", "-n", BACK_KEY, "detach-client"],
        )


class _FreshServer(TmuxClient):
    """Starts a server that reads no settings, neither the user's nor the machine's."""

    @property
    def socket_arguments(self) -> list[str]:
        return ["-f", os.devnull, *super().socket_arguments]
