"""Daily copies of the database: whole or not there, failures told once, and the way back to one."""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock, wait_until
from hive_tui.adapters.sqlite_copy import database_errors
from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.events import Event, Severity
from hive_tui.services.backups import Backups, list_backups
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.services.hub import Hub
from hive_tui.store import agents, journal
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated
from tests.stage import ROOT, Stage, eventually

CLOCK = SystemClock()


class Home:
    """A home with a database that has one agent in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.database = Database(migrated(folder / "hive.db"), self.clock)
        self.database.write(agents.add, an_agent("ada"), now=NOON)
        self.events: list[Event] = []
        hub = Hub()
        hub.subscribe(self.events.append)
        self.backups = Backups(folder, self.database, self.clock, hub)

    def failures(self) -> list[str]:
        return [event.text for event in self.events if event.severity is Severity.FAILURE]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    made = Home(tmp_path / "home")
    yield made
    made.database.close()


def names(path: Path) -> list[str]:
    database = Database(path, FakeClock())
    try:
        return [agent.name for agent in database.read(agents.everyone)]
    finally:
        database.close()


def test_a_copy_is_taken_once_a_day_and_is_a_sound_database(home: Home, tmp_path: Path):
    path = home.backups.take_if_due()
    assert path is not None and path.name == "hive-20260105T120000.000000Z.db"
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    assert database_errors(path) == []
    assert [file.name for file in path.parent.iterdir()] == [path.name], "nothing half-made beside it"
    assert home.backups.take_if_due() is None
    home.clock.advance(timedelta(hours=24).total_seconds())
    assert home.backups.take_if_due() is not None
    shutil.copy(path, tmp_path / "back.db")
    assert names(tmp_path / "back.db") == ["ada"]
    assert [event.kind for event in home.events] == ["backup.taken", "backup.taken"]


def test_old_copies_go_only_after_a_new_one_is_good(home: Home):
    for _ in range(12):
        assert home.backups.take_if_due() is not None
        home.clock.advance(timedelta(days=1).total_seconds())
    assert len(list_backups(home.backups.folder)) == 7
    with damaged(home):
        assert home.backups.take_if_due() is None
    assert len(list_backups(home.backups.folder)) == 7
    assert "The database is damaged: " in home.failures()[0]


@contextmanager
def damaged(home: Home) -> Iterator[None]:
    """An index points to nothing: only the full check sees that."""
    path = home.folder / "hive.db"
    home.database.close()
    content = path.read_bytes()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE INDEX by_text ON events (text)")
        [page] = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'by_text'").fetchone()
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages = bytearray(path.read_bytes())
    pages[(page - 1) * 4096 + 3 : (page - 1) * 4096 + 5] = bytes(2)  # so many entries has the index now: none
    path.write_bytes(pages)
    yield
    path.write_bytes(content)
    home.database = Database(path, home.clock)


def test_a_failure_is_told_once_and_tried_again_after_an_hour(home: Home):
    home.backups.folder.write_text("a file where the folder should be")
    assert home.backups.take_if_due() is None
    assert home.backups.take_if_due() is None
    assert len(home.failures()) == 1 and "No copy of the database was made" in home.failures()[0]
    logged = home.database.read(journal.events, after_seq=0, limit=10)
    assert [one.event.kind for one in logged] == ["backup.failed"], "so the alert is raised by whoever tells them"
    home.backups.folder.unlink()
    home.clock.advance(3_600)
    assert home.backups.take_if_due() is not None


def test_what_a_killed_process_left_is_removed_in_time(home: Home):
    home.backups.folder.mkdir()
    left = home.backups.folder / ".hive-20260104T120000.000000Z.db.1-abcd.tmp"
    left.write_bytes(b"half")
    os.utime(left, (NOON.timestamp() - 7_200,) * 2)
    under_way = home.backups.folder / ".hive-20260105T115900.000000Z.db.2-abcd.tmp"
    under_way.write_bytes(b"half")
    os.utime(under_way, (NOON.timestamp() - 60,) * 2)
    home.backups.take()
    assert not left.exists() and under_way.exists()


def test_other_files_in_the_folder_are_let_alone(home: Home):
    home.backups.folder.mkdir()
    for name in ("hive-mine.db", "notes.txt"):
        (home.backups.folder / name).write_text("mine")
    for _ in range(12):
        home.backups.take_if_due()
        home.clock.advance(timedelta(days=1).total_seconds())
    assert (home.backups.folder / "hive-mine.db").exists() and (home.backups.folder / "notes.txt").exists()


def test_the_heartbeat_takes_one_and_doctor_shows_it(stage: Stage):
    assert "none yet" in stage.command("doctor").stdout
    with stage_heartbeat(stage):
        eventually(lambda: list_backups(stage.home / "backups"), "there is a copy")
    said = stage.command("doctor").stdout
    assert "database copies" in said and "1, the newest" in said


@contextmanager
def stage_heartbeat(stage: Stage) -> Iterator[None]:
    thread = HeartbeatThread(lambda _: new_heartbeat(stage.new_hive(), observe_every_s=0.2))
    thread.start()
    try:
        yield
    finally:
        assert thread.stop()


def test_doctor_names_the_copy_to_go_back_to_and_going_back_works(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    path = stage.hive.keeping.backups.take()
    stage.hive.close()
    database = stage.home / "hive.db"
    for end in ("-wal", "-shm"):
        database.with_name(database.name + end).unlink(missing_ok=True)
    database.write_bytes(b"no database at all" * 1_000)
    done = stage.command("doctor")
    assert done.returncode == 1
    assert f"then copy {path} to {database}" in " ".join(done.stdout.split())
    shutil.copy(path, database)
    assert [one["name"] for one in stage.json("agents")] == ["shop"]
    stage.hive = stage.new_hive()


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_killed_at_any_moment_only_whole_copies_are_there(home: Home):
    def grow(db: object) -> None:
        db.execute("CREATE TABLE ballast (content BLOB)")  # type: ignore[attr-defined]
        for _ in range(3_000):
            db.execute("INSERT INTO ballast VALUES (randomblob(4000))")  # type: ignore[attr-defined]

    home.database.write(grow)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from hive_tui.adapters.clock import SystemClock\n"
        "from hive_tui.services.backups import Backups\n"
        "from hive_tui.services.hub import Hub\n"
        "from hive_tui.store.database import Database\n"
        "clock, folder = SystemClock(), Path(sys.argv[1])\n"
        "backups = Backups(folder, Database(folder / 'hive.db', clock), clock, Hub())\n"
        "while True: backups.take()\n"
    )
    folder = home.backups.folder
    for number in range(25):
        child = subprocess.Popen(
            [sys.executable, "-c", script, str(home.folder)], env=os.environ | {"PYTHONPATH": str(ROOT)}
        )
        assert wait_until(lambda: any(folder.glob(".*.tmp")), timeout_s=20, clock=CLOCK, every_s=0.001)
        CLOCK.sleep(number * 0.004)
        child.kill()
        child.wait(20)
        assert [database_errors(path) for path in list_backups(folder).values()] == [[]] * len(list_backups(folder))
    assert database_errors(home.backups.take()) == []
