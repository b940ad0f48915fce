"""What an earlier capture has packed is held unchanged by later ones, each of which still stands alone."""

import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.adapters.git import base
from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import WorkspaceError
from tests.adapters.git.conftest import Repo, Taken
from tests.adapters.git.restoring import Take, restore, wreck
from tests.adapters.git.scenes import SCENES
from tests.spread import spread

LARGE = 5 << 20
BASES = ("base.bundle", "base.idx")


@pytest.fixture
def memory(tmp_path: Path) -> Path:
    return tmp_path / "memory"


@pytest.fixture
def large(repo: Repo) -> Repo:
    """A repository with five files that are not committed, of 5 MB together."""
    fill(repo)
    return repo


def fill(repo: Repo) -> None:
    for number in range(5):
        repo.write(f"data/{number}.bin", os.urandom(LARGE // 5))


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def has_base(taken: Taken) -> bool:
    found = {name for name in BASES if (taken.folder / name).exists()}
    assert found in (set(), set(BASES))
    return bool(found)


def test_one_more_file_leaves_what_was_packed_as_it_is(large: Repo, take: Take, memory: Path):
    first = take(large, memory=memory)
    large.write("data/2-and-a-half.bin", b"more")
    second = take(large, memory=memory)
    assert digest(second.folder / "base.bundle") == digest(first.folder / "repo.bundle")
    assert (second.folder / "repo.bundle").stat().st_size < 5_000
    large.write("data/4.bin", b"changed")
    third = take(large, memory=memory)
    assert digest(third.folder / "base.bundle") == digest(first.folder / "repo.bundle"), "no chain: there is one base"
    shutil.rmtree(first.folder)
    shutil.rmtree(second.folder)
    shutil.rmtree(memory)
    assert third.files() == large.files()


def halve(repo: Repo) -> None:
    for number in range(3):
        (repo.root / f"data/{number}.bin").unlink()


def age(repo: Repo) -> None:
    [bundle] = repo.root.parent.glob("memory/*/repo.bundle")
    os.utime(bundle, ns=(0, bundle.stat().st_mtime_ns - base.LONGEST_NS))


CHANGES = [
    pytest.param(lambda repo: repo.write("data/4.bin", b"changed"), True, id="a file is changed"),
    pytest.param(lambda repo: repo.git("add", "data/1.bin"), True, id="a file is staged"),
    pytest.param(lambda repo: repo.git("commit", "-q", "--allow-empty", "-m", "on"), True, id="HEAD goes on"),
    pytest.param(lambda repo: repo.git("commit", "-q", "--amend", "-m", "other"), False, id="HEAD is another one"),
    pytest.param(lambda repo: repo.commit(), False, id="all of it is committed"),
    pytest.param(halve, False, id="most of it is of no use any more"),
    pytest.param(age, False, id="it is a day old"),
]


@pytest.mark.parametrize(("change", "is_used"), CHANGES)
def test_it_is_used_as_long_as_it_is_worth_it(
    change: Callable[[Repo], object], is_used: bool, large: Repo, take: Take, memory: Path
):
    take(large, memory=memory)
    change(large)
    large.write("more.txt", "more\n")
    taken = take(large, memory=memory)
    assert has_base(taken) is is_used
    assert taken.files() == large.files()


def test_it_is_made_anew_once_much_is_new_beside_it(large: Repo, take: Take, memory: Path):
    take(large, memory=memory)
    large.write("new.bin", os.urandom(LARGE // 3))
    assert has_base(take(large, memory=memory))
    large.write("more.txt", "more\n")
    whole = take(large, memory=memory)
    assert not has_base(whole) and (whole.folder / "repo.bundle").stat().st_size > LARGE * 4 // 3
    large.write("more.txt", "still more\n")
    taken = take(large, memory=memory)
    assert digest(taken.folder / "base.bundle") == digest(whole.folder / "repo.bundle")


@pytest.mark.parametrize("name", ["repo.bundle", "repo.idx", "base.bundle", "base.idx"])
@pytest.mark.parametrize("is_gone", [True, False], ids=["gone", "flipped"])
def test_one_that_is_damaged_is_not_used(name: str, is_gone: bool, large: Repo, take: Take, memory: Path):
    take(large, memory=memory)
    if name in BASES:
        large.write("more.txt", "more\n")
        assert has_base(take(large, memory=memory))
    [place] = memory.glob(f"*/{name}")
    content = bytearray(place.read_bytes())
    place.unlink()
    if not is_gone:
        content[len(content) // 2] ^= 0xFF
        place.write_bytes(content)
    large.write("more.txt", "still more\n")
    taken = take(large, memory=memory)
    assert not has_base(taken)
    assert taken.files() == large.files()


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_plain_git_reads_the_bundles_one_after_the_other(object_format: str, tmp_path: Path, take: Take, memory: Path):
    repo, store = Repo(tmp_path / "other"), Repo(tmp_path / "store")
    for one in (repo, store):
        one.root.mkdir()
        one.git("init", "-q", f"--object-format={object_format}")
    repo.write("kept.txt", "kept\n")
    repo.commit()
    fill(repo)
    take(repo, memory=memory)
    repo.write("new.txt", "new\n")
    taken = take(repo, memory=memory)
    for name in ("history.bundle", "base.bundle", "repo.bundle"):
        store.git("bundle", "verify", taken.folder / name)
        store.git("fetch", "-q", taken.folder / name, "+refs/*:refs/*")
    store.git("fsck", "--full", "--strict")
    assert store.git("show", "refs/hive/worktree:new.txt") == b"new\n"
    assert store.git("show", "refs/hive/worktree:data/3.bin") == (repo.root / "data/3.bin").read_bytes()


def test_a_checkpoint_that_lacks_it_is_found_out(large: Repo, take: Take, memory: Path, workspaces: GitWorkspaces):
    take(large, memory=memory)
    large.write("more.txt", "more\n")
    taken = take(large, memory=memory)
    workspaces.check(taken.folder)
    for name in BASES:
        (taken.folder / name).unlink()
    with pytest.raises(WorkspaceError, match="git bundle"):
        workspaces.check(taken.folder)


@pytest.mark.parametrize(
    "limits",
    [
        pytest.param(None, id="with history"),
        pytest.param(Limits(history_bytes=1), id="without", marks=pytest.mark.faults),
    ],
)
@pytest.mark.parametrize("name", spread(SCENES, every=3))
def test_a_capture_with_one_holds_what_one_without_holds_and_can_be_restored(
    name: str,
    limits: Limits | None,
    repo: Repo,
    take: Take,
    memory: Path,
    workspaces: GitWorkspaces,
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(base, "WORTH_BYTES", 1)
    source = SCENES[name](repo)
    source.write("large.bin", os.urandom(200_000))
    source.git("add", "-N", "large.bin", ok=False)
    first = take(source, memory=memory, limits=limits)
    is_remembered = any(memory.glob("*/repo.bundle"))
    source.write("more.txt", "more\n")
    taken, fresh = take(source, memory=memory, limits=limits), take(source, limits=limits)
    assert taken.facts == fresh.facts
    if fresh.facts.worktree is None:
        return
    assert not has_base(taken) or (is_remembered and not first.facts.shallow)
    assert taken.files() == fresh.files()
    workspaces.check(taken.folder)
    wreck(source)
    restore(workspaces, taken, take)
    assert source.files().items() >= fresh.files().items()


def test_the_sizes_of_packed_objects_are_those_that_git_tells(large: Repo, take: Take):
    taken = take(large)
    store = taken.unbundled()
    [index] = [path for path in store.root.glob("objects/pack/*.idx") if path.stat().st_size > 1_300]
    told = [line.split() for line in store.git("verify-pack", "-v", index).decode().splitlines()]
    expected = {bytes.fromhex(words[0]): int(words[3]) for words in told if len(words) >= 5 and len(words[0]) == 40}
    pack_bytes = index.with_suffix(".pack").stat().st_size
    assert len(expected) > 5 and base.packed_sizes(index, 20, pack_bytes) == expected
