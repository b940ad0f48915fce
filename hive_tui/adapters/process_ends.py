"""Tells which processes have ended, without reading anything of those that live."""

import os
import select
from collections.abc import Callable, Collection
from contextlib import suppress
from threading import Lock

from hive_tui.domain.processes import ProcessId

MOST = 256
"""So many are followed by a descriptor of their own, of which a program may often have a thousand."""


class ProcessEnds:
    """Follows processes by pidfds, which the kernel makes readable when their process ends.

    Where there are none to be had (no Linux, a sandbox that forbids it, no descriptors left) each is looked at.

    Args:
        is_alive: Whether exactly this process is there and is no zombie.
    """

    def __init__(self, is_alive: Callable[[ProcessId], bool]) -> None:
        self._is_alive = is_alive
        self._lock = Lock()
        self._epoll: select.epoll | None = None
        self._followed: dict[ProcessId, int] = {}
        self._by_descriptor: dict[int, ProcessId] = {}
        self._ended: set[ProcessId] = set()

    def living(self, processes: Collection[ProcessId]) -> frozenset[ProcessId]:
        """Which of these live now; others are followed no more. From any thread."""
        with self._lock:
            wanted = frozenset(processes)
            self._ended &= wanted
            for process in self._followed.keys() - wanted:
                self._leave(process)
            for process in wanted - self._followed.keys() - self._ended:
                self._follow(process)
            if self._epoll is not None:
                for descriptor, _ in self._epoll.poll(0):
                    ended = self._by_descriptor[descriptor]
                    self._leave(ended)
                    self._ended.add(ended)
            looked_at = wanted - self._followed.keys() - self._ended
            return wanted - self._ended - {process for process in looked_at if not self._is_alive(process)}

    def close(self) -> None:
        """Follow nobody any more, and give all descriptors back; it may be used again."""
        with self._lock:
            for process in list(self._followed):
                self._leave(process)
            if self._epoll is not None:
                self._epoll.close()
                self._epoll = None

    def _follow(self, process: ProcessId) -> None:
        if len(self._followed) >= MOST or not hasattr(os, "pidfd_open"):
            return
        with suppress(OSError):
            descriptor = os.pidfd_open(process.pid)
            try:
                # Asked behind the opening: from then on the descriptor stands for this very process.
                is_it = self._is_alive(process)
                if is_it:
                    self._epoll = self._epoll or select.epoll()
                    self._epoll.register(descriptor, select.EPOLLIN)
            except OSError:
                os.close(descriptor)
                raise
            if not is_it:
                os.close(descriptor)
                return
            self._followed[process] = descriptor
            self._by_descriptor[descriptor] = process

    def _leave(self, process: ProcessId) -> None:
        descriptor = self._followed.pop(process)
        del self._by_descriptor[descriptor]
        if self._epoll is not None:
            with suppress(OSError):
                self._epoll.unregister(descriptor)
        os.close(descriptor)
