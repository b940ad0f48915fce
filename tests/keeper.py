"""A hive with one agent whose files are real, without tmux, and with a clock that stands until it is moved."""

import json
import subprocess
from datetime import timedelta
from pathlib import Path
from typing import Any

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.events import Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.progress import Unwatched
from hive_tui.hive import Hive
from hive_tui.settings import CheckpointSettings, DrillSettings, OffsiteSettings, Settings
from hive_tui.store import agents, checkpoints, journal
from tests.builders import an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import home_with_database
from tests.stage import Heard

TESTER = Actor.person("test")
SESSION = "11111111-1111-4111-8111-111111111111"


class Keeper:
    """Takes checkpoints of `shop`, which sleeps in a repository of its own."""

    def __init__(self, folder: Path, *, clock: Clock | None = None, **tables: Any) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.tables: dict[str, Any] = tables
        self.hives: list[Hive] = []
        self.heard = Heard()
        self.events: list[Event] = []
        self.transcript = folder / "claude/transcripts" / f"{SESSION}.jsonl"
        self.work = self.cwd = folder / "work"
        self.hive = self.new_hive(clock=clock)
        self._make_agent()

    def new_hive(self, *, clock: Clock | None = None, **tables: Any) -> Hive:
        """Another hive on the same home, as another process would have it."""
        hive = Hive(
            home_with_database(self.folder / "home"),
            Settings(**{**self.tables, **tables}),
            str(self.folder / "no-server"),
            clock=clock or self.clock,
            notifier=self.heard,
        )
        hive.hub.subscribe(self.events.append)
        self.hives.append(hive)
        return hive

    def close(self) -> None:
        for hive in self.hives:
            hive.close()

    @property
    def agent(self) -> Agent:
        return self.hive.database.read(agents.find, "shop")

    @property
    def catalog(self) -> list[Checkpoint]:
        return self.hive.database.read(checkpoints.of_agent, self.agent.id)

    def take(self, reason: CheckpointReason = CheckpointReason.NAP, *, after: timedelta = timedelta(0)) -> Checkpoint:
        """A checkpoint, so long after the last one, of a conversation that went on."""
        self.clock.advance(after.total_seconds())
        self.say("and on")
        self.hive.snapshotter.take(self.agent, reason, TESTER, Unwatched())
        return self.catalog[0]

    def say(self, text: str) -> None:
        with self.transcript.open("a") as file:
            file.write(json.dumps({"type": "user", "text": text}) + "\n")

    def set_lifecycle(self, lifecycle: Lifecycle) -> None:
        self.hive.database.write(agents.put, an_ended_agent("shop", lifecycle, **self._facts()))

    def said(self, kind: EventKind) -> list[str]:
        """Sentences of the events of a kind, as the log has them."""
        logged = self.hive.database.read(journal.events, limit=1000)
        return [one.event.text for one in logged if one.event.kind is kind]

    def failures(self) -> list[str]:
        """Sentences of the events that reach the desktop."""
        logged = self.hive.database.read(journal.events, limit=1000)
        return [one.event.text for one in logged if one.event.severity is Severity.FAILURE]

    def _facts(self) -> dict[str, Any]:
        return {
            "kind": "scripted",
            "cwd": str(self.cwd),
            "pane": None,
            "session_id": SESSION,
            "transcript": str(self.transcript),
            "config_dir": str(self.folder / "claude"),
        }

    def _make_agent(self) -> None:
        self.transcript.parent.mkdir(parents=True)
        self.work.mkdir()
        self.say("hello")
        git = ["git", "-c", "user.name=t", "-c", "user.email=t@t", "-C", str(self.work)]
        (self.work / "kept.txt").write_text("first\n")
        for arguments in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "first"]):
            subprocess.run([*git, *arguments], check=True, capture_output=True)
        (self.work / "kept.txt").write_text("first\nchanged\n")
        sleeping = an_ended_agent("shop", **self._facts())
        self.hive.database.write(agents.add, sleeping, now=self.clock.now())


def offsite_to(destination: Path | str, **settings: Any) -> dict[str, Any]:
    """The table for a second place."""
    return {"offsite": OffsiteSettings(destination=str(destination), **{"timeout_s": 5.0, **settings})}


def keeping(**settings: Any) -> dict[str, Any]:
    """The table for retention."""
    return {"checkpoint": CheckpointSettings(**settings)}


def drilling(**settings: Any) -> dict[str, Any]:
    """The table for drills."""
    return {"drill": DrillSettings(**settings)}
