"""The scripted agent that comes with hive-tui, for tests and the demo."""

from datetime import UTC, datetime
from pathlib import Path

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.sightings import Claim, Session
from hive_tui.kinds import status_file
from hive_tui.kinds.kind import Kind, Look, StartState
from hive_tui.kinds.screen import Screen


class Scripted(Kind):
    """Everything is in its status file."""

    def session(self, look: Look) -> Session:
        """By the status file; there is nothing to resume before the first message."""
        folder = self.config_dir(look)
        status = look.status(folder)
        if status is None:
            resumed = self.resumed_session(look)
            if resumed is not None:
                return resumed
            return Session(None, "it has not written its status file yet", config_dir=str(folder))
        transcript = self.find_transcript(folder, str(status["sessionId"]))
        path = str(transcript) if transcript else None
        return Session(str(status["sessionId"]), "its status file", path, str(folder))

    def find_transcript(self, config_dir: Path, session_id: str) -> Path | None:
        """It is written with the first message."""
        path = config_dir / "transcripts" / f"{session_id}.jsonl"
        return path if path.is_file() else None

    def claims(self, look: Look) -> tuple[Claim, ...]:
        """The status, word for word."""
        status = look.status(self.config_dir(look))
        if status is None:
            return (Claim(Activity.UNKNOWN, "fallback", "it has not written its status file yet"),)
        said = str(status["status"])
        known = {activity.value: activity for activity in Activity}
        activity = Activity.PERMISSION if said == "dialog" else known.get(said, Activity.UNKNOWN)
        detail = f"its status file says {said}"
        if resets_at := status.get("limitResetsAt"):
            detail += f": usage limit resets {datetime.fromtimestamp(float(resets_at), UTC):%H:%M:%S} UTC"
        return (Claim(activity, "status file", detail),)

    def background(self, look: Look) -> tuple[str, ...]:
        """What the status file lists."""
        status = look.status(self.config_dir(look))
        return tuple(map(str, status.get("background", ()))) if status else ()

    def start_state(self, look: Look, session_id: str) -> StartState:
        """Ready when idle."""
        status = status_file.read(self.config_dir(look), look.root)
        if status is not None and status["status"] == "dialog":
            return StartState(False, self.dialog(look.screen) or "a dialog is open")
        return StartState(status is not None and status["status"] == "idle")

    def left_cleanly(self, agent: Agent, screen: Screen | None) -> bool:
        """A graceful exit removes the status file; a crash leaves it."""
        return status_file.was_removed(agent)
