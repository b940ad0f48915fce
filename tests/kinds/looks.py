"""Looks at agents that do not run: real captures of screens, files in a folder, processes that only stand there."""

import json
import os
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from hive_tui.domain.processes import ProcessId, ProcessTable
from hive_tui.kinds.kind import Look
from hive_tui.kinds.screen import Screen
from tests.builders import NOON, a_pane, a_process

CAPTURES = Path(__file__).parent / "captures"
PID = 100
ID = "0b5c8a4e-1f2d-4c3b-8a7e-9d6f5e4c3b2a"
OTHER_ID = "ffffffff-0000-4000-8000-000000000000"


def captured(name: str) -> Screen:
    """A screen of the real program; `name` is like `claude/idle-fresh`."""
    return Screen((CAPTURES / f"{name}.txt").read_text(encoding="utf-8"))


class StandingProcesses:
    """Processes that were all started at noon and hold the files open that a test says."""

    ticks_per_s = 100

    def __init__(self, open_files: Mapping[int, Sequence[str]] | None = None) -> None:
        self._open_files = open_files or {}

    def table(self) -> ProcessTable:
        return ProcessTable([a_process(PID)])

    def trees(self) -> "StandingProcesses":
        return self

    def below(self, roots: Collection[int]) -> ProcessTable:
        return self.table()

    def again(self, roots: Collection[int]) -> None:
        return None

    def is_alive(self, process: ProcessId) -> bool:
        return process == a_process(PID).id

    def argv(self, pid: int) -> tuple[str, ...]:
        return ()

    def environ(self, pid: int) -> Mapping[str, str]:
        return {}

    def cwd(self, pid: int) -> str:
        return ""

    def is_in(self, pid: int, folder: str) -> bool:
        return False

    def open_files(self, pid: int) -> Sequence[str]:
        return self._open_files.get(pid, ())

    def anonymous_bytes(self, pid: int) -> int:
        return 0

    def started_at(self, process: ProcessId) -> datetime:
        return NOON

    def signal(self, process: ProcessId, number: int) -> bool:
        return False


def a_look(
    home: Path,
    argv: Sequence[str] = ("claude",),
    *,
    screen: Screen | str = "",
    title: str = "",
    output_at: int = 0,
    open_files: Mapping[int, Sequence[str]] | None = None,
    **facts: Any,
) -> Look:
    """One look at process 100 in /home/ada/engine, whose HOME is the folder `home`."""
    root = a_process(PID)
    values: dict[str, Any] = {
        "root": root,
        "tree": (root,),
        "argv": tuple(argv),
        "cwd": "/home/ada/engine",
        "environ": {"HOME": str(home)},
        "pane": a_pane(title=title, output_at=output_at),
        "screen": Screen(screen) if isinstance(screen, str) else screen,
        "processes": StandingProcesses(open_files),
    }
    return Look(**{**values, **facts})


def write_status(folder: Path, *, pid: int = PID, **facts: Any) -> Path:
    """The status file of the process that `a_look` looks at."""
    path = folder / "sessions" / f"{pid}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"pid": pid, "procStart": str(pid * 10), "status": "idle", **facts}), encoding="utf-8")
    return path


def write_lines(path: Path, records: Sequence[Mapping[str, Any]], *, at: datetime = NOON) -> Path:
    """A transcript in JSON lines, last written at some time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    os.utime(path, (at.timestamp(), at.timestamp()))
    return path
