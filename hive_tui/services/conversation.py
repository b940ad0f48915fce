"""The files of a conversation: compared with those of a checkpoint, and put back from one."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_tui.adapters.sqlite_copy import COMPANIONS
from hive_tui.domain.agents import Agent
from hive_tui.domain.durations import bytes_in_words, counted
from hive_tui.domain.errors import RestoreError


@dataclass(frozen=True, slots=True)
class ConversationChange:
    """What a restore does to the conversation."""

    has_saved: bool
    is_other: bool
    """Whether the checkpoint holds another conversation than the agent has now."""
    lines_now: int
    lines_then: int
    size_then_bytes: int
    stays: tuple[str, ...] = ()
    """Databases that are not touched, since they may hold other conversations, too."""

    def words(self) -> str:
        """For a person."""
        if not self.has_saved:
            return "the checkpoint has none; it stays as it is"
        if self.stays:
            return f"stays as it is: {', '.join(self.stays)} may hold other conversations, too"
        if self.is_other:
            return f"another one, with {counted(self.lines_then, 'line')}"
        if self.lines_now == self.lines_then:
            return f"the same, {counted(self.lines_then, 'line')}"
        return (
            f"{counted(self.lines_then, 'line')} ({bytes_in_words(self.size_then_bytes)}) instead of {self.lines_now}"
        )


class Conversation:
    """Transcripts and what lies beside them."""

    def change(self, agent: Agent, saved: Path) -> ConversationChange:
        """What putting back the conversation of an unpacked checkpoint would change."""
        listed = _listed(saved)
        transcripts = [saved / entry["member"] for entry in listed["files"] if entry["member"].endswith(".jsonl")]
        now = Path(agent.transcript) if agent.transcript else None
        return ConversationChange(
            has_saved=bool(listed["files"]),
            is_other=listed.get("session_id") != agent.session_id,
            lines_now=_lines(now) if now is not None else 0,
            lines_then=_lines(transcripts[0]) if transcripts else 0,
            size_then_bytes=sum(int(entry["size_bytes"]) for entry in listed["files"]),
            stays=tuple(
                one["path"] for one in listed["files"] if one.get("is_database") and Path(one["path"]).exists()
            ),
        )

    def put_back(self, saved: Path) -> str | None:
        """Write the files of an unpacked checkpoint where they were, each complete or not at all.

        Returns:
            The transcript's path; None if the checkpoint has none.

        Raises:
            RestoreError: A file cannot be written.
        """
        transcript = None
        for entry in _listed(saved)["files"]:
            target = Path(entry["path"])
            if entry.get("is_database") and target.exists():
                continue  # it may hold other conversations, too
            if entry.get("is_database"):
                set_aside_companions(target)
            replace_file(saved / entry["member"], target)
            transcript = transcript or str(target)
        return transcript


def set_aside_companions(database: Path) -> None:
    """Rename the logs of a database that is gone: SQLite would play them into the one that is put back.

    Raises:
        RestoreError: One of them cannot be renamed.
    """
    for end in COMPANIONS:
        left = database.with_name(database.name + end)
        try:
            if left.exists():
                left.rename(left.with_name(f"{left.name}.lost"))
        except OSError as error:
            raise RestoreError(f"{left} is in the way: {error.strerror or error}.", hint="Remove it.") from error


def replace_file(saved: Path, target: Path) -> None:
    """Write a file in one step, whatever was there.

    Raises:
        RestoreError: It cannot be written.
    """
    temp = target.with_name(f".{target.name}.hive-{os.getpid()}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        shutil.copyfile(saved, temp)
        temp.chmod(saved.stat().st_mode & 0o777)
        with temp.open("rb") as file:
            os.fsync(file.fileno())
        temp.rename(target)
    except OSError as error:
        temp.unlink(missing_ok=True)
        raise RestoreError(
            f"{target} could not be restored: {error.strerror or error}.", hint="Free space or rights, then retry."
        ) from error


def _listed(saved: Path) -> dict[str, Any]:
    path = saved / "session/files.json"
    return dict(json.loads(path.read_text())) if path.exists() else {"files": []}


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError:
        return 0
