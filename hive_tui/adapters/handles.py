"""What processes hold open: files and connections. It is looked at for figures only, so nothing here ever raises."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

HOST = Path("/proc/sys/fs/file-nr")


@dataclass(frozen=True, slots=True)
class Open:
    """Counts of some processes together; what may not be read counts as nothing."""

    handles: int = 0
    """Open file descriptors, sockets among them."""
    connections: int = 0
    """Connected TCP sockets."""


def open_in(pids: Iterable[int]) -> Open:
    """What these processes hold now; those that are gone hold nothing."""
    handles = connections = 0
    with suppress(ImportError):
        import psutil  # half of a nap's look is its import: only who naps pays for it

        for pid in pids:
            with suppress(psutil.Error, OSError, RuntimeError, ValueError):
                process = psutil.Process(pid)
                handles += process.num_fds()
                found = process.net_connections(kind="tcp")
                connections += sum(one.status == psutil.CONN_ESTABLISHED for one in found)
    return Open(handles, connections)


def open_on_host() -> int | None:
    """Open files of the whole machine; None where the system does not tell."""
    with suppress(OSError, ValueError, IndexError):
        return int(HOST.read_text().split()[0])
    return None
