"""Stages of several agents at once: as many as there are cores, never more, and none idles while one waits."""

from dataclasses import replace
from pathlib import Path
from threading import Barrier, Event, Lock

import pytest

from hive_tui.adapters.cores import Cores
from hive_tui.domain.consolidation import Stage, StageRun, StageStatus
from hive_tui.services.batch import Batch
from hive_tui.store.values import EPOCH
from tests.clocks import FakeClock


class Line:
    """Stages that wait; those that run are counted."""

    def __init__(self, folder: Path, *waiting: tuple[str, Stage], cores: int, jobs: int) -> None:
        self.waiting = [
            StageRun(number, agent, "s:1", stage, StageStatus.PENDING, 0, EPOCH)
            for number, (agent, stage) in enumerate(waiting)
        ]
        self.most = 0
        self.order: list[tuple[str, Stage]] = []
        self.meet: Barrier | None = None
        self._now: list[StageRun] = []
        self._lock = Lock()
        self.batch = Batch(lambda: list(self.waiting), self.begin, self.run, Cores(folder, cores, FakeClock()), jobs)

    def begin(self, run: StageRun) -> bool:
        self.waiting.remove(run)
        return run.source != "put off"

    def run(self, run: StageRun) -> None:
        with self._lock:
            self._now.append(run)
            self.order.append((run.agent_id, run.stage))
            self.most = max(self.most, len([one for one in self._now if one.stage is not Stage.PROSE]))
        if self.meet is not None:
            self.meet.wait(20)
        with self._lock:
            self._now.remove(run)


A, B = "a", "b"


def test_two_stages_run_at_once_where_there_are_two_cores(tmp_path: Path):
    line = Line(tmp_path, (A, Stage.COMPRESS), (A, Stage.INDEX), (B, Stage.COMPRESS), (B, Stage.INDEX), cores=2, jobs=1)
    line.meet = Barrier(2)
    assert line.batch.work_off() == 4 and line.most == 2
    assert {agent for agent, _ in line.order[:2]} == {A}, "one agent at a time"


def test_there_are_never_more_than_cores_nor_more_agents_than_jobs(tmp_path: Path):
    several = [(agent, stage) for agent in "abcdef" for stage in (Stage.COMPRESS, Stage.INDEX)]
    line = Line(tmp_path, *several, cores=1, jobs=6)
    assert line.batch.work_off() == 12 and line.most == 1


def test_who_waits_for_a_model_holds_up_nobody(tmp_path: Path):
    line = Line(tmp_path, (A, Stage.PROSE), (B, Stage.COMPRESS), cores=1, jobs=1)
    line.meet = Barrier(2)
    assert line.batch.work_off() == 2


def test_what_comes_meanwhile_is_done_and_what_is_put_off_is_not(tmp_path: Path):
    line = Line(tmp_path, (A, Stage.AUDIT), (B, Stage.AUDIT), cores=1, jobs=1)
    line.waiting[1] = replace(line.waiting[1], source="put off")
    late = replace(line.waiting[0], id=9, agent_id=B)
    line.run = lambda run: line.waiting.append(late) if run.id == 0 else None  # type: ignore[method-assign]
    line.batch = Batch(lambda: list(line.waiting), line.begin, line.run, Cores(tmp_path, 1, FakeClock()), 1)
    assert line.batch.work_off() == 2 and line.waiting == []


def test_a_failure_of_the_store_ends_it_and_gives_the_cores_back(tmp_path: Path):
    line = Line(tmp_path, (A, Stage.AUDIT), (B, Stage.AUDIT), cores=1, jobs=2)

    def fail(run: StageRun) -> None:
        raise OSError("the disk is gone")

    cores = Cores(tmp_path, 1, FakeClock())
    with pytest.raises(OSError, match="the disk is gone"):
        Batch(lambda: list(line.waiting), line.begin, fail, cores, 2).work_off()
    assert len(line.waiting) == 1 and cores.try_take() is not None


def test_those_that_run_are_waited_for_though_the_next_cannot_be_looked_up(tmp_path: Path):
    line = Line(tmp_path, (A, Stage.AUDIT), cores=2, jobs=2)
    looks, has_failed, ended = [line.waiting[:]], Event(), Event()

    def due() -> list[StageRun]:
        if looks:
            return looks.pop()
        has_failed.set()
        raise OSError("the disk is gone")

    def run(run: StageRun) -> None:
        assert has_failed.wait(20)
        ended.set()

    with pytest.raises(OSError, match="the disk is gone"):
        Batch(due, line.begin, run, Cores(tmp_path, 2, FakeClock()), 2).work_off()
    assert ended.is_set()
