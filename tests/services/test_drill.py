"""Restore drills: what they prove, what they find, and that they touch nothing."""

import json
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hive_tui.archive.writer import writing
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.drills import DrillPolicy, due_drill
from hive_tui.domain.errors import AgentBusy, Cancelled, DiskFull
from hive_tui.domain.events import EventKind
from hive_tui.domain.progress import Unwatched
from hive_tui.services import drill
from tests.builders import NOON
from tests.keeper import TESTER, Keeper
from tests.store.builders import a_checkpoint

DAY = timedelta(days=1)


@pytest.fixture
def keeper(tmp_path: Path) -> Iterator[Keeper]:
    made = Keeper(tmp_path)
    yield made
    made.close()


def forged(keeper: Keeper, change: Any) -> Checkpoint:
    """The newest checkpoint written anew, with sound hashes, and something in it that does not fit."""
    from hive_tui.archive import reader

    one = keeper.catalog[0]
    path = Path(one.path)
    manifest = reader.read_manifest(path)
    members = {member.name: reader.read_member(path, member.name) for member in manifest.members}
    change(members)
    path.unlink()
    with writing(path, manifest.facts) as (archive, results):
        for name, content in members.items():
            archive.add_bytes(name, content)
    keeper.hive.database.write(
        lambda db: db.execute(
            "UPDATE checkpoints SET sha256 = ?, size_bytes = ? WHERE id = ?",
            (results[0].sha256, results[0].size_bytes, one.id),
        )
    )
    return keeper.catalog[0]


def test_a_good_checkpoint_is_proven_and_nothing_is_touched(keeper: Keeper):
    one = keeper.take()
    before = {path: path.stat().st_mtime_ns for path in keeper.work.rglob("*")}
    result = keeper.hive.keeping.drills.prove(one, TESTER)
    assert result.is_proven and "the work tree as it was" in result.note
    assert {path: path.stat().st_mtime_ns for path in keeper.work.rglob("*")} == before
    assert list((keeper.folder / "home/scratch").iterdir()) == []
    found = keeper.catalog[0]
    assert (found.proven_at, found.drilled_at) == (keeper.clock.now(), keeper.clock.now())
    assert len(keeper.said(EventKind.CHECKPOINT_PROVEN)) == 1 and keeper.failures() == []


def test_a_linked_worktree_is_proven_without_a_trace_in_its_repository(keeper: Keeper):
    git = ["git", "-C", str(keeper.work)]
    subprocess.run([*git, "worktree", "add", "-q", "-b", "side", str(keeper.folder / "side")], check=True)
    keeper.cwd = keeper.folder / "side"
    keeper.set_lifecycle(keeper.agent.lifecycle)
    one = keeper.take()
    subprocess.run([*git, "worktree", "remove", "--force", str(keeper.folder / "side")], check=True)
    before = sorted(str(path) for path in (keeper.work / ".git").rglob("*"))
    result = keeper.hive.keeping.drills.prove(one, TESTER)
    assert result.is_proven, result.note
    assert sorted(str(path) for path in (keeper.work / ".git").rglob("*")) == before


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda members: members.update({"workspace/repo.bundle": b"# v2 git bundle\n\nrotten"}), "bundle"),
        (lambda members: members.update({spoilt_transcript(members): b"{}\nno json\n"}), "no JSON"),
        (lambda members: members.pop(spoilt_transcript(members)), "is listed and not there"),
        (lambda members: members.update({"workspace/state.json": lost_tree(members)}), "not a tree object"),
        (lambda members: members.update({"workspace/state.json": lost_head(members)}), "HEAD is"),
    ],
    ids=["bundle", "transcript", "no transcript", "a tree that is not there", "a commit that is not there"],
)
def test_what_does_not_restore_is_told_and_is_no_proof(keeper: Keeper, change: Any, words: str):
    keeper.take()
    assert keeper.hive.keeping.drills.prove(keeper.catalog[0], TESTER).is_proven
    result = keeper.hive.keeping.drills.prove(forged(keeper, change), TESTER)
    assert not result.is_proven and words in result.note
    assert keeper.catalog[0].proven_at is None, "an older proof is withdrawn"
    assert len(keeper.failures()) == 1 and "A restore drill" in keeper.failures()[0]
    assert list((keeper.folder / "home/scratch").iterdir()) == []


def spoilt_transcript(members: dict[str, bytes]) -> str:
    return next(name for name in members if name.endswith(".jsonl"))


def lost_head(members: dict[str, bytes]) -> bytes:
    return json.dumps(json.loads(members["workspace/state.json"]) | {"head": "1" * 40}).encode()


def lost_tree(members: dict[str, bytes]) -> bytes:
    state = json.loads(members["workspace/state.json"])
    state["worktree"]["tree"] = "1" * 40
    return json.dumps(state).encode()


def test_one_that_is_damaged_fails_its_drill(keeper: Keeper):
    one = keeper.take()
    Path(one.path).write_bytes(b"rotten")
    assert not keeper.hive.keeping.drills.prove(one, TESTER).is_proven
    assert not keeper.catalog[0].is_valid


def test_one_at_a_time(keeper: Keeper):
    one = keeper.take()
    lock = keeper.new_hive().keeping.drills._lock
    assert lock.try_take("drill")
    with pytest.raises(AgentBusy, match="under way"):
        keeper.hive.keeping.drills.prove(one, TESTER)
    assert keeper.hive.keeping.drills.prove_due() is None and keeper.failures() == []
    lock.release()
    assert keeper.hive.keeping.drills.prove_due() is not None


def test_without_room_it_is_not_tried_and_that_is_no_failure_of_the_checkpoint(
    keeper: Keeper, monkeypatch: pytest.MonkeyPatch
):
    one = keeper.take()
    monkeypatch.setattr(drill, "RESERVE_BYTES", 1 << 60)
    with pytest.raises(DiskFull):
        keeper.hive.keeping.drills.prove(one, TESTER)
    assert keeper.hive.keeping.drills.prove_due() is None
    assert keeper.failures() == [] and "could not be tried" in keeper.said(EventKind.CHECKPOINT_UNPROVEN)[0]
    assert keeper.hive.keeping.drills.due() is None, "not again at once"
    keeper.clock.advance(86_400)
    assert keeper.hive.keeping.drills.due() is not None


def test_one_that_takes_too_long_is_stopped(keeper: Keeper):
    one = keeper.take()
    keeper.hive.keeping.drills._timeout_s = 0.0
    progress = Unwatched()
    progress.cancelled.set()  # as the timer does; work may not have looked yet when a fast machine is done
    with pytest.raises(Cancelled):
        keeper.hive.keeping.drills.prove(one, TESTER, progress)
    assert list((keeper.folder / "home/scratch").iterdir()) == []


def drilled(ago_days: float | None, **facts: Any) -> Checkpoint:
    at = None if ago_days is None else NOON - ago_days * DAY
    return a_checkpoint("c", **{"proven_at": at, "drilled_at": at, **facts})


WEEKLY = DrillPolicy(every_days=7, every_checkpoints=3)


@pytest.mark.parametrize(
    ("mine", "is_due"),
    [
        pytest.param([drilled(None)], True, id="never proven"),
        pytest.param([drilled(None), drilled(6)], False, id="proven this week"),
        pytest.param([drilled(None), drilled(7)], True, id="proven a week ago"),
        pytest.param([drilled(30)], False, id="the newest is proven"),
        pytest.param([drilled(None), drilled(None), drilled(None), drilled(2)], True, id="three new ones"),
        pytest.param([drilled(None), drilled(None), drilled(2)], False, id="two new ones"),
        pytest.param([drilled(None, is_valid=False)], False, id="damaged"),
        pytest.param([drilled(None, is_local=False)], False, id="only off-site"),
        pytest.param([drilled(None, size_bytes=6_000_000_000)], False, id="too large"),
        pytest.param([drilled(None, drilled_at=NOON - 0.5 * DAY)], False, id="failed today"),
        pytest.param([drilled(None, drilled_at=NOON - 1 * DAY)], True, id="failed yesterday"),
        pytest.param([], False, id="none"),
    ],
)
def test_when_a_drill_is_due(mine: list[Checkpoint], is_due: bool):
    assert (due_drill(mine, WEEKLY, now=NOON) is not None) == is_due


def test_the_settings_switch_drills_off():
    assert due_drill([drilled(None)], DrillPolicy(0, 0), now=NOON) is None
