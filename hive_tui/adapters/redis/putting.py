"""Puts a stream where it belongs, in one step: after a flush where it is missing, or over what is there now."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from hive_tui.adapters.redis.building import add_entries, add_group, build
from hive_tui.adapters.redis.reading import Limits, entries_of, field_map, read
from hive_tui.adapters.redis.server import Command, Refused, Server
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import StreamsError
from hive_tui.domain.streams import Entry, Group, Owner, PutBack, Stream, id_after, id_order, kept_newer, shown

DEFAULT_LIMITS = Limits()
TRIES = 5
CATCH_UPS = 20
"""So often entries that were added meanwhile are taken along, before the stream is built anew."""
MAX_CATCH_UP = 10_000
MONTH_MS = 30 * 24 * 3_600_000


def sentinel_key(owner: Owner, token: str = "") -> str:
    """The sentinel of an agent or, with a token, of one checkpoint that is not known to be good yet."""
    return f"hive:{owner.agent_id}:sentinel" + (f":{token}" if token else "")


def sentinel_value(token: str, at_ms: int) -> str:
    """What the sentinel holds."""
    return json.dumps({"token": token, "at_ms": at_ms})


def ask_flushed(server: Server, owner: Owner, token: str, taken_at_ms: int) -> bool:
    """Whether the server has lost its data since the snapshot with that token.

    Raises:
        StreamsError: That cannot be told.
    """
    found, own = server.run("GET", sentinel_key(owner)), server.run("EXISTS", sentinel_key(owner, token))
    if found is not None and not own and _is_older(found, token, taken_at_ms):
        raise StreamsError(
            f"Redis at {server.place} has older data than the checkpoint; its streams were left as they are.",
            hint="`hive-tui restore` shows what the checkpoint has and sets the streams back.",
        )
    if found is not None or own:
        return False
    facts = server.run("INFO", "memory") + b"\n" + server.run("INFO", "stats")
    lines = dict(line.strip().split(b":", 1) for line in facts.splitlines() if b":" in line)
    if lines.get(b"maxmemory_policy", b"").startswith(b"allkeys") and lines.get(b"maxmemory", b"0") != b"0":
        raise StreamsError(
            f"Redis at {server.place} throws away any key when its memory is full, so nothing tells a flush from that.",
            hint="`hive-tui restore` can set the streams back; `maxmemory-policy noeviction` is right for queues.",
        )
    return True


def fill_one(server: Server, owner: Owner, token: str, stream: Stream) -> PutBack:
    """Put a stream back where none is, or one that was never used: a consumer that starts makes such."""
    expired = stream.expires_at_ms is not None and stream.expires_at_ms <= server_ms(server)
    if expired or _was_done(server, owner, token, stream):
        return PutBack()

    def refusal(found: Any) -> str:
        if found is None or _is_unused(found):
            return ""
        return (
            f"stream {shown(stream.key)} was used again since Redis lost its data; "
            f"{counted(stream.length, 'entry')} of the checkpoint were not put back"
        )

    return _move(server, owner, token, stream, refusal)


def replace_one(server: Server, owner: Owner, restore_id: str, stream: Stream, limits: Limits) -> PutBack:
    """Set a stream back, whatever is there; newer entries that still wait, and newer groups, are kept."""
    if _was_done(server, owner, restore_id, stream):
        return PutBack()
    return _move(server, owner, restore_id, stream, lambda _: "", limits)


def server_ms(server: Server) -> int:
    """Unix time by the server's clock."""
    seconds, microseconds = server.run("TIME")
    return int(seconds) * 1000 + int(microseconds) // 1000


def _move(
    server: Server,
    owner: Owner,
    errand_id: str,
    stream: Stream,
    refusal: Callable[[Any], str],
    limits: Limits = DEFAULT_LIMITS,
) -> PutBack:
    """Build the stream aside and move it to its key, if nobody has touched that meanwhile."""
    building = f"hive:building:{uuid4().hex}".encode()
    for _ in range(TRIES):
        before = _fingerprint(server, stream.key)
        refused = refusal(before)
        if refused:
            return PutBack(warnings=(refused,))
        build(server, building, stream)
        kept, seen_id = (0, "0-0") if before is None else _carry_over(server, building, stream, limits)
        for _ in range(CATCH_UPS):
            server.run("WATCH", stream.key)
            after = _fingerprint(server, stream.key)
            if after != before:
                fresh = None if refusal(after) else _added_since(server, stream.key, before, after, seen_id)
                if fresh is None:
                    server.run("UNWATCH")
                    break
                add_entries(server, building, fresh)
                kept, seen_id = kept + len(fresh), fresh[-1].id if fresh else seen_id
            if server.run_atomically(_moves(owner, errand_id, stream, building)) is not None:
                return PutBack((stream.key,), kept, _partly(stream))
    raise StreamsError(
        f"Stream {shown(stream.key)} changes too fast to be put back.",
        hint="Stop its producers, or let them honour the flag of redis.flag.",
    )


def _partly(stream: Stream) -> tuple[str, ...]:
    return () if stream.is_complete else (f"stream {shown(stream.key)} came back with its newest entries only",)


def _added_since(server: Server, key: bytes, before: Any, after: Any, seen_id: str) -> list[Entry] | None:
    """The entries behind `seen_id`, if nothing happened but that some were added; takes no transaction."""
    if before is None or after is None or _positions(before) != _positions(after):
        return None
    was, now = _facts(before), _facts(after)
    count = now[b"length"] - was[b"length"]
    fresh = entries_of(server, key, id_after(was[b"last-generated-id"].decode()), "+", MAX_CATCH_UP)
    if count != len(fresh):
        return None
    return [entry for entry in fresh if id_order(entry.id) > id_order(seen_id)]


def _moves(owner: Owner, errand_id: str, stream: Stream, building: bytes) -> list[Command]:
    expires_at_ms = stream.expires_at_ms
    lifetime: Command = ("PERSIST", building) if expires_at_ms is None else ("PEXPIREAT", building, expires_at_ms)
    done = _done_key(owner)
    return [
        lifetime,
        ("RENAME", building, stream.key),
        ("HSET", done, stream.key, errand_id),
        ("PEXPIRE", done, MONTH_MS),
    ]


def _carry_over(server: Server, building: bytes, then: Stream, limits: Limits) -> tuple[int, str]:
    """Add what only the present stream has: entries that wait, and groups; how many entries, and the last id seen."""
    found, _, _ = read(server, [then.key], replace(limits, dump_bytes=0))
    if not found:
        return 0, "0-0"
    now = found[0]
    if len(now.entries) < now.length and id_order(now.entries[0].id) > id_order(then.last_id):
        raise StreamsError(
            f"Stream {shown(then.key)} has too many newer entries ({now.length}) to keep them.",
            hint="Raise redis.entries_limit for this restore.",
        )
    kept = kept_newer(now, then.last_id)
    add_entries(server, building, kept)
    there = {entry.id for entry in (*then.entries, *kept)}
    known = {group.name for group in then.groups}
    for group in now.groups:
        if group.name not in known:
            add_group(server, building, _within(group, there))
    return len(kept), now.last_id


def _within(group: Group, entry_ids: set[str]) -> Group:
    pending = tuple(one for one in group.pending if one.id in entry_ids)
    return replace(group, entries_read=None, pending=pending)


def _fingerprint(server: Server, key: bytes) -> Any:
    """Changes when entries or groups do; None where there is no such stream. Takes no transaction."""
    info, groups = server.run_many([("XINFO", "STREAM", key), ("XINFO", "GROUPS", key)])
    for reply in (info, groups):
        if isinstance(reply, Refused):
            if "no such key" in reply.reply.lower():
                return None
            raise reply
    return info, groups


def _is_unused(fingerprint: Any) -> bool:
    facts = _facts(fingerprint)
    return bool(facts[b"length"] == 0 and facts[b"last-generated-id"] == b"0-0")


def _facts(fingerprint: Any) -> Mapping[bytes, Any]:
    return field_map(fingerprint[0])


def _positions(fingerprint: Any) -> list[tuple[Any, ...]]:
    """How far the groups have come, whatever was added behind them."""
    groups = [field_map(one) for one in fingerprint[1]]
    return [(one[b"name"], one[b"pending"], one[b"last-delivered-id"]) for one in groups]


def _was_done(server: Server, owner: Owner, errand_id: str, stream: Stream) -> bool:
    return bool(server.run("HGET", _done_key(owner), stream.key) == errand_id.encode())


def _done_key(owner: Owner) -> str:
    return f"hive:{owner.agent_id}:done"


def _is_older(found: bytes, token: str, taken_at_ms: int) -> bool:
    """Whether a sentinel is of an earlier checkpoint: the server has gone back in time."""
    try:
        value = json.loads(found)
        return bool(value["token"] != token and int(value["at_ms"]) < taken_at_ms)
    except (ValueError, KeyError, TypeError):
        return False  # not written by us; that it is there says enough
