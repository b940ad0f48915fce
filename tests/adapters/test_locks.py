"""Locks between real processes: exclusive, and given back by the kernel when their holder dies."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from hive_tui.adapters.locks import AgentLocks, FileLock
from hive_tui.domain.errors import AgentBusy, StoreError
from tests.clocks import FakeClock
from tests.stage import ROOT, eventually
from tests.users import without_root

HOLDER = """
import sys
from pathlib import Path
from hive_tui.adapters.locks import FileLock
print(FileLock(Path(sys.argv[1])).try_take(sys.argv[2]), flush=True)
sys.stdin.read()
"""
ASKER = """
import sys
from pathlib import Path
from hive_tui.adapters.locks import FileLock
lock = FileLock(Path(sys.argv[1]))
print(sum(lock.is_held() for _ in range(20_000)), flush=True)
"""
TAKER = """
import sys
from pathlib import Path
from hive_tui.adapters.locks import FileLock
sys.stdin.readline()
print(FileLock(Path(sys.argv[1])).try_take("race"), flush=True)
sys.stdin.read()
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python programs with a pipe on both ends, and ends them after the test."""
    with ExitStack() as ends:

        def run(program: str, *arguments: object) -> subprocess.Popen[str]:
            words = [sys.executable, "-c", program, *map(str, arguments)]
            process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
            ends.callback(process.communicate)
            ends.callback(process.kill)
            return process

        yield run


def said(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "locks" / "agent-1.lock"


@pytest.fixture
def locks(path: Path) -> AgentLocks:
    return AgentLocks(path.parent, FakeClock())


def test_a_lock_has_one_holder_in_one_process(path: Path):
    first, second = FileLock(path), FileLock(path)
    assert first.try_take("nap")
    assert not second.try_take("wake") and not first.try_take("nap"), "not even its holder takes it twice"
    assert first.is_held() and second.is_held()
    first.release()
    assert not second.is_held()
    assert second.try_take("wake")


def test_a_lock_of_another_process_is_refused_and_its_holder_is_named(path: Path, start: Start, locks: AgentLocks):
    holder = start(HOLDER, path, "nap")
    assert said(holder) == "True"
    assert FileLock(path).holder() == {"pid": holder.pid, "purpose": "nap"}
    with pytest.raises(AgentBusy) as refused, locks.agent("1", purpose="wake"):
        pass
    assert refused.value.what == f"Another hive-tui works on this agent (nap, process {holder.pid})."
    assert refused.value.hint


def test_of_many_processes_that_take_a_lock_at_once_one_gets_it(path: Path, start: Start):
    takers = [start(TAKER, path) for _ in range(6)]
    for taker in takers:
        assert taker.stdin is not None
        taker.stdin.write("\n")
        taker.stdin.flush()
    assert sorted(said(taker) for taker in takers) == ["False"] * 5 + ["True"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=lambda number: number.name)
def test_a_lock_is_free_as_soon_as_its_holder_was_killed(path: Path, start: Start, number: signal.Signals):
    holder = start(HOLDER, path, "nap")
    assert said(holder) == "True"
    holder.send_signal(number)
    eventually(lambda: FileLock(path).try_take("wake"), "the dead process holds it no more")
    assert FileLock(path).holder()["pid"] == os.getpid()


def test_a_program_that_was_started_under_a_lock_does_not_keep_it(path: Path, start: Start):
    lock = FileLock(path)
    assert lock.try_take("launch")
    child = start("import sys; print('up', flush=True); sys.stdin.read()")
    assert said(child) == "up"
    lock.release()
    assert child.poll() is None and not FileLock(path).is_held()


def test_an_agents_lock_is_given_back_also_after_an_error(locks: AgentLocks):
    with suppress(ZeroDivisionError), locks.agent("1", purpose="nap"):
        assert locks.held_agents(["1"]) == {"1"}
        raise ZeroDivisionError
    assert locks.held_agents(["1"]) == set()
    with locks.agent("1", purpose="wake"):
        pass


def test_whoever_waits_gets_the_lock_when_its_holder_is_done(path: Path, start: Start):
    holder = start(HOLDER, path, "nap")
    assert said(holder) == "True"

    class Hurrying(FakeClock):
        """The holder ends while somebody waits."""

        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            holder.kill()
            holder.wait()

    with AgentLocks(path.parent, Hurrying()).agent("1", purpose="wake", wait_s=60):
        assert FileLock(path).holder()["purpose"] == "wake"


def test_the_held_agents_are_those_whose_lock_somebody_holds(path: Path, start: Start, locks: AgentLocks):
    assert locks.held_agents(["1", "2", "3"]) == set(), "none was ever taken, and there is no folder yet"
    holder = start(HOLDER, path, "nap")
    assert said(holder) == "True"
    with locks.agent("2", purpose="checkpoint"):
        assert locks.held_agents(["1", "2", "3"]) == {"1", "2"}
        assert locks.held_agents(["3"]) == set()
    assert locks.held_agents(["1", "2", "3"]) == {"1"}


def test_asking_creates_nothing(path: Path, locks: AgentLocks):
    assert not FileLock(path).is_held() and locks.held_agents(["1"]) == set()
    assert FileLock(path).holder() == {}
    assert not path.parent.exists()


def test_two_processes_that_only_ask_never_take_each_other_for_a_holder(path: Path, start: Start):
    lock = FileLock(path)
    assert lock.try_take("nap")
    lock.release()
    askers = [start(ASKER, path) for _ in range(2)]
    assert [said(asker) for asker in askers] == ["0", "0"]


def test_a_lock_file_and_its_folder_are_for_their_owner_alone(path: Path):
    assert FileLock(path).try_take("nap")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_a_lock_file_with_nonsense_in_it_is_still_a_lock(path: Path, locks: AgentLocks):
    path.parent.mkdir()
    path.write_bytes(b"\xff[1, 2" * 100)
    assert FileLock(path).holder() == {}
    with locks.agent("1", purpose="nap"):
        assert FileLock(path).holder() == {"pid": os.getpid(), "purpose": "nap"}


def test_a_folder_that_may_not_be_written_to_is_a_clear_error(tmp_path: Path, path: Path, locks: AgentLocks):
    path.parent.mkdir(mode=0o555)
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(folder.stat().st_mode | 0o555)
    with without_root(), pytest.raises(StoreError) as refused, locks.agent("1", purpose="nap"):
        pass
    assert str(path) in refused.value.what and "Permission denied" in refused.value.what
    assert "writable" in refused.value.hint
    assert not isinstance(refused.value, AgentBusy)


def test_a_file_in_place_of_the_folder_is_a_clear_error(path: Path, locks: AgentLocks):
    path.parent.write_text("not a folder")
    with pytest.raises(StoreError, match="cannot be used"), locks.agent("1", purpose="nap"):
        pass
    assert locks.held_agents(["1"]) == set()
