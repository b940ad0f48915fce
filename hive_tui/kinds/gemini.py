"""Gemini CLI: the title says what it does; each process writes a file of its own for the conversation."""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds import conversations, starting
from hive_tui.kinds.commands import value_of
from hive_tui.kinds.conversations import Conversation
from hive_tui.kinds.kind import Kind, Look, SessionFile, StartState
from hive_tui.kinds.manifest import Manifest
from hive_tui.kinds.screen import Screen

SHORT = 8
"""So many letters of the id stand in the name of a file."""
RULE = re.compile(r"─{20,}")


class Gemini(Kind):
    """Gemini CLI, whose wrapper starts itself once more."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._sessions: dict[ProcessId, tuple[object, Session]] = {}

    def session(self, look: Look) -> Session:
        """By its hooks, or by its last words on the screen."""
        report = look.hooks.of_process(self.name, look.root.id)
        seen = (look.pane.output_at, look.screen.ansi, report)
        known = self._sessions.get(look.root.id)
        if known is not None and known[0] == seen and known[1].id is not None:
            return known[1]
        own = [report.session_id] if report else []
        found = list(self.candidates(look))
        session = conversations.chosen(look, self.manifest, found, self.config_dir(look), own=own)
        self._sessions[look.root.id] = (seen, session)
        return session

    def candidates(self, look: Look) -> Iterator[Conversation]:
        """Files of this folder that were written since the process began, and those of the id it was to resume."""
        asked = value_of(look.argv, self.manifest.resume.arguments) or ""
        paths = self.config_dir(look).glob(self.manifest.session.transcripts)
        for path in conversations.since_its_start(look, paths, f"-{asked[:SHORT]}.jsonl" if asked else ""):
            found = read_chat(path)
            if found is not None and (found.cwd == look.cwd or found.session_id == asked):
                yield found

    def find_transcript(self, config_dir: Path, session_id: str) -> Path | None:
        """The newest file of the conversation."""
        files = self._files(config_dir, session_id)
        return files[-1] if files else None

    def stored_claims(self, look: Look) -> tuple[Claim, ...]:
        """A conversation whose last word is the agent's has an ended turn."""
        session = self.session(look)
        chat = read_chat(Path(session.transcript)) if session.transcript else None
        if chat is None or chat.is_open_turn is not False:
            return ()
        return (Claim(Activity.IDLE, "history", "the last word in its file is its own"),)

    def start_state(self, look: Look, session_id: str) -> StartState:
        """Ready once its conversation stands there: before it loads that, it draws its input box for a moment.

        What is typed then is lost. Version 0.61.0 draws the box, `Resuming session...` in its place, and the box again.
        """
        state = super().start_state(look, session_id)
        return StartState(state.is_ready and self._has_loaded(look, session_id), state.blocked_by)

    def _has_loaded(self, look: Look, session_id: str) -> bool:
        chats = map(read_chat, reversed(self._files(self.config_dir(look), session_id)))
        chat = next((chat for chat in chats if chat is not None and any(chat.last_said)), None)
        return chat is None or starting.is_settled(look) or conversations.is_shown(chat, look.screen)

    def typed(self, screen: Screen) -> str:
        """What stands below the last rule; a dialog takes the place of both. A sent message looks like it otherwise."""
        lines = screen.bottom(12)
        rules = [at for at, line in enumerate(lines) if RULE.fullmatch(line)]
        below = lines[rules[-1] :] if rules else []
        if not any(line.startswith(" >") for line in below) or any(line.startswith(("│", "╰")) for line in below):
            return ""
        return super().typed(screen)

    def session_files(self, agent: Agent) -> list[SessionFile]:
        """All files of the conversation: each resume has begun another one."""
        if agent.config_dir is None or agent.session_id is None:
            return []
        folder = Path(agent.config_dir)
        files = self._files(folder, agent.session_id)
        roots = {file.parent.parent / ".project_root" for file in files}
        wanted = [*files, *sorted(root for root in roots if root.is_file())]
        return [SessionFile(file, str(file.relative_to(folder))) for file in wanted if not self.is_secret(file)]

    def _files(self, config_dir: Path, session_id: str) -> list[Path]:
        """Oldest first."""
        found: list[tuple[int, Path]] = []
        for path in config_dir.glob(f"tmp/*/chats/session-*-{session_id[:SHORT]}.jsonl"):
            first, _ = conversations.tail(path)
            with suppress(OSError):
                if first.get("sessionId") == session_id:
                    found.append((path.stat().st_mtime_ns, path))
        return [path for _, path in sorted(found)]


def read_chat(path: Path) -> Conversation | None:
    """First and last lines of a file; None for one that is no conversation of a person."""
    first, records = conversations.tail(path)
    session_id = str(first.get("sessionId") or "")
    if not session_id or first.get("kind", "main") != "main":
        return None
    cwd = ""
    with suppress(OSError, UnicodeDecodeError):
        cwd = (path.parent.parent / ".project_root").read_text(encoding="utf-8").strip()
    said: dict[str, str] = {}
    last = ""
    for message in _messages(records):
        text = " ".join(conversations.texts_of(message.get("content")))
        role = str(message.get("type"))
        if text and not text.startswith("<"):
            said[role] = text
            last = role
    is_open = False if last == "gemini" else None
    return Conversation(session_id, path, cwd, (said.get("user", ""), said.get("gemini", "")), is_open)


def _messages(records: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    """Messages, also those that a record puts in place of all before."""
    for one in records:
        if "type" in one:
            yield one
        changed = one.get("$set")
        messages = changed.get("messages") if isinstance(changed, dict) else None
        for message in messages if isinstance(messages, list) else ():
            if isinstance(message, dict):
                yield message
