"""Streams in a checkpoint and back, on a real server: nothing lost, nothing twice, nothing overwritten."""

import threading
from dataclasses import replace

import pytest

from hive_tui.adapters.redis.reading import Limits
from hive_tui.adapters.redis.server import Server, errand
from hive_tui.adapters.redis.streams import _lower
from hive_tui.domain.errors import StreamsError
from hive_tui.domain.streams import Owner, Stream, StreamsSnapshot
from tests.adapters.redis.conftest import ADA, QUEUE, delivered_at, everything, fill, streams_on
from tests.redis_server import RedisServer


def stored(snapshot: StreamsSnapshot) -> list[Stream]:
    """The streams after a way through JSON."""
    return [Stream.from_json(stream.to_json(), stream.dump) for stream in snapshot.streams]


def checkpoint(redis: RedisServer) -> StreamsSnapshot:
    """A snapshot of a checkpoint that is good."""
    snapshot = streams_on(redis).capture(ADA)
    streams_on(redis).confirm(ADA, snapshot.token)
    return snapshot


def refuse_dumps(streams: list[Stream]) -> list[Stream]:
    """The same streams, as a server of another version sees them: the version in the dumps' footers is unknown."""
    return [replace(one, dump=one.dump[:-10] + b"\xff\xff" + one.dump[-8:]) for one in streams if one.dump is not None]


@pytest.mark.parametrize("way", ["dump", "refused dump", "entries alone"])
def test_after_a_flush_a_stream_comes_back_with_groups_last_ids_and_pending(redis: RedisServer, way: str):
    fill(redis)
    before, times = everything(redis), delivered_at(redis)
    snapshot = checkpoint(redis)
    saved = stored(snapshot)
    if way == "refused dump":
        saved = refuse_dumps(saved)
    elif way == "entries alone":
        saved = [replace(one, dump=None) for one in saved]
    redis.run("FLUSHALL")
    assert streams_on(redis).was_flushed(ADA, snapshot.token, snapshot.taken_at_ms)
    done = streams_on(redis).fill_in(ADA, snapshot.token, saved)
    assert (done.restored, done.warnings) == ((QUEUE,), ())
    assert everything(redis) == before
    assert times and all(abs(now - then) <= 20 for now, then in zip(delivered_at(redis), times, strict=True))
    assert redis.run("PTTL", QUEUE) == -1
    assert not streams_on(redis).was_flushed(ADA, snapshot.token, snapshot.taken_at_ms)
    assert redis.run("KEYS", "hive:building:*") == []


def test_the_comparison_of_these_tests_sees_a_single_acknowledgement(redis: RedisServer):
    fill(redis)
    before = everything(redis)
    redis.run("XACK", QUEUE, b"work\xff", "1000-4")
    assert everything(redis) != before


def test_a_drained_stream_stays_drained(redis: RedisServer):
    fill(redis)
    snapshot = checkpoint(redis)
    redis.run("DEL", QUEUE)
    assert not streams_on(redis).was_flushed(ADA, snapshot.token, snapshot.taken_at_ms)


def test_a_flush_before_the_checkpoint_was_known_to_be_good_is_still_seen(redis: RedisServer):
    fill(redis)
    snapshot = streams_on(redis).capture(ADA)
    redis.run("FLUSHALL")
    streams_on(redis).confirm(ADA, snapshot.token)
    assert streams_on(redis).was_flushed(ADA, snapshot.token, snapshot.taken_at_ms)


def test_a_checkpoint_that_was_never_confirmed_tells_a_flush_all_the_same(redis: RedisServer):
    checkpoint(redis)
    fill(redis)
    snapshot = streams_on(redis).capture(ADA)
    assert not streams_on(redis).was_flushed(ADA, snapshot.token, snapshot.taken_at_ms)


def test_a_server_with_older_data_is_left_alone(redis: RedisServer):
    older = checkpoint(redis)
    fill(redis)
    newer = checkpoint(redis)
    redis.run("DEL", QUEUE)
    redis.run("SET", f"hive:{ADA.agent_id}:sentinel", f'{{"token": "{older.token}", "at_ms": {older.taken_at_ms}}}')
    with pytest.raises(StreamsError, match="older data"):
        streams_on(redis).was_flushed(ADA, newer.token, newer.taken_at_ms)
    assert not streams_on(redis).was_flushed(ADA, older.token, older.taken_at_ms)


def test_where_keys_may_be_evicted_a_missing_sentinel_proves_nothing(redis: RedisServer):
    snapshot = checkpoint(redis)
    redis.run("CONFIG", "SET", "maxmemory-policy", "allkeys-lru", "maxmemory", "100mb")
    redis.run("FLUSHALL")
    with pytest.raises(StreamsError, match="throws away any key"):
        streams_on(redis).was_flushed(ADA, snapshot.token, snapshot.taken_at_ms)


def test_a_stream_with_content_is_never_overwritten_after_a_flush(redis: RedisServer):
    fill(redis)
    saved = stored(checkpoint(redis))
    redis.run("FLUSHALL")
    redis.run("XADD", QUEUE, "9000-1", "task", "new")
    done = streams_on(redis).fill_in(ADA, "token", saved)
    assert done.restored == () and "used again" in done.warnings[0] and "6 entries" in done.warnings[0]
    assert redis.run("XLEN", QUEUE) == 1


def test_a_stream_that_is_empty_after_work_is_not_filled_again(redis: RedisServer):
    fill(redis)
    saved = stored(checkpoint(redis))
    redis.run("FLUSHALL")
    redis.run("XADD", QUEUE, "9000-1", "task", "new")
    redis.run("XDEL", QUEUE, "9000-1")
    assert streams_on(redis).fill_in(ADA, "token", saved).restored == ()
    assert redis.run("XLEN", QUEUE) == 0


def test_another_type_under_the_key_is_left_alone(redis: RedisServer):
    fill(redis)
    saved = stored(checkpoint(redis))
    redis.run("FLUSHALL")
    redis.run("SET", QUEUE, "a string")
    done = streams_on(redis).fill_in(ADA, "token", saved)
    assert done.restored == () and "WRONGTYPE" in done.warnings[0]
    assert redis.run("GET", QUEUE) == b"a string"
    assert redis.run("EXISTS", f"hive:{ADA.agent_id}:sentinel") == 0, "it is tried again at the next wake"


def test_an_empty_stream_that_a_starting_consumer_made_is_filled_and_its_group_kept(redis: RedisServer):
    fill(redis)
    saved = stored(checkpoint(redis))
    redis.run("FLUSHALL")
    redis.run("XGROUP", "CREATE", QUEUE, "newcomer", "0", "MKSTREAM")
    assert streams_on(redis).fill_in(ADA, "token", saved).restored == (QUEUE,)
    names = [group[1] for group in redis.run("XINFO", "GROUPS", QUEUE)]
    assert sorted(names) == [b"audit", b"late", b"newcomer", b"work\xff"]


def test_what_was_put_back_and_drained_is_not_put_back_twice(redis: RedisServer):
    fill(redis)
    snapshot = checkpoint(redis)
    saved = stored(snapshot)
    redis.run("FLUSHALL")
    streams_on(redis).fill_in(ADA, snapshot.token, saved)
    redis.run("DEL", QUEUE)
    redis.run("DEL", f"hive:{ADA.agent_id}:sentinel")  # as if we had died before it was set
    assert streams_on(redis).fill_in(ADA, snapshot.token, saved).restored == ()
    assert redis.run("EXISTS", QUEUE) == 0


def test_a_stream_that_expires_keeps_its_time_and_one_that_has_expired_stays_away(redis: RedisServer):
    fill(redis)
    redis.run("PEXPIRE", QUEUE, 500_000)
    [saved] = stored(checkpoint(redis))
    expires_at = redis.run("PEXPIRETIME", QUEUE)
    redis.run("FLUSHALL")
    gone = replace(saved, expires_at_ms=1)
    assert streams_on(redis).fill_in(ADA, "other", [gone]).restored == ()
    streams_on(redis).fill_in(ADA, "token", [saved])
    assert abs(redis.run("PEXPIRETIME", QUEUE) - expires_at) <= 2


def test_an_empty_stream_and_its_groups_come_back_too(redis: RedisServer):
    redis.run("XGROUP", "CREATE", QUEUE, "work", "0", "MKSTREAM")
    before = everything(redis)
    [saved] = stored(checkpoint(redis))
    redis.run("FLUSHALL")
    streams_on(redis).fill_in(ADA, "token", [replace(saved, dump=None)])
    assert everything(redis) == before


def test_a_pattern_finds_the_agents_streams_alone(redis: RedisServer):
    for key in (b"q:a*b:1", b"q:a*b:\xff", b"q:axb:1"):
        redis.run("XADD", key, "*", "f", "v")
    redis.run("SET", b"q:a*b:text", "no stream")
    found = streams_on(redis, pattern="q:{name}:*").capture(Owner("id", "a*b"))
    assert [stream.key for stream in found.streams] == [b"q:a*b:1", b"q:a*b:\xff"]


def test_tasks_that_come_during_the_snapshots_are_all_there_once(redis: RedisServer):
    """A producer that honours no flag, and snapshots meanwhile: what a snapshot has, and what came later, is all."""
    redis.run("XGROUP", "CREATE", QUEUE, "work", "0", "MKSTREAM")
    snapshots = streams_on(redis)
    ids: list[bytes] = []
    stop = threading.Event()

    def produce() -> None:
        def work(server: Server) -> None:
            while not stop.is_set():
                ids.append(server.run("XADD", QUEUE, "*", "task", str(len(ids))))

        errand(redis.url, 5, 60, work)

    thread = threading.Thread(target=produce)
    thread.start()
    try:
        taken = [snapshots.capture(ADA) for _ in range(5)]
    finally:
        stop.set()
        thread.join()
    assert len(ids) > 20
    for snapshot in taken:
        [stream] = stored(snapshot)
        assert [entry.id.encode() for entry in stream.entries] == ids[: stream.length], "exactly those before a moment"
        streams_on(redis).replace(ADA, snapshot.token, [stream])
        listed = [entry[0] for entry in redis.run("XRANGE", QUEUE, "-", "+")]
        assert listed == ids, "those of the snapshot and those that came later, each once"


def test_tasks_that_come_while_streams_are_put_back_are_never_lost(redis: RedisServer):
    """The producer honours no flag; each time the stream is set back to how it was when it was empty."""
    redis.run("XGROUP", "CREATE", QUEUE, "work", "0", "MKSTREAM")
    [empty] = stored(streams_on(redis).capture(ADA))
    ids: list[bytes] = []
    stop = threading.Event()

    def work(server: Server) -> None:
        while not stop.wait(0.002):
            ids.append(server.run("XADD", QUEUE, "*", "task", "x"))

    thread = threading.Thread(target=lambda: errand(redis.url, 5, 60, work))
    thread.start()
    done = 0
    try:
        for number in range(60):
            done += len(streams_on(redis).replace(ADA, f"restore {number}", [empty]).restored)
    finally:
        stop.set()
        thread.join()
    assert done > 0, "some got through between two tasks"
    assert [entry[0] for entry in redis.run("XRANGE", QUEUE, "-", "+")] == ids


def test_the_flag_is_there_while_it_is_read_and_gone_afterwards(redis: RedisServer):
    fill(redis)
    streams_on(redis).capture(ADA)
    assert redis.run("EXISTS", "agent:ada:quiesced") == 0
    stats = {line.split(b":")[0]: line for line in redis.run("INFO", "commandstats").splitlines() if b":" in line}
    assert b"calls=1," in stats[b"cmdstat_del"], "it was set, and removed"


def test_a_flag_that_somebody_else_has_set_since_is_left(redis: RedisServer):
    redis.run("SET", "agent:ada:quiesced", "another's")
    errand(redis.url, 5, 5, lambda server: _lower(server, "agent:ada:quiesced", "mine"))
    assert redis.run("GET", "agent:ada:quiesced") == b"another's"


class TestRestore:
    """Going back to a generation."""

    def test_a_stream_is_as_it_was_and_finished_newer_tasks_go(self, redis: RedisServer):
        fill(redis)
        before = everything(redis)
        saved = stored(checkpoint(redis))
        redis.run("XADD", QUEUE, "3000-1", "task", "done since")
        for group in (b"work\xff", b"audit", b"late"):
            redis.run("XREADGROUP", "GROUP", group, "x", "NOACK", "STREAMS", QUEUE, ">")
        redis.run("XACK", QUEUE, b"work\xff", *[f"1000-{number}" for number in range(1, 9)])
        assert streams_on(redis).replace(ADA, "restore 1", saved).kept_entries == 0
        assert everything(redis) == before

    def test_newer_tasks_that_still_wait_are_kept_and_so_is_a_newer_group(self, redis: RedisServer):
        fill(redis)
        saved = stored(checkpoint(redis))
        redis.run("XADD", QUEUE, "3000-1", "task", "waits")
        redis.run("XGROUP", "CREATE", QUEUE, "new group", "0")
        done = streams_on(redis).replace(ADA, "restore 1", saved)
        assert (done.restored, done.kept_entries) == ((QUEUE,), 1)
        assert redis.run("XRANGE", QUEUE, "3000-1", "+") == [[b"3000-1", [b"task", b"waits"]]]
        assert b"new group" in [group[1] for group in redis.run("XINFO", "GROUPS", QUEUE)]

    def test_the_same_restore_again_changes_nothing(self, redis: RedisServer):
        fill(redis)
        saved = stored(checkpoint(redis))
        streams_on(redis).replace(ADA, "restore 1", saved)
        redis.run("DEL", QUEUE)
        assert streams_on(redis).replace(ADA, "restore 1", saved).restored == ()
        assert redis.run("EXISTS", QUEUE) == 0
        assert streams_on(redis).replace(ADA, "restore 2", saved).restored == (QUEUE,)


class TestLimits:
    """Streams that are large."""

    def test_all_entries_of_many_pages_are_read_in_order(self, redis: RedisServer):
        ids = [redis.run("XADD", QUEUE, f"{number // 3 + 1}-{number % 3 + 1}", "f", "v") for number in range(2_500)]
        [stream] = streams_on(redis).capture(ADA).streams
        assert [entry.id.encode() for entry in stream.entries] == ids and stream.is_complete

    def test_a_stream_over_the_limits_is_kept_in_part_and_that_is_said(self, redis: RedisServer):
        fill(redis)
        snapshot = streams_on(redis, Limits(entries=2, dump_bytes=10)).capture(ADA)
        [stream] = stored(snapshot)
        assert [entry.id for entry in stream.entries] == ["1000-7", "1000-8"] and not stream.is_complete
        assert "newest 2 entries of 6" in snapshot.notes[0]
        redis.run("FLUSHALL")
        done = streams_on(redis).fill_in(ADA, "token", [stream])
        assert done.restored == (QUEUE,) and "newest entries only" in done.warnings[0]
        assert redis.run("XLEN", QUEUE) == 2

    def test_where_dumping_is_forbidden_the_entries_are_enough(self, redis: RedisServer):
        fill(redis)
        before = everything(redis)
        redis.run("ACL", "SETUSER", "modest", "on", "nopass", "~*", "+@all", "-dump")
        snapshot = streams_on(redis, pattern="agent:{name}:queue").capture(ADA)
        assert snapshot.streams[0].dump is not None
        modest = RedisServer(redis.folder)
        modest.url = redis.url.replace("unix://", "unix://modest:x@")
        snapshot = streams_on(modest).capture(ADA)
        [stream] = stored(snapshot)
        assert stream.dump is None and stream.is_complete and snapshot.notes == ()
        redis.run("FLUSHALL")
        streams_on(redis).fill_in(ADA, "token", [stream])
        assert everything(redis) == before


RDB_OF_REDIS_6 = 9


def dumped_by(version: int, dump: bytes) -> bytes:
    """The same dump as a server with this version of the format would have signed it: with a checksum that is right."""
    body = dump[:-10] + version.to_bytes(2, "little")
    checksum = 0
    for byte in body:  # CRC-64 of Jones, reflected
        checksum ^= byte
        for _ in range(8):
            checksum = checksum >> 1 ^ (0x95AC9329AC4BC9B5 if checksum & 1 else 0)
    return body + checksum.to_bytes(8, "little")


def other_stream(redis: RedisServer) -> bytes:
    """A sound dump of a stream that is not the agent's: as a server would build that reads its parts in another way."""
    redis.run("XADD", "other", "1-1", "task", "x")
    dump: bytes = redis.run("DUMP", "other")
    return dump


@pytest.mark.parametrize("case", ["newer", "older", "read in another way", "cut off", "nothing"])
def test_a_dump_of_another_version_is_taken_only_if_it_gives_the_same_stream(redis: RedisServer, case: str):
    fill(redis)
    before = everything(redis)
    snapshot = checkpoint(redis)
    [stream] = stored(snapshot)
    assert stream.dump is not None
    own_version = int.from_bytes(stream.dump[-10:-8], "little")
    assert dumped_by(own_version, stream.dump) == stream.dump, "the checksum of this test is that of the server"
    dumps = {
        "newer": dumped_by(own_version + 100, stream.dump),
        "older": dumped_by(RDB_OF_REDIS_6, stream.dump),
        "read in another way": other_stream(redis),
        "cut off": stream.dump[:20],
        "nothing": b"",
    }
    redis.run("FLUSHALL")
    done = streams_on(redis).fill_in(ADA, snapshot.token, [replace(stream, dump=dumps[case])])
    assert (done.restored, done.warnings) == ((QUEUE,), ())
    assert everything(redis) == before and redis.run("KEYS", "hive:building:*") == []
