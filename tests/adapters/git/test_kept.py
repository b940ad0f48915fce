"""A second capture that profits from the first one gives what a capture that remembers nothing would give."""

import os
import shutil
from collections.abc import Callable
from itertools import product
from pathlib import Path

import pytest

from hive_tui.adapters.git.kept import SEEN
from hive_tui.adapters.git.untracked import Limits
from tests.adapters.git.conftest import Repo
from tests.adapters.git.restoring import Take
from tests.adapters.git.scenes import SCENES
from tests.spread import spread

Change = Callable[[Repo], object]


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "memory"


def check_same(repo: Repo, take: Take, memory: Path, *, limits: Limits | None = None) -> bool:
    """Compare a capture with one that remembers nothing; whether it was the remembered one."""
    taken, fresh = take(repo, memory=memory, limits=limits), take(repo, limits=limits)
    assert taken.facts == fresh.facts
    if fresh.facts.worktree is not None:
        assert taken.files() == fresh.files()
    names = {path.name for path in fresh.folder.rglob("*") if path.is_file()}
    assert {path.name for path in taken.folder.rglob("*") if path.is_file()} == names
    for name in ("index", "state.json"):
        if (fresh.folder / name).exists():
            assert (taken.folder / name).read_bytes() == (fresh.folder / name).read_bytes()
    kept = [path for path in memory.glob("*/repo.bundle") if path.samefile(taken.folder / "repo.bundle")]
    return bool(kept) and path_count(taken.folder / "repo.bundle") > 2


def age_links(repo: Repo) -> None:
    """Git looks at a link of this very second by its content in the repository, which does not have it."""
    for path in repo.root.rglob("*"):
        if path.is_symlink():
            stamp = path.lstat().st_mtime_ns - 10_000_000_000
            os.utime(path, ns=(stamp, stamp), follow_symlinks=False)


def path_count(path: Path) -> int:
    """How many names a file has: that in the memory, and one in each capture that it served."""
    return path.stat().st_nlink


@pytest.mark.parametrize("name", spread(SCENES, every=3))
def test_the_second_capture_of_what_did_not_change_is_the_first_one(name: str, repo: Repo, take: Take, memory: Path):
    source = SCENES[name](repo)
    age_links(source)
    assert not check_same(source, take, memory)
    assert check_same(source, take, memory)


CHANGES: dict[str, Change] = {
    "edited": lambda repo: repo.write("src/main.py", "print('two')\n"),
    "edited to the same size": lambda repo: repo.write("src/main.py", "print('six')\n" * 3),
    "untracked": lambda repo: repo.write("new/file", "new\n"),
    "untracked and edited": lambda repo: repo.write("notes.txt", "more\n"),
    "untracked and gone": lambda repo: (repo.root / "notes.txt").unlink(),
    "gone": lambda repo: (repo.root / "README.md").unlink(),
    "executable": lambda repo: (repo.root / "README.md").chmod(0o755),
    "a link": lambda repo: (repo.root / "link").symlink_to("README.md"),
    "staged": lambda repo: repo.git("add", "notes.txt"),
    "intended": lambda repo: repo.git("add", "-N", "notes.txt"),
    "committed": lambda repo: repo.commit("more"),
    "another branch": lambda repo: repo.git("checkout", "-q", "-b", "side"),
    "detached": lambda repo: repo.git("checkout", "-q", "--detach"),
    "an operation": lambda repo: (repo.git_dir / "MERGE_MSG").write_text("merge\n"),
    "a private ref": lambda repo: repo.git("update-ref", "refs/bisect/bad", "HEAD"),
    "a rule": lambda repo: repo.write(".gitignore", "notes.txt\n"),
    "a private rule": lambda repo: _rule(repo),
    "a setting": lambda repo: repo.git("config", "core.fileMode", "false"),
    "a remote": lambda repo: repo.git("remote", "add", "origin", "https://example.com/x.git"),
    "a secret": lambda repo: repo.write(".env.local", "KEY=1\n"),
    "a repository inside": lambda repo: Repo(repo.root).git("init", "-q", "inside"),
    "large, and now small": lambda repo: repo.write("large", "small\n"),
    "a folder in place of a file": lambda repo: _folder_for_file(repo),
}


def _rule(repo: Repo) -> None:
    (repo.git_dir / "info").mkdir(exist_ok=True)
    (repo.git_dir / "info/exclude").write_text("notes.txt\n")


def _folder_for_file(repo: Repo) -> None:
    (repo.root / "README.md").unlink()
    repo.write("README.md/inside", "inside\n")


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_changes_is_in_the_next_capture(name: str, repo: Repo, take: Take, memory: Path):
    repo.write("notes.txt", "once\n")
    repo.write("large", "x" * 5000)
    limits = Limits(untracked_file_bytes=4000)
    check_same(repo, take, memory, limits=limits)
    CHANGES[name](repo)
    age_links(repo)
    assert not check_same(repo, take, memory, limits=limits)
    assert check_same(repo, take, memory, limits=limits), "and that is remembered again"


def test_a_change_that_no_time_stamp_tells_is_in_the_next_capture(repo: Repo, take: Take, memory: Path):
    """To the same size and within the same tick, as programs do that run right after the capture."""
    place = repo.root / "src/main.py"
    repo.git("config", "core.trustctime", "false")
    check_same(repo, take, memory)
    stamp = place.stat().st_mtime_ns
    repo.write("src/main.py", "print('six')\n" * 3)
    os.utime(place, ns=(stamp, stamp))
    [index] = memory.glob("*/index")
    os.utime(index, ns=(stamp, stamp))
    assert not check_same(repo, take, memory)


def test_with_other_limits_nothing_is_remembered(repo: Repo, take: Take, memory: Path):
    check_same(repo, take, memory)
    assert not check_same(repo, take, memory, limits=Limits(untracked_bytes=5))


def test_the_history_is_the_remembered_one_as_long_as_head_is(repo: Repo, take: Take, memory: Path):
    first = take(repo, memory=memory)
    repo.write("src/main.py", "changed\n")
    second = take(repo, memory=memory)
    assert (first.folder / "history.bundle").samefile(second.folder / "history.bundle")
    repo.commit("more")
    third = take(repo, memory=memory)
    assert not (second.folder / "history.bundle").samefile(third.folder / "history.bundle")
    assert third.files() == repo.files()


REMEMBERED = (SEEN, "index", "repo.bundle", "repo.idx", "history.bundle", "history.idx")
DAMAGES = ("gone", "cut", "flip", "folder")


@pytest.mark.parametrize(("name", "damage"), spread(product(REMEMBERED, DAMAGES), every=3))
@pytest.mark.parametrize("changed", [False, pytest.param(True, marks=pytest.mark.faults)], ids=["unchanged", "changed"])
def test_a_damaged_memory_costs_only_time(name: str, damage: str, changed: bool, repo: Repo, take: Take, memory: Path):
    repo.write("notes.txt", "notes\n" * 100)
    take(repo, memory=memory)
    [place] = memory.glob(f"*/{name}")
    content = bytearray(place.read_bytes())
    place.unlink()  # the first capture has the same file
    if damage == "folder":
        place.mkdir()
    elif damage != "gone":
        content[len(content) // 2] ^= 0xFF
        place.write_bytes(content if damage == "flip" else content[: len(content) // 2])
    if changed:
        repo.write("notes.txt", "more\n")
    check_same(repo, take, memory)
    assert check_same(repo, take, memory), "and it is mended"


def test_a_work_tree_in_two_folders_one_after_the_other_is_told_apart(repo: Repo, take: Take, memory: Path):
    take(repo, memory=memory)
    kept = repo.root.rename(repo.root.with_name("moved"))
    other = Repo(repo.root)
    shutil.copytree(kept, other.root, symlinks=True)
    other.write("src/main.py", "other\n")
    assert not check_same(other, take, memory)
