"""What agents have spent, by answer and by day, and how far their transcripts were read."""

import sqlite3
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from hive_tui.domain.limits import TOLD_AT_ONCE, UsageLimit
from hive_tui.domain.usage import Spent, Tokens
from hive_tui.store.values import (
    from_json,
    from_us,
    optional_time,
    optional_us,
    path_from_text,
    path_to_text,
    to_json,
    to_us,
)

KEPT = timedelta(days=35)
"""Answers are kept apart so long, to know one that is read once more; older ones as sums of their day."""
PARTS = "input, cache_write, cache_read, output"
SUMS = "sum(input), sum(cache_write), sum(cache_read), sum(output)"


@dataclass(frozen=True, slots=True)
class ReadFile:
    """How far a transcript was read."""

    path: str
    agent_id: str
    kind: str
    mark: Mapping[str, Any]
    state: Mapping[str, Any]
    read_at: datetime
    """When something new was read last."""


def files(db: sqlite3.Connection, *, since: datetime) -> dict[str, ReadFile]:
    """Transcripts by path, of those that something was read of since then."""
    rows = db.execute("SELECT * FROM token_files WHERE read_at >= ?", (to_us(since),))
    found = [
        ReadFile(
            path_from_text(row["path"]) or "",
            row["agent_id"],
            row["kind"],
            from_json(row["mark"]),
            from_json(row["state"]),
            from_us(row["read_at"]),
        )
        for row in rows
    ]
    return {one.path: one for one in found}


def put_file(db: sqlite3.Connection, file: ReadFile) -> None:
    """Note how far it was read."""
    db.execute(
        "INSERT OR REPLACE INTO token_files (path, agent_id, kind, mark, state, read_at) VALUES (?, ?, ?, ?, ?, ?)",
        (
            path_to_text(file.path),
            file.agent_id,
            file.kind,
            to_json(file.mark),
            to_json(file.state),
            to_us(file.read_at),
        ),
    )


def add(db: sqlite3.Connection, agent_id: str, spent: Iterable[Spent], *, now: datetime) -> None:
    """Enter answers; one that is known already counts once, with the most that was told of it."""
    oldest = now - KEPT
    recent = [one for one in spent if one.at >= oldest]
    db.executemany(
        f"INSERT INTO token_usage (key, agent_id, at, day, model, {PARTS}, session_id, context)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO UPDATE SET input = max(input, excluded.input),"
        " cache_write = max(cache_write, excluded.cache_write),"
        " cache_read = max(cache_read, excluded.cache_read), output = max(output, excluded.output),"
        " context = max(context, excluded.context)",
        [_row(agent_id, one) for one in recent],
    )
    db.executemany(
        "INSERT INTO token_contexts (session_id, agent_id, at, tokens) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (session_id) DO UPDATE SET at = excluded.at, tokens = excluded.tokens"
        " WHERE excluded.at >= token_contexts.at",
        [(one.session_id, agent_id, to_us(one.at), one.context) for one in recent if one.context is not None],
    )


def _row(agent_id: str, one: Spent) -> tuple[object, ...]:
    tokens = one.tokens
    counts = (tokens.input, tokens.cache_write, tokens.cache_read, tokens.output)
    return (
        one.key,
        agent_id,
        to_us(one.at),
        one.at.date().isoformat(),
        one.model,
        *counts,
        one.session_id,
        one.context or 0,
    )


def on_day(db: sqlite3.Connection, day: date) -> dict[str, Tokens]:
    """What each agent spent on a day (UTC); none that spent nothing."""
    return {agent: tokens for (agent, _), tokens in by_day(db, since=day, until=day).items()}


def by_day(db: sqlite3.Connection, *, since: date, until: date) -> dict[tuple[str, date], Tokens]:
    """What each agent spent on each day (UTC), both days included."""
    rows = db.execute(
        f"SELECT agent_id, day, {SUMS} FROM (SELECT agent_id, day, {PARTS} FROM token_usage WHERE day BETWEEN :a AND :b"
        f" UNION ALL SELECT agent_id, day, {PARTS} FROM token_days WHERE day BETWEEN :a AND :b) GROUP BY agent_id, day",
        {"a": since.isoformat(), "b": until.isoformat()},
    )
    return {(row[0], date.fromisoformat(row[1])): Tokens(*row[2:]) for row in map(tuple, rows)}


def context_of(db: sqlite3.Connection, session_id: str) -> int | None:
    """How many tokens a conversation held when it was last answered; None if that is not known."""
    row = db.execute("SELECT tokens FROM token_contexts WHERE session_id = ?", (session_id,)).fetchone()
    return None if row is None else int(row[0])


def contexts(db: sqlite3.Connection) -> dict[str, int]:
    """How many tokens the conversation of each agent held when it was last answered, by agent id; none unknown."""
    return dict(db.execute("SELECT agents.id, tokens FROM agents JOIN token_contexts USING (session_id)").fetchall())


def put_limit(db: sqlite3.Connection, agent_id: str, limit: UsageLimit, *, said_at: datetime) -> None:
    """Note a usage limit, unless a newer one is known.

    A record counts more than a sentence, which is seen a moment after the record was written.
    """
    lead_us = TOLD_AT_ONCE // timedelta(microseconds=1) if limit.is_structured else 0
    db.execute(
        'INSERT INTO agent_limits (agent_id, said_at, resets_at, "window", is_structured) VALUES (?, ?, ?, ?, ?)'
        " ON CONFLICT (agent_id) DO UPDATE SET said_at = excluded.said_at, resets_at = excluded.resets_at,"
        ' "window" = excluded."window", is_structured = excluded.is_structured'
        " WHERE excluded.said_at >= agent_limits.said_at - CASE is_structured WHEN 1 THEN 0 ELSE ? END",
        (agent_id, to_us(said_at), optional_us(limit.resets_at), limit.window, limit.is_structured, lead_us),
    )


def limits(db: sqlite3.Connection) -> dict[str, tuple[UsageLimit, datetime]]:
    """The last limit of each agent, and when it was told."""
    return {
        row["agent_id"]: (
            UsageLimit(optional_time(row["resets_at"]), row["window"], bool(row["is_structured"])),
            from_us(row["said_at"]),
        )
        for row in db.execute("SELECT * FROM agent_limits")
    }


def last_spent_at(db: sqlite3.Connection, agent_ids: Iterable[str]) -> dict[str, datetime]:
    """When each of these agents got its last answer."""
    sql = "SELECT max(at) FROM token_contexts WHERE agent_id = ?"
    found = {agent_id: db.execute(sql, (agent_id,)).fetchone()[0] for agent_id in agent_ids}
    return {agent_id: from_us(at) for agent_id, at in found.items() if at is not None}


def sum_up(db: sqlite3.Connection, *, now: datetime) -> None:
    """Keep of old days only the sums."""
    first = (now - KEPT).date().isoformat()
    db.execute(
        f"INSERT INTO token_days (agent_id, day, {PARTS}) SELECT agent_id, day, {SUMS} FROM token_usage"
        " WHERE day < ? GROUP BY agent_id, day ON CONFLICT (agent_id, day) DO UPDATE SET"
        " input = input + excluded.input, cache_write = cache_write + excluded.cache_write,"
        " cache_read = cache_read + excluded.cache_read, output = output + excluded.output",
        (first,),
    )
    db.execute("DELETE FROM token_usage WHERE day < ?", (first,))
    db.execute("DELETE FROM token_files WHERE read_at < ?", (to_us(now - KEPT),))
