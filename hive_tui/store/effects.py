"""The log of side effects."""

import sqlite3
from collections.abc import Collection
from datetime import datetime

from hive_tui.domain.effects import Effect, EffectKind, EffectState, Ending, Kept, NewEffect
from hive_tui.domain.errors import NotFound
from hive_tui.domain.processes import ProcessId
from hive_tui.store.values import from_json, from_us, optional_time, path_to_text, sentence_to_text, to_json, to_us

STREAMS = ("stdout", "stderr")


def get(db: sqlite3.Connection, key: str) -> Effect:
    """The effect under that key.

    Raises:
        NotFound: There is none.
    """
    effect = find(db, key)
    if effect is None:
        raise NotFound(f"There is no effect {key!r}.", hint="`hive-tui effect list` shows them.")
    return effect


def find(db: sqlite3.Connection, key: str) -> Effect | None:
    """The effect under that key, if there is one."""
    row = db.execute("SELECT * FROM effects WHERE key = ?", (key,)).fetchone()
    return None if row is None else _effect(row)


def everything(
    db: sqlite3.Connection,
    *,
    agent_id: str | None = None,
    states: Collection[EffectState] = (),
    limit: int = 200,
) -> list[Effect]:
    """Newest first; those that are open before all others. Without `states`, in any state."""
    wanted = ", ".join(f"'{EffectState(state)}'" for state in states)
    rows = db.execute(
        "SELECT * FROM effects WHERE (:agent IS NULL OR agent_id = :agent)"
        f" {f'AND state IN ({wanted})' if wanted else ''}"
        " ORDER BY state NOT IN ('unknown', 'intent'), state <> 'unknown', intent_at DESC, seq DESC LIMIT :limit",
        {"agent": agent_id, "limit": limit},
    )
    return [_effect(row) for row in rows]


def under(db: sqlite3.Connection, prefix: str) -> list[Effect]:
    """Those whose key begins so, in the order of their keys."""
    rows = db.execute("SELECT * FROM effects WHERE key >= ? AND key < ? ORDER BY key", (prefix, f"{prefix}\U0010ffff"))
    return [_effect(row) for row in rows]


def of_open(db: sqlite3.Connection) -> list[Effect]:
    """Those that have not ended, oldest first."""
    return [_effect(row) for row in db.execute("SELECT * FROM effects WHERE state = 'intent' ORDER BY seq")]


def begin(db: sqlite3.Connection, new: NewEffect, runner: ProcessId | None, *, now: datetime) -> Effect:
    """Write the intent down, under a key that is new or whose effect is to be done again."""
    db.execute(
        "INSERT INTO effects (key, kind, target, digest, shown, state, agent_id, probe, runner_pid, runner_started,"
        " attempt, intent_at, checkpoint_id) VALUES (:key, :kind, :target, :digest, :shown, 'intent', :agent, :probe,"
        " :pid, :started, 1, :now, :checkpoint) ON CONFLICT (key) DO UPDATE SET state = 'intent',"
        " target = excluded.target, digest = excluded.digest, shown = excluded.shown, agent_id = excluded.agent_id,"
        " probe = excluded.probe, runner_pid = excluded.runner_pid, runner_started = excluded.runner_started,"
        " child_pid = NULL, child_started = NULL, attempt = attempt + 1, intent_at = excluded.intent_at,"
        " ended_at = NULL, error = NULL, exit_code = NULL, result = '{}', is_repeatable = 0,"
        " checkpoint_id = excluded.checkpoint_id",
        {
            "key": new.key,
            "kind": new.kind,
            "target": path_to_text(new.target),
            "digest": new.digest,
            "shown": sentence_to_text(new.shown),
            "agent": new.agent_id,
            "probe": to_json(dict(new.probe)),
            "pid": runner.pid if runner else None,
            "started": runner.started if runner else None,
            "now": to_us(now),
            "checkpoint": new.checkpoint_id,
        },
    )
    db.execute("DELETE FROM effect_outputs WHERE key = ?", (new.key,))
    return get(db, new.key)


def set_child(db: sqlite3.Connection, effect: Effect, child: ProcessId) -> bool:
    """Write down which process does it; False if somebody else does it by now."""
    done = db.execute(
        "UPDATE effects SET child_pid = ?, child_started = ? WHERE key = ? AND attempt = ? AND state = 'intent'",
        (child.pid, child.started, effect.key, effect.attempt),
    )
    return done.rowcount == 1


def end(db: sqlite3.Connection, effect: Effect, ending: Ending, *, now: datetime) -> bool:
    """Write down how the attempt has ended; False if that attempt is not the open one any more.

    The attempt's number fences off a runner that was taken for dead, and two who probe at once.
    """
    done = db.execute(
        "UPDATE effects SET state = :state, ended_at = :now, error = :error, exit_code = :code, result = :result,"
        " is_repeatable = :repeatable WHERE key = :key AND attempt = :attempt AND state IN ('intent', 'unknown')",
        {
            "state": ending.state,
            "now": to_us(now),
            "error": sentence_to_text(ending.error),
            "code": ending.exit_code,
            "result": to_json(dict(ending.result)),
            "repeatable": int(ending.is_repeatable),
            "key": effect.key,
            "attempt": effect.attempt,
        },
    )
    if done.rowcount == 1:
        for stream, kept in zip(STREAMS, (ending.stdout, ending.stderr), strict=True):
            if kept.size_bytes:
                db.execute(
                    "INSERT OR REPLACE INTO effect_outputs (key, stream, head, tail, size_bytes)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (effect.key, stream, kept.head, kept.tail, kept.size_bytes),
                )
    return done.rowcount == 1


def output(db: sqlite3.Connection, key: str) -> tuple[Kept, Kept]:
    """What is kept of standard output and standard error."""
    rows = {row["stream"]: row for row in db.execute("SELECT * FROM effect_outputs WHERE key = ?", (key,))}
    found = (rows.get(stream) for stream in STREAMS)
    out, err = (Kept(row["head"], row["tail"], row["size_bytes"]) if row else Kept() for row in found)
    return out, err


def purge(db: sqlite3.Connection, *, before: datetime, limit: int = 500) -> int:
    """Forget up to `limit` effects that have ended before; how many. Open and unknown ones stay."""
    gone = db.execute(
        "DELETE FROM effects WHERE seq IN"
        " (SELECT seq FROM effects WHERE state IN ('done', 'failed') AND ended_at < ? ORDER BY ended_at LIMIT ?)",
        (to_us(before), limit),
    )
    return gone.rowcount


def _effect(row: sqlite3.Row) -> Effect:
    return Effect(
        key=row["key"],
        kind=EffectKind(row["kind"]),
        target=row["target"],
        digest=row["digest"],
        shown=row["shown"],
        state=EffectState(row["state"]),
        agent_id=row["agent_id"],
        probe=from_json(row["probe"]),
        runner=_process(row["runner_pid"], row["runner_started"]),
        child=_process(row["child_pid"], row["child_started"]),
        attempt=row["attempt"],
        intent_at=from_us(row["intent_at"]),
        ended_at=optional_time(row["ended_at"]),
        error=row["error"],
        exit_code=row["exit_code"],
        result=from_json(row["result"]),
        is_repeatable=bool(row["is_repeatable"]),
        checkpoint_id=row["checkpoint_id"],
    )


def _process(pid: int | None, started: int | None) -> ProcessId | None:
    return None if pid is None or started is None else ProcessId(pid, started)
