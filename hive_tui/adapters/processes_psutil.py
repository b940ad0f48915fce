"""The machine's processes by psutil, for macOS. Slower than /proc, and loaded only where that is missing."""

import os
import subprocess
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import psutil

from hive_tui.domain.processes import Process, ProcessId, ProcessTable

GONE = (psutil.Error, OSError)
"""What reading of a process that is gone, or is not ours, raises."""

PS_S = 5.0


class PsutilProcesses:
    """Reads what psutil gives."""

    ticks_per_s = 100

    def table(self) -> ProcessTable:
        """All processes now."""
        _forget_terminals()
        groups = _foreground_groups()
        looks = (self._look(process, groups.get(process.pid, -1)) for process in psutil.process_iter())
        return ProcessTable(found for found in looks if found is not None)

    def trees(self) -> "PsutilProcesses":
        """The whole table each time: what it takes most time for is done for all processes at once."""
        return self

    def below(self, roots: Collection[int]) -> ProcessTable:
        """All processes now."""
        return self.table()

    def again(self, roots: Collection[int]) -> None:
        """Nothing: a part takes as long as all of them."""

    def is_alive(self, process: ProcessId) -> bool:
        """Whether exactly this process is there and is no zombie."""
        with suppress(*GONE):
            found = self._look(psutil.Process(process.pid))
            return found is not None and found.started == process.started
        return False

    def argv(self, pid: int) -> tuple[str, ...]:
        """Command line."""
        with suppress(*GONE):
            return tuple(psutil.Process(pid).cmdline())
        return ()

    def environ(self, pid: int) -> Mapping[str, str]:
        """Environment at its start."""
        with suppress(*GONE):
            return psutil.Process(pid).environ()
        return {}

    def cwd(self, pid: int) -> str:
        """Working directory."""
        with suppress(*GONE):
            return str(psutil.Process(pid).cwd()).removesuffix(" (deleted)")
        return ""

    def is_in(self, pid: int, folder: str) -> bool:
        """Whether its working directory has this path; whether it was removed meanwhile cannot be told."""
        return bool(folder) and self.cwd(pid) == folder

    def open_files(self, pid: int) -> Sequence[str]:
        """Paths of its open files."""
        with suppress(*GONE):
            return [file.path for file in psutil.Process(pid).open_files()]
        return []

    def anonymous_bytes(self, pid: int) -> int:
        """The memory that only this process holds (USS)."""
        with suppress(*GONE):
            return int(psutil.Process(pid).memory_full_info().uss)
        return 0

    def started_at(self, process: ProcessId) -> datetime:
        """Start time as aware UTC."""
        return datetime.fromtimestamp(process.started / 1000, UTC)

    def signal(self, process: ProcessId, number: int) -> bool:
        """Send a signal after looking that the process is the one that is meant."""
        with suppress(*GONE):
            if self.is_alive(process):
                psutil.Process(process.pid).send_signal(number)
                return True
        return False

    def _look(self, process: psutil.Process, foreground_group: int = -1) -> Process | None:
        with suppress(*GONE), process.oneshot():
            if process.status() == psutil.STATUS_ZOMBIE:
                return None
            times = process.cpu_times()
            group = os.getpgid(process.pid)
            return Process(
                pid=process.pid,
                started=round(process.create_time() * 1000),
                ppid=process.ppid(),
                pgrp=group,
                tty=_tty_number(process.terminal()),
                tpgid=foreground_group,
                comm=process.name(),
                cpu_ticks=round((times.user + times.system) * self.ticks_per_s),
            )
        return None


def _forget_terminals() -> None:
    """Psutil reads the list of terminals once and for all; panes that open later would have none."""
    from psutil import _psposix

    forget = getattr(_psposix.get_terminal_map, "cache_clear", None)
    if forget is not None:
        forget()


def _tty_number(path: str | None) -> int:
    with suppress(OSError):
        return Path(path).stat().st_rdev if path else 0
    return 0


def _foreground_groups() -> dict[int, int]:
    """The group in front of each process's terminal; psutil has none, and the kernel tells only of one's own."""
    with suppress(OSError, subprocess.SubprocessError):
        said = subprocess.run(
            ["ps", "-axo", "pid=,tpgid="], stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=PS_S
        )
        pairs = (line.split() for line in said.stdout.splitlines())
        return {int(pid): int(group) or -1 for pid, group in pairs}
    return {}
