"""Builds a stream from what a checkpoint holds, under a key of its own, and looks whether it came out right."""

from collections.abc import Iterable, Sequence
from typing import Any

from hive_tui.adapters.redis.reading import PAGE, Limits, read
from hive_tui.adapters.redis.server import Command, Refused, Server
from hive_tui.domain.errors import StreamsError
from hive_tui.domain.streams import Entry, Group, Pending, Stream, id_order, shown

BUILDING_MS = 3_600_000
"""A half-built stream is gone after this time, should nobody be left to remove it."""
PLACEHOLDER = (b"hive", b"deleted")
"""Stands for an entry that was deleted while it was pending, until its delivery is entered again."""


def build(server: Server, key: bytes, stream: Stream) -> None:
    """Make the stream under `key`, from its dump or, where the server does not take that, entry by entry.

    Raises:
        StreamsError: It did not come out as it was; `key` expires.
    """
    if stream.dump is not None:
        server.run("DEL", key)
        try:
            server.run("RESTORE", key, BUILDING_MS, stream.dump)
            if not _differences(server, key, stream):
                return
        except Refused:
            pass  # a server of another version; the entries are there for that
    server.run("DEL", key)
    _rebuild(server, key, stream)
    differences = _differences(server, key, stream)
    if differences:
        raise StreamsError(
            f"Stream {shown(stream.key)} could not be built on Redis at {server.place}: {differences[0]}.",
            hint="The checkpoint has its entries in redis/*.json.",
        )


def add_entries(server: Server, key: bytes, entries: Iterable[Entry]) -> None:
    """Add entries with their ids."""
    _run_all(server, [("XADD", key, entry.id, *entry.fields) for entry in entries])


def add_group(server: Server, key: bytes, group: Group) -> None:
    """Create a group with its position, its consumers and what is pending; pending ids must be in the stream."""
    read_count = () if group.entries_read is None else ("ENTRIESREAD", group.entries_read)
    try:
        server.run("XGROUP", "CREATE", key, group.name, group.last_id, *read_count)
    except Refused:
        if not read_count:
            raise
        server.run("XGROUP", "CREATE", key, group.name, group.last_id)  # before version 7
    # Before 6.2 a consumer without pending entries cannot be made; it makes itself when it reads.
    server.run_many([("XGROUP", "CREATECONSUMER", key, group.name, consumer) for consumer in group.consumers])
    _run_all(server, [_claim(key, group.name, one) for one in group.pending])


def _claim(key: bytes, group: bytes, pending: Pending) -> Command:
    when = ("TIME", pending.delivered_at_ms, "RETRYCOUNT", pending.deliveries)
    return ("XCLAIM", key, group, pending.consumer, 0, pending.id, *when, "FORCE", "JUSTID")


def _rebuild(server: Server, key: bytes, stream: Stream) -> None:
    held = {entry.id for entry in stream.entries}
    lost = sorted({one.id for group in stream.groups for one in group.pending} - held)
    placeholders = [Entry(entry_id, PLACEHOLDER) for entry_id in lost]
    server.run_many([("XGROUP", "CREATE", key, "hive", "0", "MKSTREAM"), ("XGROUP", "DESTROY", key, "hive")])
    entries = sorted((*stream.entries, *placeholders), key=lambda entry: id_order(entry.id))
    add_entries(server, key, entries)
    server.run("PEXPIRE", key, BUILDING_MS)
    for group in stream.groups:
        add_group(server, key, group)
    _run_all(server, [("XDEL", key, entry_id) for entry_id in lost])
    _set_ids(server, key, stream)


def _set_ids(server: Server, key: bytes, stream: Stream) -> None:
    if stream.entries_added is not None and stream.max_deleted_id is not None:
        counts = ("ENTRIESADDED", stream.entries_added, "MAXDELETEDID", stream.max_deleted_id)
        try:
            server.run("XSETID", key, stream.last_id, *counts)
            return
        except Refused:
            pass  # before version 7
    server.run("XSETID", key, stream.last_id)


def _run_all(server: Server, commands: Sequence[Command]) -> None:
    """Run them in pages; the first error ends it."""
    for start in range(0, len(commands), PAGE):
        for reply in server.run_many(commands[start : start + PAGE]):
            if isinstance(reply, Refused):
                raise reply


def _differences(server: Server, key: bytes, stream: Stream) -> list[str]:
    """What is not as it was, as far as it can be told without reading the entries again."""
    [built], _, _ = read(server, [key], Limits(entries=0, dump_bytes=0))
    length = stream.length if stream.dump is not None else len(stream.entries)
    pairs: list[tuple[str, Any, Any]] = [
        ("length", built.length, length),
        ("last id", built.last_id, stream.last_id),
        ("groups", _positions(built), _positions(stream)),
        ("pending entries", _pending_ids(built), _pending_ids(stream)),
    ]
    return [f"its {what} is {found} instead of {wanted}" for what, found, wanted in pairs if found != wanted]


def _positions(stream: Stream) -> list[tuple[bytes, str]]:
    return sorted((group.name, group.last_id) for group in stream.groups)


def _pending_ids(stream: Stream) -> set[tuple[bytes, bytes, str]]:
    return {(group.name, one.consumer, one.id) for group in stream.groups for one in group.pending}
