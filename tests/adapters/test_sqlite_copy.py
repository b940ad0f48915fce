"""Copies of SQLite databases that are in use: whole, of one moment, and nothing of the source is changed."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock, wait_until
from hive_tui.adapters.sqlite_copy import copy_database, database_errors, empty_tables
from hive_tui.domain.errors import BackupError
from tests.users import bound_by_file_modes

CLOCK = SystemClock()
WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
number = db.execute("SELECT count(*) FROM pairs").fetchone()[0]
while True:
    db.execute("BEGIN IMMEDIATE")
    db.execute("INSERT INTO pairs VALUES (?, 'a', randomblob(2000))", (number,))
    db.execute("INSERT INTO pairs VALUES (?, 'b', randomblob(2000))", (number,))
    db.execute("COMMIT")
    number += 1
"""


def made(path: Path, *, wal: bool = True, rows: int = 200) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute(f"PRAGMA journal_mode = {'WAL' if wal else 'DELETE'}")
        db.execute("CREATE TABLE pairs (number INTEGER, side TEXT, content BLOB)")
        db.execute("BEGIN")
        for number in range(rows):
            db.executemany("INSERT INTO pairs VALUES (?, ?, randomblob(2000))", [(number, "a"), (number, "b")])
        db.execute("COMMIT")
    return path


def aged(path: Path) -> Path:
    os.utime(path, (1_700_000_000, 1_700_000_000))
    return path


@contextmanager
def writer(path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A process that writes pairs of rows as fast as it can."""
    before = rows_of(path)
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)])
    try:
        assert wait_until(lambda: rows_of(path) > before + 20, timeout_s=20, clock=CLOCK)
        yield process
    finally:
        process.kill()
        process.wait(20)


def rows_of(path: Path) -> int:
    with closing(sqlite3.connect(path, timeout=30)) as db:
        return int(db.execute("SELECT count(*) FROM pairs").fetchone()[0])


def odd_pairs(path: Path) -> list[int]:
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT number FROM pairs GROUP BY number HAVING count(*) <> 2")]


@pytest.mark.parametrize("wal", [True, False], ids=["wal", "rollback journal"])
def test_a_copy_taken_while_another_process_writes_is_whole(tmp_path: Path, wal: bool):
    source = made(tmp_path / "opencode.db", wal=wal, rows=1_500)
    with writer(source):
        for number in range(4):
            target = tmp_path / f"copy{number}"
            size = copy_database(source, target, CLOCK, timeout_s=60)
            assert database_errors(target) == [] and odd_pairs(target) == []
            assert rows_of(target) >= 3_000 and size == target.stat().st_size
            assert target.stat().st_mode & 0o777 == 0o600


class WritingClock(SystemClock):
    """Writes the source whenever the copy looks at the time, that is between any two of its steps, where it may."""

    def __init__(self, source: Path) -> None:
        self._source = source
        self.commits = self.held_back = 0

    def monotonic(self) -> float:
        with closing(sqlite3.connect(self._source, timeout=0, isolation_level=None)) as db:
            try:
                db.execute("INSERT INTO pairs VALUES (-1, 'a', ''), (-1, 'b', '')")
                db.execute("DELETE FROM pairs WHERE number = -1")
                self.commits += 1
            except sqlite3.OperationalError:
                self.held_back += 1
        return super().monotonic()


def test_writers_without_a_log_are_held_back_once_the_copy_has_begun_anew_a_few_times(tmp_path: Path):
    source = tmp_path / "a.db"
    with closing(sqlite3.connect(source)) as db:
        db.execute("PRAGMA page_size = 512")
        db.execute("VACUUM")
    made(source, wal=False, rows=900)
    clock = WritingClock(source)
    copy_database(source, tmp_path / "copy", clock)
    assert rows_of(tmp_path / "copy") == 1_800 and odd_pairs(tmp_path / "copy") == []
    assert 0 < clock.commits < 12
    assert clock.held_back > 0


def test_what_stands_only_in_the_log_is_in_the_copy(tmp_path: Path):
    source = made(tmp_path / "a.db", rows=1)
    with closing(sqlite3.connect(source, isolation_level=None)) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("INSERT INTO pairs VALUES (77, 'a', 'only in the log'), (77, 'b', '')")
        copy_database(source, tmp_path / "copy", CLOCK)
    with closing(sqlite3.connect(tmp_path / "copy")) as copy:
        assert copy.execute("SELECT count(*) FROM pairs WHERE number = 77").fetchone() == (2,)
    assert {file.name for file in tmp_path.iterdir()} >= {"copy"} and not list(tmp_path.glob("copy-*"))


def test_a_database_at_rest_is_left_as_it_is_with_no_file_beside_it(tmp_path: Path):
    source = aged(made(tmp_path / "a.db"))
    before = (source.read_bytes(), source.stat().st_mtime_ns)
    copy_database(source, tmp_path / "copy", CLOCK)
    assert (source.read_bytes(), source.stat().st_mtime_ns) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.db", "copy"]


def test_a_database_in_a_folder_that_we_may_not_write_is_copied(tmp_path: Path):
    folder = tmp_path / "theirs"
    folder.mkdir()
    source = aged(made(folder / "a.db"))
    source.chmod(0o444)
    folder.chmod(0o555)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from hive_tui.adapters.clock import SystemClock\n"
        "from hive_tui.adapters.sqlite_copy import copy_database\n"
        "copy_database(Path(sys.argv[1]), Path(sys.argv[2]), SystemClock())\n"
    )
    command = [sys.executable, "-c", script, str(source), str(tmp_path / "copy")]
    try:
        subprocess.run(command, check=True, preexec_fn=bound_by_file_modes)
        assert rows_of(tmp_path / "copy") == 400
    finally:
        folder.chmod(0o755)


def test_a_locked_database_is_given_up_in_time_and_no_half_copy_stays(tmp_path: Path):
    source = made(tmp_path / "a.db", wal=False)
    with closing(sqlite3.connect(source, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        began = CLOCK.monotonic()
        with pytest.raises(BackupError, match=r"a\.db could not be copied"):
            copy_database(source, tmp_path / "copy", CLOCK, timeout_s=0.5)
        assert CLOCK.monotonic() - began < 15
    assert not (tmp_path / "copy").exists()


@pytest.mark.parametrize("content", [b"", b"no database at all" * 100], ids=["empty", "text"])
def test_what_is_no_database_is_refused_or_stays_empty(tmp_path: Path, content: bytes):
    source = tmp_path / "a.db"
    source.write_bytes(content)
    if content:
        with pytest.raises(BackupError, match="not a database"):
            copy_database(source, tmp_path / "copy", CLOCK)
        assert not (tmp_path / "copy").exists()
    else:
        copy_database(source, tmp_path / "copy", CLOCK)
        assert database_errors(tmp_path / "copy") == []


def test_a_missing_source_makes_nothing(tmp_path: Path):
    with pytest.raises(BackupError, match="there is no file"):
        copy_database(tmp_path / "a.db", tmp_path / "copy", CLOCK)
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_is_there_is_not_touched(tmp_path: Path):
    source = made(tmp_path / "a.db")
    (tmp_path / "copy").write_text("mine")
    with pytest.raises(BackupError):
        copy_database(source, tmp_path / "copy", CLOCK)
    assert (tmp_path / "copy").read_text() == "mine"


def test_a_damaged_page_is_found(tmp_path: Path):
    path = made(tmp_path / "a.db", wal=False)
    content = bytearray(path.read_bytes())
    content[4096 * 3 : 4096 * 4] = bytes(4096)
    path.write_bytes(content)
    assert database_errors(path) != []


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_killed_while_it_copies_the_source_is_sound_and_the_next_copy_good(tmp_path: Path):
    source = made(tmp_path / "a.db", rows=5_000)
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from hive_tui.adapters.clock import SystemClock\n"
        "from hive_tui.adapters.sqlite_copy import copy_database\n"
        "while True:\n"
        "    copy_database(Path(sys.argv[1]), Path(sys.argv[2]), SystemClock())\n"
        "    Path(sys.argv[2]).unlink()\n"
    )
    with writer(source):
        for number in range(10):
            target = tmp_path / f"copy{number}"
            child = subprocess.Popen([sys.executable, "-c", script, str(source), str(target)])
            assert wait_until(lambda: target.exists() and target.stat().st_size > 0, timeout_s=20, clock=CLOCK)  # noqa: B023
            killer = threading.Timer(number / 200, child.kill)
            killer.start()
            child.wait(20)
    assert database_errors(copied(source, tmp_path / "last")) == [] and odd_pairs(tmp_path / "last") == []


def copied(source: Path, target: Path) -> Path:
    copy_database(source, target, CLOCK)
    return target


def test_tables_with_keys_are_empty_in_the_copy_and_not_even_its_free_pages_hold_them(tmp_path: Path):
    source, copy = made(tmp_path / "source.db"), tmp_path / "copy.db"
    with closing(sqlite3.connect(source, isolation_level=None)) as db:
        db.execute("CREATE TABLE credential (value TEXT)")
        db.execute("INSERT INTO credential VALUES ('sk-planted-secret')")
    copy_database(source, copy, CLOCK)
    assert b"sk-planted-secret" in copy.read_bytes()
    empty_tables(copy, ("credential", "a_table_of_tomorrow"))
    assert b"sk-planted-secret" not in copy.read_bytes()
    assert database_errors(copy) == []
    with closing(sqlite3.connect(copy)) as db:
        assert db.execute("SELECT count(*) FROM pairs").fetchone() == (400,)
    assert not list(tmp_path.glob("copy.db-*")), "it leaves no companions"
