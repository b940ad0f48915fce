"""Reads streams: everything about all of them in one transaction, then their entries page by page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from hive_tui.adapters.redis.server import Command, Refused, Server
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import StreamsError
from hive_tui.domain.streams import (
    Entry,
    Group,
    Pending,
    Stream,
    id_before,
    is_glob,
    named,
    pattern_for,
    shown,
)

PAGE = 1_000
TRIES = 5
MAX_STREAMS = 100
MAX_PENDING = 1_000_000
MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of a stream is taken."""

    entries: int = 100_000
    dump_bytes: int = 64 * MEGABYTE


def find_keys(server: Server, template: str, name: str) -> tuple[list[bytes], list[str]]:
    """The keys of an agent's streams, and notes about those that are left out."""
    if not is_glob(template):
        key = named(template, name).encode()
        return ([key] if _is_stream(server, key) else []), []
    found: set[bytes] = set()
    cursor: Any = b"0"
    pattern = pattern_for(template, name)
    while True:
        cursor, keys = server.run("SCAN", cursor, "MATCH", pattern, "COUNT", PAGE)
        found.update(keys)
        if cursor == b"0":
            break
    streams = [key for key in sorted(found) if _is_stream(server, key)]
    left = streams[MAX_STREAMS:]
    return streams[:MAX_STREAMS], [f"{len(left)} more streams match {template}; they are left out"] if left else []


def read(
    server: Server, keys: Sequence[bytes], limits: Limits, also: Sequence[Command] = ()
) -> tuple[list[Stream], int, list[str]]:
    """The streams as they were at one moment, the server's time at it, and notes about what is not in them.

    Args:
        server: Where they are.
        keys: Of streams; one that is gone by then is left out.
        limits: How much is taken.
        also: Commands that are run in the same transaction.

    Raises:
        StreamsError: They change too fast, or the server fails.
    """
    may_dump = limits.dump_bytes > 0
    for _ in range(TRIES):
        groups = {key: _group_names(server, key) for key in keys}
        small = {key for key in keys if may_dump and _size(server, key) <= limits.dump_bytes}
        plan = [command for key in keys for command in _questions(key, groups[key], dumped=key in small)]
        try:
            replies = server.run_atomically([("TIME",), *also, *plan])
        except Refused as error:
            if may_dump and "NOPERM" in error.reply:
                may_dump = False  # this user may not dump; the entries are enough
                continue
            raise
        assert replies is not None, "nothing is watched here"
        seconds, microseconds = replies[0]
        now_ms = int(seconds) * 1000 + int(microseconds) // 1000
        streams = _parsed(replies[1 + len(also) :], keys, groups, small, now_ms)
        if streams is not None:
            filled = [_with_entries(server, stream, limits.entries) for stream in streams]
            if all(one is not None for one in filled):
                found = [one for one in filled if one is not None]
                return found, now_ms, [_lacking(one) for one in found if not one.is_complete]
    raise StreamsError(
        f"The streams of Redis at {server.place} change faster than they can be read.",
        hint="Let producers and consumers honour the flag of redis.flag.",
    )


def entries_of(server: Server, key: bytes, first: str, last: str, limit: int) -> list[Entry]:
    """Entries of a range, the newest `limit` of them, page by page; in order."""
    found: list[Entry] = []
    end = last
    while len(found) < limit:
        page = server.run("XREVRANGE", key, end, first, "COUNT", min(PAGE, limit - len(found)))
        found += [Entry(entry_id.decode(), tuple(fields)) for entry_id, fields in page]
        if len(page) < PAGE:
            break
        end = id_before(found[-1].id)
    return found[::-1]


def field_map(flat: Sequence[Any]) -> Mapping[bytes, Any]:
    """A reply of names and values in turn."""
    return dict(zip(flat[::2], flat[1::2], strict=True))


def _is_stream(server: Server, key: bytes) -> bool:
    return bool(server.run("TYPE", key) == b"stream")


def _group_names(server: Server, key: bytes) -> list[bytes]:
    try:
        return [field_map(one)[b"name"] for one in server.run("XINFO", "GROUPS", key)]
    except Refused as error:
        if "no such key" in error.reply.lower():
            return []
        raise


def _size(server: Server, key: bytes) -> int:
    """Bytes that the stream takes, about; 0 where the server does not say."""
    try:
        return int(server.run("MEMORY", "USAGE", key) or 0)
    except Refused:
        return 0


def _questions(key: bytes, groups: Sequence[bytes], *, dumped: bool) -> list[Command]:
    """The commands whose replies `_parsed` takes in this order."""
    asked: list[Command] = [("XINFO", "STREAM", key), ("XINFO", "GROUPS", key), ("PTTL", key)]
    for group in groups:
        asked += [("XINFO", "CONSUMERS", key, group), ("XPENDING", key, group, "-", "+", MAX_PENDING)]
    return [*asked, ("DUMP", key)] if dumped else asked


def _parsed(
    replies: Sequence[Any],
    keys: Sequence[bytes],
    groups: Mapping[bytes, Sequence[bytes]],
    dumped: set[bytes],
    now_ms: int,
) -> list[Stream] | None:
    """The streams; None if their groups are not those that were asked for."""
    found: list[Stream] = []
    rest = iter(replies)
    for key in keys:
        info, listed, ttl = next(rest), next(rest), next(rest)
        answers = [(next(rest), next(rest)) for _ in groups[key]]
        dump = next(rest) if key in dumped else None
        if isinstance(info, Refused):
            if "no such key" in info.reply.lower():
                continue
            raise info
        facts = [field_map(one) for one in listed]
        if [one[b"name"] for one in facts] != list(groups[key]):
            return None
        members = [_group(one, *answer, now_ms) for one, answer in zip(facts, answers, strict=True)]
        found.append(_stream(key, field_map(info), ttl, members, None if isinstance(dump, Refused) else dump, now_ms))
    return found


def _stream(
    key: bytes, info: Mapping[bytes, Any], ttl_ms: int, groups: list[Group], dump: bytes | None, now_ms: int
) -> Stream:
    max_deleted = info.get(b"max-deleted-entry-id")
    return Stream(
        key=key,
        length=int(info[b"length"]),
        last_id=info[b"last-generated-id"].decode(),
        max_deleted_id=max_deleted.decode() if max_deleted is not None else None,
        entries_added=info.get(b"entries-added"),
        expires_at_ms=now_ms + ttl_ms if ttl_ms >= 0 else None,
        groups=tuple(groups),
        dump=dump,
    )


def _group(facts: Mapping[bytes, Any], consumers: Any, pending: Any, now_ms: int) -> Group:
    for answer in (consumers, pending):
        if isinstance(answer, Refused):
            raise answer
    return Group(
        name=facts[b"name"],
        last_id=facts[b"last-delivered-id"].decode(),
        entries_read=facts.get(b"entries-read"),
        consumers=tuple(field_map(one)[b"name"] for one in consumers),
        pending=tuple(
            Pending(entry_id.decode(), consumer, now_ms - int(idle), int(deliveries))
            for entry_id, consumer, idle, deliveries in pending
        ),
    )


def _with_entries(server: Server, stream: Stream, limit: int) -> Stream | None:
    """With its entries, which never change once they are there; None if one was deleted meanwhile."""
    entries = entries_of(server, stream.key, "-", stream.last_id, limit)
    if len(entries) != min(stream.length, limit):
        return None
    return replace(stream, entries=tuple(entries))


def _lacking(stream: Stream) -> str:
    held = counted(len(stream.entries), "entry")
    return f"stream {shown(stream.key)} is too large: only its newest {held} of {stream.length} are kept"
