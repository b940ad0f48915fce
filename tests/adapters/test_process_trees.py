"""Trees that are read by a few processes show the same as a look at all of them."""

from collections.abc import Iterable
from random import Random

import pytest
from msgspec import structs

from hive_tui.adapters.process_trees import ALL_ANEW_EVERY, KnownProcesses
from hive_tui.domain.processes import Process, ProcessTable
from tests.builders import a_process

INIT, PANE, OTHER_PANE, LATE_PANE = 1, 10, 20, 30


class Machine:
    """Processes that start, end, orphan their children and take the ids of others; counts how many are read."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.all = {pid: a_process(pid, ppid=0 if pid == INIT else INIT) for pid in (INIT, PANE, OTHER_PANE, LATE_PANE)}
        self.subreapers = {INIT, LATE_PANE}
        self.zombies: set[int] = set()
        self.now = 0
        self.last = 100
        self.most = 10_000
        self.readings: list[int] = []

    def read(self, pid: int) -> Process | None:
        self.readings.append(pid)
        return None if pid in self.zombies else self.all.get(pid)

    def start(self, parent: int) -> int:
        self.now += 1
        pid: int = next(
            one for one in (*range(self.last + 1, self.most), *range(100, self.most)) if one not in self.all
        )
        self.last = pid
        self.all[pid] = a_process(pid, started=self.now + 1000, ppid=parent)
        if self.random.random() < 0.2:
            self.subreapers.add(pid)
        return pid

    def end(self, pid: int) -> None:
        above = self.all[pid].ppid
        while above not in self.subreapers or above in self.zombies:
            above = self.all[above].ppid
        if self.random.random() < 0.2:
            self.zombies.add(pid)
        else:
            del self.all[pid]
        for child in [one for one in self.all.values() if one.ppid == pid]:
            self.all[child.pid] = structs.replace(child, ppid=above)
        self.subreapers.discard(pid)

    def step(self) -> None:
        """A few things happen."""
        for _ in range(self.random.randrange(12)):
            alive = [pid for pid in self.all if pid not in self.zombies]
            mortal = [pid for pid in alive if pid >= 100]
            if mortal and self.random.random() < 0.45:
                self.end(self.random.choice(mortal))
            else:
                self.start(self.random.choice(alive))
        for pid in [pid for pid in self.zombies if self.random.random() < 0.3]:
            self.zombies.discard(pid)
            del self.all[pid]

    def table(self) -> ProcessTable:
        return ProcessTable(one for pid, one in self.all.items() if pid not in self.zombies)


def shape(table: ProcessTable, roots: Iterable[int]) -> list[list[Process]]:
    return [table.tree(root) for root in roots]


@pytest.mark.parametrize("seed", range(20))
def test_trees_are_those_of_the_whole_table_whatever_happens_between_two_looks(seed: int):
    machine = Machine(Random(seed))
    known = KnownProcesses(lambda: list(machine.all), machine.read)
    roots = [PANE, OTHER_PANE]
    for look in range(150):
        machine.step()
        if look == 70:  # a pane comes, whose process had been a stranger for long
            roots.append(LATE_PANE)
        assert shape(known.below(roots), roots) == shape(machine.table(), roots), f"look {look}"


@pytest.mark.parametrize("seed", range(20))
def test_a_part_that_is_read_again_is_as_it_is_now_and_nothing_has_come_or_gone_elsewhere(seed: int):
    machine = Machine(Random(seed))
    known = KnownProcesses(lambda: list(machine.all), machine.read)
    roots = [PANE, OTHER_PANE, LATE_PANE]
    known.below(roots)
    told, before = 0, machine.table()
    for look in range(200):
        if machine.random.random() < 0.4:
            machine.step()
        part = machine.random.sample(roots, machine.random.randrange(3))
        table, now = known.again(part), machine.table()
        if table is None:
            assert shape(known.below(roots), roots) == shape(now, roots), f"look {look}"
        else:
            told += 1
            assert shape(table, part) == shape(now, part), f"look {look}"
            there, was = ({one.pid for root in {*roots} - {*part} for one in seen.tree(root)} for seen in (now, before))
            assert there <= was <= machine.all.keys(), f"look {look}"
        before = now
    assert told > 50


def test_of_the_others_nothing_is_read_when_a_part_is_read_again():
    machine = Machine(Random(0))
    child, elsewhere = machine.start(machine.start(PANE)), machine.start(OTHER_PANE)
    known = KnownProcesses(lambda: list(machine.all), machine.read)
    known.below([PANE, OTHER_PANE])
    machine.readings.clear()
    table = known.again([PANE])
    assert table is not None and child in machine.readings
    assert elsewhere not in machine.readings and OTHER_PANE not in machine.readings
    machine.start(machine.start(INIT))
    machine.end(machine.start(INIT))
    assert known.again([PANE]) is not None, "strangers come and go all the time"
    assert elsewhere not in machine.readings and OTHER_PANE not in machine.readings
    machine.start(elsewhere)
    assert known.again([PANE]) is None, "an agent that did not move has started something"


def test_strangers_are_read_once_in_a_while_and_members_at_each_look():
    machine = Machine(Random(0))
    strangers = {machine.start(INIT) for _ in range(300)}
    child = machine.start(machine.start(PANE))
    known = KnownProcesses(lambda: list(machine.all), machine.read)
    known.below([PANE])
    machine.readings.clear()
    for _ in range(ALL_ANEW_EVERY - 1):
        known.below([PANE])
    assert not strangers & set(machine.readings)
    assert machine.readings.count(child) == ALL_ANEW_EVERY - 1
    known.below([PANE])
    assert strangers < set(machine.readings)


def test_a_child_that_took_over_the_id_of_a_stranger_is_found_after_some_looks():
    machine = Machine(Random(0))
    stranger = machine.start(INIT)
    known = KnownProcesses(lambda: list(machine.all), machine.read)
    known.below([PANE])
    machine.all[stranger] = a_process(stranger, started=99_999, ppid=PANE)
    found_after = next(look for look in range(1, 99) if known.below([PANE]).get(stranger) is not None)
    assert found_after <= ALL_ANEW_EVERY
