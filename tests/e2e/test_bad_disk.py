"""A database or a disk that cannot be written, and workspaces in odd states: nothing is lost by them."""

import os
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from hive_tui.domain.agents import Lifecycle
from tests.e2e.refusals import Bystander, bystander, refused, run
from tests.stage import Stage, eventually
from tests.users import bound_by_file_modes

DISK_BYTES = 3_000_000
ACTS = [["nap", "shop"], ["checkpoint", "shop"], ["pin", "shop"], ["rename", "shop", "bakery"]]


@pytest.fixture
def shop(stage: Stage) -> Bystander:
    return bystander(stage)


# --- the database


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Another program writes and does not end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


def test_a_database_that_stays_locked_is_said_and_nothing_happens(stage: Stage, shop: Bystander):
    with locked(stage.home / "hive.db"), ThreadPoolExecutor() as pool:
        for at_once in (ACTS[::2], ACTS[1::2]):  # only one at a time may work on the agent itself
            for done in pool.map(lambda arguments: run(stage, *arguments), at_once):
                refused(done, "hive.db cannot be used: database is locked.", "Another program holds it")
    shop.is_unharmed()
    shop.still_naps_and_wakes()


def test_the_agents_are_listed_while_the_database_is_locked(stage: Stage, shop: Bystander):
    stage.tmux("rename-window", "what is on the screen has changed since it was kept")
    stage.agent_in_shell("bakery")
    with locked(stage.home / "hive.db"):
        listed = stage.json("agents")
    assert {one["name"] for one in listed} == {"shop", "bakery"}, "also one that cannot be kept yet"


def test_a_database_that_is_locked_during_a_wake_leaves_the_agent_asleep(stage: Stage, shop: Bystander):
    stage.json("nap", "shop")
    with locked(stage.home / "hive.db"):
        refused(run(stage, "wake", "shop"), "database is locked.")
    assert stage.stored(shop.agent).lifecycle is Lifecycle.ASLEEP
    assert stage.json("queue") == []
    assert stage.json("wake", "shop")["resumed"] is True


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    modes = {path: path.stat().st_mode for path in [folder, *folder.rglob("*")]}
    for path, mode in modes.items():
        path.chmod(mode & 0o555)
    try:
        yield
    finally:
        for path, mode in modes.items():
            if path.exists():
                path.chmod(mode)


def test_a_home_that_is_read_only_is_said_and_nothing_happens(stage: Stage, shop: Bystander):
    stage.hive.close()
    with read_only(stage.home):
        for arguments in ACTS:
            done = run(stage, *arguments, before=bound_by_file_modes)
            refused(done, "hive.db cannot be used: ", "writable for you")
    stage.hive = stage.new_hive()
    shop.is_unharmed()
    shop.still_naps_and_wakes()


def damage(path: Path, kind: str) -> None:
    """The database, closed before, becomes another kind of file."""
    if kind == "no database":
        path.write_bytes(b"this is no database, " * 200)
    elif kind == "cut off":
        path.write_bytes(path.read_bytes()[:5000])
    elif kind == "overwritten":
        content = bytearray(path.read_bytes())
        content[4096:] = os.urandom(len(content) - 4096)
        path.write_bytes(content)
    else:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA user_version = 99")


@pytest.mark.parametrize("kind", ["no database", "cut off", "overwritten", "newer"])
def test_a_database_that_cannot_be_used_is_said_and_neither_it_nor_the_agent_is_touched(
    stage: Stage, shop: Bystander, kind: str
):
    stage.hive.close()
    path = stage.home / "hive.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = path.read_bytes()
    damage(path, kind)
    damaged = path.read_bytes()
    said = "was written by a newer hive-tui (its schema is version 99" if kind == "newer" else "cannot be used: "
    for verb in ("nap", "wake", "checkpoint"):
        refused(run(stage, verb, "shop"), f"{path} {said}")
        assert path.read_bytes() == damaged, verb
    path.write_bytes(whole)
    stage.hive = stage.new_hive()
    shop.is_unharmed()
    shop.still_naps_and_wakes()


# --- the disk


@contextmanager
def small_disk(stage: Stage) -> Iterator[bool]:
    """The home on a disk of 3 MB, and true; or just a folder, and false, where none may be mounted."""
    stage.home.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=0700", "tmpfs", str(stage.home)]
    is_mounted = shutil.which("mount") is not None and subprocess.run(words, check=False).returncode == 0
    try:
        yield is_mounted
    finally:
        stage.hive.close()
        if is_mounted:
            subprocess.run(["umount", "-l", str(stage.home)], check=True)


@contextmanager
def no_space_left(stage: Stage, is_mounted: bool) -> Iterator[Callable[[], None] | None]:
    """The disk is full; or, where there is none of our own, no file of the process may grow."""
    stage.hive.close()
    filler = stage.home / "filler"
    if is_mounted:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
    yield None if is_mounted else lambda: limit_files(1)
    filler.unlink(missing_ok=True)
    stage.hive = stage.new_hive()


def limit_files(size_bytes: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, size_bytes))


def test_a_checkpoint_that_does_not_fit_on_the_disk_stops_the_nap(stage: Stage):
    with small_disk(stage) as is_mounted:
        shop = bystander(stage)
        large = stage.folder_for("shop") / "large.bin"
        large.write_bytes(os.urandom(2 * DISK_BYTES))
        before = None if is_mounted else lambda: limit_files(DISK_BYTES)
        for verb in ("nap", "checkpoint"):
            refused(run(stage, verb, "shop", before=before), *(["space"] if is_mounted else []))
            shop.is_unharmed()
        assert stage.json("checkpoints") == []
        left = [path.name for path in stage.home.rglob("*") if path.is_file()]
        assert sorted(name for name in left if not name.startswith(("hive.db", "agent-"))) == []
        large.unlink()
        shop.still_naps_and_wakes()


def test_a_disk_without_any_space_left_harms_no_agent(stage: Stage):
    with small_disk(stage) as is_mounted:
        shop = bystander(stage)
        with no_space_left(stage, is_mounted) as before:
            for verb in ("nap", "checkpoint", "pin"):
                refused(run(stage, verb, "shop", before=before))
        shop.is_unharmed()
        shop.still_naps_and_wakes()


def test_a_wake_without_any_space_left_is_refused_and_works_later(stage: Stage):
    with small_disk(stage) as is_mounted:
        shop = bystander(stage)
        stage.json("nap", "shop")
        with no_space_left(stage, is_mounted) as before:
            refused(run(stage, "wake", "shop", before=before))
        assert stage.stored(shop.agent).lifecycle is Lifecycle.ASLEEP
        assert stage.json("wake", "shop")["resumed"] is True
        assert len(stage.processes_of_session(shop.agent.session_id or "")) == 1


# --- workspaces


def git(stage: Stage, folder: Path, *arguments: str, check: bool = True) -> str:
    words = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(folder), *arguments]
    done = subprocess.run(words, env=stage.environment, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout


def no_repository(stage: Stage, folder: Path) -> None:
    (folder / "notes.txt").write_text("notes\n")


def bare(stage: Stage, folder: Path) -> None:
    git(stage, folder, "init", "-q", "--bare")


def unborn(stage: Stage, folder: Path) -> None:
    git(stage, folder, "init", "-q", "-b", "main")
    (folder / "staged.txt").write_text("staged\n")
    git(stage, folder, "add", "-A")
    (folder / "untracked.txt").write_text("untracked\n")


def mid_merge(stage: Stage, folder: Path) -> None:
    git(stage, folder, "init", "-q", "-b", "main")
    file = folder / "both.txt"
    for branch, text in (("main", "base\n"), ("side", "theirs\n"), ("main", "ours\n")):
        if branch == "side":
            git(stage, folder, "checkout", "-qb", "side")
        elif text == "ours\n":
            git(stage, folder, "checkout", "-q", "main")
        file.write_text(text)
        git(stage, folder, "add", "-A")
        git(stage, folder, "commit", "-qm", text)
    git(stage, folder, "merge", "side", check=False)
    assert (folder / ".git" / "MERGE_HEAD").exists() and "<<<<<<<" in file.read_text()


def broken_git(stage: Stage, folder: Path) -> None:
    git(stage, folder, "init", "-q", "-b", "main")
    (folder / ".git" / "HEAD").write_bytes(b"\0nonsense")


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("make", [no_repository, bare, unborn, mid_merge], ids=lambda make: make.__name__)
def test_a_workspace_in_any_state_naps_and_wakes_and_is_not_changed(stage: Stage, make: Callable[[Stage, Path], None]):
    folder = stage.folder_for("shop")
    make(stage, folder)
    before = contents(folder)
    pane_id = stage.agent_in_shell("shop", folder=folder)
    assert stage.json("nap", "shop")["processes_ended"] == 1
    assert contents(folder) == before
    assert stage.json("wake", "shop")["resumed"] is True
    assert contents(folder) == before
    eventually(lambda: "(resumed with 1 messages)" in stage.screen(pane_id))
    assert stage.json("validate", "shop", "--deep")[0]["is_valid"] is True


def test_a_repository_that_git_cannot_read_stops_the_nap_and_is_not_changed(stage: Stage):
    folder = stage.folder_for("shop")
    broken_git(stage, folder)
    before = contents(folder)
    stage.agent_in_shell("shop", folder=folder)
    shop = Bystander(stage, stage.look("shop"), "")
    done = run(stage, "nap", "shop")
    if done.returncode != 0:
        refused(done, str(folder))
        shop.is_unharmed()
    assert contents(folder) == before
