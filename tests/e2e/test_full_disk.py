"""A disk with no byte left: what is there can be read, what is not needed can go, and nothing is harmed."""

import fcntl
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hive_tui.cli.main import run as cli
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import CheckpointReason
from hive_tui.domain.errors import StoreFull
from hive_tui.domain.progress import Unwatched
from hive_tui.store import checkpoints, settings
from hive_tui.store.full_disk import RESERVE_BYTES
from tests.builders import NOON
from tests.disks import fill, small_disk
from tests.e2e.refusals import Done, bystander, refused
from tests.stage import TESTER, Stage

DISK_BYTES = 16_000_000
SAID = "The disk is full: the database "
KEEP_ONE = "[checkpoint]\nkeep = 1\nkeep_daily = 0\nkeep_weekly = 0\n[notify]\ndesktop = false\n"


@pytest.fixture
def disk(stage: Stage) -> Iterator[Path]:
    """The home, on a disk of its own."""
    with small_disk(stage.home, DISK_BYTES) as home:
        yield home
        stage.hive.close()


@contextmanager
def full(stage: Stage) -> Iterator[None]:
    """No byte is left, and nobody has the database open."""
    stage.hive.close()
    filler = fill(stage.home)
    try:
        yield
    finally:
        filler.unlink()
        stage.hive = stage.new_hive()


def some_checkpoints(stage: Stage, agent: Agent, count: int, size_bytes: int) -> None:
    for _ in range(count):
        (stage.folder_for("shop") / "large.bin").write_bytes(os.urandom(size_bytes))
        stage.hive.snapshotter.take(agent, CheckpointReason.MANUAL, TESTER, Unwatched())


@pytest.fixture
def ask(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Runs a command in this process, which takes a tenth of the time."""

    def run(*words: str) -> Done:
        arguments = stage.command_line(*words)[3:]
        try:
            code = cli(arguments)
        except SystemExit as ended:
            code = int(str(ended.code))
        said = capsys.readouterr()
        return Done(arguments, code, said.out, said.err)

    return run


READING = ("agents", "checkpoints", "status", "queue", "events", "prune --dry-run")


def test_on_a_full_disk_all_that_reads_works_and_what_writes_is_refused_in_one_sentence(
    stage: Stage, disk: Path, ask: Callable[..., Done]
):
    shop = bystander(stage)
    some_checkpoints(stage, shop.agent, 1, 1000)
    with full(stage):
        for words in READING:
            done = ask(*words.split())
            assert (done.returncode, SAID in done.stderr) == (0, True), f"{words}: {done}"
        done = ask("doctor", "--json")
        found = {one["what"]: one["status"] for one in json.loads(done.stdout)}
        assert (done.returncode, found["database"], found["disk"]) == (1, "ok", "broken")
        for verb in ("pin", "checkpoint", "nap"):
            refused(ask(verb, "shop"), "hive-tui prune")
        assert [path.name for path in disk.rglob("*") if path.name.endswith(".tmp")] == []
        assert list((disk / "scratch").iterdir()) == []
    shop.is_unharmed()


@pytest.mark.parametrize(("size_bytes", "has_reserve"), [(1_000, True), (1_500_000, True), (1_500_000, False)])
def test_on_a_full_disk_prune_and_delete_free_space(
    stage: Stage, disk: Path, ask: Callable[..., Done], size_bytes: int, has_reserve: bool
):
    some_checkpoints(stage, bystander(stage).agent, 4, size_bytes)
    reserve = disk / "hive.db.reserve"
    assert reserve.stat().st_size == RESERVE_BYTES, "it is made as soon as there is a database"
    if not has_reserve:
        reserve.unlink()
    with full(stage):
        oldest = json.loads(ask("checkpoints", "--json").stdout)[-1]
        assert (done := ask("delete", oldest["id"], "--yes")).returncode == 0, done
        fill(disk)
        (stage.folder / "config.toml").write_text(KEEP_ONE)
        assert "2 checkpoints were removed" in (done := ask("prune")).stdout, done
        assert len(list(disk.glob("checkpoints/*/*.zst"))) == 1
    assert len(stage.hive.database.read(checkpoints.everything)) == 1
    assert stage.hive.database.integrity_errors() == []
    assert reserve.stat().st_size == RESERVE_BYTES, "it is taken back for the next time"


def test_a_workspace_for_which_there_is_no_room_is_refused_before_it_is_copied(
    stage: Stage, disk: Path, ask: Callable[..., Done]
):
    shop = bystander(stage)
    (Path(shop.agent.cwd) / "large.bin").write_bytes(os.urandom(3_000_000))
    fill(disk, but_bytes=2_500_000)
    refused(ask("nap", "shop"), f"on the disk at {disk}: 3.0 MB are to be written, and ", " kB are missing", "prune")
    assert list((disk / "scratch").iterdir()) == [] and list(disk.rglob("*.zst")) == []
    shop.is_unharmed()


def test_the_next_checkpoint_sweeps_what_a_dead_process_left_and_nothing_of_a_living_one(stage: Stage):
    shop = bystander(stage)
    dead = subprocess.Popen(["true"])
    dead.wait()
    scratch, target = stage.home / "scratch", stage.home / "checkpoints" / "shop"
    left = [scratch / f"{dead.pid}-x", scratch / f".hive-git-{dead.pid}-x", target / f".a.tar.zst.{dead.pid}-0.tmp"]
    held = scratch / f"{dead.pid}-in-a-container"
    mine = scratch / f"{os.getpid()}-x"
    for folder in (*left[:2], held, mine, target):
        folder.mkdir(parents=True)
    left[2].touch()
    descriptor = os.open(held, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    stage.hive.snapshotter.take(shop.agent, CheckpointReason.MANUAL, TESTER, Unwatched())
    os.close(descriptor)
    assert [path.exists() for path in (*left, held, mine)] == [False, False, False, True, True]


def test_a_process_that_runs_goes_on_reading_and_writes_again_once_there_is_space(stage: Stage, disk: Path):
    shop = bystander(stage)
    stage.hive.close()
    filler = fill(disk)
    database = (hive := stage.new_hive()).database
    assert database.trouble is not None and "hive-tui prune" in database.trouble.hint
    assert [agent.lifecycle for agent in hive.observer.observe().agents] == [Lifecycle.AWAKE]
    with pytest.raises(StoreFull):
        database.write(settings.put, "x", 1, now=NOON)
    seen: list[object] = []
    thread = threading.Thread(target=lambda: seen.append(database.read(checkpoints.everything)))
    thread.start()
    thread.join()
    assert seen == [[]], "each thread has a connection of its own"
    filler.unlink()
    database.write(settings.put, "x", 1, now=NOON)
    assert stage.new_hive().database.trouble is None
    assert database.read(settings.get, "x") == 1
    hive.close()
    stage.hive = stage.new_hive()
    assert stage.hive.database.read(settings.get, "x") == 1
    shop.is_unharmed()
