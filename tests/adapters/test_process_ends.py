"""The ends of processes are told by the kernel, or else found by a look."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from hive_tui.adapters import process_ends
from hive_tui.adapters.process_ends import ProcessEnds
from hive_tui.adapters.processes import system_processes
from hive_tui.domain.processes import ProcessId
from tests.stage import eventually

PROCESSES = system_processes()


class Counted:
    """Counts how often a process was looked at."""

    def __init__(self) -> None:
        self.looks = 0
        self.ends = ProcessEnds(self._is_alive)

    def _is_alive(self, process: ProcessId) -> bool:
        self.looks += 1
        return PROCESSES.is_alive(process)


@pytest.fixture
def counted() -> Iterator[Counted]:
    made = Counted()
    yield made
    made.ends.close()


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(["cat"], stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def identity(process: subprocess.Popen[bytes]) -> ProcessId:
    found = PROCESSES.table().get(process.pid)
    assert found is not None
    return found.id


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


@pytest.mark.parametrize("most", [process_ends.MOST, 0], ids=["by descriptor", "by looks"])
def test_an_end_is_told_also_while_nobody_has_waited_for_the_process(
    counted: Counted, child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, most: int
):
    monkeypatch.setattr(process_ends, "MOST", most)
    known = identity(child)
    other = ProcessId(known.pid, known.started + 1)
    assert counted.ends.living([known, other]) == {known}, "a later process of the same id is another one"
    child.kill()
    eventually(lambda: counted.ends.living([known]) == frozenset())
    child.wait()
    assert counted.ends.living([known]) == frozenset()


def test_who_lives_on_is_not_looked_at(counted: Counted, child: subprocess.Popen[bytes]):
    known = identity(child)
    assert counted.ends.living([known]) == {known}
    looks = counted.looks
    assert all(counted.ends.living([known]) for _ in range(20))
    assert counted.looks == looks


def test_descriptors_are_given_back(counted: Counted, child: subprocess.Popen[bytes]):
    known, before = identity(child), descriptors()
    for _ in range(5):
        counted.ends.living([known])
        counted.ends.living([])
    counted.ends.living([known])
    assert descriptors() == before + 2
    counted.ends.close()
    assert descriptors() == before
    assert counted.ends.living([known]) == {known}, "it can begin again"
