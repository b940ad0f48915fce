"""The Redis streams of an agent as a part of its checkpoints. Trouble with Redis is told, and seldom stops anything."""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_tui.archive import reader
from hive_tui.archive.writer import ArchiveWriter
from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import CheckpointError, HiveError, StreamsError, WakeFailed
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Clock, StreamServer
from hive_tui.domain.streams import Owner, Stream, StreamsSnapshot, kept_newer, shown, words
from hive_tui.services.hub import Hub
from hive_tui.store import checkpoints, journal
from hive_tui.store.database import Database

INDEX = "redis/index.json"
REST_S = 15.0
"""After a server did not answer, it is not asked again for so long: thirty naps do not wait thirty times."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The streams that a checkpoint holds."""

    token: str
    taken_at_ms: int
    streams: tuple[Stream, ...]


class Streams:
    """What checkpoint, wake and restore do with streams.

    Args:
        server: None where no Redis is set up; then nothing here does anything.
        is_required: Whether checkpoint and wake fail without it.
    """

    def __init__(
        self, server: StreamServer | None, database: Database, clock: Clock, hub: Hub, *, is_required: bool = False
    ) -> None:
        self._server = server
        self._database = database
        self._clock = clock
        self._hub = hub
        self._is_required = is_required
        self._failed_at: float | None = None

    def add_to(self, archive: ArchiveWriter, agent: Agent) -> dict[str, Any]:
        """Add the agent's streams to its checkpoint; what the catalog keeps of them.

        Raises:
            StreamsError: Redis is required, and fails.
        """
        if self._server is None:
            return {}
        try:
            snapshot = self._asked(lambda server: server.capture(_owner(agent)))
        except StreamsError as error:
            if self._is_required:
                raise
            self._warn(agent, f"The checkpoint of {agent.name} is without its streams: {error.what}", error.hint)
            return {"streams": {"missing": error.what}}
        self._warn_of_gaps(agent, snapshot)
        _write(archive, snapshot)
        return {
            "streams": {
                "token": snapshot.token,
                "taken_at_ms": snapshot.taken_at_ms,
                "complete": snapshot.is_complete,
                "words": words(snapshot.streams),
                "notes": list(snapshot.notes),
            }
        }

    def confirm(self, agent: Agent, checkpoint: Checkpoint) -> None:
        """The checkpoint is in the catalog: its sentinel holds from now on. Never fails."""
        token = _facts(checkpoint).get("token")
        if token is not None:
            # If this does not get through, the sentinel of the checkpoint itself is still asked for.
            with suppress(StreamsError):
                self._asked(lambda server: server.confirm(_owner(agent), str(token)))

    def fill_in(self, agent: Agent, checkpoint: Checkpoint) -> tuple[str, ...]:
        """Before a wake: put back the streams that a flush took; what came back, in words.

        Raises:
            WakeFailed: Redis is required, and fails; a later attempt may succeed.
        """
        facts = _facts(checkpoint)
        if self._server is None or "token" not in facts:
            return ()
        try:
            return self._fill_in(agent, checkpoint, str(facts["token"]), int(facts["taken_at_ms"]))
        except (StreamsError, CheckpointError) as error:
            said = f"{agent.name} wakes without a look at its streams: {error.what}"
            if self._is_required:
                raise WakeFailed(f"{agent.name} was not woken: {error.what}", hint=error.hint) from error
            self._warn(agent, said, error.hint)
            return ()

    def preview(self, unpacked: Path) -> list[str]:
        """What setting the streams back would change, in lines for a person."""
        saved = load(lambda name: (unpacked / name).read_bytes())
        if saved is None or not saved.streams:
            return []
        if self._server is None:
            return [f"streams: {words(saved.streams)} stay as they are, since no redis.url is set"]
        try:
            now = self._asked(lambda server: server.look([one.key for one in saved.streams]))
        except StreamsError as error:
            return [f"streams: {words(saved.streams)} cannot be set back: {error.what}"]
        return [_change(stream, now.get(stream.key)) for stream in saved.streams]

    def put_back(self, agent: Agent, unpacked: Path, restore_id: str, *, is_safe: bool) -> list[str]:
        """Set the streams back; warnings. Done again under the same id, it changes nothing more.

        Args:
            agent: Whose streams they are.
            unpacked: The checkpoint's members.
            restore_id: Names this restore.
            is_safe: Whether the safety checkpoint has all of today's streams.
        """
        saved = load(lambda name: (unpacked / name).read_bytes())
        if self._server is None or saved is None or not saved.streams:
            return []
        if not is_safe:
            return ["the streams stay as they are: the safety checkpoint does not have all of today's"]
        try:
            done = self._asked(lambda server: server.replace(_owner(agent), restore_id, saved.streams))
        except StreamsError as error:
            said = f"The streams of {agent.name} were not set back: {error.what}"
            self._warn(agent, said, error.hint)
            return [said]
        kept = (
            [f"kept, since they still wait: {counted(done.kept_entries, 'newer entry')}"] if done.kept_entries else []
        )
        return [*done.warnings, *kept]

    def _fill_in(self, agent: Agent, checkpoint: Checkpoint, token: str, taken_at_ms: int) -> tuple[str, ...]:
        owner = _owner(agent)
        if not self._asked(lambda server: server.was_flushed(owner, token, taken_at_ms)):
            return ()
        saved = load(lambda name: reader.read_member(Path(checkpoint.path), name))
        if saved is None:
            return ()
        done = self._asked(lambda server: server.fill_in(owner, token, saved.streams))
        for warning in done.warnings:
            self._warn(agent, f"{agent.name}: {warning}", "`hive-tui restore` shows what the checkpoint has.")
        return tuple(f"stream {shown(key)}" for key in done.restored)

    def _asked(self, work: "Callable[[StreamServer], Any]") -> Any:
        """Ask the server, unless it has just failed to answer."""
        assert self._server is not None
        now = self._clock.monotonic()
        if self._failed_at is not None and now - self._failed_at < REST_S:
            raise StreamsError("Redis has just failed to answer.", hint="`hive-tui doctor` shows whether it does now.")
        self._failed_at = None
        try:
            return work(self._server)
        except StreamsError as error:
            if error.is_unreachable:
                self._failed_at = self._clock.monotonic()
            raise

    def _warn_of_gaps(self, agent: Agent, snapshot: StreamsSnapshot) -> None:
        for note in snapshot.notes:
            self._warn(agent, f"The checkpoint of {agent.name} lacks something: {note}", "See redis.entries_limit.")
        if snapshot.had_sentinel:
            return
        earlier = [one for one in self._database.read(checkpoints.of_agent, agent.id) if "token" in _facts(one)]
        if earlier:
            text = (
                f"Redis has lost its data since the last checkpoint of {agent.name} "
                f"({_facts(earlier[0]).get('words')} then)"
            )
            hint = f"`hive-tui restore {agent.name}` shows what the checkpoint has and sets the streams back."
            self._warn(agent, text, hint)

    def _warn(self, agent: Agent, text: str, hint: str) -> None:
        event = Event(EventKind.REDIS_TROUBLE, text, agent.id, HEARTBEAT, Severity.WARNING, {"hint": hint})
        with suppress(HiveError):
            self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)


def load(read: Callable[[str], bytes]) -> Saved | None:
    """The streams of a checkpoint, whose members `read` gives; None if it has none.

    Raises:
        CheckpointError: They cannot be understood.
    """
    try:
        index = json.loads(read(INDEX))
        streams = [
            Stream.from_json(json.loads(read(_member(number))), read(_dump(number)) if one["has_dump"] else None)
            for number, one in enumerate(index["streams"])
        ]
        return Saved(index["token"], int(index["taken_at_ms"]), tuple(streams))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"The streams of the checkpoint cannot be read: {error}.") from error


def has_all(safety: Checkpoint) -> bool:
    """Whether a safety checkpoint has all the streams of its moment."""
    return bool(_facts(safety).get("complete"))


def _write(archive: ArchiveWriter, snapshot: StreamsSnapshot) -> None:
    listed = []
    for number, stream in enumerate(snapshot.streams):
        archive.add_json(_member(number), stream.to_json())
        if stream.dump is not None:
            archive.add_bytes(_dump(number), stream.dump)
        listed.append({"key": shown(stream.key), "has_dump": stream.dump is not None})
    archive.add_json(
        INDEX,
        {
            "token": snapshot.token,
            "taken_at_ms": snapshot.taken_at_ms,
            "server": snapshot.server,
            "notes": list(snapshot.notes),
            "streams": listed,
        },
    )


def _member(number: int) -> str:
    return f"redis/{number}.json"


def _dump(number: int) -> str:
    return f"redis/{number}.dump"


def _change(then: Stream, now: Stream | None) -> str:
    was = f"{counted(then.length, 'entry')}, {then.pending} pending"
    if now is None:
        return f"stream {shown(then.key)}: {was}; it is not there now"
    newer = len(kept_newer(now, then.last_id))
    kept = f"; kept, since they still wait: {counted(newer, 'newer entry')}" if newer else ""
    return f"stream {shown(then.key)}: {was} instead of {now.length}, {now.pending} pending{kept}"


def _facts(checkpoint: Checkpoint) -> Mapping[str, Any]:
    found = checkpoint.summary.get("streams")
    return found if isinstance(found, Mapping) else {}


def _owner(agent: Agent) -> Owner:
    return Owner(agent.id, agent.name)
