"""Clears a demo away: its processes, then its folder. Also one that was killed, the next time."""

import json
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from hive_tui.adapters.clock import wait_until
from hive_tui.adapters.tmux.client import TmuxClient
from hive_tui.demo.surroundings import MARK
from hive_tui.domain.errors import HiveError, TmuxError
from hive_tui.domain.ports import Clock, Processes
from hive_tui.domain.processes import ProcessId

BEGINNING = "hive-demo-"
MARKER = "demo.json"
SOCKET = "tmux"

LONGEST_BASE = 60
"""A path of a socket may have some hundred bytes, and much of it is ours."""
BY_THEMSELVES_S = 2.0
BY_SIGNAL_S = 2.0
REMOVALS = 5
REMOVE_EVERY_S = 0.1


def new_folder(processes: Processes) -> Path:
    """A folder of this demo's own, with a marker that says whose it is."""
    folder = Path(tempfile.mkdtemp(prefix=BEGINNING, dir=_bases()[0])).resolve()
    me = processes.table().get(os.getpid())
    (folder / MARKER).write_text(json.dumps({"pid": os.getpid(), "started": me.started if me else 0}))
    return folder


def sweep(processes: Processes, clock: Clock) -> list[Path]:
    """Clear away the demos whose process is gone; which ones.

    Only folders of ours with a marker: what merely is called like one is left alone.
    """
    found = [folder for base in _bases() for folder in _abandoned(base, processes)]
    for folder in found:
        with suppress(HiveError):
            clear_away(folder, processes, clock)
    return found


def clear_away(folder: Path, processes: Processes, clock: Clock) -> None:
    """End every process of the demo in that folder, and remove the folder.

    Raises:
        HiveError: Something is left.
    """
    end_server(folder)
    _end_processes(folder, processes, clock)
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        clock.sleep(REMOVE_EVERY_S)  # a thread that was cut short has written into it
    raise HiveError(f"The demo's folder {folder} could not be removed.", hint="Remove it by hand.")


def end_server(folder: Path) -> None:
    """End the tmux server of the demo; whoever is attached to it comes back."""
    with suppress(TmuxError):
        TmuxClient(str(folder / SOCKET)).run(["kill-server"])


def living(folder: Path, processes: Processes) -> list[ProcessId]:
    """The processes that were started in the demo of that folder, and what they have started."""
    table = processes.table()
    marked = [process.pid for process in table if processes.environ(process.pid).get(MARK) == str(folder)]
    found = {process.id for pid in marked for process in table.tree(pid)}
    return [process for process in found if process.pid != os.getpid()]


def _end_processes(folder: Path, processes: Processes, clock: Clock) -> None:
    """The tmux server has told them to hang up; those that stay are told again, one by one."""

    def nobody_lives() -> bool:
        return not living(folder, processes)

    if wait_until(nobody_lives, timeout_s=BY_THEMSELVES_S, clock=clock):
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        for process in living(folder, processes):
            processes.signal(process, number)
        if wait_until(nobody_lives, timeout_s=BY_SIGNAL_S, clock=clock):
            return


def _bases() -> list[Path]:
    """Where demos are made, the first choice first."""
    found = [Path(tempfile.gettempdir()), Path("/tmp")]
    return list(dict.fromkeys(base for base in found if len(str(base.resolve())) <= LONGEST_BASE)) or [Path("/tmp")]


def _abandoned(base: Path, processes: Processes) -> Iterator[Path]:
    table = processes.table()
    for folder in base.glob(f"{BEGINNING}*"):
        owner = _owner(folder)
        if owner is not None and not table.is_alive(owner):
            yield folder.resolve()


def _owner(folder: Path) -> ProcessId | None:
    """The process whose demo the folder is; None if it is no demo of this user."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        if folder.is_symlink() or folder.stat().st_uid != os.getuid():
            return None
        marker = json.loads((folder / MARKER).read_text())
        return ProcessId(int(marker["pid"]), int(marker["started"]))
    return None
