"""Requests for wakes on a Redis server: keys, a stream that is read by a group, and a channel to tell of events.

Each object has a standing connection, made again after a failure; no command is ever sent twice.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from hive_tui.adapters.redis.server import Refused, Server
from hive_tui.domain.errors import StreamsError
from hive_tui.domain.signals import StreamEntry, WakeSignal
from hive_tui.domain.streams import named

DAY_MS = 24 * 3_600_000
IDLE_MS = 60_000
"""What a reader has not acknowledged for so long is taken from it: it is gone."""
AT_ONCE = 20

# What was set without an expiry gets one: it ends a signal that nobody takes, and tells one setting from the next.
LOOK = """
local value = redis.call('GET', KEYS[1])
if not value then return false end
if redis.call('PTTL', KEYS[1]) < 0 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
local at = redis.pcall('PEXPIRETIME', KEYS[1])
if type(at) ~= 'number' then
    local time = redis.call('TIME')
    at = time[1] * 1000 + math.floor(time[2] / 1000) + redis.call('PTTL', KEYS[1])
end
return {value, string.format('%.0f', at)}
"""
COMPARE_AND_DELETE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


class Nonsense(StreamsError):
    """The server's answer makes no sense.

    Args:
        place: The server, without credentials.
        command: What it was asked.
        reply: What it said.
    """

    def __init__(self, place: str, command: str, reply: object) -> None:
        said = repr(reply)[:80]
        super().__init__(f"Redis at {place} answers {command} with {said}.", hint="Is it really a Redis server?")


class Line:
    """A connection that is made when it is needed, and again after it has failed."""

    def __init__(self, url: str, timeout_s: float) -> None:
        self._url, self._timeout_s = url, timeout_s
        self._server: Server | None = None
        self.is_new = True
        """Whether nothing was said over it yet."""

    @property
    def place(self) -> str:
        """The server, without credentials."""
        return self.server.place

    @property
    def server(self) -> Server:
        """The connection."""
        if self._server is None or self._server.has_failed:
            self._server, self.is_new = Server(self._url, self._timeout_s), True
        return self._server

    def run(self, *command: Any) -> Any:
        """The reply to one command; raises StreamsError."""
        reply = self.server.run(*command)
        self.is_new = False
        return reply

    def close(self) -> None:
        """Break it, from any thread."""
        if self._server is not None:
            self._server.abandon()


class RedisSignals:
    """Keys like `hive:agent:NAME:wake_signal`; see `SignalServer`."""

    def __init__(self, url: str, timeout_s: float, pattern: str) -> None:
        self._looks, self._news = Line(url, timeout_s), Line(url, timeout_s)
        self._pattern = pattern
        self._is_told = False

    def waiting(self, names: Sequence[str]) -> list[WakeSignal]:
        """See `SignalServer`."""
        if not names:
            return []
        keys = [named(self._pattern, name) for name in names]
        values = self._looks.run("MGET", *keys)
        if not isinstance(values, list) or len(values) != len(keys):
            raise Nonsense(self._looks.place, "MGET", values)
        found = [(name, key) for name, key, value in zip(names, keys, values, strict=True) if value is not None]
        return [signal for name, key in found if (signal := self._look(name, key)) is not None]

    def settle(self, signal: WakeSignal) -> bool:
        """See `SignalServer`."""
        key = named(self._pattern, signal.agent_name)
        reply = self._looks.run("EVAL", COMPARE_AND_DELETE, 1, key, signal.value)
        if reply not in (0, 1):
            raise Nonsense(self._looks.place, "DEL", reply)
        return bool(reply)

    def rest(self, timeout_s: float) -> bool:
        """See `SignalServer`."""
        server = self._news.server
        if self._news.is_new:
            self._is_told = self._listen()
        if self._is_told:
            server.hears(timeout_s)
        return self._is_told

    def close(self) -> None:
        """See `SignalServer`."""
        self._looks.close()
        self._news.close()

    def _look(self, name: str, key: str) -> WakeSignal | None:
        reply = self._looks.run("EVAL", LOOK, 1, key, DAY_MS)
        if reply is None:
            return None
        if not (isinstance(reply, list) and len(reply) == 2 and all(isinstance(one, bytes) for one in reply)):
            raise Nonsense(self._looks.place, "GET", reply)
        return WakeSignal(name, reply[0], reply[1].decode(errors="replace"))

    def _listen(self) -> bool:
        """Subscribe to what happens to the keys; False where the server does not tell."""
        try:
            reply = self._news.run("CONFIG", "GET", "notify-keyspace-events")
        except Refused:
            return False
        flags = reply[1] if isinstance(reply, list) and len(reply) == 2 else b""
        if b"K" not in flags or not (b"A" in flags or b"$" in flags):
            return False
        glob = "*".join(re.sub(r"([*?\[\]\\])", r"\\\1", part) for part in self._pattern.split("{name}"))
        self._news.run("PSUBSCRIBE", f"__keyspace@*__:{glob}")
        return True


class RedisStreamReader:
    """A stream with the fields `agent`, `message`, `priority`, `key`; see `StreamReader`.

    Args:
        url: The server.
        timeout_s: Longest wait for an answer.
        stream: Its key.
        group: The group of readers; it is made when it is missing, and begins with the oldest entry.
        reader: The name of this one, the same after each start.
    """

    def __init__(self, url: str, timeout_s: float, stream: str, group: str, reader: str) -> None:
        self._line = Line(url, timeout_s)
        self._timeout_s = timeout_s
        self._stream, self._group, self._reader = stream, group, reader

    def unfinished(self) -> list[StreamEntry]:
        """See `StreamReader`."""
        claim = ("XAUTOCLAIM", self._stream, self._group, self._reader, IDLE_MS, "0-0", "COUNT", AT_ONCE, "JUSTID")
        with suppress(Refused):  # before Redis 6.2
            self._in_group(*claim)
        return self._read("0", ())

    def next(self, timeout_s: float) -> list[StreamEntry]:
        """See `StreamReader`."""
        # Answered before the connection counts as hung.
        block_ms = int(min(timeout_s, self._timeout_s / 2) * 1000)
        return self._read(">", ("BLOCK", max(1, block_ms)))

    def acknowledge(self, entry_id: str) -> None:
        """See `StreamReader`."""
        reply = self._line.run("XACK", self._stream, self._group, entry_id)
        if reply not in (0, 1):
            raise Nonsense(self._line.place, "XACK", reply)

    def close(self) -> None:
        """See `StreamReader`."""
        self._line.close()

    def _read(self, start: str, options: tuple[Any, ...]) -> list[StreamEntry]:
        reader = ("XREADGROUP", "GROUP", self._group, self._reader, "COUNT", AT_ONCE)
        reply = self._in_group(*reader, *options, "STREAMS", self._stream, start)
        try:
            entries = [] if reply is None else reply[0][1]
            return [StreamEntry(entry_id.decode(), _fields(flat)) for entry_id, flat in entries]
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise Nonsense(self._line.place, "XREADGROUP", reply) from error

    def _in_group(self, *command: Any) -> Any:
        """Run it; a group that is missing, as after a flush, is made first."""
        try:
            return self._line.run(*command)
        except Refused as error:
            if not error.reply.startswith("NOGROUP"):
                raise
        with suppress(Refused):  # another reader has made it meanwhile
            self._line.run("XGROUP", "CREATE", self._stream, self._group, "0", "MKSTREAM")
        return self._line.run(*command)


class RedisChannel:
    """A channel of pub/sub; see `Channel`."""

    def __init__(self, url: str, timeout_s: float, channel: str) -> None:
        self._line = Line(url, timeout_s)
        self._channel = channel

    def publish(self, messages: Sequence[str]) -> None:
        """See `Channel`."""
        replies = self._line.server.run_many([("PUBLISH", self._channel, message) for message in messages])
        for reply in replies:
            if isinstance(reply, Refused):
                raise reply

    def close(self) -> None:
        """See `Channel`."""
        self._line.close()


def _fields(flat: Any) -> dict[bytes, bytes] | None:
    if flat is None:
        return None
    names, values = flat[::2], flat[1::2]
    if not all(isinstance(one, bytes) for one in flat):
        raise TypeError("fields are bytes")
    return dict(zip(names, values, strict=True))
