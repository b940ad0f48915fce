"""The ledger of tokens: reads on in the transcripts of agents, and enters what was spent, to the token."""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hive_tui.adapters.opencode_usage import spent_in
from hive_tui.adapters.tailing import Mark, Piece, read_on
from hive_tui.adapters.zone import zone_of
from hive_tui.domain.agents import Agent
from hive_tui.domain.limits import UsageLimit
from hive_tui.domain.ports import Clock
from hive_tui.domain.usage import READINGS, Spent, State, Tokens
from hive_tui.store import agents as agent_store
from hive_tui.store import ledger
from hive_tui.store.database import Database
from hive_tui.store.ledger import ReadFile

FOLLOWED = timedelta(days=2)
"""A conversation that its agent has left is read on for so long: helpers may still write."""
OVERLAP_MS = 2 * 86_400_000
"""Messages of OpenCode grow for a while after they were begun."""
SUM_UP_EVERY_S = 3600.0
LIST_EVERY_S = 30.0
Told = list[tuple[datetime, UsageLimit]]


class Ledger:
    """Safe to use in several processes at once, and after a crash at any point: what is read twice counts once."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._seen: dict[Path, object] = {}
        self._owners: dict[Path, str] = {}
        self._listed: dict[Path, tuple[float, tuple[Path, ...]]] = {}
        self._summed_at = clock.monotonic()  # not at the start: a short command is to be short
        self._deadline = float("inf")
        self._reading = threading.Lock()

    def take_in(self, *, patience_s: float = float("inf")) -> int:
        """Read on in the transcripts of all agents; in how many there was something new.

        Args:
            patience_s: Nothing is begun after so many seconds; the next call goes on.

        A file that cannot be read now is read the next time.

        Raises:
            StoreError: The database cannot be used; what was read counts the next time.
        """
        with self._reading:
            self._deadline = self._clock.monotonic() + patience_s
            agents = self._database.read(agent_store.everyone)
            known = self._database.read(ledger.files, since=self._clock.now() - ledger.KEPT)
            changed = sum(self._read(agent, path, known.get(str(path))) for agent, path in self._paths(agents, known))
            changed += sum(self._read_opencode(agent, known) for agent in agents if agent.kind == "opencode")
            if self._clock.monotonic() - self._summed_at >= SUM_UP_EVERY_S:
                self._summed_at = self._clock.monotonic()
                self._database.write(ledger.sum_up, now=self._clock.now())
            return changed

    def today(self) -> Mapping[str, Tokens]:
        """What each agent has spent since 00:00 UTC, by its id."""
        return self._database.read(ledger.on_day, self._clock.now().date())

    def by_day(self, *, days: int) -> Mapping[tuple[str, date], Tokens]:
        """What each agent spent on each of the last `days` days (UTC), today included."""
        today = self._clock.now().date()
        return self._database.read(ledger.by_day, since=today - timedelta(days=days - 1), until=today)

    def wake_price(self, agent: Agent) -> int | None:
        """Tokens of a cold resume: the whole conversation is sent once more. None where its length is not known."""
        if agent.session_id is None:
            return None
        return self._database.read(ledger.context_of, agent.session_id)

    def _paths(self, agents: Sequence[Agent], known: Mapping[str, ReadFile]) -> Iterator[tuple[Agent, Path]]:
        """Each transcript once, with the agent to whom it counts."""
        by_id = {agent.id: agent for agent in agents}
        found: dict[Path, Agent] = {}
        for agent in agents:
            for path in self._transcripts(agent):
                found.setdefault(path, agent)
        since = self._clock.now() - FOLLOWED
        for file in known.values():
            if file.read_at >= since and file.agent_id in by_id and file.kind in READINGS:
                found.setdefault(Path(file.path), by_id[file.agent_id])
        yield from ((agent, path) for path, agent in found.items())

    def _transcripts(self, agent: Agent) -> Iterator[Path]:
        if agent.transcript is None or agent.kind not in READINGS:
            return
        path = Path(agent.transcript)
        yield path
        if agent.kind == "claude":
            yield from self._helpers(path)
        elif agent.kind == "gemini" and agent.session_id:
            yield from path.parent.glob(f"session-*-{agent.session_id[:8]}.jsonl")

    def _helpers(self, path: Path) -> Sequence[Path]:
        """Transcripts of the helpers of a Claude conversation; a folder of thousands is not listed at each look."""
        listed_at, found = self._listed.get(path, (float("-inf"), ()))
        if self._clock.monotonic() - listed_at >= LIST_EVERY_S:
            beside = [one for one in path.parent.glob("agent-*.jsonl") if self._owner(one) == path.stem]
            found = (*path.with_suffix("").rglob("*.jsonl"), *beside)
            self._listed[path] = (self._clock.monotonic(), found)
        return found

    def _owner(self, path: Path) -> str:
        """The session whose helper has written this file, by its first line."""
        if path not in self._owners:
            try:
                with path.open("rb") as file:
                    self._owners[path] = str(json.loads(file.readline(1 << 20)).get("sessionId"))
            except (OSError, ValueError, AttributeError):
                return ""  # not written yet
        return self._owners[path]

    def _read(self, agent: Agent, path: Path, known: ReadFile | None) -> bool:
        try:
            found = path.stat()
            seen = (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)
            if self._seen.get(path) == seen:
                return False
            mark = Mark(**known.mark) if known is not None else None
            state = dict(known.state) if known is not None else {}
            is_changed = False
            while not self._is_late and (piece := read_on(path, mark)) is not None:
                state = {} if piece.is_from_start else state
                self._enter(agent, path, piece, state)
                mark, is_changed = piece.mark, True
                if not piece.has_more:
                    break
        except OSError:
            return False
        if not self._is_late:
            self._seen[path] = seen
        return is_changed

    @property
    def _is_late(self) -> bool:
        return self._clock.monotonic() > self._deadline

    def _enter(self, agent: Agent, path: Path, piece: Piece, state: State) -> None:
        """One piece of a file, in one transaction with how far it was read."""
        spent, limits = told_in(agent, piece.lines, state)
        file = ReadFile(str(path), agent.id, agent.kind, asdict(piece.mark), state, self._clock.now())
        self._database.write(_enter, file, spent, limits, now=self._clock.now())

    def _read_opencode(self, agent: Agent, known: Mapping[str, ReadFile]) -> bool:
        database = Path(agent.transcript or "")
        if agent.session_id is None or database.suffix != ".db" or self._is_late:
            return False
        name = f"{database}#{agent.session_id}"
        try:
            states = [path.stat() for path in (database, Path(f"{database}-wal")) if path.exists()]
            seen = [(one.st_ino, one.st_size, one.st_mtime_ns) for one in states]
            if self._seen.get(Path(name)) == seen:
                return False
            since_ms = int(known[name].mark["since_ms"]) if name in known else 0
            spent = spent_in(database, agent.session_id, since_ms=since_ms)
        except (OSError, KeyError):
            return False
        until_ms = max((int(one.at.timestamp() * 1000) for one in spent), default=since_ms + OVERLAP_MS) - OVERLAP_MS
        file = ReadFile(name, agent.id, agent.kind, {"since_ms": max(0, until_ms)}, {}, self._clock.now())
        self._database.write(_enter, file, spent, [], now=self._clock.now())
        self._seen[Path(name)] = seen
        return bool(spent)


def told_in(agent: Agent, lines: Sequence[bytes], state: State) -> tuple[list[Spent], Told]:
    """What lines of a transcript tell of tokens and of limits."""
    reading, hints = READINGS[agent.kind]
    zone = zone_of(agent)
    spent: list[Spent] = []
    limits: Told = []
    for line in lines:
        if not any(hint in line for hint in hints):
            continue
        try:
            record: Any = json.loads(line)
        except (ValueError, RecursionError):
            continue
        told = reading(record, state, zone) if isinstance(record, dict) else None
        if told is not None and told.spent is not None:
            spent.append(told.spent)
        if told is not None and told.limit is not None and told.at is not None:
            limits.append((told.at, told.limit))
    return spent, limits


def _enter(db: sqlite3.Connection, file: ReadFile, spent: Sequence[Spent], limits: Told, *, now: datetime) -> None:
    ledger.add(db, file.agent_id, spent, now=now)
    for said_at, limit in limits[-1:]:
        ledger.put_limit(db, file.agent_id, limit, said_at=said_at)
    ledger.put_file(db, file)
