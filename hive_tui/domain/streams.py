"""Redis streams as a checkpoint holds them. Binary safe: keys, names and fields are bytes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

from hive_tui.domain.durations import counted

MAX_SEQUENCE = 2**64 - 1
GLOB_CHARACTERS = "*?[]^\\"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a stream."""

    id: str
    fields: tuple[bytes, ...]
    """Field, value, field, value, ..."""


@dataclass(frozen=True, slots=True)
class Pending:
    """An entry that was delivered to a consumer of a group and not acknowledged."""

    id: str
    consumer: bytes
    delivered_at_ms: int
    """Unix time of the last delivery, by the server's clock."""
    deliveries: int


@dataclass(frozen=True, slots=True)
class Group:
    """A consumer group."""

    name: bytes
    last_id: str
    """The last entry that was delivered to it."""
    entries_read: int | None = None
    """None where the server does not know it (it never does before version 7)."""
    consumers: tuple[bytes, ...] = ()
    pending: tuple[Pending, ...] = ()

    def waits_for(self, entry_id: str) -> bool:
        """Whether the entry was not delivered yet, or not acknowledged."""
        return id_order(entry_id) > id_order(self.last_id) or any(one.id == entry_id for one in self.pending)


@dataclass(frozen=True, slots=True)
class Stream:
    """All that is known about a stream at one moment."""

    key: bytes
    length: int
    last_id: str
    """The last id that was given out; the entry itself may be deleted."""
    max_deleted_id: str | None = None
    entries_added: int | None = None
    """Entries ever added; None, as `max_deleted_id`, before version 7."""
    expires_at_ms: int | None = None
    """Unix time; None where it stays."""
    groups: tuple[Group, ...] = ()
    entries: tuple[Entry, ...] = ()
    """In order; the newest ones only, where there were too many."""
    dump: bytes | None = None
    """What `RESTORE` takes; None where it was too large or refused."""

    @property
    def is_complete(self) -> bool:
        """Whether it can be put back exactly as it was."""
        return self.dump is not None or len(self.entries) == self.length

    @property
    def pending(self) -> int:
        """How many deliveries are not acknowledged."""
        return sum(len(group.pending) for group in self.groups)

    def to_json(self) -> dict[str, Any]:
        """All but the dump, which is a member of its own."""
        return {
            "key": text(self.key),
            "length": self.length,
            "last_id": self.last_id,
            "max_deleted_id": self.max_deleted_id,
            "entries_added": self.entries_added,
            "expires_at_ms": self.expires_at_ms,
            "groups": [_group_json(group) for group in self.groups],
            "entries": [[entry.id, *map(text, entry.fields)] for entry in self.entries],
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any], dump: bytes | None) -> Self:
        """What `to_json` gave."""
        return cls(
            key=raw(value["key"]),
            length=int(value["length"]),
            last_id=value["last_id"],
            max_deleted_id=value["max_deleted_id"],
            entries_added=value["entries_added"],
            expires_at_ms=value["expires_at_ms"],
            groups=tuple(_group(one) for one in value["groups"]),
            entries=tuple(Entry(one[0], tuple(map(raw, one[1:]))) for one in value["entries"]),
            dump=dump,
        )


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose streams they are: the name finds them, the id outlives a renaming."""

    agent_id: str
    name: str


@dataclass(frozen=True, slots=True)
class StreamsSnapshot:
    """The streams of one agent, all at one moment."""

    token: str
    """Names this snapshot; the server keeps it as the sentinel once the checkpoint is good."""
    taken_at_ms: int
    """Unix time by the server's clock."""
    server: str
    """The server's version."""
    streams: tuple[Stream, ...]
    had_sentinel: bool
    """Whether a sentinel of an earlier checkpoint was there: the server was not flushed since."""
    notes: tuple[str, ...] = ()
    """What is not in it, in words."""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing."""
        return not self.notes and all(stream.is_complete for stream in self.streams)


@dataclass(frozen=True, slots=True)
class PutBack:
    """What putting streams back did."""

    restored: tuple[bytes, ...] = ()
    """Keys."""
    kept_entries: int = 0
    """Newer entries that still waited and were kept."""
    warnings: tuple[str, ...] = field(default_factory=tuple)


JITTER_MS = 50
"""Redis tells how long ago an entry was delivered, by a clock that it reads now and then: two looks differ by a few."""


def are_same(one: Stream | None, other: Stream | None) -> bool:
    """Whether two looks at a stream saw the same."""
    if one is None or other is None:
        return one is other
    times = {(group.name, entry.id): entry.delivered_at_ms for group in one.groups for entry in group.pending}

    def settled(group: Group, entry: Pending) -> Pending:
        then = times.get((group.name, entry.id), entry.delivered_at_ms)
        return replace(entry, delivered_at_ms=then) if abs(then - entry.delivered_at_ms) <= JITTER_MS else entry

    groups = tuple(
        replace(group, pending=tuple(settled(group, entry) for entry in group.pending)) for group in other.groups
    )
    return one.to_json() == replace(other, groups=groups).to_json()


def kept_newer(now: Stream, then_last_id: str) -> list[Entry]:
    """Entries added since `then_last_id` that a group still waits for; without groups, all of them."""
    newer = [entry for entry in now.entries if id_order(entry.id) > id_order(then_last_id)]
    return [entry for entry in newer if not now.groups or any(group.waits_for(entry.id) for group in now.groups)]


def id_order(entry_id: str) -> tuple[int, int]:
    """Sorts ids as the server does."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


def id_before(entry_id: str) -> str:
    """The highest id below this one; `0-0` for the lowest."""
    milliseconds, sequence = id_order(entry_id)
    if sequence > 0:
        return f"{milliseconds}-{sequence - 1}"
    return f"{milliseconds - 1}-{MAX_SEQUENCE}" if milliseconds > 0 else "0-0"


def id_after(entry_id: str) -> str:
    """The lowest id above this one."""
    milliseconds, sequence = id_order(entry_id)
    return f"{milliseconds}-{sequence + 1}" if sequence < MAX_SEQUENCE else f"{milliseconds + 1}-0"


def named(template: str, name: str) -> str:
    """A key with the agent's name in place of `{name}`."""
    return template.replace("{name}", name)


def pattern_for(template: str, name: str) -> str:
    """A glob pattern with the agent's name, taken literally, in place of `{name}`."""
    escaped = "".join(f"\\{one}" if one in GLOB_CHARACTERS else one for one in name)
    return template.replace("{name}", escaped)


def is_glob(template: str) -> bool:
    """Whether a template can match more than one key."""
    return any(one in GLOB_CHARACTERS for one in template)


def text(value: bytes) -> str:
    """Bytes as text that gives the same bytes back, whatever they are."""
    return value.decode("utf-8", "surrogateescape")


def raw(value: str) -> bytes:
    """The bytes that `text` was given."""
    return value.encode("utf-8", "surrogateescape")


def shown(key: bytes) -> str:
    """A key for a person."""
    return key.decode("utf-8", "backslashreplace")


def _group_json(group: Group) -> dict[str, Any]:
    return {
        "name": text(group.name),
        "last_id": group.last_id,
        "entries_read": group.entries_read,
        "consumers": [text(one) for one in group.consumers],
        "pending": [[one.id, text(one.consumer), one.delivered_at_ms, one.deliveries] for one in group.pending],
    }


def _group(value: Mapping[str, Any]) -> Group:
    return Group(
        raw(value["name"]),
        value["last_id"],
        value["entries_read"],
        tuple(raw(one) for one in value["consumers"]),
        tuple(Pending(one[0], raw(one[1]), int(one[2]), int(one[3])) for one in value["pending"]),
    )


def words(streams: Sequence[Stream]) -> str:
    """For lists: `2 streams, 14 entries, 3 pending`."""
    entries, pending = sum(one.length for one in streams), sum(one.pending for one in streams)
    return f"{counted(len(streams), 'stream')}, {counted(entries, 'entry')}, {pending} pending"
