"""Redis servers, and streams with everything in them that a stream can have."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hive_tui.adapters.redis.reading import Limits
from hive_tui.adapters.redis.streams import Access, RedisStreams
from hive_tui.domain.streams import Owner
from tests.redis_server import RedisServer

ADA = Owner("7e6f5a50-0000-4000-8000-00000000ada0", "ada")
QUEUE = b"agent:ada:queue"
FLAG = "agent:{name}:quiesced"


def streams_on(server: RedisServer, limits: Limits | None = None, **access: object) -> RedisStreams:
    values: dict[str, object] = {"pattern": "agent:{name}:queue", "flag": FLAG, "timeout_s": 2.0, "patience_s": 10.0}
    return RedisStreams(Access(server.url, **{**values, **access}), limits or Limits())  # type: ignore[arg-type]


def fill(server: RedisServer, key: bytes = QUEUE) -> None:
    """Entries (one binary, one deleted), three groups at different places, pending deliveries, an idle consumer."""
    for number in range(1, 9):
        server.run("XADD", key, f"1000-{number}", b"task", b"work \x00\xff %d" % number, b"\xfe", b"")
    server.run("XGROUP", "CREATE", key, b"work\xff", "0")
    server.run("XGROUP", "CREATE", key, b"audit", "1000-2")
    server.run("XGROUP", "CREATE", key, b"late", "$")
    server.run("XGROUP", "CREATECONSUMER", key, b"audit", b"idle one")
    server.run("XREADGROUP", "GROUP", b"work\xff", b"ada \x01", "COUNT", 4, "STREAMS", key, ">")
    server.run("XREADGROUP", "GROUP", b"work\xff", b"bob", "COUNT", 2, "STREAMS", key, ">")
    server.run("XCLAIM", key, b"work\xff", b"bob", 0, "1000-2")
    server.run("XACK", key, b"work\xff", "1000-1")
    server.run("XDEL", key, "1000-1", "1000-3")  # 1000-3 is pending: a dangling delivery
    server.run("XADD", key, "2000-1", b"task", b"last")
    server.run("XDEL", key, "2000-1")


def everything(server: RedisServer, key: bytes = QUEUE) -> Any:
    """All that Redis tells of a stream, but for what no copy can have: memory layout, idle times, milliseconds."""
    full = _named(server.run("XINFO", "STREAM", key, "FULL", "COUNT", 0))
    groups = []
    for raw in full.pop("groups"):
        group = _named(raw)
        group["consumers"] = sorted(
            (one["name"], tuple((entry_id, count) for entry_id, _, count in one["pending"]))
            for one in map(_named, group["consumers"])
        )
        group["pending"] = [(entry_id, consumer, count) for entry_id, consumer, _, count in group["pending"]]
        groups.append(group)
    wanted = ("length", "last-generated-id", "max-deleted-entry-id", "entries-added", "entries")
    return {name: full[name] for name in wanted}, sorted(groups, key=lambda group: group["name"])


def delivered_at(server: RedisServer, key: bytes = QUEUE) -> list[int]:
    """When the pending entries of all groups were delivered last, in Unix milliseconds."""
    full = _named(server.run("XINFO", "STREAM", key, "FULL", "COUNT", 0))
    groups = sorted(map(_named, full["groups"]), key=lambda group: group["name"])
    return [int(entry[2]) for group in groups for entry in group["pending"]]


def _named(flat: Any) -> dict[str, Any]:
    return {name.decode(): value for name, value in zip(flat[::2], flat[1::2], strict=True)}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    # A short path: the name of a unix socket has 107 bytes at most.
    with TemporaryDirectory(prefix="hive-redis-") as folder, RedisServer(Path(folder)) as server:
        yield server
