"""What the scripted agent leaves on disk: a transcript, and a status file while it runs."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any


class SessionNotFound(Exception):
    """There is no transcript with that id."""


class Session:
    """One conversation: `transcripts/<id>.jsonl`, written from the first message on."""

    def __init__(self, home: Path, session_id: str | None = None) -> None:
        self.home = home
        self.id = session_id or _new_id()
        if session_id and not self.path.exists():
            raise SessionNotFound(f"No conversation found with session id {session_id}")
        self.messages = list(self._read()) if session_id else []

    @property
    def path(self) -> Path:
        """The transcript."""
        return self.home / "transcripts" / f"{self.id}.jsonl"

    @property
    def user_messages(self) -> list[str]:
        """What the user said, first to last."""
        return [message["text"] for message in self.messages if message["type"] == "user"]

    def say(self, who: str, text: str) -> None:
        """Append a message."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        message: dict[str, Any] = {
            "type": who,
            "text": text,
            "session": self.id,
            "cwd": str(Path.cwd()),
            "at": time.time(),
        }
        with self.path.open("a") as file:
            file.write(json.dumps(message) + "\n")
        self.messages.append(message)

    def _read(self) -> Iterator[dict[str, Any]]:
        for line in self.path.read_text().splitlines():
            with suppress(ValueError):  # a last line that was cut
                yield json.loads(line)


class StatusFile:
    """`sessions/<pid>.json`: who runs in this process, and what it does. Left behind by a crash."""

    def __init__(self, home: Path) -> None:
        self.path = home / "sessions" / f"{os.getpid()}.json"
        self._started = started(os.getpid())

    def write(self, session: Session, status: str, **more: object) -> None:
        """Replace the file in one step."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        value = {
            "pid": os.getpid(),
            "procStart": self._started,
            "sessionId": session.id,
            "cwd": str(Path.cwd()),
            "status": status,
            "updatedAt": time.time(),
            **more,
        }
        draft = self.path.with_suffix(".tmp")
        draft.write_text(json.dumps(value))
        draft.replace(self.path)

    def remove(self) -> None:
        """What a graceful exit does."""
        self.path.unlink(missing_ok=True)


def started(pid: int) -> str:
    """Start time of a process: clock ticks since boot on Linux, text elsewhere."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[19]
    import subprocess

    said = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return said.stdout.strip()


def _new_id() -> str:
    import uuid

    return str(uuid.uuid4())
