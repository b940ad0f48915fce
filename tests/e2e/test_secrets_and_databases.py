"""What a kind names as its conversation: databases are copied by SQLite's means, and secrets never."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from hive_tui.archive import reader
from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason, Defect
from hive_tui.domain.progress import Unwatched
from hive_tui.kinds.kind import Kind, SessionFile
from hive_tui.store import checkpoints
from tests.stage import TESTER, Stage, transcript_of

SECRET = "hunter2-is-the-secret"
PLANTED = (
    "auth.json", ".credentials.json", "oauth_creds.json", "api_key.txt", "server.key", "cert.pem", ".env",
    "id_rsa", "mcp_tokens.json", ".netrc", "Token",
)  # fmt: skip


@pytest.fixture
def shop(stage: Stage) -> Agent:
    stage.agent_in_shell("shop")
    return stage.look()


def also(monkeypatch: pytest.MonkeyPatch, *files: SessionFile) -> None:
    """The kind names these files, too."""
    before = Kind.session_files
    monkeypatch.setattr(Kind, "session_files", lambda self, agent: [*before(self, agent), *files])


def taken(stage: Stage, agent: Agent) -> Checkpoint:
    return stage.hive.snapshotter.take(agent, CheckpointReason.MANUAL, TESTER, Unwatched())


def test_planted_secrets_are_in_no_checkpoint_even_if_a_kind_names_them(
    stage: Stage, shop: Agent, monkeypatch: pytest.MonkeyPatch
):
    folder = stage.agents_home
    for name in PLANTED:
        (folder / name).write_text(SECRET)
    (folder / "innocent.jsonl").symlink_to(folder / "auth.json")
    named = [SessionFile(folder / name, name) for name in (*PLANTED, "innocent.jsonl")]
    renamed = SessionFile(folder / "auth.json", "settings.json")
    also(monkeypatch, *named, renamed)
    checkpoint = taken(stage, shop)
    members = [member.name for member in reader.read_manifest(Path(checkpoint.path)).members]
    content = b"".join(reader.read_member(Path(checkpoint.path), name) for name in members)
    assert SECRET.encode() not in content
    assert len(checkpoint.summary["left_out"]) == len(PLANTED) + 2
    assert any(name.startswith("session/transcripts/") for name in members), "the transcript itself is there"


def database(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE messages (text TEXT)")
        db.execute("INSERT INTO messages VALUES (?)", (text,))
        db.commit()
    return path


def messages(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as db:
        return [row[0] for row in db.execute("SELECT text FROM messages")]


def database_with_a_log(path: Path, text: str) -> bytes:
    """The log of the database, with this row in it; the file itself is as before."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_autocheckpoint = 0")
        db.execute("INSERT INTO messages VALUES (?)", (text,))
        db.commit()
        return path.with_name(f"{path.name}-wal").read_bytes()


def test_a_database_in_use_is_in_the_checkpoint_with_what_its_log_holds(
    stage: Stage, shop: Agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    path = database(stage.agents_home / "opencode.db", "first")
    also(monkeypatch, SessionFile(path, "opencode.db", is_database=True))
    with closing(sqlite3.connect(path)) as agent:
        agent.execute("INSERT INTO messages VALUES ('in the log')")
        agent.commit()
        checkpoint = taken(stage, shop)
    copy = tmp_path / "copy.db"
    copy.write_bytes(reader.read_member(Path(checkpoint.path), "session/opencode.db"))
    assert messages(copy) == ["first", "in the log"]
    assert stage.hive.validator.check(checkpoint, deep=True) == []


def test_a_damaged_database_is_found_by_the_deep_validation(stage: Stage, shop: Agent, monkeypatch: pytest.MonkeyPatch):
    path = database(stage.agents_home / "opencode.db", "first")
    content = bytearray(path.read_bytes())
    content[4096:8192] = bytes(4096)
    path.write_bytes(content)
    also(monkeypatch, SessionFile(path, "opencode.db"))
    checkpoint = taken(stage, shop)
    assert stage.hive.validator.check(checkpoint) == []
    errors = stage.hive.validator.check(checkpoint, deep=True)
    assert errors and {error.kind for error in errors} == {Defect.BAD_DATABASE}
    assert errors[0].member == "session/opencode.db"


def test_a_restore_leaves_a_database_that_is_there_and_a_wake_brings_back_one_that_is_gone(
    stage: Stage, shop: Agent, monkeypatch: pytest.MonkeyPatch
):
    path = database(stage.agents_home / "opencode.db", "of the checkpoint")
    also(monkeypatch, SessionFile(path, "opencode.db", is_database=True))
    stage.nap()
    with closing(sqlite3.connect(path)) as other:
        other.execute("INSERT INTO messages VALUES ('of another conversation')")
        other.commit()
    wanted = stage.hive.database.read(checkpoints.generation, shop.id, 0)
    preview = stage.hive.returning.restorer.preview(stage.stored(shop), wanted, Unwatched())
    assert any("opencode.db may hold other conversations" in line for line in preview.lines())
    stage.hive.returning.restorer.restore(stage.stored(shop), wanted, TESTER, Unwatched())
    assert messages(path) == ["of the checkpoint", "of another conversation"]

    log = database_with_a_log(path, "only in the log of the one that is gone")
    path.unlink()
    path.with_name("opencode.db-wal").write_bytes(log)
    transcript_of(shop).unlink()
    stage.wake(shop)
    assert messages(path) == ["of the checkpoint"], "the log of the lost one was not played into it"
    assert path.with_name("opencode.db-wal.lost").read_bytes() == log
