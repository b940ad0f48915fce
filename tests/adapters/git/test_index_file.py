"""What is read from an index file is what git reads, and git takes what is written."""

import os
from pathlib import Path

import pytest

from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.index_file import NewEntry, changed, empty, parse
from hive_tui.adapters.git.listing import Index, read_index
from tests.adapters.git.conftest import Repo
from tests.adapters.git.restoring import Take
from tests.adapters.git.scenes import SCENES

SECOND_NS = 10**9


def printed(entries: Index) -> bytes:
    """As `git ls-files` prints it."""
    lines = (f"{one.tag} {one.mode} {one.blob} {one.stage}\t" for one in entries.entries)
    paths = (one.path for one in entries.entries)
    return b"".join(line.encode() + path + b"\0" for line, path in zip(lines, paths, strict=True))


def our_index(repo: Repo, home: Path) -> Index:
    home.mkdir(exist_ok=True)
    return read_index(Git(home, home, git_dir=repo.git_dir, work_tree=repo.root, index=repo.git_dir / "index"))


@pytest.mark.parametrize("name", [name for name in SCENES if name not in ("corrupt_index", "sparse_index")])
def test_an_index_is_read_as_git_reads_it(name: str, repo: Repo, tmp_path: Path):
    source = SCENES[name](repo)
    if source.line("rev-parse", "--is-bare-repository") == "true" or not (source.git_dir / "index").is_file():
        return
    expected = source.entries()
    found = our_index(source, tmp_path / "home")
    assert printed(found) == expected
    assert found.file is not None, "none of these has to be asked of git"


def test_long_names_and_special_entries(repo: Repo, tmp_path: Path):
    blob = repo.line("rev-parse", "HEAD:README.md")
    names = ["a" * 255, "b" * 256, "c" * 4094, "d" * 4095, "e" * 4096, "f" * 9000]
    listed = [f"100644 {blob} 0\t{name}\n" for name in names]
    listed += [f"100644 {blob} {stage}\tconflict\n" for stage in (1, 2, 3)]
    listed += [f"160000 {blob} 0\tmodule\n", f"120000 {blob} 0\tlink\n", f"100755 {blob} 0\tprogram\n"]
    repo.git("update-index", "--index-info", stdin="".join(listed).encode())
    repo.git("update-index", "--skip-worktree", "program", names[0])
    repo.git("update-index", "--assume-unchanged", "program", names[1])
    expected = repo.entries()
    assert printed(our_index(repo, tmp_path / "home")) == expected


@pytest.mark.parametrize("damage", [20, -5, -25], ids=["an entry", "the hash", "the end"])
def test_a_spoilt_index_is_left_to_git(damage: int, repo: Repo):
    content = bytearray((repo.git_dir / "index").read_bytes())
    assert parse(bytes(content)) is not None
    content[damage] ^= 1
    assert parse(bytes(content)) is None
    assert parse(bytes(content[:-1])) is None
    assert parse(b"") is None


@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_git_takes_an_index_that_was_changed(object_format: str, tmp_path: Path):
    repo = Repo(tmp_path / "other")
    repo.root.mkdir()
    repo.git("init", "-q", f"--object-format={object_format}")
    for name in ("a", "b/c", "b/d", "e"):
        repo.write(name, f"{name}\n")
    repo.git("add", "-A")
    repo.git("update-index", "--skip-worktree", "e")
    repo.write("a", "another\n")
    (repo.root / "b/d").unlink()
    repo.write("b/0 new", "new\n", mode=0o755)
    repo.write("z", "last\n")
    (repo.root / "link").symlink_to("a")
    made = {name: repo.line("hash-object", "-w", name) for name in ("a", "b/0 new", "z")}
    made["link"] = repo.git("hash-object", "-w", "--stdin", stdin=b"a").decode().strip()
    found = {name: (repo.root / name).lstat() for name in made}
    modes = {"a": "100644", "b/0 new": "100755", "z": "100644", "link": "120000"}
    changes: dict[bytes, NewEntry | None] = {
        name.encode(): NewEntry(modes[name], made[name], found[name]) for name in made
    }
    index = parse((repo.git_dir / "index").read_bytes())
    assert index is not None
    (repo.git_dir / "index").write_bytes(changed(index, changes | {b"b/d": None, b"not there": None}))
    names = repo.git("ls-files", "-z", "-v").split(b"\0")[:-1]
    assert names == [b"H a", b"H b/0 new", b"H b/c", b"H e", b"H link", b"H z"]
    assert repo.git("diff-files", "--name-only") == b""
    repo.git("fsck")


def test_an_index_may_become_empty(repo: Repo):
    index = parse((repo.git_dir / "index").read_bytes())
    assert index is not None
    (repo.git_dir / "index").write_bytes(changed(index, dict.fromkeys(index.paths)))
    assert repo.entries() == b""
    assert parse(empty("sha256").content) == empty("sha256")


@pytest.mark.parametrize("tracked", [True, False])
def test_an_edit_in_the_second_of_the_capture_is_found(tracked: bool, repo: Repo, take: Take, tmp_path: Path):
    """Git knows time stamps by the second, so that the memory must say when the capture began, not when it ended."""
    repo.git("config", "core.trustctime", "false")
    place = repo.root / ("src/main.py" if tracked else "notes.txt")
    repo.write("notes.txt", "one\n")
    place.write_text("one\n")
    memory = tmp_path / "memory"
    taken = take(repo, memory=memory)
    [index] = memory.glob("*/index")
    began = index.stat().st_mtime_ns
    assert began < (taken.folder / "repo.bundle").stat().st_mtime_ns
    place.write_text("two\n")
    os.utime(place, ns=(began, began))
    assert take(repo, memory=memory).files() == repo.files()


def test_a_look_that_finds_nothing_is_noted(repo: Repo, take: Take, tmp_path: Path):
    """Else all that was young at the time of the capture would be read at each look for ever."""
    memory = tmp_path / "memory"
    take(repo, memory=memory)
    [index] = memory.glob("*/index")
    stamp = index.stat().st_mtime_ns - 100 * SECOND_NS
    os.utime(index, ns=(stamp, stamp))
    take(repo, memory=memory)
    assert index.stat().st_mtime_ns > stamp + 99 * SECOND_NS
