"""The processes below some others, for who looks again and again: most of a machine's are none of them."""

from collections.abc import Callable, Collection, Mapping

from hive_tui.domain.processes import Process, ProcessTable

ALL_ANEW_EVERY = 12
"""So many looks at most tell a process by its id alone from one that has come since, with the id of one that ended."""


class KnownProcesses:
    """Reads at each look what is below the roots, what was there, and what is new; others only once.

    A process comes below a root only by being started there: nothing takes a parent that was none of those above it.
    So it is enough to read each process once to know that it is a stranger. For one thread at a time.

    Args:
        pids: The ids of all processes now.
        read: One process now; None for one that is gone, or a zombie.
    """

    def __init__(self, pids: Callable[[], Collection[int]], read: Callable[[int], Process | None]) -> None:
        self._pids = pids
        self._read = read
        self._parents: dict[int, int] = {}
        """The parent that each process had when it was read."""
        self._members: frozenset[int] = frozenset()
        self._roots: frozenset[int] = frozenset()
        self._looks = 0
        self._found: dict[int, Process] = {}
        """What was read of the members."""
        self._below: dict[frozenset[int], frozenset[int]] = {}
        """Members below some roots, as long as none has come or gone."""

    def below(self, roots: Collection[int]) -> ProcessTable:
        """The roots that run, and all below them."""
        is_anew = not 0 < self._looks < ALL_ANEW_EVERY or not self._roots.issuperset(roots)
        self._looks = 1 if is_anew else self._looks + 1
        if is_anew:
            self._parents.clear()
        self._roots = frozenset(roots)
        self._read_those_left(self._members, self._roots, frozenset(self._pids()))
        return ProcessTable(self._found.values())

    def again(self, roots: Collection[int]) -> ProcessTable | None:
        """These roots and what is below them, as long as nothing has come or gone below the others."""
        before, listed, mine = self._members, frozenset(self._pids()), self._members_below(frozenset(roots))
        self._looks += 1
        if before <= listed and self._are_where_they_were(mine, listed):
            return ProcessTable(self._found[pid] for pid in mine)
        self._read_those_left(mine, roots, listed)
        if self._members - (now := self._tree(roots)) == before - mine:
            return ProcessTable(self._found[pid] for pid in now & self._found.keys())
        self._members |= before  # whom those that are gone have left behind may be anywhere now: all are read next time
        return None

    def _members_below(self, roots: frozenset[int]) -> frozenset[int]:
        found = self._below.get(roots)
        if found is None:
            found = self._below[roots] = _below(roots, {pid: one.ppid for pid, one in self._found.items()})
        return found

    def _are_where_they_were(self, mine: frozenset[int], listed: frozenset[int]) -> bool:
        """Read these members and what is new; whether all of those are left, and nothing new is below any member.

        Where no member has gone, none has another parent.
        """
        self._forget_all_but(listed)
        new = listed - self._parents.keys()
        found = self._read_all(mine | new if new else mine)
        if not found.keys() >= mine or any(found[pid].ppid in self._members for pid in new & found.keys()):
            return False
        self._found.update((pid, found[pid]) for pid in mine)
        return True

    def _forget_all_but(self, listed: frozenset[int]) -> None:
        for pid in self._parents.keys() - listed:
            del self._parents[pid]

    def _read_those_left(self, members: frozenset[int], roots: Collection[int], listed: frozenset[int]) -> None:
        """Read these members, what is new of all processes, and what turns out to be below these roots."""
        self._forget_all_but(listed)
        # Members first: who loses a parent in the middle of a tree may have got one farther up in it.
        found = self._read_all((listed - self._parents.keys()) | (members & listed))
        found |= self._read_all(self._tree(roots) - found.keys())
        self._members = self._tree(self._roots)
        self._found = {pid: one for pid in self._members if (one := found.get(pid) or self._found.get(pid)) is not None}
        self._below = {}

    def _read_all(self, pids: Collection[int]) -> dict[int, Process]:
        found = {pid: process for pid in pids if (process := self._read(pid)) is not None}
        for pid in pids:
            self._parents.pop(pid, None)
        self._parents.update((pid, process.ppid) for pid, process in found.items())
        return found

    def _tree(self, roots: Collection[int]) -> frozenset[int]:
        return _below(roots, self._parents)


def _below(roots: Collection[int], parents: Mapping[int, int]) -> frozenset[int]:
    """Those of the roots that have a parent here, and all below them."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents.items():
        children.setdefault(parent, []).append(pid)
    members = {pid for pid in roots if pid in parents}
    left = list(members)
    while left:
        below = [pid for pid in children.get(left.pop(), ()) if pid not in members]
        members.update(below)
        left += below
    return frozenset(members)
