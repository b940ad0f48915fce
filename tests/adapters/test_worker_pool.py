"""Worker processes that are kept: each is asked again, unless something was wrong with it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.adapters.workers import WorkerFailed, WorkerPool
from tests.stage import eventually

BODY = """
import json, os, sys
for line in sys.stdin:
    given = json.loads(line)
    if given.get("die"):
        os.kill(os.getpid(), 9)
    if given.get("wait"):
        import time; time.sleep(600)
    given["pid"] = os.getpid()
    print(json.dumps(given), flush=True)
"""


@pytest.fixture
def pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerPool]:
    (tmp_path / "an_echo.py").write_text(BODY)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    pool = WorkerPool()
    yield pool
    pool.dismiss()


def ask(pool: WorkerPool, timeout_s: float = 60.0, **given: object) -> int:
    return int(pool.run("an_echo", given, timeout_s=timeout_s, nice=0)["pid"])


def is_there(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def test_a_process_is_asked_again_until_it_is_dismissed(pool: WorkerPool):
    first = ask(pool)
    assert ask(pool) == first and is_there(first)
    pool.dismiss()
    eventually(lambda: not is_there(first), "it has ended")
    assert ask(pool) != first


def test_one_that_was_killed_while_it_had_nothing_to_do_is_not_asked(pool: WorkerPool):
    first = ask(pool)
    os.kill(first, 9)
    eventually(lambda: Path(f"/proc/{first}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z", "it is dead")
    assert ask(pool) != first


def test_one_that_failed_or_took_too_much_memory_or_time_is_ended(pool: WorkerPool):
    first = ask(pool)
    with pytest.raises(WorkerFailed, match="signal 9"):
        ask(pool, die=True)
    second = ask(pool)
    with pytest.raises(WorkerFailed, match=r"within 0\.2 s"):
        ask(pool, timeout_s=0.2, wait=True)
    third = ask(pool)
    with pytest.raises(WorkerFailed, match="the disk is full"):
        ask(pool, error="the disk is full")
    fourth = ask(pool, memory_bytes=200_000_000)
    last = ask(pool)
    assert len({first, second, third, fourth, last}) == 5
    assert [pid for pid in (first, second, third, fourth) if is_there(pid)] == []
