"""Who is connected to a service, and which processes it has, as Linux tells; elsewhere nothing is known."""

import os
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from hive_tui.adapters.clock import SystemClock

PROC = Path("/proc")
CGROUPS = Path("/sys/fs/cgroup")
ESTABLISHED, LISTEN = "01", "0A"
FRESH_S = 1.0


@dataclass(frozen=True, slots=True)
class TcpSocket:
    """A line of /proc/PID/net/tcp."""

    port: int
    """Of this end."""
    state: str
    inode: str


def tcp_sockets(pid: int | str = "self") -> list[TcpSocket] | None:
    """All TCP sockets in the network of a process; None if they cannot be read."""
    found: list[TcpSocket] = []
    is_read = False
    for name in ("tcp", "tcp6"):
        with suppress(OSError, ValueError, IndexError):
            for line in (PROC / str(pid) / "net" / name).read_text().splitlines()[1:]:
                field = line.split()
                found.append(TcpSocket(int(field[1].rsplit(":", 1)[1], 16), field[3], field[9]))
            is_read = True
    return found if is_read else None


class _LastLook:
    """The machine's sockets, for those that ask one after the other: the kernel takes 10 ms to list them.

    Whoever asks again sees them anew: between two looks at one service a client may have come.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._clock = SystemClock()
        self._at_s = float("-inf")
        self._sockets: list[TcpSocket] | None = None
        self._asked: set[object] = set()

    def sockets(self, asker: object) -> list[TcpSocket] | None:
        """Those of the last look, or of a new one."""
        with self._lock:
            now_s = self._clock.monotonic()
            if asker in self._asked or now_s - self._at_s > FRESH_S:
                self._at_s, self._sockets, self._asked = now_s, tcp_sockets(), set()
            self._asked.add(asker)
            return self._sockets


_last_look = _LastLook()


def connections(ports: Collection[int], pids: Collection[int]) -> int | None:
    """How many clients are connected to these ports, or to those that these processes listen at.

    Returns:
        None if nothing can be seen, as with processes of somebody else, or if there is no port to look at.
    """
    sockets = _last_look.sockets((tuple(ports), frozenset(pids)))
    if sockets is None or not (ports or any(_may_look_at(pid) for pid in pids)):
        return None
    inodes = set[str]().union(*(_socket_inodes(pid) for pid in pids))
    listening = set(ports) | {one.port for one in sockets if one.state == LISTEN and one.inode in inodes}
    return sum(one.state == ESTABLISHED and one.port in listening for one in sockets)


def connections_inside(pid: int) -> int | None:
    """How many clients are connected inside the network of a container, by a process of it."""
    sockets = tcp_sockets(pid)
    if sockets is None:
        return None
    listening = {one.port for one in sockets if one.state == LISTEN}
    return sum(one.state == ESTABLISHED and one.port in listening for one in sockets)


def listeners(ports: Collection[int]) -> set[int]:
    """The processes that listen at these ports, as far as they are ours to see."""
    wanted = {
        one.inode for one in _last_look.sockets(("at", *ports)) or () if one.state == LISTEN and one.port in ports
    }
    if not wanted:
        return set()
    return {pid for pid in _all_pids() if wanted & _socket_inodes(pid)}


def is_in_container(pid: int, container_id: str) -> bool:
    """Whether a process of this machine belongs to a container: an engine in a virtual machine has ids of its own."""
    with suppress(OSError):
        return bool(container_id) and container_id in (PROC / str(pid) / "cgroup").read_text()
    return False


def tree_of(pid: int) -> set[int] | None:
    """A process and all below it, without a look at all others; None where the kernel does not list children."""
    found = [pid]
    for one in found:
        try:
            tasks = list(os.scandir(PROC / str(one) / "task"))
        except OSError:
            continue  # it has ended
        for task in tasks:
            try:
                children = Path(task.path, "children").read_text()
            except FileNotFoundError:
                if Path(task.path).exists():
                    return None
            except OSError:
                continue
            else:
                found += [int(child) for child in children.split()]
    return set(found)


def pids_in_container(container_id: str) -> list[int]:
    """The processes of this machine that belong to a container."""
    return [pid for pid in _all_pids() if is_in_container(pid, container_id)]


def pids_of_cgroup(path: str) -> list[int]:
    """The processes of a control group, and of those below it."""
    found: set[int] = set()
    for hierarchy in ("", "systemd"):  # with the first version of control groups, systemd has one of its own
        with suppress(OSError, ValueError):
            for file in (CGROUPS / hierarchy / path.lstrip("/")).rglob("cgroup.procs"):
                found.update(int(line) for line in file.read_text().split())
    return sorted(found)


def cpu_seconds(pids: Iterable[int]) -> float | None:
    """Seconds that processes, and their children that have ended, have used in all; None for no process."""
    ticks, found = 0, False
    for pid in pids:
        with suppress(OSError, ValueError, IndexError):
            field = (PROC / str(pid) / "stat").read_bytes().rsplit(b")", 1)[1].split()
            ticks += sum(int(one) for one in field[11:15])  # utime, stime, cutime, cstime: see proc(5)
            found = True
    return ticks / os.sysconf("SC_CLK_TCK") if found else None


def _may_look_at(pid: int) -> bool:
    return os.access(PROC / str(pid) / "fd", os.R_OK | os.X_OK)


def _socket_inodes(pid: int) -> set[str]:
    return {found[1] for link in _links(pid) if (found := re.fullmatch(r"socket:\[(\d+)\]", link))}


def _links(pid: int) -> Iterator[str]:
    with suppress(OSError):
        for entry in os.scandir(PROC / str(pid) / "fd"):
            with suppress(OSError):
                yield os.readlink(entry.path)  # noqa: PTH115 - there may be thousands


def _all_pids() -> Iterator[int]:
    with suppress(OSError):
        yield from (int(entry.name) for entry in os.scandir(PROC) if entry.name.isdigit())
