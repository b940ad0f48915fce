"""Processes and their trees."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Protocol

from msgspec import Struct


class ProcessId(Struct, frozen=True):
    """A process beyond doubt: process ids are used again, start times are not."""

    pid: int
    started: int
    """Start time in the units of the platform (Linux: clock ticks since boot)."""


class Process(Struct, frozen=True):
    """What one look at a process shows."""

    pid: int
    started: int
    ppid: int
    pgrp: int
    tty: int
    """Device number of the controlling terminal; 0 for none."""
    tpgid: int
    """The process group in the foreground of that terminal; -1 for none."""
    comm: str
    cpu_ticks: int
    """User and system time, in clock ticks."""

    @property
    def id(self) -> ProcessId:
        """What tells this process from any other, also later."""
        return ProcessId(self.pid, self.started)


class ProcessTable:
    """All processes at one moment, by id and by parent."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._by_pid: dict[int, Process] = {process.pid: process for process in processes}
        self._children: dict[int, list[Process]] = {}
        for process in self._by_pid.values():
            self._children.setdefault(process.ppid, []).append(process)

    def __iter__(self) -> Iterator[Process]:
        return iter(self._by_pid.values())

    def get(self, pid: int) -> Process | None:
        """The process with that id, if there was one."""
        return self._by_pid.get(pid)

    def is_alive(self, process: ProcessId) -> bool:
        """Whether exactly this process was there, not a later one of the same id."""
        found = self._by_pid.get(process.pid)
        return found is not None and found.started == process.started

    def children(self, pid: int) -> list[Process]:
        """Direct children, oldest first."""
        return sorted(self._children.get(pid, ()), key=lambda child: (child.started, child.pid))

    def tree(self, pid: int) -> list[Process]:
        """The process and all below it, parents before their children."""
        root = self._by_pid.get(pid)
        if root is None:
            return []
        found = [root]
        seen = {pid}
        for process in found:
            for child in self.children(process.pid):
                if child.pid not in seen:
                    seen.add(child.pid)
                    found.append(child)
        return found

    def ancestors(self, pid: int, *, until: int) -> list[Process]:
        """The parents of `pid`, nearest first, up to and with the process `until`."""
        found: list[Process] = []
        process = self._by_pid.get(pid)
        while process is not None and process.pid != until:
            process = self._by_pid.get(process.ppid)
            if process is None or process in found:
                break
            found.append(process)
        return found


class ProcessTrees(Protocol):
    """Processes below others. It remembers what it has seen, and is for one thread at a time."""

    def below(self, roots: Collection[int]) -> ProcessTable:
        """The processes with these ids and all below them, as they are now; others may be in it, too."""
        ...

    def again(self, roots: Collection[int]) -> ProcessTable | None:
        """The processes with these ids, of those that `below` was last asked for, and all below them, as they are now.

        None where more than that may have come or gone.
        """
        ...


def cpu_share(before: Mapping[ProcessId, int], after: Iterable[Process], ticks_per_s: int, span_s: float) -> float:
    """Share of one core that processes used between two looks: 0.5 is half a core.

    A process that is new since the first look counts with all it has used.
    """
    if span_s <= 0:
        return 0.0
    used = sum(max(0, process.cpu_ticks - before.get(process.id, 0)) for process in after)
    return used / ticks_per_s / span_s
