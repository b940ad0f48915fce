"""The stages after a nap, with real worker processes: none fails in silence, and none touches the agent's files."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.cores import Cores
from hive_tui.adapters.workers import WorkerFailed, run_worker
from hive_tui.condense.ledger import condense
from hive_tui.condense.sharding import Helpers
from hive_tui.domain.consolidation import StageRun, StageStatus
from hive_tui.domain.errors import ErrorClass, HiveError, class_of
from hive_tui.domain.events import EventKind
from hive_tui.services import stage_worker
from hive_tui.services.consolidation import Consolidation
from hive_tui.settings.sleep import ConsolidationSettings
from hive_tui.store import agents, consolidations, settings
from tests.builders import an_ended_agent
from tests.condense.invented import invent
from tests.keeper import Keeper
from tests.stage import eventually

LATE = "22222222-2222-4222-8222-222222222222"
DONE, PENDING, FAILED = StageStatus.DONE, StageStatus.PENDING, StageStatus.FAILED


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    keeper = Keeper(tmp_path, consolidation=ConsolidationSettings(nice=0))
    invent(3).write(keeper.transcript)
    yield keeper
    keeper.close()


def work_of(keeper: Keeper) -> Consolidation:
    return keeper.hive.remembering.consolidation


def runs(keeper: Keeper) -> list[StageRun]:
    return keeper.hive.database.read(consolidations.of_agent, keeper.agent.id)


def statuses(keeper: Keeper) -> list[StageStatus]:
    return [run.status for run in runs(keeper)]


def test_a_conversation_is_condensed_indexed_and_audited_once(keeper: Keeper):
    keeper.take()
    before = (keeper.transcript.read_bytes(), keeper.transcript.stat().st_mtime_ns)
    work = work_of(keeper)
    assert work.has_work() and work.work() == 4 and statuses(keeper) == [DONE] * 4
    snapshot, compress, index, audit = runs(keeper)
    assert snapshot.result["checkpoint_id"] == keeper.catalog[0].id
    ledger = work.ledger_of(keeper.agent.id)
    assert "## Failing when it stopped" in ledger.read_text() and ledger.stat().st_mode & 0o777 == 0o600
    assert 0 < compress.result["tokens"] <= 0.2 * compress.result["raw_tokens"]
    assert index.result["pieces"] > 50 and 0 < audit.result["kept_ratio"] <= 0.2
    assert 0 < compress.cpu_s <= compress.allotted_s and 0 < compress.result["memory_bytes"] < 150_000_000
    assert (keeper.transcript.read_bytes(), keeper.transcript.stat().st_mtime_ns) == before
    assert keeper.hive.remembering.searching.search("legacy codec", agent_id=keeper.agent.id) != []
    assert not work.has_work() and work.work() == 0, "nothing new was said"
    keeper.say("and on")
    assert work.has_work() and work.work() == 4


def test_a_stage_that_fails_is_told_tried_again_and_given_up_and_the_next_ones_run(keeper: Keeper):
    work = work_of(keeper)
    assert work.has_work() and work.work() == 1
    [failed, *others] = runs(keeper)
    assert failed.error == "No valid checkpoint of shop holds its conversation."
    assert {run.status for run in others} == {PENDING}
    for wait in (timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=1)):
        assert not work.has_work(), "too early"
        keeper.clock.advance(wait.total_seconds() + 1)
        assert work.has_work()
        work.work()
    assert statuses(keeper) == [FAILED, DONE, DONE, DONE]
    assert any("(snapshot), and is not tried again" in text for text in keeper.said(EventKind.STEP_FAILED))


def test_a_stage_of_a_process_that_died_is_taken_up_again(keeper: Keeper):
    keeper.take()
    work = work_of(keeper)
    assert work.has_work()
    keeper.hive.database.write(consolidations.begin, runs(keeper)[0].id, now=keeper.clock.now())
    assert work.has_work(), "nothing else would ever begin it again"
    assert work.work() == 4 and statuses(keeper) == [DONE] * 4 and runs(keeper)[0].attempts == 2


def test_a_conversation_that_the_agent_has_left_meanwhile_is_not_taken_for_its_new_one(keeper: Keeper):
    keeper.take()
    work = work_of(keeper)
    assert work.has_work()
    keeper.hive.database.write(
        agents.put, structs.replace(keeper.agent, session_id="22222222-2222-4222-8222-222222222222")
    )
    work.work()
    assert statuses(keeper) == [StageStatus.SKIPPED] * 4
    assert keeper.hive.remembering.searching.search("legacy codec", agent_id=keeper.agent.id) == []


def test_nothing_is_done_while_all_is_paused_or_switched_off_or_no_window_is_open(keeper: Keeper):
    keeper.hive.database.write(settings.put, settings.PAUSED, True, now=keeper.clock.now())
    assert not work_of(keeper).has_work()
    keeper.hive.database.write(settings.put, settings.PAUSED, False, now=keeper.clock.now())
    for when in ("off", "window"):
        hive = keeper.new_hive(consolidation=ConsolidationSettings(when=when))
        assert not hive.remembering.consolidation.has_work()
    assert work_of(keeper).has_work()


def worker(tmp_path: Path, body: str) -> str:
    """The name of a module that a worker process finds."""
    (tmp_path / "a_worker.py").write_text(body)
    return "a_worker"


@pytest.fixture
def on_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    return tmp_path


def test_a_worker_that_hangs_is_killed_with_all_that_it_started(on_path: Path):
    body = (
        "import os, subprocess, sys, time\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
        f"open({str(on_path / 'pids')!r}, 'w').write(f'{{os.getpid()}} {{child.pid}}')\n"
        "time.sleep(600)\n"
    )
    for timeout_s in (1.5, 6, 24):  # on a machine with other work a program needs a while to start
        with pytest.raises(WorkerFailed, match=rf"not done within {timeout_s:g} s") as told:
            run_worker(worker(on_path, body), {}, timeout_s=timeout_s, nice=0)
        assert class_of(told.value) is ErrorClass.TIMEOUT
        if (on_path / "pids").exists() and " " in (on_path / "pids").read_text():
            break
    pids = [int(word) for word in (on_path / "pids").read_text().split()]
    eventually(lambda: not any(is_running(pid) for pid in pids), "the whole group is gone")


def test_the_end_of_the_program_waits_for_no_worker_and_leaves_none(on_path: Path):
    pid_file = on_path / "pid"
    name = worker(on_path, f"import os, time; open({str(pid_file)!r}, 'w').write(str(os.getpid())); time.sleep(600)")
    program = (
        "import pathlib, time\n"
        "from hive_tui.adapters.workers import run_worker\n"
        "from hive_tui.services.background import Background, all_at_once\n"
        f"run = lambda given: run_worker({name!r}, given, timeout_s=600, nice=0)\n"
        "Background('condense').start(lambda: all_at_once('condense', run, [{}]))\n"
        f"while not (pathlib.Path({str(pid_file)!r}).exists() and pathlib.Path({str(pid_file)!r}).read_text()):\n"
        "    time.sleep(0.02)\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=20)
    eventually(lambda: not is_running(int(pid_file.read_text())), "the worker is gone")


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("raise SystemExit(3)", "ended with code 3"),
        ("import os; os.kill(os.getpid(), 9)", "ended with signal 9"),
        ("print('no JSON')", "ended with code 0"),
        ('print(\'{"error": "The disk is full."}\')', "The disk is full."),
    ],
)
def test_a_worker_that_breaks_says_so(on_path: Path, body: str, said: str):
    with pytest.raises(WorkerFailed, match=said):
        run_worker(worker(on_path, body), {}, timeout_s=20, nice=0)


def test_a_worker_runs_at_low_priority(on_path: Path):
    body = "import json, os; print(json.dumps({'nice': os.nice(0)}))"
    given: dict[str, Any] = run_worker(worker(on_path, body), {}, timeout_s=20, nice=7)
    assert given["nice"] == min(19, os.nice(0) + 7)


def test_an_agent_that_goes_to_sleep_meanwhile_is_worked_on_in_the_same_batch(keeper: Keeper, tmp_path: Path):
    keeper.take()
    work = work_of(keeper)
    assert work.has_work()
    late = an_ended_agent("late", cwd=str(tmp_path), session_id=LATE, transcript=str(tmp_path / f"{LATE}.jsonl"))
    invent(4).write(Path(str(late.transcript)))
    keeper.hive.database.write(agents.add, late, now=keeper.clock.now())
    keeper.clock.advance(10)
    work.work()
    assert [run.status for run in keeper.hive.database.read(consolidations.of_agent, late.id)][1:] == [PENDING] * 3
    assert statuses(keeper) == [DONE] * 4, "its own first stage failed, since no checkpoint holds it"


def test_a_ledger_is_searched_only_when_it_has_passed_the_audit(keeper: Keeper):
    keeper.take()
    work = work_of(keeper)
    assert work.has_work() and work.work() == 4
    ledger, searching = work.ledger_of(keeper.agent.id), keeper.hive.remembering.searching
    assert "ledger" in {one.hit.kind for one in searching.search("legacy codec")}
    ledger.write_text("## Notes\n- zanderquill was put here by nobody [#1]\n")
    given = {"index": str(keeper.folder / "home/context.db"), "agent_id": keeper.agent.id, "agent": "shop"}
    given |= {"ledger": str(ledger), "transcript": str(keeper.transcript), "session_id": "another"}
    assert stage_worker.work({**given, "stage": "index"})["pieces"] > 50
    with pytest.raises(HiveError, match="not what was written"):
        stage_worker.work({**given, "stage": "audit"})
    assert searching.search("zanderquill") == [] and not ledger.exists()


def test_a_shard_is_made_by_another_process_only_where_a_core_is_to_spare(keeper: Keeper, tmp_path: Path):
    path = tmp_path / "long.jsonl"
    rows = "".join(json.dumps(row) + "\n" for seed in range(4) for row in invent(seed, "claude").rows)
    path.write_text(rows * (5_000_000 // len(rows) + 1))
    clock = SystemClock()
    cores, others = (Cores(tmp_path / "cores", 2, clock) for _ in range(2))
    taken = [others.try_take(), others.try_take()]
    alone = condense(path, helpers=Helpers(1, cores.try_help))
    assert cores.helped_s == 0
    for give_back in taken:
        assert give_back is not None
        give_back()
    assert condense(path, helpers=Helpers(1, cores.try_help)) == alone and cores.helped_s > 0
