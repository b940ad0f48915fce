"""One log for all readers: nothing is missed, nothing comes twice, and writes of other processes are noticed."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.adapters.changes import DatabaseWatch
from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.events import Event, EventKind
from hive_tui.services.hub import Hub
from hive_tui.services.subscription import EventLog
from hive_tui.store import journal
from hive_tui.store.database import Database
from hive_tui.store.journal import Wanted
from tests.builders import NOON
from tests.stage import ROOT, eventually

# Another process, which knows nothing of the reader: it writes one event each time it is told to.
WRITER = """
import sys
from pathlib import Path
from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.events import Event, EventKind
from hive_tui.store import journal
from hive_tui.store.database import Database
clock = SystemClock()
database = Database(Path(sys.argv[1]), clock)
print("ready", flush=True)
for line in sys.stdin:
    database.write(journal.log, Event(EventKind.RECOVERED, line.strip()), now=clock.now())
"""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path / "hive.db", SystemClock())
    yield made
    made.close()


@pytest.fixture
def log(database: Database) -> EventLog:
    return EventLog(database, Hub(), lambda: DatabaseWatch(database.path))


def write(database: Database, *texts: str, kind: EventKind = EventKind.RECOVERED, agent: str | None = None) -> None:
    for text in texts:
        database.write(journal.log, Event(kind, text, agent), now=NOON)


def texts(found: list[journal.LoggedEvent]) -> list[str]:
    return [one.event.text for one in found]


def test_a_reader_that_has_fallen_far_behind_gets_all_of_it_in_order(database: Database, log: EventLog):
    wanted = [f"event {number}" for number in range(450)]
    write(database, *wanted)
    with log.subscribe(0) as late:
        found: list[str] = []
        while read := late.read():
            found += texts(read)
        assert found == wanted
        assert late.cursor == 450 and late.read() == []


def test_a_reader_goes_on_where_another_one_stopped(database: Database, log: EventLog):
    write(database, "one", "two", "three")
    with log.subscribe(0) as first:
        first.read(2)
        place = first.cursor
    with log.subscribe(place) as second, log.subscribe() as new, log.subscribe(10_000) as ahead:
        write(database, "four")
        assert texts(second.read()) == ["three", "four"]
        assert texts(new.read()) == texts(ahead.read()) == ["four"]


def test_a_filter_lets_the_rest_pass_without_looking_at_it_again(database: Database, log: EventLog):
    with log.subscribe(0, Wanted("ada", ("wakeup.*", "agent.found"))) as log_of_ada:
        write(database, "no", kind=EventKind.WAKEUP_FAILED, agent="bob")
        write(database, "yes", kind=EventKind.WAKEUP_FAILED, agent="ada")
        write(database, "also", kind=EventKind.AGENT_FOUND, agent="ada")
        write(database, "neither", kind=EventKind.AGENT_ENDED, agent="ada")
        assert texts(log_of_ada.read()) == ["yes", "also"]
        assert log_of_ada.cursor == 4


@pytest.mark.parametrize("has_watch", [True, False], ids=["noticed", "looked for"])
def test_what_another_process_writes_comes_at_once_and_once(database: Database, has_watch: bool):
    made: list[DatabaseWatch] = []

    def watch() -> DatabaseWatch:
        made.append(DatabaseWatch(database.path))
        if not has_watch:  # as where the machine has no more inotify instances
            made[-1]._inotify.close()
        return made[-1]

    command = [sys.executable, "-c", WRITER, str(database.path)]
    with (
        EventLog(database, Hub(), watch).subscribe() as log,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as writer,
    ):
        assert writer.stdin is not None and writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        for number in range(4):
            writer.stdin.write(f"{number}\n")
            writer.stdin.flush()
            found: list[str] = []
            while not found:
                assert log.wait(20)
                found = texts(log.read())
            assert found == [str(number)]
        writer.stdin.close()
        assert made[0].is_watching is (has_watch and sys.platform == "linux")


def test_a_reader_that_waits_is_told_to_stop_and_hears_of_its_own_process(database: Database, log: EventLog):
    heard: list[str] = []
    with log.subscribe() as waiting:
        thread = threading.Thread(target=lambda: heard.extend(one.event.text for one in waiting.follow()))
        thread.start()
        write(database, "mine")
        eventually(lambda: heard == ["mine"], "it was heard")
        waiting.stop()
        thread.join(10)
        assert not thread.is_alive()


def test_old_events_go_in_small_batches_and_numbers_never_begin_anew(database: Database):
    write(database, *(f"old {number}" for number in range(7)))
    gone = [database.write(journal.purge_events, before=SystemClock().now(), limit=3) for _ in range(4)]
    assert gone == [3, 3, 0, 0]
    assert texts(database.read(journal.events)) == ["old 6"]
    write(database, "new")
    assert database.read(journal.last_seq) == 8
