"""Pushes and restores that are killed anywhere: each happens once or not at all, and the log of effects is true."""

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.effects import EffectKind, EffectState
from hive_tui.domain.events import EventKind
from hive_tui.store import effects, journal, offsite
from tests.keeper import Keeper, offsite_to
from tests.stage import ROOT

ROUNDS = 200


@pytest.fixture
def second(tmp_path: Path) -> Path:
    folder = tmp_path / "second"
    folder.mkdir()
    return folder


@pytest.fixture
def keeper(tmp_path: Path, second: Path) -> Iterator[Keeper]:
    (tmp_path / "hive").mkdir()
    made = Keeper(tmp_path / "hive", clock=SystemClock(), **offsite_to(second))
    yield made
    made.close()


class Worker:
    """Does it in a process that dies."""

    def __init__(self, keeper: Keeper, second: Path, process: "subprocess.Popen[str]") -> None:
        self.keeper, self.second, self.process = keeper, second, process

    def work(self, kind: str, one: Checkpoint, fatal: int) -> str:
        assert self.process.stdin is not None and self.process.stdout is not None
        words = [kind, str(self.keeper.folder / "home"), str(self.second), one.id, fatal]
        self.process.stdin.write(json.dumps(words) + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().strip()


@pytest.fixture
def worker(keeper: Keeper, second: Path) -> Iterator[Worker]:
    words = [sys.executable, "-m", "tests.services.journaled_worker"]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        yield Worker(keeper, second, started)


def steps_of(said: str) -> int:
    word, _, count = said.partition(" ")
    assert word == "done", said
    return int(count)


def logged(keeper: Keeper, kind: EffectKind) -> list[EffectState]:
    found = keeper.hive.database.read(effects.everything, limit=10_000)
    return [one.state for one in found if one.kind is kind]


def pushes(worker: Worker, rounds: int) -> int:
    """Kill at points spread over a whole push, then go on; how many were killed."""
    keeper, killed = worker.keeper, 0
    # The first one makes the folder and its mark, too.
    steps = [steps_of(worker.work("push", keeper.take(), 0)) for _ in range(2)][-1]
    for point in points(steps, rounds):
        one = keeper.take()
        killed += worker.work("push", one, point) == "killed"
        copy = keeper.hive.database.read(offsite.get, one.id)
        if copy is not None and copy.is_good:
            assert hashlib.sha256((worker.second / copy.name).read_bytes()).hexdigest() == one.sha256
        keeper.hive.keeping.offsite.work()
        copy = keeper.hive.database.read(offsite.get, one.id)
        assert copy is not None and copy.is_good
        assert hashlib.sha256((worker.second / copy.name).read_bytes()).hexdigest() == one.sha256
    there = [path for path in worker.second.rglob("*") if path.is_file() and path.name[0] != "."]
    assert len(there) == len(keeper.catalog) == rounds + 2, "each arrived once"
    assert logged(keeper, EffectKind.PUSH) == [EffectState.DONE] * (rounds + 2)
    return killed


def points(steps: int, rounds: int) -> list[int]:
    """So many, spread over all of it."""
    return [1 + (2 * number + 1) * steps // (2 * rounds) for number in range(rounds)]


def restores(worker: Worker, fatal: list[int]) -> int:
    """Kill at these points, or at points spread over a whole restore, and recover each time; how many were killed."""
    keeper, killed = worker.keeper, 0
    file, later = keeper.work / "kept.txt", keeper.work / "later.txt"

    def prepare(number: int) -> Checkpoint:
        file.write_text(f"wanted {number}\n")
        later.unlink(missing_ok=True)
        wanted = keeper.take()
        file.write_text(f"spoilt {number}\n")
        later.write_text("made later\n")
        return wanted

    if not fatal:
        fatal = points(steps_of(worker.work("restore", prepare(-1), 0)) - 10, ROUNDS)
        assert file.read_text() == "wanted -1\n"
    for number, point in enumerate(fatal):
        wanted, before = prepare(number), keeper.transcript.read_bytes()
        known, done = len(logged(keeper, EffectKind.RESTORE)), len(keeper.said(EventKind.RESTORE_DONE))
        killed += worker.work("restore", wanted, point) == "killed"
        keeper.hive.returning.recovery.finish_interrupted()
        assert keeper.hive.database.read(journal.operations) == []
        states = logged(keeper, EffectKind.RESTORE)
        is_done = file.read_text() == f"wanted {number}\n"
        assert is_done or file.read_text() == f"spoilt {number}\n", "never half a file"
        assert later.read_text() == "made later\n" and keeper.transcript.read_bytes() == before
        begun = states[: len(states) - known]
        assert begun in ([], [EffectState.FAILED], [EffectState.DONE])
        assert (begun == [EffectState.DONE]) == is_done, "the log says what happened"
        assert len(keeper.said(EventKind.RESTORE_DONE)) - done == is_done, "and tells it once"
    assert EffectState.INTENT not in logged(keeper, EffectKind.RESTORE)
    return killed


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_killed_two_hundred_times_each_push_has_arrived_once(worker: Worker):
    assert pushes(worker, ROUNDS) == ROUNDS


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_killed_two_hundred_times_each_restore_is_done_or_not_and_the_log_knows(worker: Worker):
    assert restores(worker, []) == ROUNDS


def test_killed_anywhere_a_push_arrives_once(worker: Worker):
    assert pushes(worker, 2) == 2


def test_killed_anywhere_a_restore_is_done_or_not_and_the_log_knows(worker: Worker):
    assert restores(worker, [560]) == 1
