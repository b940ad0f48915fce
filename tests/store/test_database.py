"""The database file: opened, migrated once, written all or nothing, and never a traceback about the disk."""

import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest

from hive_tui.domain.errors import StoreError, StoreFull
from hive_tui.domain.events import Event, EventKind
from hive_tui.domain.schedule import SleepWindow
from hive_tui.store import agents, journal, migrations, screens, settings, wakeups, windows
from hive_tui.store.database import AUTOCHECKPOINT_PAGES, BUSY_TIMEOUT_MS, FOLD_AFTER_COMMITS, Database
from tests.builders import NOON, an_agent
from tests.clocks import FakeClock
from tests.users import without_root

FORK = multiprocessing.get_context("fork")


@contextmanager
def opened(path: Path) -> Iterator[Database]:
    database = Database(path, FakeClock())
    try:
        yield database
    finally:
        database.close()


def pragma(db: sqlite3.Connection, name: str) -> object:
    return db.execute(f"PRAGMA {name}").fetchone()[0]


def test_a_fresh_database_is_at_the_newest_version_and_private(database: Database, path: Path):
    assert database.read(migrations.version) == migrations.LATEST
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert database.integrity_errors() == []


@pytest.mark.parametrize("run", ["read", "write"])
@pytest.mark.parametrize(
    ("name", "value"),
    [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1), ("busy_timeout", BUSY_TIMEOUT_MS)],
)
def test_every_connection_is_durable_patient_and_checks_references(
    database: Database, run: str, name: str, value: object
):
    assert getattr(database, run)(pragma, name) == value


def test_a_close_ends_the_reads_of_other_threads_first(path: Path):
    database, begun, said = Database(path, FakeClock()), threading.Event(), []

    def read(db: sqlite3.Connection) -> None:
        begun.set()
        db.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n").fetchone()

    def run() -> None:
        with pytest.raises(StoreError) as told:
            database.read(read)
        said.append(told.value.what)

    thread = threading.Thread(target=run)
    thread.start()
    assert begun.wait(20)
    database.close()
    thread.join(20)
    assert not thread.is_alive()
    assert "interrupted" in said[0]


def test_only_the_process_that_owns_the_wal_moves_it_into_the_file(database: Database):
    assert database.write(pragma, "wal_autocheckpoint") == 0
    database.checkpoint_wal(own=True)
    assert database.write(pragma, "wal_autocheckpoint") == AUTOCHECKPOINT_PAGES
    database.checkpoint_wal(own=False)
    assert database.write(pragma, "wal_autocheckpoint") == 0


def test_the_owner_moves_the_wal_between_commits_and_only_after_many(database: Database, path: Path):
    def write(count: int) -> None:
        for number in range(count):
            database.write(settings.put, "colour", str(number), now=NOON)

    write(FOLD_AFTER_COMMITS)
    assert not database.fold_wal(), "it is another one's"
    database.checkpoint_wal(own=True)
    size = path.stat().st_size
    assert database.fold_wal() and path.stat().st_size >= size
    write(FOLD_AFTER_COMMITS - 1)
    assert not database.fold_wal()
    write(1)
    assert database.fold_wal() and not database.fold_wal()
    _, pages, moved = database._thawed_writer().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    assert pages == moved, "nothing was left"


def test_what_was_written_is_there_after_it_is_opened_again(path: Path):
    with opened(path) as first:
        first.write(settings.put, "colour", "amber", now=NOON)
    with opened(path) as second:
        assert second.read(settings.get, "colour") == "amber"


def test_a_write_that_fails_leaves_nothing_behind(database: Database):
    def half(db: sqlite3.Connection) -> None:
        settings.put(db, "half", True, now=NOON)
        raise RuntimeError("in the middle")

    with pytest.raises(RuntimeError):
        database.write(half)
    assert database.read(settings.get, "half") is None
    database.write(settings.put, "next", 1, now=NOON)


def test_a_read_cannot_write(database: Database):
    with pytest.raises(StoreError, match="readonly"):
        database.read(settings.put, "sly", 1, now=NOON)


def test_a_read_sees_one_moment_while_others_write(database: Database):
    def twice(db: sqlite3.Connection) -> tuple[object, object]:
        before = settings.get(db, "count")
        thread = threading.Thread(target=lambda: database.write(settings.put, "count", 2, now=NOON))
        thread.start()
        thread.join()
        return before, settings.get(db, "count")

    database.write(settings.put, "count", 1, now=NOON)
    assert database.read(twice) == (1, 1)
    assert database.read(settings.get, "count") == 2


def test_the_change_counter_moves_with_a_commit_of_another_connection(database: Database, path: Path):
    before = database.change_counter()
    assert database.change_counter() == before
    with opened(path) as other:
        other.write(settings.put, "x", 1, now=NOON)
    assert database.change_counter() != before


def test_the_mark_moves_with_each_commit_and_with_a_new_connection_that_counts_from_the_start(
    database: Database, path: Path
):
    marks: list[Any] = [database.mark()]
    assert database.mark() == marks[0]
    database.write(settings.put, "x", 1, now=NOON)
    marks.append(database.mark())
    with opened(path) as other:
        other.write(settings.put, "x", 2, now=NOON)
    marks.append(database.mark())
    database._leave_era()
    marks.append(database.mark())
    assert len(set(marks)) == len(marks), "each time something else may be read"
    assert len({counter for _, counter in marks}) < len(marks), "the counter alone would not have told"


def test_a_thread_that_has_ended_holds_no_files_open(database: Database):
    def read() -> None:
        assert database.read(wakeups.next_due_at) is None

    def open_files() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    counts = []
    for _ in range(20):
        thread = threading.Thread(target=read)
        thread.start()
        thread.join()
        counts.append(open_files())
    assert counts[-1] - counts[0] < 5, "SQLite keeps one or two for the next connection"
    read()


def test_the_database_and_the_domain_agree_on_what_a_new_sleep_window_is(database: Database):
    database.write(lambda db: db.execute("INSERT INTO sleep_windows (id) VALUES ('w')"))
    assert database.read(windows.everything) == [SleepWindow("w", None, "02:00", "04:00", "UTC", active=False)]


def test_a_broken_reference_is_a_bug_and_not_a_trouble_of_the_disk(database: Database):
    with pytest.raises(sqlite3.IntegrityError):
        database.write(windows.put, SleepWindow("w", "nobody"))


@pytest.mark.parametrize("name", ["a b", "what?mode=rw", "100%41", "#1", "zürich", "caf\udce9"])
def test_any_name_of_a_folder_will_do(tmp_path: Path, name: str):
    with opened(tmp_path / name / "hive.db") as database:
        database.write(agents.add, an_agent(), now=NOON)
        with database.session() as session:
            assert screens.agent_names(session) == {"id-of-ada": "ada"}
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


def old_database(path: Path) -> None:
    with opened(path) as database:
        database.write(settings.put, "colour", "amber", now=NOON)


@pytest.fixture
def add_step(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], None]:
    """Make this program one version newer, by a migration with the given SQL."""
    folder = tmp_path / "package"
    (folder / "schema").mkdir(parents=True)
    real = files("hive_tui.store").joinpath("schema")
    for name in migrations.STEPS:
        (folder / "schema" / name).write_text(real.joinpath(name).read_text())

    def add(sql: str) -> None:
        (folder / "schema" / "next.sql").write_text(sql)
        monkeypatch.setattr("importlib.resources.files", lambda _: folder)
        monkeypatch.setattr(migrations.migrate, "__kwdefaults__", {"steps": (*migrations.STEPS, "next.sql")})
        monkeypatch.setattr(migrations.refuse_newer, "__defaults__", (migrations.LATEST + 1,))

    return add


def test_an_older_database_is_migrated_after_a_copy_was_kept(path: Path, add_step: Callable[[str], None]):
    old_database(path)
    add_step(
        "CREATE TABLE extra (id TEXT) STRICT;\n-- a comment; with a semicolon\nINSERT INTO extra VALUES ('a;b');\n"
    )
    with opened(path) as database:
        assert database.read(migrations.version) == migrations.LATEST + 1
        assert database.read(lambda db: db.execute("SELECT id FROM extra").fetchone()[0]) == "a;b"
        assert database.read(settings.get, "colour") == "amber"
    (copy,) = path.parent.glob("*.bak")
    assert copy.name == f"hive.db.v{migrations.LATEST}-20260105T120000000000.bak"
    assert copy.stat().st_mode & 0o777 == 0o600
    kept = sqlite3.connect(copy)
    assert migrations.version(kept) == migrations.LATEST
    assert kept.execute("SELECT value FROM settings").fetchall() == [('"amber"',)]
    kept.close()


def test_an_up_to_date_database_is_not_copied(path: Path):
    old_database(path)
    old_database(path)
    assert list(path.parent.glob("*.bak")) == []


@pytest.mark.parametrize("trouble", ["CREATE TABLE agents (id TEXT);", "nonsense;", "INSERT INTO settings VALUES (1);"])
def test_a_migration_that_fails_half_way_leaves_the_old_version(
    path: Path, add_step: Callable[[str], None], trouble: str
):
    old_database(path)
    add_step(f"CREATE TABLE extra (id TEXT);\nUPDATE settings SET value = '1';\n{trouble}\n")
    with pytest.raises((StoreError, sqlite3.IntegrityError)):
        Database(path, FakeClock())
    left = sqlite3.connect(path)
    assert migrations.version(left) == migrations.LATEST
    assert left.execute("SELECT value FROM settings").fetchall() == [('"amber"',)]
    assert left.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchone() is None
    left.close()


def test_every_migration_is_complete_statements():
    for name in migrations.STEPS:
        script = files("hive_tui.store").joinpath("schema", name).read_text()
        assert "".join(migrations._statements(script)).strip() == script.strip()


def test_a_newer_database_is_refused_unchanged_and_says_what_to_do(path: Path):
    path.parent.mkdir()
    newer = sqlite3.connect(path)
    newer.execute("CREATE TABLE from_the_future (id TEXT)")
    newer.execute(f"PRAGMA user_version = {migrations.LATEST + 1}")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match=r"newer hive-tui \(its schema is version \d+, this one knows") as refused:
        Database(path, FakeClock())
    assert "Update hive-tui" in refused.value.hint
    assert path.read_bytes() == before
    assert [entry.name for entry in path.parent.iterdir()] == ["hive.db"]


def no_database(path: Path) -> None:
    path.write_bytes(b"This is a shopping list, and quite a long one.\n" * 100)


def damaged(path: Path) -> None:
    old_database(path)
    raw = path.read_bytes()
    path.write_bytes(raw[:100] + b"\x55" * (len(raw) - 100))


def cut(path: Path) -> None:
    old_database(path)
    os.truncate(path, 5000)


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.parametrize(
    ("spoil", "hint"),
    [(no_database, "Move it away"), (damaged, "Move it away"), (cut, "Move it away"), (a_folder, "owner and mode")],
)
def test_a_file_that_cannot_be_used_is_named_with_a_hint(path: Path, spoil: Callable[[Path], None], hint: str):
    path.parent.mkdir()
    spoil(path)
    with pytest.raises(StoreError) as refused, opened(path) as database:
        database.read(agents.everyone)
    assert str(path) in refused.value.what
    assert hint in refused.value.hint


def test_damage_under_an_open_screen_is_a_sentence_too(path: Path):
    old_database(path)
    with opened(path) as database:
        raw = path.read_bytes()
        path.write_bytes(raw[:100] + b"\x55" * (len(raw) - 100))
        with pytest.raises(StoreError, match="malformed") as refused, database.session() as session:
            screens.agent_names(session)
        assert "Move it away" in refused.value.hint


def test_a_file_where_the_folder_should_be_is_named(tmp_path: Path):
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreError, match=str(tmp_path / "home")):
        Database(tmp_path / "home" / "hive.db", FakeClock())


@pytest.mark.parametrize("mode", [0o000, 0o500])
def test_a_folder_that_may_not_be_written_is_named(path: Path, mode: int):
    path.parent.mkdir()
    for folder in list(path.parents)[:4]:
        folder.chmod(folder.stat().st_mode | 0o555)
    path.parent.chmod(mode)
    try:
        with without_root(), pytest.raises(StoreError, match=str(path)) as refused:
            Database(path, FakeClock())
        assert "owner and mode" in refused.value.hint or "writable" in refused.value.hint
    finally:
        path.parent.chmod(0o700)


def test_a_locked_database_says_that_another_program_holds_it(database: Database, path: Path):
    database.write(lambda db: db.execute("PRAGMA busy_timeout = 1"))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(StoreError, match="locked") as refused:
            database.write(settings.put, "x", 1, now=NOON)
        assert "Another program holds it" in refused.value.hint
    finally:
        other.execute("ROLLBACK")
        other.close()
    database.write(settings.put, "x", 1, now=NOON)


def test_a_full_disk_says_so_and_nothing_of_the_write_stays(database: Database):
    def fill(db: sqlite3.Connection) -> None:
        for _ in range(1000):
            journal.log(db, Event(EventKind.RECOVERED, "x" * 1000), now=NOON)

    pages = database.write(pragma, "page_count")
    database.write(pragma, f"max_page_count = {pages}")
    with pytest.raises(StoreFull, match="disk is full") as refused:
        database.write(fill)
    assert "hive-tui prune" in refused.value.hint
    assert database.read(journal.events) == []


def test_a_disk_that_is_full_while_migrating_says_so(path: Path):
    path.parent.mkdir()
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA max_page_count = 3")
    with pytest.raises(sqlite3.OperationalError, match="full"):
        migrations.migrate(connection, path, now=NOON)
    assert migrations.version(connection) == 0
    connection.close()


def open_at_once(path: Path, together: Barrier, said: "Queue[str]") -> None:
    together.wait()
    try:
        with opened(path) as database:
            database.write(settings.put, str(os.getpid()), 1, now=NOON)
        said.put("opened")
    except BaseException as error:
        said.put(repr(error))


@pytest.mark.parametrize("turn", range(20))
def test_several_processes_may_open_a_fresh_database_at_once(path: Path, turn: int):
    together, said = FORK.Barrier(4), FORK.Queue()
    processes = [FORK.Process(target=open_at_once, args=(path, together, said)) for _ in range(4)]
    for process in processes:
        process.start()
    assert [said.get(timeout=30) for _ in processes] == ["opened"] * 4
    for process in processes:
        process.join()
    with opened(path) as database:
        assert database.read(lambda db: db.execute("SELECT count(*) FROM settings").fetchone()[0]) == 4
