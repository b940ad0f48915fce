"""Claude Code: its status file names the session and what it does; the screen adds limits and errors."""

import re
from collections.abc import Mapping
from typing import Any

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds import status_file
from hive_tui.kinds.kind import Kind, Look, SessionFile, StartState
from hive_tui.kinds.screen import Screen

WAITING = {
    "permission prompt": Activity.PERMISSION,
    "input needed": Activity.QUESTION,
    # Its own menus, such as those of /resume and /model.
    "dialog open": Activity.QUESTION,
}
SHOWN_BETTER = {
    Activity.IDLE: (Activity.LIMITED, Activity.ERROR),
    # Some releases say of a question that it is a permission prompt, and of the menu at a limit that a dialog is open.
    Activity.PERMISSION: (Activity.QUESTION,),
    Activity.QUESTION: (Activity.LIMITED,),
}
"""What of the screen counts more than what the status file says: the file has no word for it."""
MENU = re.compile(r" +❯ \d+\. ")


class Claude(Kind):
    """Claude Code. No documentation of the status file was found, so every use of it has a fallback."""

    def session(self, look: Look) -> Session:
        """By the status file of the process; the id is good only while its transcript exists."""
        folder = self.config_dir(look)
        status = look.status(folder)
        session_id = str(status.get("sessionId") or "") if status else ""
        if not session_id and (report := look.hooks.of_process(self.name, look.root.id)) is not None:
            transcript = self.find_transcript(folder, report.session_id)
            return Session(report.session_id, "its hook", str(transcript) if transcript else None, str(folder))
        if not session_id:
            nothing = "it writes no status file that names its conversation"
            return self.resumed_session(look) or Session(None, nothing, config_dir=str(folder))
        transcript = self.find_transcript(folder, session_id)
        return Session(session_id, "its status file", str(transcript) if transcript else None, config_dir=str(folder))

    def own_claims(self, look: Look) -> tuple[Claim, ...]:
        """The status file, and before it what the screen knows better."""
        status = look.status(self.config_dir(look))
        if status is None:
            return ()
        claim = _claim(status)
        better = SHOWN_BETTER.get(claim.activity, ())
        return (*(found for found in self.screen_claims(look) if found.activity in better), claim)

    def background(self, look: Look) -> tuple[str, ...]:
        """The status `shell` and the footer speak of background work; the process tree is no evidence."""
        status = look.status(self.config_dir(look))
        found = ["a background shell"] if status and status.get("status") == "shell" else []
        for line in look.screen.bottom(6):
            text = line.strip()
            if "background" in text and ("running" in text or "agent" in text):
                found.append(text[:60])
        return tuple(found)

    def typed(self, screen: Screen) -> str:
        """A menu takes the place of the input box; what begins with the glyph above it was sent."""
        is_menu = any(MENU.match(line) for line in screen.bottom(8))
        return "" if is_menu else super().typed(screen)

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
