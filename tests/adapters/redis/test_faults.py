"""Redis that is down, hung, slow, lying, or not for us: one clear sentence, soon, and no flag left behind."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock, wait_until
from hive_tui.adapters.redis.reading import Limits
from hive_tui.adapters.redis.server import Refused, Unreachable, errand, place_of
from hive_tui.domain.errors import StreamsError
from tests.adapters.redis.conftest import ADA, QUEUE, fill, streams_on
from tests.adapters.redis.test_streams import checkpoint, stored
from tests.redis_server import RedisServer
from tests.stage import ROOT

CLOCK = SystemClock()


@contextmanager
def tcp_server(answer: bytes | None, *, drips: bool = False) -> Iterator[str]:
    """Something that accepts connections and answers each request the same, byte by byte, or never."""
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def serve(client: socket.socket) -> None:
        with client:
            while not ended.is_set():
                try:
                    asked = client.recv(65536)
                    while drips and not ended.wait(0.05):
                        client.sendall(b"*")
                    if not asked:
                        return
                    if answer is not None:
                        client.sendall(answer * max(1, asked.count(b"\r\n*") + 1))
                except OSError:
                    return

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"redis://:pa55word@127.0.0.1:{listener.getsockname()[1]}/0"
    finally:
        ended.set()
        listener.close()


class FakeAddress(RedisServer):
    """No server of ours; only an address."""

    def __init__(self, url: str) -> None:
        super().__init__(Path("/nowhere"))
        self.url = url


@pytest.mark.parametrize("url", ["redis://:pa55word@127.0.0.1:1/0", "unix://:pa55word@/nowhere/redis.sock"])
def test_a_server_that_is_down_is_told_at_once_and_without_its_password(url: str):
    began = CLOCK.monotonic()
    with pytest.raises(Unreachable, match="cannot be reached") as caught:
        streams_on(FakeAddress(url)).capture(ADA)
    assert CLOCK.monotonic() - began < 20
    assert "pa55word" not in caught.value.what + caught.value.hint


def test_a_server_that_never_answers_is_given_up_after_the_timeout():
    with tcp_server(None) as url:
        began = CLOCK.monotonic()
        with pytest.raises(Unreachable, match=r"did not answer within 0\.3 s"):
            streams_on(FakeAddress(url), timeout_s=0.3).capture(ADA)
        assert CLOCK.monotonic() - began < 20


def test_a_server_that_drips_is_given_up_altogether():
    with tcp_server(None, drips=True) as url:
        began = CLOCK.monotonic()
        with pytest.raises(StreamsError):
            streams_on(FakeAddress(url), timeout_s=60, patience_s=0.5).capture(ADA)
        assert CLOCK.monotonic() - began < 20


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"-MOVED 3999 127.0.0.1:6381\r\n", "cluster"),
        (b"-CLUSTERDOWN The cluster is down\r\n", "cluster"),
        (b"-NOAUTH Authentication required.\r\n", "password"),
        (b"-WRONGPASS invalid username-password pair or user is disabled.\r\n", "password"),
        (b"-LOADING Redis is loading the dataset in memory\r\n", "loading"),
        (b"-ERR unknown command 'TYPE'\r\n", "too old"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "redis.url"),
    ],
)
def test_a_server_that_refuses_is_quoted_with_a_hint(answer: bytes, said: str):
    with tcp_server(answer) as url, pytest.raises(StreamsError) as caught:
        streams_on(FakeAddress(url.replace(":pa55word@", "")), timeout_s=1).capture(ADA)
    assert said in f"{caught.value.what} {caught.value.hint}", caught.value.what


def test_a_wrong_password_is_told(redis: RedisServer):
    redis.run("CONFIG", "SET", "requirepass", "right")
    with pytest.raises(Refused, match="wrong user or password") as caught:
        streams_on(redis).capture(ADA)
    assert "redis.url" in caught.value.hint


def test_a_stopped_server_hangs_nothing_and_the_flag_expires(redis: RedisServer):
    fill(redis)
    redis.signal(signal.SIGSTOP)
    try:
        with pytest.raises(Unreachable, match="did not answer"):
            streams_on(redis, timeout_s=0.3, patience_s=0.5).capture(ADA)
    finally:
        redis.signal(signal.SIGCONT)
    assert wait_until(lambda: redis.run("EXISTS", "agent:ada:quiesced") == 0, timeout_s=20, clock=CLOCK)


def test_the_flag_is_removed_when_the_reading_fails(redis: RedisServer):
    fill(redis)
    redis.run("ACL", "SETUSER", "modest", "on", "nopass", "~*", "+@all", "-xpending")
    modest = RedisServer(redis.folder)
    modest.url = redis.url.replace("unix://", "unix://modest:x@")
    with pytest.raises(Refused, match="NOPERM"):
        streams_on(modest).capture(ADA)
    assert redis.run("EXISTS", "agent:ada:quiesced") == 0


def test_a_connection_that_has_failed_is_not_used_again(redis: RedisServer):
    def work(server: object) -> None:
        redis.kill()
        with pytest.raises(Unreachable):
            server.run("SET", "a", "b")  # type: ignore[attr-defined]
        redis.start()
        with pytest.raises(Unreachable, match="given up"):
            server.run("SET", "a", "b")  # type: ignore[attr-defined]

    errand(redis.url, 2, 20, work)
    assert redis.run("EXISTS", "a") == 0


def test_the_place_names_no_password():
    assert place_of("redis://user:secret@host:6380/3") == "host:6380/3"
    assert place_of("unix://:secret@/run/redis.sock?db=1") == "/run/redis.sock"
    assert place_of("redis://") == "localhost"


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_killed_anywhere_in_a_snapshot_the_flag_expires_and_the_next_one_is_good(redis: RedisServer):
    """The process is killed as soon as the flag is up."""
    for number in range(3_000):
        redis.run("XADD", QUEUE, "*", "task", f"{number}" * 100)
    script = (
        "import sys\n"
        "from hive_tui.adapters.redis.streams import Access, RedisStreams\n"
        "from hive_tui.adapters.redis.reading import Limits\n"
        "from hive_tui.domain.streams import Owner\n"
        "access = Access(sys.argv[1], 'agent:{name}:queue', 'agent:{name}:quiesced', 5, 5)\n"
        "while True: RedisStreams(access, Limits()).capture(Owner(sys.argv[2], 'ada'))\n"
    )
    for _ in range(8):
        child = subprocess.Popen(
            [sys.executable, "-c", script, redis.url, ADA.agent_id],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        assert wait_until(lambda: redis.run("EXISTS", "agent:ada:quiesced") == 1, timeout_s=20, clock=CLOCK, every_s=0)
        child.kill()
        child.wait(20)
        assert wait_until(lambda: redis.run("EXISTS", "agent:ada:quiesced") == 0, timeout_s=20, clock=CLOCK)
        assert redis.run("XLEN", QUEUE) == 3_000
    assert streams_on(redis).capture(ADA).streams[0].is_complete


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_a_server_killed_while_a_stream_is_put_back_gets_it_at_the_next_try_once(redis: RedisServer):
    for number in range(5_000):
        redis.run("XADD", QUEUE, f"{number + 1}-1", "task", "x" * 50)
    [saved] = stored(checkpoint(redis))
    saved = replace(saved, dump=None)
    failed = 0
    for delay_s in (0.0, 0.01, 0.03, 0.06, 0.1):
        redis.run("FLUSHALL")
        timer = threading.Timer(delay_s, redis.kill)
        timer.start()
        try:
            streams_on(redis, limits=Limits()).fill_in(ADA, "token", [saved])
        except StreamsError:
            failed += 1
        timer.join()
        redis.start()
        assert streams_on(redis).fill_in(ADA, "token", [saved]).restored == (QUEUE,)
        assert redis.run("XLEN", QUEUE) == 5_000
        assert streams_on(redis).fill_in(ADA, "token", [saved]).restored == ()
    assert failed > 0
