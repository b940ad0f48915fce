"""Claude Code: its status file names the session and what it does; the screen adds limits and errors."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds import status_file
from hive_tui.kinds.kind import Kind, Look, SessionFile, StartState
from hive_tui.kinds.screen import Screen

WAITING = {"permission prompt": Activity.PERMISSION, "input needed": Activity.QUESTION}
SPINNER = range(0x2800, 0x2900), range(0x25D0, 0x25D4)
"""First letters of the title while the model streams: braille, since 2.1.228 half circles."""

MENU = re.compile(r" +❯ \d+\. ")


class Claude(Kind):
    """Claude Code. No documentation of the status file was found, so every use of it has a fallback."""

    def session(self, look: Look) -> Session:
        """By the status file of the process; the id is good only while its transcript exists."""
        folder = self.config_dir(look)
        status = status_file.read(folder, look.root)
        session_id = str(status.get("sessionId") or "") if status else ""
        if not session_id:
            resumed = self.resumed_session(look)
            if resumed is not None:
                return resumed
            return Session(None, "it writes no status file that names its conversation", config_dir=str(folder))
        transcript = self.find_transcript(folder, session_id)
        return Session(session_id, "its status file", str(transcript) if transcript else None, config_dir=str(folder))

    def find_transcript(self, config_dir: Path, session_id: str) -> Path | None:
        """Searched by id in all folders, since their names follow no documented rule."""
        return next(iter((config_dir / "projects").glob(f"*/{session_id}.jsonl")), None)

    def claims(self, look: Look) -> tuple[Claim, ...]:
        """The status file; at `idle` the screen may know of a limit or an error; then the title."""
        status = status_file.read(self.config_dir(look), look.root)
        screen = self.screen_claims(look)
        claims: list[Claim] = []
        if status is not None:
            claim = _claim(status)
            quiet = claim.activity is Activity.IDLE
            more = [found for found in screen if found.activity in (Activity.LIMITED, Activity.ERROR)]
            claims += [*more, claim] if quiet else [claim]
        title = look.pane.title.strip()
        if title and any(ord(title[0]) in letters for letters in SPINNER):
            claims.append(Claim(Activity.WORKING, "title", f"the title spins: {title[:40]}"))
        claims += screen
        return (*claims, Claim(Activity.UNKNOWN, "fallback", "no status file, and nothing on the screen is known"))

    def background(self, look: Look) -> tuple[str, ...]:
        """The status `shell` and the footer speak of background work; the process tree is no evidence."""
        status = status_file.read(self.config_dir(look), look.root)
        found = ["a background shell"] if status and status.get("status") == "shell" else []
        for line in look.screen.bottom(6):
            text = line.strip()
            if "background" in text and ("running" in text or "agent" in text):
                found.append(text[:60])
        return tuple(found)

    def draft(self, look: Look) -> str:
        """A menu takes the place of the input box; what begins with the glyph above it was sent."""
        is_menu = any(MENU.match(line) for line in look.screen.bottom(8))
        return "" if is_menu else super().draft(look)

    def start_state(self, look: Look, session_id: str) -> StartState:
        """Ready when its status file says idle with the wanted conversation and the prompt is drawn."""
        state = super().start_state(look, session_id)
        status = status_file.read(self.config_dir(look), look.root)
        if state.blocked_by or status is None:
            return StartState(False, state.blocked_by)
        return StartState(state.is_ready and status.get("status") in ("idle", "busy", "shell"))

    def session_files(self, agent: Agent) -> list[SessionFile]:
        """The transcript and the folder with long tool results beside it."""
        files = super().session_files(agent)
        if files and agent.config_dir is not None:
            beside = files[0].path.with_suffix("")
            for path in sorted(beside.rglob("*")) if beside.is_dir() else ():
                if path.is_file() and not path.is_symlink() and path.suffix != ".key":
                    files.append(SessionFile(path, str(path.relative_to(agent.config_dir))))
        return files

    def left_cleanly(self, agent: Agent, screen: Screen | None) -> bool:
        """A graceful exit removes the status file; a crash leaves it."""
        return status_file.was_removed(agent)


def _claim(status: Mapping[str, Any]) -> Claim:
    said = str(status["status"])
    waits_for = str(status.get("waitingFor") or "")
    if said == "busy":
        return Claim(Activity.WORKING, "status file", "its status file says busy")
    if said == "waiting":
        activity = WAITING.get(waits_for, Activity.PERMISSION)
        return Claim(activity, "status file", f"it waits: {waits_for or 'it does not say for what'}")
    if said in ("idle", "shell"):
        return Claim(Activity.IDLE, "status file", "its status file says idle")
    return Claim(Activity.UNKNOWN, "status file", f"its status file says {said!r}, which is not known")
