"""Events as a stream: none is missed, none comes twice, and whoever does not read keeps nothing in memory."""

import gc
import http.client
import json
import socket
import sqlite3
import threading
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from hive_tui.domain.events import Event, EventKind
from hive_tui.hive import Hive
from hive_tui.http.desk import MOST_STREAMS
from hive_tui.http.server import HttpServer
from hive_tui.http.wire import Patience
from hive_tui.store import journal
from tests.http.client import Client
from tests.stage import eventually

Told = tuple[int, str, dict[str, Any]]


class Reader:
    """Reads a stream as a browser would: by lines, an empty one ends an event."""

    def __init__(self, client: Client, target: str = "/events", **headers: str) -> None:
        self.connection = client.connection()
        self.connection.request("GET", target, headers={"Authorization": f"Bearer {client.token}", **headers})
        self.answer = self.connection.getresponse()
        assert self.answer.status == 200, self.answer.read()
        assert self.answer.getheader("Content-Type", "").startswith("text/event-stream")
        self.comments = 0

    def events(self) -> Iterator[Told]:
        found: dict[str, str] = {}
        while line := self.answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "":
                self.comments += line != b"\n"
                if "data" in found:
                    yield int(found["id"]), found["event"], json.loads(found["data"])
                found = {}
            else:
                found[name] = value

    def next(self, count: int) -> list[Told]:
        told = self.events()
        return [next(told) for _ in range(count)]

    def close(self) -> None:
        self.answer.close()
        self.connection.close()


@contextmanager
def reading(client: Client, target: str = "/events", **headers: str) -> Iterator[Reader]:
    reader = Reader(client, target, **headers)
    try:
        yield reader
    finally:
        reader.close()


def write(
    hive: Hive, *texts: str, kind: EventKind = EventKind.RECOVERED, agent: str | None = None, payload: Any = None
) -> None:
    def log(db: sqlite3.Connection) -> None:
        for text in texts:
            journal.log(db, Event(kind, text, agent, payload=payload or {}), now=hive.clock.now())

    hive.database.write(log)
    hive.hub.publish(Event(kind, "more", agent))


def last(hive: Hive) -> int:
    return hive.database.read(journal.last_seq)


def test_every_kind_of_event_comes_as_the_command_line_gives_it(client: Client, hive: Hive):
    start = last(hive)
    with reading(client) as reader:
        for kind in EventKind:
            write(hive, f"two\nlines of {kind}", kind=kind, agent="id-of-ada")
        told = reader.next(len(EventKind))
    logged = hive.database.read(journal.events, after_seq=start, limit=1000)
    assert [(seq, kind) for seq, kind, _ in told] == [(one.seq, str(one.event.kind)) for one in logged]
    assert [said for _, _, said in told] == [one.to_json() for one in logged]


def test_a_reader_that_was_cut_off_goes_on_where_it_was(client: Client, hive: Hive):
    start = last(hive)
    wanted = [f"event {number}" for number in range(700)]
    write(hive, *wanted[:300])
    told: list[Told] = []
    seen = str(start)
    while len(told) < len(wanted):
        with reading(client, **{"Last-Event-ID": seen}) as reader:
            if len(told) == 250:
                write(hive, *wanted[300:])
            told += reader.next(min(125, len(wanted) - len(told)))
            seen = str(told[-1][0])
    assert [said["text"] for _, _, said in told] == wanted
    assert [seq for seq, _, _ in told] == list(range(start + 1, start + 701)), "no gap, and none twice"


def test_events_that_are_written_while_a_reader_connects_are_not_lost(client: Client, hive: Hive):
    stop = threading.Event()
    written = 0

    def go_on() -> None:
        nonlocal written
        while not stop.is_set():
            write(hive, f"event {written}")
            written += 1

    writer = threading.Thread(target=go_on)
    writer.start()
    try:
        for _ in range(5):
            with reading(client) as reader:
                seqs = [seq for seq, _, _ in reader.next(10)]
                assert seqs == list(range(seqs[0], seqs[0] + 10))
    finally:
        stop.set()
        writer.join()


def test_a_reader_may_want_only_some(client: Client, hive: Hive):
    with reading(client, "/events?agent=ada&kind=wakeup.*,agent.needs_you") as reader:
        write(hive, "none", kind=EventKind.TMUX_BACK)
        write(hive, "of bob", kind=EventKind.WAKEUP_FAILED, agent="id-of-bob")
        write(hive, "asked", kind=EventKind.AGENT_NEEDS_YOU, agent="id-of-ada")
        write(hive, "failed", kind=EventKind.WAKEUP_FAILED, agent="id-of-ada")
        assert [said["text"] for _, _, said in reader.next(2)] == ["asked", "failed"]
    assert client.get("/events?agent=nobody").code == "not-found"
    assert client.get("/events?after=x").status == 422
    assert client.get("/events", **{"Last-Event-ID": "x"}).status == 400


def test_both_ends_notice_when_it_is_quiet_and_when_the_other_has_gone(hive: Hive, serving: Callable[..., HttpServer]):
    server = serving(hive, quiet_s=0.05)
    client = Client(server)
    with reading(client) as reader:
        for _ in range(8):
            reader.answer.readline()
        eventually(lambda: server._desk is not None and server._desk.streams == 1)
    eventually(lambda: server._desk is not None and server._desk.streams == 0, "it is forgotten")
    eventually(lambda: not server._connections)
    eventually(lambda: "http events" not in [one.name for one in threading.enumerate()], "nobody watches for nobody")


def test_a_reader_that_does_not_read_is_dropped(hive: Hive, serving: Callable[..., HttpServer]):
    server = serving(hive, patience=Patience(write_s=0.2))
    client = Client(server)
    write(hive, *["much"] * 100, payload={"pad": "x" * 100_000})
    with client.raw() as link:
        link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        link.sendall(client.head("GET /events HTTP/1.1", "Last-Event-ID: 0"))
        eventually(lambda: server._desk is not None and server._desk.streams == 1, "it is listened to")
        eventually(lambda: server._desk is not None and server._desk.streams == 0, "it is dropped")


def test_only_so_many_listen_and_a_stop_ends_them(hive: Hive, serving: Callable[..., HttpServer]):
    server = serving(hive)
    client = Client(server)
    readers = [Reader(client) for _ in range(MOST_STREAMS)]
    assert client.get("/events").status == 503
    write(hive, "the last one")
    assert {reader.next(1)[0][2]["text"] for reader in readers} == {"the last one"}
    begun = hive.clock.monotonic()
    assert server.stop()
    assert hive.clock.monotonic() - begun < 8
    for reader in readers:
        with_end = list(reader.events())
        assert with_end == [], "a whole end, and not one in the middle of an event"
        reader.close()


@pytest.mark.faults
@pytest.mark.timeout(600)
def test_a_thousand_minutes_of_readers_leave_nothing_in_memory(hive: Hive, serving: Callable[..., HttpServer]):
    """Forty readers get what they would in 25 minutes at four events a second, as fast as they can read it.

    Others come and go meanwhile, and some never read.
    """
    server = serving(hive, patience=Patience(write_s=0.5), quiet_s=1.0)
    client = Client(server)
    figures: list[int] = []

    def read_on(reader: Reader, counts: dict[int, int], at: int) -> None:
        try:
            for _ in reader.events():
                counts[at] += 1
        except (http.client.HTTPException, OSError, ValueError):
            pass

    counts = dict.fromkeys(range(40), 0)
    readers = [Reader(client) for _ in counts]
    threads = [threading.Thread(target=read_on, args=(one, counts, at)) for at, one in enumerate(readers)]
    for thread in threads:
        thread.start()
    tracemalloc.start()
    for round_ in range(12):
        write(hive, *[f"event {number}" for number in range(500)])
        stuck = [client.raw() for _ in range(5)]
        for link in stuck:
            link.sendall(client.head("GET /events HTTP/1.1", "Last-Event-ID: 0"))
        for _ in range(5):
            with reading(client, **{"Last-Event-ID": "0"}) as passing:
                passing.next(10)
        eventually(lambda wanted=500 * (round_ + 1): min(counts.values()) >= wanted, "all have all", timeout_s=120)  # type: ignore[misc]
        for link in stuck:
            link.close()
        # Those that come and go hold what they have not been sent: as long as they are there, and no longer.
        eventually(lambda: server._desk is not None and server._desk.streams == len(readers), "they are gone")
        gc.collect()
        figures.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert min(figures[6:]) - min(figures[:6]) < 200_000, figures
    assert set(counts.values()) == {6_000}
    server.stop()
    for thread in threads:
        thread.join()
    for reader in readers:
        reader.close()


def test_whoever_was_away_for_longer_than_events_are_kept_is_told_which_are_lost(client: Client, hive: Hive):
    write(hive, *(f"e{number}" for number in range(10)))
    newest = last(hive)
    hive.database.write(journal.purge_events, before=hive.clock.now() + timedelta(seconds=1), limit=newest - 3)
    with reading(client, **{"Last-Event-ID": "2"}) as reader:
        gap, *kept = reader.next(4)
        assert gap == (newest - 3, "gap", {"after": 2, "goes_on_after": newest - 3, "lost": newest - 5})
        assert [seq for seq, _, _ in kept] == [newest - 2, newest - 1, newest]
    with reading(client, **{"Last-Event-ID": str(newest - 3)}) as reader:
        assert [seq for seq, _, _ in reader.next(3)] == [newest - 2, newest - 1, newest], "nothing is lost"
    with reading(client, "/events?after=0") as reader:
        assert [kind for _, kind, _ in reader.next(3)] == ["hive.recovered"] * 3, "who asks for all has lost nothing"
    with reading(client, **{"Last-Event-ID": str(newest + 5)}) as reader:
        write(hive, "one more")
        gap, more = reader.next(2)
        assert gap[1:] == ("gap", {"after": newest + 5, "goes_on_after": newest, "lost": 0})
        assert more[0] == newest + 1
