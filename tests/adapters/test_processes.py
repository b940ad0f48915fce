"""One contract for both readers of processes: /proc and psutil, run against real processes."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec import structs

from hive_tui.adapters.processes import LinuxProcesses, system_processes
from hive_tui.adapters.processes_psutil import PsutilProcesses
from hive_tui.domain.ports import Processes
from hive_tui.domain.processes import ProcessId
from tests.stage import CLOCK, eventually
from tests.users import without_root

SUBREAPER = 36
GONE = 4_194_305
"""Above the highest process id that Linux gives."""
MEGABYTE = 1 << 20

WAITS = "import sys; print('up', flush=True); sys.stdin.read()"
HOLDS_MEMORY = "import sys; held = b'x' * (64 << 20); print('up', flush=True); sys.stdin.read()"
HOLDS_A_FILE = "import sys; file = open(sys.argv[1]); print('up', flush=True); sys.stdin.read()"
WORKS = "print('up', flush=True)\nwhile True: pass"
LEAVES_A_ZOMBIE = """
import os, sys
child = os.fork()
if not child:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print(child, flush=True)
sys.stdin.read()
"""
LEAVES_AN_ORPHAN = f"""
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", {WAITS!r}], stdin=sys.stdin)
print(child.pid, flush=True)
child.wait()
"""
WRITES_A_TITLE = """
import sys
from pathlib import Path
field = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
first, end = int(field[45]), int(field[46])
with open("/proc/self/mem", "r+b", buffering=0) as memory:
    memory.seek(first)
    memory.write(b"agent".ljust(end - first, bytes(1)))
print("up", flush=True)
sys.stdin.read()
"""

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture(params=[LinuxProcesses, PsutilProcesses], ids=["proc", "psutil"])
def processes(request: pytest.FixtureRequest) -> Processes:
    made: Processes = request.param()
    return made


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts Python programs that say when they are up; ends them after the test."""
    started: list[subprocess.Popen[str]] = []

    def run(program: str = WAITS, *arguments: str, **options: object) -> subprocess.Popen[str]:
        words = [sys.executable, "-c", program, *arguments]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, **options}
        process: subprocess.Popen[str] = subprocess.Popen(words, **pipes)  # type: ignore[call-overload]
        started.append(process)
        return process

    yield run
    for process in started:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str]) -> str:
    """The next line that the process prints."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def identity(processes: Processes, pid: int) -> ProcessId:
    """The process beyond doubt; it must be there."""
    found = processes.table().get(pid)
    assert found is not None, f"process {pid} is not in the table"
    return found.id


@contextmanager
def adopting_orphans() -> Iterator[None]:
    """Children of children that die become our own children, as those of a tmux server do."""
    prctl = ctypes.CDLL(None).prctl
    prctl(SUBREAPER, 1, 0, 0, 0)
    try:
        yield
    finally:
        prctl(SUBREAPER, 0, 0, 0, 0)


def test_this_platform_is_read_from_proc():
    assert isinstance(system_processes(), LinuxProcesses)


def test_the_table_knows_a_process_its_parent_and_its_group(processes: Processes, start: Start):
    child = start(start_new_session=True)
    said(child)
    table = processes.table()
    found, ours = table.get(child.pid), table.get(os.getpid())
    assert found is not None and ours is not None
    assert found.ppid == os.getpid() and found.pgrp == child.pid
    assert (found.tty, found.tpgid) == (0, -1), "a process without a terminal"
    assert found.comm.startswith("python")
    assert found.started >= ours.started
    assert table.get(GONE) is None


def test_a_process_on_a_terminal_has_its_number_and_the_group_in_front(processes: Processes, start: Start):
    leader, follower = os.openpty()
    try:
        child = start(
            f"import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); {WAITS}",
            stdin=follower, start_new_session=True,
        )  # fmt: skip
        said(child)
        found = processes.table().get(child.pid)
        assert found is not None
        assert found.tty == os.fstat(follower).st_rdev
        can_tell = isinstance(processes, LinuxProcesses) or shutil.which("ps")
        assert found.tpgid == (child.pid if can_tell else -1), "it is in front"
    finally:
        os.close(leader)
        os.close(follower)


def test_a_tree_goes_down_to_children_of_children(processes: Processes, start: Start):
    parent = start(LEAVES_AN_ORPHAN)
    child = int(said(parent))
    assert [process.pid for process in processes.table().tree(parent.pid)] == [parent.pid, child]
    assert child in [process.pid for process in processes.table().tree(os.getpid())]


def test_an_orphan_leaves_the_tree_of_its_parent_and_stays_the_same_process(processes: Processes, start: Start):
    with adopting_orphans():
        trees, roots = processes.trees(), [os.getpid()]
        trees.below(roots)
        parent = start(LEAVES_AN_ORPHAN)
        child = identity(processes, int(said(parent)))
        assert child.pid in [process.pid for process in trees.below(roots).tree(parent.pid)]
        said(parent)
        parent.kill()
        parent.wait()
        try:
            eventually(lambda: processes.table().get(parent.pid) is None)
            table = processes.table()
            orphan = table.get(child.pid)
            assert orphan is not None and orphan.ppid == os.getpid()
            assert table.tree(parent.pid) == [] == trees.below(roots).tree(parent.pid)
            assert child.pid in [process.pid for process in table.tree(os.getpid())]
            assert child.pid in [process.pid for process in trees.below(roots).tree(os.getpid())]
            assert processes.is_alive(child) and table.is_alive(child)
        finally:
            os.kill(child.pid, signal.SIGKILL)
            os.waitpid(child.pid, 0)
    assert not processes.is_alive(child)


def test_the_time_of_the_processor_is_counted(processes: Processes, start: Start):
    worker = start(WORKS)
    said(worker)

    def ticks() -> int:
        found = processes.table().get(worker.pid)
        return found.cpu_ticks if found else -1

    first = ticks()
    eventually(lambda: ticks() >= first + processes.ticks_per_s // 4, "a quarter of a second of work")


def test_a_process_is_alive_until_it_ends(processes: Processes, start: Start):
    child = start()
    said(child)
    process = identity(processes, child.pid)
    assert processes.is_alive(process)
    child.kill()
    child.wait()
    assert not processes.is_alive(process)
    assert not processes.is_alive(ProcessId(GONE, 1))


def test_a_process_of_the_same_id_and_another_start_is_not_the_same(processes: Processes, start: Start):
    child = start()
    said(child)
    process = identity(processes, child.pid)
    for other in (process.started - 1, process.started + 1, 0):
        assert not processes.is_alive(structs.replace(process, started=other))


def test_a_start_is_the_same_in_every_look(start: Start, processes: Processes):
    child = start()
    said(child)
    assert len({identity(type(processes)(), child.pid) for _ in range(5)}) == 1


def test_a_zombie_is_not_alive_and_not_in_the_table(processes: Processes, start: Start):
    parent = start(LEAVES_A_ZOMBIE)
    zombie = int(said(parent))
    assert Path(f"/proc/{zombie}/stat").read_text().split()[2] == "Z"
    assert processes.table().get(zombie) is None
    started = int(Path(f"/proc/{zombie}/stat").read_text().rsplit(")", 1)[1].split()[19])
    assert not processes.is_alive(ProcessId(zombie, started))
    assert processes.argv(zombie) == () and processes.cwd(zombie) == ""
    assert processes.anonymous_bytes(zombie) == 0


def test_a_child_that_dies_while_we_look_is_a_zombie_of_ours_and_not_alive(processes: Processes, start: Start):
    child = start()
    said(child)
    process = identity(processes, child.pid)
    child.kill()
    eventually(lambda: not processes.is_alive(process), "nobody has waited for it yet")
    assert child.returncode is None


def test_a_signal_reaches_exactly_the_process_that_is_meant(processes: Processes, start: Start):
    child = start()
    said(child)
    assert processes.signal(identity(processes, child.pid), signal.SIGTERM)
    assert child.wait(timeout=10) == -signal.SIGTERM


def test_a_signal_to_a_process_of_another_start_does_nothing(processes: Processes, start: Start):
    child = start()
    said(child)
    process = identity(processes, child.pid)
    assert not processes.signal(structs.replace(process, started=process.started + 1), signal.SIGKILL)
    assert processes.is_alive(process) and child.poll() is None


def test_a_signal_to_a_process_that_is_gone_says_so(processes: Processes, start: Start):
    child = start()
    said(child)
    process = identity(processes, child.pid)
    child.kill()
    child.wait()
    assert not processes.signal(process, signal.SIGTERM)
    assert not processes.signal(ProcessId(GONE, 1), signal.SIGTERM)


def test_a_signal_that_may_not_be_sent_says_so(processes: Processes, start: Start):
    child = start()
    said(child)
    other = identity(processes, child.pid if os.geteuid() == 0 else 1)
    with without_root():
        assert not processes.signal(other, signal.SIGTERM)
    assert processes.is_alive(other)


ODD_WORDS = ["", "two words", "new\nline", "日本 🐝", "-x", "trailing "]


def test_a_command_line_is_read_word_by_word(processes: Processes, start: Start):
    child = start(WAITS, *ODD_WORDS, "end")
    said(child)
    assert processes.argv(child.pid) == (sys.executable, "-c", WAITS, *ODD_WORDS, "end")


@pytest.mark.parametrize("last", [("",), ("", ""), ("\n",)], ids=["empty", "two empty ones", "line break"])
def test_the_last_words_of_a_command_line_may_be_odd(processes: Processes, start: Start, last: tuple[str, ...]):
    child = start(WAITS, *last)
    said(child)
    assert processes.argv(child.pid) == (sys.executable, "-c", WAITS, *last)


def test_a_title_that_a_program_wrote_over_its_words_is_one_word(start: Start):
    child = start(WRITES_A_TITLE, "some", "words", "to", "write", "over")
    said(child)
    assert LinuxProcesses().argv(child.pid) == ("agent",)


def test_of_a_process_that_is_gone_nothing_is_known(processes: Processes, start: Start):
    child = start()
    said(child)
    child.kill()
    child.wait()
    for pid in (child.pid, GONE):
        assert processes.argv(pid) == () and dict(processes.environ(pid)) == {}
        assert processes.cwd(pid) == "" and not processes.is_in(pid, "/") and not processes.is_in(pid, "")
        assert list(processes.open_files(pid)) == [] and processes.anonymous_bytes(pid) == 0


def test_a_working_folder_is_read(processes: Processes, start: Start, tmp_path: Path):
    folder = tmp_path / "it's a 日本 folder"
    folder.mkdir()
    child = start(cwd=folder)
    said(child)
    assert processes.cwd(child.pid) == str(folder)
    assert processes.is_in(child.pid, str(folder))
    assert not processes.is_in(child.pid, str(tmp_path))


def test_a_working_folder_that_was_removed_has_its_old_name(processes: Processes, start: Start, tmp_path: Path):
    folder = tmp_path / "work"
    folder.mkdir()
    child = start(cwd=folder)
    said(child)
    folder.rmdir()
    assert processes.cwd(child.pid) == str(folder)


def test_a_new_folder_of_the_old_name_is_not_the_one_that_was_removed(start: Start, tmp_path: Path):
    folder = tmp_path / "work"
    folder.mkdir()
    child = start(cwd=folder)
    said(child)
    folder.rmdir()
    folder.mkdir()
    assert not LinuxProcesses().is_in(child.pid, str(folder))


def test_an_environment_is_read_as_it_was_at_the_start(processes: Processes, start: Start):
    given = {"PATH": os.environ["PATH"], "EMPTY": "", "EQUALS": "a=b=c", "LINES": "one\ntwo", "WIDE": "日本"}
    child = start(f"import os; os.environ['LATER'] = '1'; {WAITS}", env=given)
    said(child)
    assert dict(processes.environ(child.pid)) == given


def test_what_only_a_process_holds_is_its_anonymous_memory(processes: Processes, start: Start):
    small, large = start(), start(HOLDS_MEMORY)
    said(small)
    said(large)
    difference = processes.anonymous_bytes(large.pid) - processes.anonymous_bytes(small.pid)
    assert 60 * MEGABYTE < difference < 70 * MEGABYTE


def test_open_files_are_listed_by_path(processes: Processes, start: Start, tmp_path: Path):
    file = tmp_path / "transcript 1.jsonl"
    file.touch()
    child = start(HOLDS_A_FILE, str(file))
    said(child)
    assert str(file) in processes.open_files(child.pid)
    assert all(path.startswith("/") for path in processes.open_files(child.pid)), "no pipes and no sockets"


def test_a_start_is_a_time_that_the_clock_knows(processes: Processes, start: Start):
    before = CLOCK.now()
    child = start()
    said(child)
    started_at = processes.started_at(identity(processes, child.pid))
    assert started_at.utcoffset() is not None
    assert abs((started_at - before).total_seconds()) < 5


def test_the_processes_of_other_users_are_seen_and_not_read(processes: Processes, start: Start, tmp_path: Path):
    child = start(env={"SECRET": "plum", "PATH": os.environ["PATH"]}, cwd=tmp_path)
    said(child)
    pid = child.pid if os.geteuid() == 0 else 1
    with without_root():
        assert processes.table().get(pid) is not None
        assert dict(processes.environ(pid)) == {} and processes.cwd(pid) == ""
        assert list(processes.open_files(pid)) == []
        assert not processes.is_in(pid, str(tmp_path))
