"""Wakes that are asked for through a real Redis: each once, whatever is delivered again, killed or garbage."""

import json
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hive_tui.adapters.redis.server import Server
from hive_tui.domain.events import Event, EventKind
from hive_tui.domain.signals import SignalRefused, asked_by_fields, asked_by_text
from hive_tui.services.sources import runner
from hive_tui.services.sources.redis import TOLD_LOOK_EVERY_S
from hive_tui.services.sources.runner import Source
from hive_tui.services.sources.sources import TROUBLES, Sources
from hive_tui.settings import QueueSettings
from hive_tui.store import journal, settings
from tests.redis_server import RedisServer
from tests.services.sources.conftest import Sleepers
from tests.stage import CLOCK, eventually

KEY = "hive:agent:ada:wake_signal"
STREAM = "hive:wakeups"


@pytest.fixture(autouse=True)
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "FIRST_REST_S", 0.05)


@contextmanager
def listening(sleepers: Sleepers) -> Iterator[Sources]:
    sources = sleepers.hive.listening.sources
    sources.start()
    try:
        yield sources
    finally:
        sources.stop()


def source(sleepers: Sleepers, name: str) -> Source:
    made = sleepers.hive.listening._made(sleepers.hive.listening.sources)
    return next(one for one in made if one.name == name)


def test_a_key_and_an_entry_wake_their_agents_and_the_channel_is_told(sleepers: Sleepers, redis: RedisServer):
    heard = Server(redis.url, 5.0)
    heard.run("SUBSCRIBE", "hive:events")
    with listening(sleepers):
        redis.run("SET", KEY, "the build is red", "EX", 86400)
        redis.run("XADD", STREAM, "*", "agent", "bob", "message", "look", "priority", "90", "key", "k1")
        eventually(lambda: sleepers.wakes("ada") and sleepers.wakes("bob"), "both are to be woken")
        eventually(lambda: redis.run("EXISTS", KEY) == 0, "the key is gone")
        eventually(lambda: redis.run("XPENDING", STREAM, "hive-tui")[0] == 0, "the entry is acknowledged")
        sleepers.hive.hub.publish(woken := Event(EventKind.AGENT_AWAKE, "ada is awake"))
        sleepers.database.write(journal.log, woken, now=CLOCK.now())
        with heard._talking() as connection:
            messages = [json.loads(connection.read_response()[2]) for _ in range(3)]
    heard.close()
    assert [one.priority for one in (*sleepers.wakes("ada"), *sleepers.wakes("bob"))] == [60, 90]
    assert (sleepers.told("ada"), sleepers.told("bob")) == (["the build is red"], ["look"])
    assert {one["kind"] for one in messages} == {"wakeup.scheduled", "agent.wakeup"}
    assert [one["text"] for one in messages if one.get("type") == "WAKE"] == ["ada is awake"]


def test_a_key_is_noticed_at_once_where_the_server_tells_of_changes(sleepers: Sleepers, redis: RedisServer):
    redis.run("CONFIG", "SET", "notify-keyspace-events", "K$")
    keys = source(sleepers, "Redis keys")
    rested = threading.Thread(target=keys.listen, daemon=True)
    rested.start()
    eventually(lambda: redis.run("PUBSUB", "NUMPAT") == 1, "it listens")
    redis.run("SET", KEY, "now")
    # Much less than the time between two looks.
    rested.join(TOLD_LOOK_EVERY_S / 2)
    assert not rested.is_alive()
    redis.run("SET", KEY, "again")
    keys.listen()
    assert sleepers.told() == ["again"]
    keys.close()


def test_a_value_that_is_set_again_wakes_again_and_one_that_is_delivered_again_does_not(
    sleepers: Sleepers, redis: RedisServer
):
    keys = source(sleepers, "Redis keys")
    redis.run("CONFIG", "SET", "notify-keyspace-events", "K$")
    server = keys._server  # type: ignore[attr-defined]
    settle, server.rest = server.settle, lambda _: True
    server.settle = lambda _: False  # as after a crash between the two steps
    redis.run("SET", KEY, "go")
    for _ in range(3):
        keys.listen()
        assert sleepers.told() == ["go"]
    sleepers.finish()
    keys.listen()
    assert sleepers.wakes() == [], "the wake was done, the key is still there: it is the same signal"
    server.settle = settle
    keys.listen()
    assert redis.run("EXISTS", KEY) == 0
    redis.run("SET", KEY, "go")
    keys.listen()
    assert sleepers.told() == ["go"], "set anew, it is another signal"
    keys.close()


def test_a_value_that_is_set_while_the_last_one_is_taken_is_not_deleted(sleepers: Sleepers, redis: RedisServer):
    keys = source(sleepers, "Redis keys")
    server = keys._server  # type: ignore[attr-defined]
    settle, server.rest = server.settle, lambda _: True

    def settle_late(signal: object) -> bool:
        redis.run("SET", KEY, "second")
        server.settle = settle
        return bool(settle(signal))

    redis.run("SET", KEY, "first")
    server.settle = settle_late
    keys.listen()
    keys.listen()
    assert sleepers.told() == ["first", "second"]
    assert redis.run("EXISTS", KEY) == 0
    keys.close()


def test_an_entry_that_was_not_acknowledged_comes_again_and_counts_once(sleepers: Sleepers, redis: RedisServer):
    first = source(sleepers, "Redis stream")
    first._reader.acknowledge = lambda _: (_ for _ in ()).throw(KeyboardInterrupt)  # type: ignore[attr-defined]
    redis.run("XADD", STREAM, "*", "agent", "ada", "message", "once")
    with pytest.raises(KeyboardInterrupt):
        first.listen()
    first.close()
    assert sleepers.told() == ["once"]
    sleepers.finish()
    second = source(sleepers, "Redis stream")
    redis.run("XADD", STREAM, "*", "agent", "ada", "message", "twice")
    second.listen()
    second.close()
    assert sleepers.told() == ["twice"]
    assert redis.run("XPENDING", STREAM, "hive-tui")[0] == 0


def test_what_a_reader_left_behind_that_is_gone_is_taken_over(sleepers: Sleepers, redis: RedisServer):
    redis.run("XGROUP", "CREATE", STREAM, "hive-tui", "0", "MKSTREAM")
    entry = redis.run("XADD", STREAM, "*", "agent", "ada", "message", "left")
    redis.run("XREADGROUP", "GROUP", "hive-tui", "gone", "STREAMS", STREAM, ">")
    redis.run("XCLAIM", STREAM, "hive-tui", "gone", 0, entry, "IDLE", 120_000)
    reader = source(sleepers, "Redis stream")
    reader.listen()
    reader.close()
    assert sleepers.told() == ["left"]


def test_a_flushed_server_gets_its_group_again(sleepers: Sleepers, redis: RedisServer):
    reader = source(sleepers, "Redis stream")
    reader.listen()
    redis.run("FLUSHALL")
    redis.run("XADD", STREAM, "*", "agent", "ada", "message", "after")
    reader.listen()
    reader.close()
    assert sleepers.told() == ["after"]


POISON: dict[str, tuple[object, ...]] = {
    "no agent": ("message", "hello"),
    "nobody": ("agent", "nobody"),
    "priority": ("agent", "ada", "priority", "urgent"),
    "bytes": ("agent", "ada", "message", b"\xff\xfe"),
    "command": ("agent", "ada", "message", "/quit"),
    "long": ("agent", "ada", "message", "x" * 70_000),
}


def test_poison_is_set_aside_with_an_event_and_stops_nobody(sleepers: Sleepers, redis: RedisServer):
    for fields in POISON.values():
        redis.run("XADD", STREAM, "*", *fields)
    redis.run("XADD", STREAM, "*", "agent", "ada", "message", "good")
    redis.run("SET", "hive:agent:bob:wake_signal", '{"priority": 1000}')
    with listening(sleepers):
        eventually(lambda: redis.run("EXISTS", "hive:agent:bob:wake_signal") == 0, "the key is dealt with")
        eventually(lambda: sleepers.told() == ["good"] and redis.run("XPENDING", STREAM, "hive-tui")[0] == 0)
    told = sleepers.said(EventKind.SOURCE_REFUSED)
    assert len(told) == len(POISON) + 1
    assert any("no field `agent`" in one for one in told) and any("'nobody'" in one for one in told)
    assert all(len(one) < 600 for one in told)
    assert sleepers.wakes("bob") == []


@pytest.mark.parametrize("trouble", ["gone", "hung", "password"])
def test_a_server_in_trouble_is_told_once_and_is_heard_again_afterwards(
    sleepers: Sleepers, redis: RedisServer, trouble: str
):
    def is_told() -> bool:
        return len(sleepers.said(EventKind.SOURCE_TROUBLE)) == 1

    if trouble == "gone":
        redis.kill()
    elif trouble == "hung":
        redis.signal(signal.SIGSTOP)
    else:
        redis.run("CONFIG", "SET", "requirepass", "secret")
    with listening(sleepers):
        eventually(is_told, "it is told")
        assert "Redis" in sleepers.database.read(settings.get, TROUBLES)
        assert sleepers.hive.heartbeat_lock.try_take("test")
        [finding] = [one for one in sleepers.hive.examining.doctor.examine() if one.what.startswith("wakes from")]
        assert (finding.what, finding.status) == ("wakes from Redis", "warning") and "Redis at" in finding.found
        sleepers.hive.heartbeat_lock.release()
        if trouble == "gone":
            redis.start()
        elif trouble == "hung":
            redis.signal(signal.SIGCONT)
        else:
            admin = Server(redis.url, 5.0)
            admin.run("AUTH", "secret")
            admin.run("CONFIG", "SET", "requirepass", "")
            admin.close()
        redis.run("SET", KEY, "back")
        redis.run("XADD", STREAM, "*", "agent", "bob")
        eventually(lambda: sleepers.told() == ["back"] and sleepers.wakes("bob"), "it is heard again")
        eventually(lambda: len(sleepers.said(EventKind.SOURCE_BACK)) == 1, "that is told")
    assert is_told() and sleepers.database.read(settings.get, TROUBLES) == {}


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b":7\r\n" * 50, b"*1\r\n$3\r\nfoo\r\n" * 50, b""]
)
def test_a_server_that_talks_nonsense_is_told_and_believed_nothing(tmp_path: Path, answer: bytes):
    """Answers whatever it is asked with the same bytes, and hangs up at once where it has none."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answers() -> None:
            while True:
                try:
                    talk, _ = server.accept()
                except OSError:
                    return
                talk.settimeout(0.2)
                try:
                    while answer and talk.recv(65536):
                        talk.sendall(answer)
                except OSError:
                    pass
                talk.close()

        threading.Thread(target=answers, daemon=True).start()
        liar = Liar(server.getsockname()[1])
        sleepers = Sleepers(tmp_path, liar)
        with listening(sleepers):
            eventually(lambda: sleepers.said(EventKind.SOURCE_TROUBLE), "it is told")
        assert sleepers.wakes() == sleepers.wakes("bob") == []
        assert len(sleepers.said(EventKind.SOURCE_TROUBLE)) == 1
        sleepers.hive.close()
        server.close()


class Liar(RedisServer):
    """Only the address of one."""

    def __init__(self, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}"


def test_what_a_value_asks_for():
    assert asked_by_text(b"1") == asked_by_text(b"") == asked_by_text(b"{}")
    assert asked_by_text("grün".encode()).message == "grün"
    said = asked_by_text(b'{"message": " go ", "priority": 7, "key": "k"}')
    assert (said.message, said.priority, said.key) == ("go", 7, "k")
    assert asked_by_fields({b"agent": b"ada", b"priority": b"0"})[1].priority == 0
    for refused in (b'{"priority": true}', b'{"priority": -1}', b'{"message": 1}', b"{", b"\xff"):
        with pytest.raises(SignalRefused):
            asked_by_text(refused)


def test_a_single_pass_takes_what_waits_in_redis_and_waits_a_burst_out(tmp_path: Path, redis: RedisServer):
    sleepers = Sleepers(tmp_path, redis, queue=QueueSettings(debounce_s=0.3, stagger_s=0))
    redis.run("SET", KEY, "the build is red", "EX", 86400)
    redis.run("XADD", STREAM, "*", "agent", "bob", "message", "look")
    done = sleepers.hive.unattended.gate_pass.run(timeout_s=20)
    assert {one.agent_id for one in done.wakeups} == {"id-of-ada", "id-of-bob"} and done.troubles == {}
    assert {one.attempts for one in done.wakeups} == {1}, "the gate let them through; no tmux is there to wake them in"
    assert redis.run("EXISTS", KEY) == 0 and redis.run("XPENDING", STREAM, "hive-tui")[0] == 0
    redis.kill()
    assert "look at Redis" in sleepers.hive.unattended.gate_pass.run(timeout_s=1).troubles
    sleepers.hive.close()
