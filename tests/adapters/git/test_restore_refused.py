"""A restore that cannot be done changes nothing, and says why."""

import threading
from pathlib import Path

import pytest

from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import Cancelled, DiskFull, WorkspaceError
from tests.adapters.git.conftest import Repo, StandingClock
from tests.adapters.git.restoring import Take, restore


def test_no_hook_runs_in_a_restore(repo: Repo, take: Take, workspaces: GitWorkspaces, tmp_path: Path):
    taken = take(repo)
    repo.commit("second")
    (repo.git_dir / "hooks").mkdir()
    for hook in ("reference-transaction", "post-checkout", "post-index-change", "post-rewrite", "update"):
        place = repo.git_dir / "hooks" / hook
        place.write_text(f"#!/bin/sh\ntouch {tmp_path}/mark\n")
        place.chmod(0o755)
    restore(workspaces, taken, take)
    assert not (tmp_path / "mark").exists()


def test_a_restore_waits_for_the_lock_of_the_index_and_then_gives_up(
    repo: Repo, take: Take, workspaces: GitWorkspaces, clock: StandingClock
):
    taken = take(repo)
    repo.write("src/main.py", "second\n")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    lock, journal = repo.git_dir / "index.lock", repo.root.parent / "journal"
    lock.touch()
    with pytest.raises(WorkspaceError, match=r"index\.lock is there"):
        workspaces.apply(plan, taken.folder, repo.root, journal)
    assert (repo.root / "src/main.py").read_text() == "second\n", "refused before anything was changed"
    assert not (journal / "journal.json").exists() and workspaces.resume(journal) is None
    clock.waits = [lambda: None, lock.unlink]
    workspaces.apply(plan, taken.folder, repo.root, journal)
    assert workspaces.verify(taken.folder, repo.root) == []


def test_a_journal_is_used_for_one_restore_only(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo)
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    journal = repo.root.parent / "journal"
    result = workspaces.apply(plan, taken.folder, repo.root, journal)
    with pytest.raises(WorkspaceError, match="another restore"):
        workspaces.apply(plan, taken.folder, repo.root, journal)
    assert workspaces.resume(journal) == result


def test_the_person_can_stop_a_restore_until_it_changes_something(
    repo: Repo, take: Take, workspaces: GitWorkspaces, tmp_path: Path
):
    taken = take(repo)
    repo.write("src/main.py", "second\n")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    before = repo.fingerprint()
    with pytest.raises(Cancelled):
        workspaces.apply(plan, taken.folder, repo.root, tmp_path / "journal", Stopping("advance"))
    assert repo.fingerprint() == before
    assert not (tmp_path / "journal/staged").exists() and workspaces.resume(tmp_path / "journal") is None


class Stopping:
    """Progress of a person who stops at once."""

    def __init__(self, at: str) -> None:
        self.cancelled = threading.Event()

    def step(self, name: str, total_bytes: int = 0) -> None:
        """Goes on."""

    def no_way_back(self, why: str) -> None:
        """Goes on."""

    def advance(self, done_bytes: int) -> None:
        raise Cancelled("Stopped.")


def test_a_full_disk_is_noticed_before_anything_is_changed(
    repo: Repo, take: Take, workspaces: GitWorkspaces, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    taken = take(repo)
    repo.write("src/main.py", "second\n")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    before = repo.fingerprint()
    monkeypatch.setattr("hive_tui.adapters.git.staging.RESERVE_BYTES", 1 << 62)
    with pytest.raises(DiskFull, match="not enough space"):
        workspaces.apply(plan, taken.folder, repo.root, tmp_path / "journal")
    assert repo.fingerprint() == before


@pytest.mark.parametrize("member", ["repo.bundle", "repo.idx"])
@pytest.mark.parametrize("damage", ["cut", "flip", "gone"])
def test_a_damaged_bundle_never_leads_to_a_wrong_file(
    member: str, damage: str, repo: Repo, take: Take, workspaces: GitWorkspaces, tmp_path: Path
):
    repo.write("src/main.py", "only in the checkpoint\n" * 50)
    taken = take(repo)
    repo.write("src/main.py", "second\n")
    current = take(repo)
    content = bytearray((taken.folder / member).read_bytes())
    content[-60] ^= 0xFF
    if damage == "gone":
        (taken.folder / member).unlink()
    else:
        (taken.folder / member).write_bytes(content if damage == "flip" else content[:-100])
    before = repo.fingerprint()
    try:
        plan = workspaces.plan(taken.folder, current.folder, repo.root)
        workspaces.apply(plan, taken.folder, repo.root, tmp_path / "journal")
    except WorkspaceError as error:
        assert error.hint
        assert repo.fingerprint() == before
    else:
        assert (member, damage) in {("repo.idx", "gone"), ("repo.idx", "flip")}, "the rest can be told from it"
        assert workspaces.verify(taken.folder, repo.root) == []
