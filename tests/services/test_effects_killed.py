"""Whatever moment kill -9 comes at: the receiver counts no duplicate, and what is known is true."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.effects import EffectState
from hive_tui.store import effects
from hive_tui.store.database import Database
from tests.stage import ROOT

ROUNDS = 200
POINTS = {
    "command": [*(f"sql{number}" for number in range(1, 15)), "act0", "act1"],
    "git": [*(f"sql{number}" for number in range(1, 15)), "act0", "act1"],
    "file": [*(f"sql{number}" for number in range(1, 10)), "act0", "act1", "act2"],
}
"""Before each statement that an attempt writes, and within what it does."""
FEW = {"command": ["sql4", "sql9", "act0", "act1", "sql12"], "file": ["sql4", "act0", "act1", "act2", "sql8"]}


class Receiver:
    """Counts what has arrived: lines in a file, or commits."""

    def __init__(self, folder: Path, kind: str, worker: "subprocess.Popen[str]") -> None:
        self.kind = kind
        self.home = folder / "home"
        self.path = folder / "received"
        self.worker = worker
        if kind == "git":
            subprocess.run(["git", "init", "-q", str(self.path)], check=True)

    def work(self, key: str, fatal: str) -> str:
        """What a process says that does it; `killed` if it was."""
        assert self.worker.stdin is not None and self.worker.stdout is not None
        self.worker.stdin.write(json.dumps([str(self.home), self.kind, key, str(self.path), fatal]) + "\n")
        self.worker.stdin.flush()
        return self.worker.stdout.readline().strip()

    def counts(self) -> Counter[str]:
        """How often each key has arrived."""
        if self.kind == "git":
            words = ["git", "-C", str(self.path), "log", "--all", "--format=%(trailers:key=Hive-Effect,valueonly)"]
            said = subprocess.run(words, capture_output=True, text=True, check=False).stdout
        else:
            said = self.path.read_text() if self.path.exists() else ""
        return Counter(said.split())


@pytest.fixture
def worker() -> Iterator["subprocess.Popen[str]"]:
    words = [sys.executable, "-m", "tests.services.effect_worker"]
    with subprocess.Popen(words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as started:
        yield started


def rounds(receiver: Receiver, points: list[str]) -> int:
    """Kill at each point, then ask for the same key again; each has arrived once. How many were killed."""
    killed = 0
    for number, fatal in enumerate(points):
        key = f"key-{number}-{fatal}"
        first = receiver.work(key, fatal)
        killed += first == "killed"
        said = receiver.work(key, "-")
        assert said in ("done", "replayed"), (fatal, first, said)
        assert receiver.counts()[key] == 1, (fatal, first, said)
    assert max(receiver.counts().values()) == 1
    database = Database(receiver.home / "hive.db", SystemClock())
    assert {one.state for one in database.read(effects.everything, limit=10_000)} == {EffectState.DONE}
    database.close()
    return killed


@pytest.mark.parametrize("kind", ["command", "git", "file"])
@pytest.mark.faults
@pytest.mark.timeout(900)
def test_killed_two_hundred_times_each_effect_has_arrived_once(
    tmp_path: Path, worker: "subprocess.Popen[str]", kind: str
):
    points = [point for point in POINTS[kind] for _ in range(ceil(ROUNDS / len(POINTS[kind])))]
    assert rounds(Receiver(tmp_path, kind, worker), points) >= ROUNDS


@pytest.mark.faults
@pytest.mark.timeout(900)
def test_killed_anywhere_without_a_probe_nothing_arrives_twice_and_a_person_is_asked(
    tmp_path: Path, worker: "subprocess.Popen[str]"
):
    receiver, killed = Receiver(tmp_path, "file", worker), 0
    for number in range(ROUNDS):
        fatal = POINTS["file"][number % len(POINTS["file"])]
        key = f"blind-{number}"
        killed += receiver.work(key, fatal) == "killed"
        said = receiver.work(key, "-")
        if said == "EffectUnknown":
            assert receiver.work(key, "-") == "EffectUnknown", "it stays so until a person has said something"
            assert receiver.counts()[key] <= 1, fatal
        else:
            assert said in ("done", "replayed"), (fatal, said)
            assert receiver.counts()[key] == 1, fatal
    assert killed == ROUNDS


@pytest.mark.parametrize("kind", ["command", "file"])
def test_killed_at_any_point_an_effect_has_arrived_once(tmp_path: Path, worker: "subprocess.Popen[str]", kind: str):
    assert rounds(Receiver(tmp_path, kind, worker), FEW[kind]) == len(FEW[kind])


def test_a_command_that_outlives_its_runner_is_waited_for_and_not_begun_again(
    tmp_path: Path, worker: "subprocess.Popen[str]"
):
    receiver = Receiver(tmp_path, "command", worker)
    assert receiver.work("alone", "act0") == "killed", "by the command itself, which then goes on"
    assert receiver.work("alone", "-") == "replayed", "a probe has found it"
    assert receiver.counts()["alone"] == 1
