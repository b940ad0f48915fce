"""A snapshot has every byte of the work tree and touches none."""

import os
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import IndexState, WorkspaceKind
from tests.adapters.git.conftest import Repo, Taken
from tests.adapters.git.scenes import SCENES

HOOKS = (
    *("applypatch-msg", "commit-msg", "fsmonitor-watchman", "post-checkout", "post-commit", "post-index-change"),
    *("post-merge", "post-rewrite", "pre-auto-gc", "pre-commit", "pre-rebase", "reference-transaction", "update"),
)

AsNobody = Callable[[], AbstractContextManager[None]]
Env = pytest.MonkeyPatch
NewRepo = Callable[..., Repo]
Take = Callable[..., Taken]


@pytest.mark.parametrize("name", SCENES)
def test_a_snapshot_holds_every_file_byte_for_byte_and_the_raw_index(name: str, repo: Repo, take: Take):
    source = SCENES[name](repo)
    taken = take(source)
    assert taken.files() == source.files()
    check_index(source, taken)
    assert taken.facts == read_state(taken.folder)
    assert not taken.facts.needs_repo and not taken.facts.skipped and not taken.facts.notes


def check_index(source: Repo, taken: Taken) -> None:
    """The raw index is there, and every blob that it needs."""
    index = source.git_dir / "index"
    if not index.exists():
        assert taken.facts.index_state is IndexState.ABSENT and not (taken.folder / "index").exists()
        return
    assert (taken.folder / "index").read_bytes() == index.read_bytes()
    names = [line.split()[1] for line in source.git("ls-files", "--stage").splitlines() if not line.startswith(b"16")]
    asked = b"".join(name + b"\n" for name in names)
    assert b"missing" not in taken.unbundled().git("cat-file", "--batch-check", stdin=asked)


@pytest.mark.parametrize(
    ("name", "facts"),
    [
        ("clean", {"staged": 0, "modified": 0, "untracked": 0, "deleted": 0, "branch": "main", "operations": ()}),
        ("busy", {"staged": 3, "modified": 3, "untracked": 1, "deleted": 1}),
        ("empty", {"head": None, "branch": "main", "index_state": IndexState.ABSENT}),
        ("unborn", {"head": None, "branch": "main", "staged": 1, "untracked": 1}),
        ("detached", {"branch": None, "modified": 1}),
        ("merging", {"operations": ("merge",), "conflicted": 2, "staged": 0, "modified": 0}),
        ("rebasing", {"operations": ("rebase",), "branch": None, "conflicted": 2}),
        ("applying", {"operations": ("rebase",), "branch": None, "conflicted": 2}),
        ("picking", {"operations": ("cherry-pick",), "branch": "other", "conflicted": 2}),
        ("reverting", {"operations": ("revert",), "conflicted": 1}),
        ("bisecting", {"operations": ("bisect",), "branch": None}),
        ("linked", {"is_linked_worktree": True, "branch": "side", "staged": 1, "untracked": 1}),
        ("intent_to_add", {"staged": 0, "modified": 1, "untracked": 0}),
        ("hidden", {"modified": 2, "deleted": 0}),
        ("sparse_index", {"modified": 1, "deleted": 0, "staged": 0}),
        ("sha256", {"object_format": "sha256", "modified": 1, "untracked": 1}),
        ("racy", {"staged": 1, "modified": 1}),
    ],
)
def test_the_facts_say_what_state_the_work_tree_is_in(name: str, facts: dict[str, object], repo: Repo, take: Take):
    found = take(SCENES[name](repo)).facts
    assert {fact: getattr(found, fact) for fact in facts} == facts


def test_a_snapshot_in_a_subfolder_takes_the_whole_work_tree(repo: Repo, take: Take):
    taken = take(repo, cwd=repo.root / "src")
    assert taken.facts.root == str(repo.root) and taken.facts.cwd == "src"
    assert taken.files() == repo.files()


def test_the_history_of_head_is_in_the_bundle(repo: Repo, take: Take):
    for number in range(3):
        repo.write("counter", f"{number}\n")
        head = repo.commit(f"number {number}")
    repo.git("checkout", "-q", "--orphan", "unrelated")
    unrelated = repo.commit("unrelated")
    repo.git("checkout", "-q", "main")
    store = take(repo).unbundled()
    assert store.git("log", "--format=%H", head) == repo.git("log", "--format=%H", head)
    store.git("fsck", "--strict", "--connectivity-only")
    assert store.git("cat-file", "-t", unrelated, ok=False) == b""


def test_a_history_above_the_limit_stays_out_and_the_facts_say_so(repo: Repo, take: Take):
    repo.write("large", os.urandom(100_000))
    repo.commit("large")
    repo.write("small", "small\n")
    taken = take(repo, limits=Limits(history_bytes=50_000))
    assert taken.facts.needs_repo
    assert (taken.folder / "repo.bundle").stat().st_size < 10_000
    assert taken.files() == repo.files(), "with the repository beside it, all is there"


def test_untracked_bytes_do_not_count_as_history(repo: Repo, take: Take):
    repo.write("large", os.urandom(100_000))
    assert not take(repo, limits=Limits(history_bytes=50_000)).facts.needs_repo


def test_a_partial_clone_needs_its_repository_and_fetches_nothing(repo: Repo, take: Take):
    repo.write("README.md", "changed\n")
    repo.commit("second")
    repo.git("config", "uploadpack.allowFilter", "true")
    clone = Repo(repo.root.parent / "partial")
    repo.git("clone", "-q", "--filter=blob:none", f"file://{repo.root}", clone.root)
    clone.write("src/main.py", "changed\n")
    taken = take(clone)
    assert taken.facts.needs_repo and taken.files() == clone.files()


def test_without_a_repository_git_captures_nothing(tmp_path: Path, workspaces: GitWorkspaces):
    into, folder = tmp_path / "into", tmp_path / "plain"
    into.mkdir()
    folder.mkdir()
    facts = workspaces.snapshot(folder, into)
    assert facts.kind is WorkspaceKind.NONE and facts.notes == ()
    assert [path.name for path in into.iterdir()] == ["state.json"]


def test_a_linked_worktree_that_lost_its_repository_is_told_from_a_plain_folder(
    repo: Repo, tmp_path: Path, workspaces: GitWorkspaces
):
    linked = SCENES["linked"](repo)
    shutil.rmtree(repo.root)
    into = tmp_path / "into"
    into.mkdir()
    facts = workspaces.snapshot(linked.root, into)
    assert facts.kind is WorkspaceKind.NONE and f"{linked.root}/.git" in facts.notes[0]


def test_a_bare_repository_has_facts_and_no_files(repo: Repo, take: Take):
    repo.git("clone", "-q", "--bare", repo.root, repo.root.parent / "bare")
    taken = take(Repo(repo.root.parent / "bare"))
    assert taken.facts.kind is WorkspaceKind.BARE and taken.facts.head == repo.line("rev-parse", "HEAD")
    assert [path.name for path in taken.folder.iterdir()] == ["state.json"]


def test_a_folder_inside_the_git_folder_has_no_files(repo: Repo, take: Take):
    taken = take(repo, cwd=repo.git_dir)
    assert taken.facts.kind is WorkspaceKind.BARE


def test_a_folder_that_is_gone_is_an_error_with_its_name(tmp_path: Path, workspaces: GitWorkspaces):
    with pytest.raises(WorkspaceError, match="/gone is not there"):
        workspaces.snapshot(tmp_path / "gone", tmp_path)


def test_addresses_of_remotes_are_kept_without_credentials(repo: Repo, take: Take):
    repo.git("remote", "add", "origin", "https://ada:token@example.com/hive.git")
    repo.git("remote", "add", "Upstream", "git@example.com:hive.git")
    repo.git("config", "remote.evil.url", "ext::sh -c evil")
    taken = take(repo)
    assert taken.facts.remotes == {
        "origin": "https://example.com/hive.git",
        "Upstream": "git@example.com:hive.git",
    }


def test_the_files_of_an_operation_in_progress_are_copied_as_they_are(repo: Repo, take: Take):
    source = SCENES["rebasing"](repo)
    taken = take(source)
    for name in ("rebase-merge/git-rebase-todo", "rebase-merge/orig-head", "ORIG_HEAD"):
        assert (taken.folder / "in-progress" / name).read_bytes() == (source.git_dir / name).read_bytes()
    commit = (source.git_dir / "rebase-merge/orig-head").read_text().strip()
    assert taken.unbundled().git("cat-file", "-t", commit) == b"commit\n"
