"""What a snapshot of a folder holds, and what it leaves out and says so."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.folder import scope
from hive_tui.adapters.folder.ignore import RULE_FILES
from hive_tui.adapters.folder.walk import FolderLimits
from hive_tui.adapters.folder.workspaces import FolderWorkspaces
from hive_tui.domain.errors import Cancelled, WorkspaceError
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.workspaces import WorkspaceFacts, WorkspaceKind
from tests.adapters.folder.conftest import Take, Taken, look, write
from tests.users import obeying_file_modes


def names(taken: Taken) -> set[str]:
    return {file.path for file in taken.facts.files}


def reasons(facts: WorkspaceFacts) -> dict[str, tuple[int, int]]:
    """Files and folders that were left out, by reason."""
    return {one.reason: (one.files, one.folders) for one in facts.left_out}


def test_a_snapshot_holds_files_byte_for_byte_and_the_facts_come_back_from_disk(root: Path, take: Take):
    taken = take(root)
    assert taken.facts.kind is WorkspaceKind.FOLDER and taken.facts.root == str(root)
    saved = {name: content for name, content in look(taken.folder / "files").items() if not name.endswith("/")}
    assert saved == {name: one for name, one in look(root).items() if name in names(taken)}
    assert names(taken) == {"notes.md", "deep/er/data.bin", "run.sh", "private.txt", "link", "dangling"}
    again = read_state(taken.folder)
    assert again.files == () and again.left_out == taken.facts.left_out and again.notes == taken.facts.notes


def test_odd_names_survive_the_way_through_the_file(root: Path, take: Take, tmp_path: Path):
    odd = [b"new\nline", b'quo"te', b"back\\slash", b"latin-\xe9", b"-rf", b" lead", b"tab\t", b"dir \n/x", b"n" * 255]
    for name in odd:
        write(root, name, b"of " + name)
    workspaces, taken = FolderWorkspaces(SystemClock()), take(root)
    workspaces.check(taken.folder)
    workspaces.recreate(taken.folder, tmp_path / "again")
    assert look(tmp_path / "again") == look(root)


@pytest.mark.parametrize("name", RULE_FILES)
def test_rules_of_a_folder_hold_below_it(name: str, root: Path, take: Take):
    write(root, name, "*.log\n!kept.log\n/only-here\ntmp/\n")
    for path in ("a.log", "kept.log", "deep/b.log", "only-here", "deep/only-here", "tmp/x", "deep/tmp/y"):
        write(root, path)
    write(root, "deep/.gitignore", "!b.log\n")
    found = names(take(root))
    assert {"kept.log", "deep/b.log", "deep/only-here"} <= found
    assert not {"a.log", "only-here", "tmp/x", "deep/tmp/y"} & found


def test_the_last_of_the_rule_files_wins_and_a_line_that_is_no_pattern_is_passed_over(root: Path, take: Take):
    write(root, ".gitignore", "!\n*.csv\n")
    write(root, ".hiveignore", "!*.csv\n")
    write(root, "table.csv")
    assert "table.csv" in names(take(root))


def test_what_programs_make_again_is_left_out_unless_a_rule_keeps_it(root: Path, take: Take):
    for path in ("node_modules/x/index.js", "a/__pycache__/m.pyc", "m.pyc", "env/pyvenv.cfg", "env/bin/python"):
        write(root, path)
    write(root, "rust/Cargo.toml")
    write(root, "rust/target/debug/x")
    write(root, "target/practice.txt")
    taken = take(root)
    assert reasons(taken.facts) == {"made again by programs": (1, 4)}
    assert "target/practice.txt" in names(taken), "only beside a Cargo.toml is it an output"
    write(root, ".hiveignore", "!node_modules/\n")
    assert "node_modules/x/index.js" in names(take(root))


def test_secrets_and_large_files_are_left_out_and_reported(root: Path, take: Take):
    write(root, ".env", "KEY=1\n")
    write(root, "tls.key", "key\n")
    write(root, "large", b"x" * 20_000)
    taken = take(root, limits=FolderLimits(file_bytes=15_000))
    assert not {".env", "tls.key", "large"} & names(taken)
    found = {one.reason: one for one in taken.facts.left_out}
    assert found["looks like a secret"].first == (".env", "tls.key")
    assert found["larger than 15000 bytes"].size_bytes == 20_000
    assert {item.path for item in taken.facts.skipped} == {".env", "tls.key", "large"}
    assert any("looks like a secret: 2 files (10 bytes): '.env', 'tls.key'" in note for note in taken.facts.notes)


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (FolderLimits(files=3), "beyond the limit of files"),
        (FolderLimits(total_bytes=100), "beyond 100 bytes together"),
        (FolderLimits(walk_s=-1), "not looked at, since the disk is slow"),
    ],
    ids=lambda value: "" if isinstance(value, str) else None,
)
def test_what_is_beyond_a_limit_for_all_is_left_out_and_reported(
    limits: FolderLimits, reason: str, root: Path, take: Take
):
    taken = take(root, limits=limits)
    assert reason in reasons(taken.facts)
    assert "deep/er/data.bin" not in names(taken), "what lies deepest is cut off first"


def test_pipes_sockets_and_devices_are_reported_and_not_waited_for(root: Path, take: Take):
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as listening:
        here = Path.cwd()
        os.chdir(root)  # a path for a socket is short
        try:
            listening.bind("sock")
        finally:
            os.chdir(here)
        taken = take(root)
    assert reasons(taken.facts) == {"no plain file": (2, 0)}


def test_a_repository_inside_is_told_and_not_taken_apart(root: Path, take: Take):
    write(root, "repo/.git/HEAD", "ref: refs/heads/main\n")
    write(root, "repo/main.py")
    taken = take(root)
    assert [item.path for item in taken.facts.nested] == ["repo"]
    assert reasons(taken.facts) == {"a git repository of its own": (0, 1)} and "repo/main.py" not in names(taken)


def test_links_are_not_followed_and_our_own_folder_is_no_work(root: Path, take: Take, tmp_path: Path):
    write(tmp_path, "elsewhere/secret-plans.txt")
    (root / "out").symlink_to(tmp_path / "elsewhere")
    write(root, "hive/hive.db")
    taken = take(root, ours=(root / "hive",))
    assert not any("plans" in name or "hive" in name for name in names(taken))


def test_a_file_that_vanishes_before_it_is_read_stops_nothing(root: Path, take: Take, tmp_path: Path):
    taken = take(root, meanwhile=(root / "notes.md").unlink)
    workspaces = FolderWorkspaces(SystemClock())
    workspaces.check(taken.folder)
    workspaces.recreate(taken.folder, tmp_path / "again")
    assert look(tmp_path / "again") == look(root)


def test_the_home_and_what_is_around_it_are_no_piece_of_work(home: Path, tmp_path: Path, workspaces: FolderWorkspaces):
    write(home, "project/x")
    for wide in (home, home.parent, Path("/"), Path("/usr"), Path("/tmp")):
        (tmp_path / "into").mkdir()
        facts = workspaces.snapshot(wide, tmp_path / "into")
        assert facts.kind is WorkspaceKind.NONE and facts.files == ()
        assert "far more than one piece of work" in facts.notes[0]
        (tmp_path / "into/state.json").unlink()
        (tmp_path / "into").rmdir()
    assert not scope.is_too_wide(home / "project")


def test_the_table_of_mounts_is_read(tmp_path: Path):
    assert "/proc" in scope.mount_points(Path("/"))
    assert scope.mount_points(tmp_path) == frozenset()


def test_another_file_system_inside_is_left_out_and_reported(workspaces: FolderWorkspaces, tmp_path: Path):
    """The only one that is surely there lies in a folder of the system, so the walk itself is asked."""
    from hive_tui.adapters.folder.walk import Walk

    found = Walk(Path("/dev"), FolderLimits(files=200), ours=(), is_late=lambda: False, look_up=lambda: None).run()
    assert any(one.reason == "on another file system" for one in found.left_out)


def test_a_file_that_may_not_be_read_is_reported(root: Path, take: Take):
    write(root, "closed", mode=0)
    with obeying_file_modes():
        facts = take(root).facts
    assert reasons(facts) == {"cannot be read: Permission denied": (1, 0)}


def test_the_person_can_stop_the_walk(root: Path, workspaces: FolderWorkspaces, tmp_path: Path):
    progress = Unwatched()
    progress.cancelled.set()
    with pytest.raises(Cancelled):
        workspaces.snapshot(root, tmp_path, progress)


def test_a_folder_that_is_gone_is_an_error_with_its_name(tmp_path: Path, workspaces: FolderWorkspaces):
    with pytest.raises(WorkspaceError, match="nowhere is not there"):
        workspaces.snapshot(tmp_path / "nowhere", tmp_path)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: text[:-9],
        lambda text: text.replace('"100644"', "7"),
        lambda _: "[]",
        lambda text: text.replace('"notes.md"', "null"),
    ],
)
def test_a_list_that_is_damaged_is_found(
    spoil: Callable[[str], str], root: Path, take: Take, workspaces: FolderWorkspaces
):
    listing = take(root).folder / "files.json"
    listing.write_text(spoil(listing.read_text()))
    with pytest.raises(WorkspaceError, match="does not list files"):
        workspaces.check(listing.parent)
