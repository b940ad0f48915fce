"""The machine's processes: from /proc on Linux, by psutil elsewhere."""

import os
import signal as signals
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from hive_tui.domain.ports import Processes
from hive_tui.domain.processes import Process, ProcessId, ProcessTable, ProcessTrees

PROC = Path("/proc")


def system_processes() -> Processes:
    """The reader that suits this platform."""
    if PROC.joinpath("self", "stat").exists():
        return LinuxProcesses()
    from hive_tui.adapters.processes_psutil import PsutilProcesses

    return PsutilProcesses()


class LinuxProcesses:
    """Reads /proc directly: a look at all processes takes some milliseconds, by psutil about ten times that."""

    def __init__(self) -> None:
        self.ticks_per_s = os.sysconf("SC_CLK_TCK")
        self._booted_at = _boot_time()

    def table(self) -> ProcessTable:
        """All processes now."""
        found = (self._stat(int(name)) for name in os.listdir(PROC) if name.isdigit())  # noqa: PTH208 - half the time
        return ProcessTable(process for process in found if process is not None)

    def trees(self) -> ProcessTrees:
        """Trees by a look at a few processes, instead of all."""
        from hive_tui.adapters.process_trees import KnownProcesses

        return KnownProcesses(_Listing().pids, self._stat)

    def is_alive(self, process: ProcessId) -> bool:
        """Whether exactly this process is there and is no zombie."""
        raw = _read(f"{PROC}/{process.pid}/stat", is_one_line=True)
        # Asked of every agent each second: only what is needed is taken apart.
        field = raw[raw.rfind(b")") + 2 :].split(None, 20)
        return len(field) > 20 and field[0] not in (b"Z", b"X") and int(field[19]) == process.started

    def argv(self, pid: int) -> tuple[str, ...]:
        """Command line."""
        raw = _read(PROC / str(pid) / "cmdline")
        title = raw.rstrip(b"\0")
        # A program that wrote a title over its words filled up what is left with zeros; else each one ends a word.
        words = raw.removesuffix(b"\0").split(b"\0") if b"\0" in title else [title]
        return tuple(word.decode(errors="surrogateescape") for word in words) if raw else ()

    def environ(self, pid: int) -> Mapping[str, str]:
        """Environment at its start."""
        pairs = _read(PROC / str(pid) / "environ").decode(errors="surrogateescape").split("\0")
        return dict(pair.split("=", 1) for pair in pairs if "=" in pair)

    def cwd(self, pid: int) -> str:
        """Working directory; of a folder that was removed, its old path."""
        with suppress(OSError):
            return os.readlink(f"{PROC}/{pid}/cwd").removesuffix(" (deleted)")  # noqa: PTH115 - half the time
        return ""

    def is_in(self, pid: int, folder: str) -> bool:
        """Whether its working directory is this very folder, and not a removed one of the same name."""
        with suppress(OSError):
            return (PROC / str(pid) / "cwd").samefile(folder)
        return False

    def open_files(self, pid: int) -> Sequence[str]:
        """Paths of its open files."""
        found: list[str] = []
        with suppress(OSError):
            for link in (PROC / str(pid) / "fd").iterdir():
                with suppress(OSError):
                    target = str(link.readlink())
                    if target.startswith("/"):
                        found.append(target)
        return found

    def anonymous_bytes(self, pid: int) -> int:
        """`RssAnon` and `VmSwap`: what only this process holds and gives back when it exits."""
        total = 0
        for line in _read(PROC / str(pid) / "status").splitlines():
            if line.startswith((b"RssAnon:", b"VmSwap:")):
                total += int(line.split()[1]) * 1024
        return total

    def started_at(self, process: ProcessId) -> datetime:
        """Start time as aware UTC."""
        return datetime.fromtimestamp(self._booted_at + process.started / self.ticks_per_s, UTC)

    def signal(self, process: ProcessId, number: int) -> bool:
        """Send a signal through a pidfd, so that it cannot hit a later process of the same id."""
        try:
            descriptor = os.pidfd_open(process.pid)
        except OSError:
            return False
        try:
            if not self.is_alive(process):
                return False
            signals.pidfd_send_signal(descriptor, signals.Signals(number))
        except OSError:
            return False
        finally:
            os.close(descriptor)
        return True

    def _stat(self, pid: int) -> Process | None:
        """One line of /proc/PID/stat; fields as in proc(5). None for one that is gone, or a zombie."""
        raw = _read(f"{PROC}/{pid}/stat", is_one_line=True)
        opened, closed = raw.find(b"("), raw.rfind(b")")
        if closed < 0:
            return None
        # Of all processes that agents have, at each look: only what is needed is taken apart.
        field = raw[closed + 2 :].split(None, 20)
        if field[0] in (b"Z", b"X"):
            return None
        return Process(
            pid=pid,
            started=int(field[19]),
            ppid=int(field[1]),
            pgrp=int(field[2]),
            tty=int(field[4]),
            tpgid=int(field[5]),
            comm=raw[opened + 1 : closed].decode(errors="replace"),
            cpu_ticks=int(field[11]) + int(field[12]),
        )


class _Listing:
    """The ids of all processes, taken apart only where they are others than the last time."""

    def __init__(self) -> None:
        self._names: Sequence[str] = ()
        self._pids: frozenset[int] = frozenset()

    def pids(self) -> frozenset[int]:
        names = os.listdir(PROC)  # noqa: PTH208 - half the time
        if names != self._names:
            self._names, self._pids = names, frozenset(int(name) for name in names if name.isdigit())
        return self._pids


def _boot_time() -> int:
    """When the machine started, in seconds since the epoch."""
    line = next(line for line in _read(PROC / "stat").splitlines() if line.startswith(b"btime "))
    return int(line.split()[1])


def _read(path: Path | str, *, is_one_line: bool = False) -> bytes:
    """A file of /proc, by plain descriptors and text paths: half the time where it is done for all processes."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    parts: list[bytes] = []
    try:
        while part := os.read(descriptor, 65_536):
            parts.append(part)
            if is_one_line:
                break
    except OSError:
        return b""
    finally:
        os.close(descriptor)
    return b"".join(parts)
