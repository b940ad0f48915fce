"""OpenCode: its database names the sessions; which one a pane shows is told by its last words on the screen."""

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds import conversations
from hive_tui.kinds.commands import value_of
from hive_tui.kinds.conversations import Conversation
from hive_tui.kinds.kind import Kind, Look, SessionFile
from hive_tui.kinds.manifest import Manifest
from hive_tui.kinds.screen import Screen

BOX_END = re.compile(r"\s*╹▀{10,}")
BUSY_TIMEOUT_S = 0.2
SESSIONS = """
    SELECT id, directory FROM session
     WHERE parent_id IS NULL AND (directory = :cwd AND time_updated >= :since_ms OR id = :asked)
"""
LAST_MESSAGES = """
    SELECT id, data FROM message WHERE session_id = :id ORDER BY time_created DESC, id DESC LIMIT 6
"""
PARTS = "SELECT data FROM part WHERE message_id = :id ORDER BY id"


class OpenCode(Kind):
    """OpenCode."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._sessions: dict[ProcessId, tuple[object, Session]] = {}
        self._turns: dict[str, bool | None] = {}
        """Whether the last turn of a session is open, as far as the last look at the database told."""

    def session(self, look: Look) -> Session:
        """By its plugin, or else by its last words on the screen; read anew when screen or database have changed."""
        report = look.hooks.of_process(self.name, look.root.id)
        seen = (look.screen.ansi, _state(self._database(look)), report)
        known = self._sessions.get(look.root.id)
        if known is not None and known[0] == seen:
            return known[1]
        found = list(self.candidates(look))
        own = [report.session_id] if report else []
        session = conversations.chosen(look, self.manifest, found, self.config_dir(look), own=own)
        self._sessions[look.root.id] = (seen, session)
        return session

    def candidates(self, look: Look) -> Iterator[Conversation]:
        """Sessions of this folder that went on since the process began, and the one it was asked to resume."""
        path = self._database(look)
        since_s = look.processes.started_at(look.root.id).timestamp() - conversations.START_SLACK_S
        asked = value_of(look.argv, self.manifest.resume.arguments, self.manifest.session.id)
        asked = asked or value_of(look.argv, ("-s", "{session_id}"), self.manifest.session.id) or ""
        wanted = {"cwd": look.cwd, "since_ms": int(since_s * 1000), "asked": asked}
        try:
            with closing(_opened(path)) as database:
                rows = database.execute(SESSIONS, wanted).fetchall()
                found = [_conversation(database, path, *row) for row in rows]
        except sqlite3.Error:  # gone, locked, or of a version that is not known
            return
        self._turns |= {one.session_id: one.is_open_turn for one in found}
        yield from found

    def find_transcript(self, config_dir: Path, session_id: str) -> Path | None:
        """The database, if it holds the session."""
        path = config_dir / "opencode.db"
        try:
            with closing(_opened(path)) as database:
                row = database.execute("SELECT 1 FROM session WHERE id = ?", (session_id,)).fetchone()
        except sqlite3.Error:
            return None
        return path if row else None

    def stored_claims(self, look: Look) -> tuple[Claim, ...]:
        """Whether the last answer in the database has come to its end."""
        session = self.session(look)
        is_open = self._turns.get(session.id or "")
        if is_open is None:
            return ()
        if is_open:
            return (Claim(Activity.WORKING, "database", "its last answer has not ended"),)
        return (Claim(Activity.IDLE, "database", "its last answer has ended"),)

    def last_said(self, agent: Agent) -> str:
        """The last answer of its session in the database."""
        if agent.transcript is None or agent.session_id is None:
            return ""
        path = Path(agent.transcript)
        try:
            with closing(_opened(path)) as database:
                return _conversation(database, path, agent.session_id, agent.cwd).last_said[1]
        except sqlite3.Error:
            return ""

    def typed(self, screen: Screen) -> str:
        """What stands in the box above its lower edge; the line there names the model."""
        lines = screen.lines
        ends = [at for at, line in enumerate(lines) if BOX_END.match(line)]
        if not ends:
            return ""
        width = len(lines[ends[-1]])
        box: list[str] = []
        for line in reversed(lines[: ends[-1]]):
            if not line.strip().startswith("┃"):
                break
            box.insert(0, line[:width].strip().removeprefix("┃").strip())
        text = " ".join(line for line in box[:-1] if line)
        return "" if re.match(self.manifest.screen.hint, text) else text

    def session_files(self, agent: Agent) -> list[SessionFile]:
        """The database, without keys and accounts. It holds other sessions too."""
        if agent.transcript is None or not Path(agent.transcript).is_file():
            return []
        path = Path(agent.transcript)
        return [SessionFile(path, path.name, is_database=True, empty_tables=self.manifest.config.empty_tables)]

    def _database(self, look: Look) -> Path:
        named = look.environ.get("OPENCODE_DB", "")
        return self.config_dir(look) / (named or "opencode.db")


def _opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S)


def _state(path: Path) -> tuple[tuple[int, int] | None, ...]:
    """What changes when somebody writes into the database."""
    found: list[tuple[int, int] | None] = []
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            stat = file.stat()
        except OSError:
            found.append(None)
        else:
            found.append((stat.st_mtime_ns, stat.st_size))
    return tuple(found)


def _conversation(database: sqlite3.Connection, path: Path, session_id: str, cwd: str) -> Conversation:
    """The last words of each side, and whether the last answer has ended."""
    said: dict[str, str] = {}
    is_open: bool | None = None
    for message_id, data in database.execute(LAST_MESSAGES, {"id": session_id}).fetchall():
        message = json.loads(data)
        role = str(message.get("role"))
        if is_open is None:
            ended = message.get("time", {}).get("completed") is not None or message.get("error") is not None
            is_open = role == "user" or not ended or message.get("finish") == "tool-calls"
        if role not in said:
            parts = (json.loads(row[0]) for row in database.execute(PARTS, {"id": message_id}).fetchall())
            text = " ".join(str(part["text"]) for part in parts if part.get("type") == "text" and part.get("text"))
            if text:
                said[role] = text
    return Conversation(session_id, path, cwd, (said.get("user", ""), said.get("assistant", "")), is_open)
