"""What a person may send to somebody who helps: how the hive is, without secrets and without any conversation."""

import json
import platform
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from msgspec import to_builtins

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.blotting import Blotter, of_environment
from hive_tui.domain.errors import HiveError, StoreError
from hive_tui.domain.events import EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.wakeups import Wakeup
from hive_tui.services.checks.finding import Finding
from hive_tui.services.checks.programs import installed
from hive_tui.settings import Settings
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, wakeups
from hive_tui.store.database import Database
from hive_tui.store.journal import LoggedEvent

MOST_EVENTS, MOST_WAKEUPS = 500, 100
TALKATIVE = frozenset({EventKind.AGENT_NEEDS_YOU})
"""What an agent asks is a part of its conversation."""
SHOWN = ("TERM", "COLORTERM", "LANG", "LC_ALL", "SHELL", "TMUX_TMPDIR", "TZ")
"""Variables whose values help and tell nothing of a person."""
COMMANDS = ("health", "start", "stop", "check", "busy")
"""Settings of a service that are shell commands."""
README = """\
A support bundle of hive-tui. Look through it before you send it on: all files are plain text.

findings.json   what `hive-tui doctor` found
versions.json   programs, packages, platform
settings.json   the settings, without keys, tokens, passwords and preludes; of commands of services the program alone
agents.json     kinds and states of agents; no folders, no questions, no conversations
queue.json      the latest wakeups, without what was said with them
events.jsonl    the latest events; texts of failures and warnings only, but for questions of agents
database.json   its schema version, and how many rows each table has

Left out: transcripts, checkpoints, panes, tasks, messages. What looked like a secret stands as [REDACTED].
"""


class Bundler:
    """Gathers, takes secrets out, and looks once more before anything is written.

    Args:
        write: Writes the files of a bundle to a path; whole or not at all.
    """

    def __init__(
        self,
        database: Callable[[], Database],
        loaded: Settings,
        environ: Mapping[str, str],
        clock: Clock,
        write: Callable[[Path, Mapping[str, bytes]], None],
    ) -> None:
        self._database = database
        self._settings = loaded
        self._environ = environ
        self._clock = clock
        self._write = write

    def write(self, path: Path, findings: Sequence[Finding]) -> list[str]:
        """Write a bundle; the names of the files in it.

        Raises:
            HiveError: It cannot be written, something is there already, or a secret would be in it.
        """
        gathered = self._gather(findings)
        blotter = Blotter(of_environment(self._environ), self._environ.get("HOME", ""))
        blotter.learn(_settings(self._settings))
        blotter.learn(gathered)
        files = {"README.txt": README.encode()}
        for name, value in blotter.clean(gathered).items():
            text = _text(name, value)
            if blotter.shows(text):
                raise HiveError(f"A secret would be in {name}, so no bundle was written.", hint="Please report it.")
            files[name] = text.encode()
        self._write(path, files)
        return list(files)

    def _gather(self, findings: Sequence[Finding]) -> dict[str, Any]:
        gathered: dict[str, Any] = {
            "findings.json": [one.to_json() for one in findings],
            "versions.json": self._versions(),
            "settings.json": _settings(self._settings),
        }
        try:
            read = self._database().read
            agents = read(agent_store.everyone)
            gathered["agents.json"] = [self._agent(one) for one in agents]
            gathered["queue.json"] = [_wakeup(one) for one in read(wakeups.recent, limit=MOST_WAKEUPS)]
            gathered["events.jsonl"] = [_event(one) for one in read(journal.events, limit=MOST_EVENTS)]
            gathered["database.json"] = read(_tables)
        except StoreError as error:  # a damaged database is a reason to ask for help
            gathered["database.json"] = {"error": error.what}
        return gathered

    def _versions(self) -> dict[str, Any]:
        variables = {name: self._environ[name] for name in SHOWN if name in self._environ}
        return {
            "at": self._clock.now().isoformat(),
            "python": platform.python_version(),
            "platform": platform.platform(),
            "sqlite": sqlite3.sqlite_version,
            "packages": installed(),
            "environment": variables,
        }

    def _agent(self, agent: Agent) -> dict[str, Any]:
        is_over = agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED)
        return {
            "id": agent.id,
            "name": agent.name,
            "kind": agent.kind,
            "lifecycle": str(agent.lifecycle),
            "activity": str(agent.activity),
            "reason": agent.reason if is_over else "",
            "since": agent.since_at.isoformat(),
            "hosting": str(agent.hosting),
            "origin": str(agent.origin),
            "pinned": agent.pinned,
            "held": agent.held,
            "memory_bytes": agent.memory_bytes,
            "has_session": agent.session_id is not None,
            "checkpoint_id": agent.checkpoint_id,
        }


def _settings(settings: Settings) -> dict[str, Any]:
    """As in force; spans and such as text; of commands the program alone, since no rule knows a password there."""
    found: dict[str, Any] = to_builtins(settings, enc_hook=_plain)
    for service in found["services"].values():
        service |= {name: program_of(service[name]) for name in COMMANDS if service[name]}
    return found


def program_of(command: str) -> str:
    """What a shell command runs, without its words and variables; an address without its query."""
    if command.startswith(("http://", "https://")):
        return command.partition("?")[0]
    words = command.split()
    program = next((word for word in words if "=" not in word), "")
    return program if words == [program] else f"{program} ..."


def _plain(value: object) -> str:
    return f"{value.total_seconds():g} s" if isinstance(value, timedelta) else str(value)


def _wakeup(wakeup: Wakeup) -> dict[str, Any]:
    return {
        "id": wakeup.id,
        "agent_id": wakeup.agent_id,
        "action": str(wakeup.action),
        "trigger": str(wakeup.trigger),
        "priority": wakeup.priority,
        "status": str(wakeup.status),
        "scheduled_for": wakeup.scheduled_for.isoformat(),
        "attempts": wakeup.attempts,
        "last_error": wakeup.last_error,
        "created_at": wakeup.created_at.isoformat(),
        "finished_at": wakeup.finished_at.isoformat() if wakeup.finished_at else None,
    }


def _event(logged: LoggedEvent) -> dict[str, Any]:
    """Of quiet events the kind says it all; texts may hold what people have written."""
    event = logged.event
    is_shown = event.severity is not Severity.INFO and event.kind not in TALKATIVE
    return {
        "seq": logged.seq,
        "at": logged.at.isoformat(),
        "kind": str(event.kind),
        "severity": str(event.severity),
        "agent_id": event.agent_id,
        "actor_kind": str(event.actor.kind),
        "text": event.text if is_shown else "",
    }


def _tables(db: sqlite3.Connection) -> dict[str, Any]:
    names = [row[0] for row in db.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")]
    plain = [name for name in names if name.isidentifier() and not name.startswith("sqlite_")]
    rows: dict[str, int] = {}
    for name in plain:
        rows[name] = int(db.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0])
    return {"schema": int(db.execute("PRAGMA user_version").fetchone()[0]), "rows": rows}


def _text(name: str, value: Any) -> str:
    if name.endswith(".jsonl"):
        return "".join(json.dumps(one, ensure_ascii=False) + "\n" for one in value)
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
