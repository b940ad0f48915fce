"""The streams of agents on a real Redis server.

Keys of our own: the flag (`redis.flag`) is there while streams are read or put back and producers should wait; it
expires. `hive:<agent id>:sentinel` says that the server was not flushed since a checkpoint: a stream that is
missing although the sentinel is there was drained on purpose. `hive:<agent id>:sentinel:<token>` is the sentinel of
a checkpoint that is not known to be good yet. `hive:<agent id>:done` remembers what was put back, so that nothing
is put back twice. `hive:building:<token>` are streams under construction; they expire.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar
from uuid import uuid4

from hive_tui.adapters.redis.putting import (
    ask_flushed,
    fill_one,
    replace_one,
    sentinel_key,
    sentinel_value,
    server_ms,
)
from hive_tui.adapters.redis.reading import Limits, find_keys, read
from hive_tui.adapters.redis.server import Refused, Server, Unreachable, errand
from hive_tui.domain.errors import StreamsError
from hive_tui.domain.streams import Owner, PutBack, Stream, StreamsSnapshot, named

T = TypeVar("T")

WEEK_MS = 7 * 24 * 3_600_000
CLEAN_UP_S = 2.0


@dataclass(frozen=True, slots=True)
class Access:
    """Where the server is, and how long it is waited for."""

    url: str
    pattern: str
    flag: str
    timeout_s: float = 5.0
    patience_s: float = 30.0


class RedisStreams:
    """Each method is one errand: a connection of its own, a time limit, no retry."""

    def __init__(self, access: Access, limits: Limits) -> None:
        self._access = access
        self._limits = limits

    def capture(self, owner: Owner) -> StreamsSnapshot:
        """All streams of the agent at one moment; producers that honour the flag wait meanwhile."""
        return self._flagged(owner, lambda server: self._capture(server, owner))

    def confirm(self, owner: Owner, token: str) -> None:
        """The checkpoint with this snapshot is good: its sentinel holds from now on."""
        candidate, sentinel = sentinel_key(owner, token), sentinel_key(owner)

        def work(server: Server) -> None:
            # If the candidate is gone, the server was flushed since; then there must be no sentinel.
            with suppress(Refused):
                server.run_atomically([("PERSIST", candidate), ("RENAME", candidate, sentinel)])

        self._errand(work)

    def was_flushed(self, owner: Owner, token: str, taken_at_ms: int) -> bool:
        """Whether the server has lost its data since the snapshot.

        Raises:
            StreamsError: That cannot be told; the sentence says why.
        """
        return self._errand(lambda server: ask_flushed(server, owner, token, taken_at_ms))

    def fill_in(self, owner: Owner, token: str, streams: Sequence[Stream]) -> PutBack:
        """After a flush: put back the streams that are missing. Touches none that has content."""

        def work(server: Server) -> PutBack:
            done, has_failed = _each(streams, lambda stream: fill_one(server, owner, token, stream))
            if not has_failed:
                server.run("SET", sentinel_key(owner), sentinel_value(token, server_ms(server)))
            return done

        return self._flagged(owner, work)

    def replace(self, owner: Owner, restore_id: str, streams: Sequence[Stream]) -> PutBack:
        """Set the streams back to how they were; newer entries that still wait are kept."""

        def work(server: Server) -> PutBack:
            return _each(streams, lambda stream: replace_one(server, owner, restore_id, stream, self._limits))[0]

        return self._flagged(owner, work)

    def look(self, keys: Sequence[bytes]) -> Mapping[bytes, Stream]:
        """These streams as they are now, without dumps; those that are not there are left out."""

        def work(server: Server) -> Mapping[bytes, Stream]:
            there = [key for key in keys if server.run("TYPE", key) == b"stream"]
            found, _, _ = read(server, there, Limits(self._limits.entries, dump_bytes=0))
            return {stream.key: stream for stream in found}

        return self._errand(work)

    def _capture(self, server: Server, owner: Owner) -> StreamsSnapshot:
        keys, notes = find_keys(server, self._access.pattern, owner.name)
        token = uuid4().hex
        had_sentinel = bool(server.run("EXISTS", sentinel_key(owner)))
        version = _version(server)
        mark = ("SET", sentinel_key(owner, token), sentinel_value(token, server_ms(server)), "PX", WEEK_MS)
        streams, taken_at_ms, lacking = read(server, keys, self._limits, also=[mark])
        return StreamsSnapshot(token, taken_at_ms, version, tuple(streams), had_sentinel, (*notes, *lacking))

    def _errand(self, work: Callable[[Server], T], patience_s: float | None = None) -> T:
        access = self._access
        return errand(access.url, access.timeout_s, patience_s or access.patience_s, work)

    def _flagged(self, owner: Owner, work: Callable[[Server], T]) -> T:
        """Do it while the flag asks producers to wait; the flag is removed afterwards, or expires."""
        key, token = named(self._access.flag, owner.name), uuid4().hex
        lifetime_ms = int((self._access.patience_s + CLEAN_UP_S) * 1000)

        was_set: list[bool] = []

        def flagged(server: Server) -> T:
            was_set.append(True)
            server.run("SET", key, token, "PX", lifetime_ms)
            result = work(server)
            _lower(server, key, token)
            return result

        try:
            return self._errand(flagged)
        except StreamsError as error:
            # A server that does not answer would not answer this either; the flag expires there.
            if was_set and not isinstance(error, Unreachable):
                with suppress(StreamsError):
                    self._errand(lambda server: _lower(server, key, token), CLEAN_UP_S)
            raise


def _lower(server: Server, key: str, token: str) -> None:
    """Remove the flag, if it is still ours."""
    server.run("WATCH", key)
    if server.run("GET", key) == token.encode():
        server.run_atomically([("DEL", key)])


def _version(server: Server) -> str:
    lines: list[bytes] = server.run("INFO", "server").splitlines()
    found = [
        line.partition(b":")[2].decode() for line in lines if line.startswith((b"redis_version:", b"valkey_version:"))
    ]
    return found[-1] if found else "?"


def _each(streams: Sequence[Stream], work: Callable[[Stream], PutBack]) -> tuple[PutBack, bool]:
    """Do it for each stream; one that fails is a warning and does not stop the others. Whether one failed."""
    parts: list[PutBack] = []
    has_failed = False
    for stream in streams:
        try:
            parts.append(work(stream))
        except Unreachable:
            raise
        except StreamsError as error:
            has_failed = True
            parts.append(PutBack(warnings=(error.what,)))
    return _together(parts), has_failed


def _together(parts: Sequence[PutBack]) -> PutBack:
    return PutBack(
        tuple(key for part in parts for key in part.restored),
        sum(part.kept_entries for part in parts),
        tuple(warning for part in parts for warning in part.warnings),
    )
