"""Pruning with real files: what is needed or being read stays, and a crash leaves nothing that is not mended."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hive_tui.adapters.reading import being_read
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.checkpoints import CheckpointReason, Defect, ValidationError
from hive_tui.domain.errors import Cancelled, CheckpointError
from hive_tui.domain.events import EventKind
from hive_tui.store import agents, checkpoints, journal
from tests.keeper import TESTER, Keeper, keeping
from tests.services.test_unpacking import Watched
from tests.stage import ROOT

DAY = timedelta(days=1)
ONE = keeping(keep=1, keep_daily=0, keep_weekly=0)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path, **ONE)
    yield made
    made.close()


def files(keeper: Keeper) -> set[str]:
    return {str(path) for path in (keeper.folder / "home/checkpoints").rglob("*.tar.zst")}


def test_it_removes_rows_and_files_and_says_so(keeper: Keeper):
    for _ in range(4):
        keeper.take(after=DAY)
    pruned = keeper.hive.keeping.retention.prune(TESTER)
    assert len(pruned.removed) == 3 and pruned.freed_bytes > 0
    assert files(keeper) == {keeper.catalog[0].path} and len(keeper.catalog) == 1
    assert keeper.said(EventKind.CHECKPOINT_PRUNED) == [pruned.sentence()]


def test_it_stops_between_two_and_says_what_went_and_what_did_not(keeper: Keeper):
    for _ in range(4):
        keeper.take(after=DAY)
    sizes = [one.size_bytes for one in keeper.catalog[1:]]
    stopped = Watched(stop_in="removing 3 checkpoints")
    pruned = keeper.hive.keeping.retention.prune(TESTER, stopped)
    assert (len(pruned.removed), len(pruned.left), len(keeper.catalog)) == (1, 2, 3)
    assert files(keeper) == {one.path for one in keeper.catalog}
    assert stopped.steps["removing 3 checkpoints"] == [sum(sizes), pruned.removed[0].checkpoint.size_bytes]
    [said] = keeper.said(EventKind.CHECKPOINT_PRUNED)
    assert said == pruned.sentence() and said.endswith("; stopped before the other 2")
    with pytest.raises(Cancelled):
        keeper.hive.keeping.retention.prune(TESTER, stopped)
    assert len(keeper.catalog) == 3
    assert len(keeper.hive.keeping.retention.prune(TESTER).removed) == 2


def test_what_went_before_a_file_that_cannot_be_removed_is_told(keeper: Keeper):
    for _ in range(3):
        keeper.take(after=DAY)
    path = Path(keeper.hive.keeping.retention.plan().removals[1].checkpoint.path)
    path.unlink()
    path.mkdir()  # not even root can unlink that
    with pytest.raises(CheckpointError, match="could not be removed"):
        keeper.hive.keeping.retention.prune(TESTER)
    assert keeper.said(EventKind.CHECKPOINT_PRUNED)[0].startswith("1 checkpoint was removed")


def test_what_is_being_read_stays_until_it_is_not(keeper: Keeper):
    read = keeper.take()
    keeper.take(after=DAY)
    with being_read(Path(read.path)):
        pruned = keeper.hive.keeping.retention.prune()
        assert [why for _, why in pruned.skipped] == ["its file is being read"]
        assert keeper.catalog[1].id == read.id and Path(read.path).exists()
    assert len(keeper.hive.keeping.retention.prune().removed) == 1


def test_an_agent_that_somebody_works_on_is_left_alone(keeper: Keeper):
    keeper.take()
    keeper.take(after=DAY)
    with keeper.new_hive().locks.agent(keeper.agent.id, purpose="nap"):
        pruned = keeper.hive.keeping.retention.prune()
    assert [why for _, why in pruned.skipped] == ["another hive-tui works on its agent"] and len(keeper.catalog) == 2


def test_the_checkpoint_that_a_wake_starts_from_stays(keeper: Keeper):
    restored = keeper.take()
    for _ in range(3):
        keeper.take(after=DAY)
    keeper.hive.database.write(agents.set_checkpoint, keeper.agent.id, restored.id)
    keeper.hive.keeping.retention.prune()
    assert [one.id for one in keeper.catalog][1:] == [restored.id]


def test_what_comes_to_be_needed_between_plan_and_removal_stays(keeper: Keeper):
    old = keeper.take()
    keeper.take(after=DAY)
    assert len(keeper.hive.keeping.retention.plan().removals) == 1
    keeper.hive.database.write(agents.set_checkpoint, keeper.agent.id, old.id)
    assert keeper.hive.keeping.retention.remove(old) == "it is needed meanwhile" and Path(old.path).exists()
    newest = keeper.catalog[0]
    error = ValidationError(Defect.UNREADABLE, "x")
    keeper.hive.database.write(agents.set_checkpoint, keeper.agent.id, newest.id)
    keeper.hive.database.write(checkpoints.set_validity, newest.id, [error], now=keeper.clock.now())
    assert keeper.hive.keeping.retention.remove(old) == "it is needed meanwhile", "no newer good one is left"


def test_nothing_goes_while_an_operation_is_open(keeper: Keeper):
    keeper.take()
    keeper.take(after=DAY)
    keeper.hive.database.write(journal.begin, keeper.agent.id, "restore", now=keeper.clock.now())
    assert keeper.hive.keeping.retention.prune().removed == () and len(keeper.catalog) == 2


def test_nothing_goes_while_the_file_that_shall_stay_is_not_there(keeper: Keeper):
    keeper.take()
    newest = keeper.take(after=DAY)
    Path(newest.path).write_bytes(b"cut")
    assert keeper.hive.keeping.retention.prune().removed == () and len(keeper.catalog) == 2


def test_a_safety_copy_stays_for_its_days(keeper: Keeper):
    keeper.take(CheckpointReason.SAFETY)
    keeper.take(after=DAY)
    assert keeper.hive.keeping.retention.prune().removed == ()


def test_the_heartbeat_prunes_after_a_new_checkpoint_and_after_a_day_and_not_else(keeper: Keeper):
    keeper.take()
    retention = keeper.hive.keeping.retention
    assert retention.prune_if_due() is not None
    assert retention.prune_if_due() is None
    keeper.take(after=timedelta(minutes=1))
    pruned = retention.prune_if_due()
    assert pruned is not None and len(pruned.removed) == 1
    keeper.clock.advance(86_400)
    assert retention.prune_if_due() is not None


def test_a_quota_that_cannot_be_kept_is_told_once(tmp_path: Path):
    keeper = Keeper(tmp_path, **keeping(quota_bytes=1))
    keeper.take()
    for _ in range(3):
        keeper.hive.keeping.retention.prune()
    assert len(keeper.said(EventKind.CATALOG_FULL)) == 1 and len(keeper.catalog) == 1
    keeper.close()


def test_a_running_agent_gives_up_its_older_ones_to_the_quota_and_a_sleeping_one_does_not(tmp_path: Path):
    keeper = Keeper(tmp_path, **keeping(quota_bytes=1))
    for _ in range(3):
        keeper.take(after=timedelta(minutes=1))
    assert keeper.hive.keeping.retention.plan().removals == ()
    keeper.set_lifecycle(Lifecycle.AWAKE)
    assert len(keeper.hive.keeping.retention.plan().removals) == 2
    keeper.close()


KILLED = """
import os, signal, sys
from pathlib import Path
from tests.keeper import keeping
from hive_tui.settings import Settings
from hive_tui.hive import Hive
import hive_tui.services.retention as retention
def die(*arguments): os.kill(os.getpid(), signal.SIGKILL)
retention._unlink = die
hive = Hive(Path(sys.argv[1]), Settings(**keeping(keep=1, keep_daily=0, keep_weekly=0)), "/no/server")
hive.keeping.retention.prune()
"""


def test_killed_between_row_and_file_the_doctor_mends_it(keeper: Keeper):
    old = keeper.take()
    keeper.take(after=DAY)
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(keeper.folder / "home")], cwd=ROOT, check=False, capture_output=True
    )
    assert done.returncode == -9, done.stderr
    assert len(keeper.catalog) == 1 and Path(old.path).exists()
    assert len(keeper.hive.keeping.mender.strays().files) == 1
    keeper.hive.keeping.mender.mend(TESTER)
    assert [one.sha256 for one in keeper.catalog][1] == old.sha256
    keeper.hive.keeping.retention.prune()
    assert files(keeper) == {keeper.catalog[0].path}
