"""A hive in which nothing runs is left alone, and whatever happens is noticed all the same."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.clock_watch import ClockWatch
from hive_tui.adapters.hooks import spool
from hive_tui.assembly import beating as assembly
from hive_tui.domain.errors import StoreError
from hive_tui.domain.events import EventKind
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.hive import Hive
from hive_tui.services.chores import Chore
from hive_tui.services.heartbeat import Heartbeat
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.services.observer import Observation
from hive_tui.settings import HeartbeatSettings, Settings
from hive_tui.store import agents, claims, journal, settings
from hive_tui.store.rest import is_anything_open
from tests.builders import NOON, an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import home_with_database
from tests.stage import TESTER, eventually

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it is looked at each second there")


class PushedClockWatch(ClockWatch):
    """Jumps when a test says so: nobody may set the clock of the machine."""

    def __init__(self) -> None:
        self._end, self._other_end = os.pipe()

    @property
    def is_watching(self) -> bool:
        return self._end >= 0

    def fileno(self) -> int:
        return self._end

    def jump(self) -> None:
        os.write(self._other_end, b"1")

    def drain(self) -> bool:
        return bool(os.read(self._end, 8))

    def close(self) -> None:
        if self._end >= 0:
            os.close(self._end)
            os.close(self._other_end)
        self._end = -1


class Resting:
    """A heartbeat that nobody sees, over a hive without a tmux server."""

    def __init__(self, folder: Path, *, clock: FakeClock | None = None, sweep_s: float = 60.0) -> None:
        self.clock, self.socket = clock or SystemClock(), f"hive-test-{uuid4().hex[:8]}"
        wanted = Settings(heartbeat=HeartbeatSettings(sweep_s=sweep_s))
        self.hive = Hive(home_with_database(folder / "home"), wanted, self.socket, clock=self.clock)
        self.hive.database.write(agents.add, an_ended_agent("ada"), now=NOON)
        self.hive.dispatcher.run = self.run  # type: ignore[method-assign]
        self.begun: list[str] = []
        self.looks: list[Observation] = []
        self.glances = 0
        self.heartbeat: Heartbeat = assembly.new_heartbeat(
            self.hive, observe_every_s=0.02, on_observed=self.looks.append, is_seen=False
        )
        self.count_glances()
        self.thread = HeartbeatThread(lambda _: self.heartbeat)

    def count_glances(self) -> None:
        glance = self.heartbeat._glance
        assert glance is not None
        is_quiet = glance.is_quiet

        def counted() -> bool:
            self.glances += 1
            return is_quiet()

        glance.is_quiet = counted  # type: ignore[method-assign]

    def run(self, claimed: Wakeup) -> None:
        self.begun.append(claimed.id)
        self.hive.database.write(claims.complete, claimed, now=self.clock.now(), verdict="wake", result={})

    @property
    def is_deep(self) -> bool:
        return self.heartbeat._rest.is_deep

    def start(self) -> None:
        self.thread.start()
        eventually(self.has_come_to_rest, "it rests")
        self.looks.clear()

    def has_come_to_rest(self) -> bool:
        if isinstance(self.clock, FakeClock) and not self.is_deep:
            self.clock.advance(0.5)
        return self.is_deep

    def execute(self, statement: str, *values: object) -> None:
        """As any foreign program does."""
        foreign = sqlite3.connect(self.hive.database.path)
        with foreign:
            foreign.execute(statement, values)
        foreign.close()

    def stop(self) -> None:
        assert self.thread.stop()
        self.hive.close()


@pytest.fixture
def resting(tmp_path: Path) -> Iterator[Resting]:
    made = Resting(tmp_path)
    made.start()
    yield made
    made.stop()
    subprocess.run(["tmux", "-L", made.socket, "kill-server"], capture_output=True, check=False)


def test_nothing_is_glanced_at_and_a_server_that_starts_is_seen(resting: Resting):
    glances = resting.glances
    subprocess.run(["tmux", "-L", resting.socket, "-f", "/dev/null", "new-session", "-d"], check=True)
    eventually(lambda: resting.looks and resting.looks[-1].state is ServerState.UP, "it is seen")
    assert glances < resting.glances and not resting.is_deep


def test_what_a_hook_tells_is_taken_in(resting: Resting):
    home = str(resting.hive.home)
    spool.keep(home, "1-event", b"{}")
    eventually(lambda: not spool.waiting(home), "the first, for which the folder is made")
    eventually(lambda: resting.is_deep, "it rests again")
    spool.keep(home, "2-event", b"{}")
    eventually(lambda: not spool.waiting(home), "and the second")


def test_what_a_foreign_program_writes_is_looked_at(resting: Resting):
    new = NewWakeup("id-of-ada", Trigger.MANUAL, resting.clock.now() + timedelta(hours=1))
    later = resting.hive.queue.enqueue(new, TESTER).wakeup.id
    eventually(lambda: resting.looks and resting.is_deep, "it rests with a wakeup ahead")
    resting.looks.clear()
    resting.execute("UPDATE wakeup_requests SET scheduled_for = 0 WHERE id = ?", later)
    eventually(lambda: resting.begun == [later], "it begins")
    eventually(lambda: resting.looks and resting.is_deep, "it rests again")
    resting.looks.clear()
    resting.execute("UPDATE agents SET pinned = 1")
    eventually(lambda: resting.looks, "and all is looked at")


def test_what_this_process_writes_without_a_word_is_looked_at(resting: Resting):
    resting.hive.database.write(settings.put, settings.PAUSED, True, now=NOON)
    eventually(lambda: resting.looks, "it is looked at")


def test_a_wakeup_is_begun_when_it_is_due(resting: Resting):
    new = NewWakeup("id-of-ada", Trigger.MANUAL, resting.clock.now() + timedelta(seconds=0.3))
    asked = resting.hive.queue.enqueue(new, TESTER).wakeup.id
    eventually(lambda: resting.begun == [asked], "it begins")


def test_a_clock_that_is_set_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    watch, clock = PushedClockWatch(), FakeClock()
    monkeypatch.setattr("hive_tui.adapters.clock_watch.ClockWatch", lambda: watch)
    resting = Resting(tmp_path, clock=clock)
    new = NewWakeup("id-of-ada", Trigger.MANUAL, clock.now() + timedelta(hours=2))
    asked = resting.hive.queue.enqueue(new, TESTER).wakeup.id
    resting.start()
    clock.step(timedelta(hours=3))
    watch.jump()
    eventually(lambda: resting.begun == [asked], "what is due by the new time begins")
    stepped = resting.hive.database.read(journal.events, limit=50, kinds=(EventKind.CLOCK_STEPPED,))
    assert len(stepped) == 1
    resting.stop()


def test_the_sweep_goes_on_without_a_look_and_what_fails_in_it_is_shown(tmp_path: Path):
    resting = Resting(tmp_path, sweep_s=0.3)
    resting.start()
    read = resting.hive.database.read
    eventually(lambda: settings.RESTS in read(settings.get, settings.HEARTBEAT), "a sign of life at rest")
    resting.looks.clear()
    signed_at = read(settings.updated_at, settings.HEARTBEAT)
    eventually(lambda: read(settings.updated_at, settings.HEARTBEAT) != signed_at, "and another one")
    assert (resting.looks, resting.is_deep) == ([], True)

    def fail() -> None:
        raise StoreError("The database is locked.", hint="Wait.")

    chores = resting.heartbeat._chores
    assert chores is not None
    chores._chores = (Chore("tidy up", fail, 0.0),)
    eventually(lambda: resting.heartbeat.beat.trouble, "it is shown")
    assert resting.heartbeat.beat.trouble == {"tidy up": "The database is locked."}
    eventually(lambda: resting.looks, "where something is wrong, all is looked at")
    resting.stop()


def test_a_missed_touch_is_made_up_for_by_the_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    resting = Resting(tmp_path, sweep_s=0.3)
    monkeypatch.setattr("hive_tui.services.rest.Rest._on_touch", lambda _: None)
    resting.start()
    spool.keep(str(resting.hive.home), "1-event", b"{}")
    eventually(lambda: not spool.waiting(str(resting.hive.home)), "it is taken in")
    resting.stop()


EFFECT = (
    "INSERT INTO effects (key, kind, target, digest, shown, attempt, intent_at, state)"
    " VALUES ('', '', '', '', '', 1, 1,"
)
OPERATION = (
    "INSERT INTO operations (agent_id, kind, step, started_at, updated_at) VALUES ('id-of-ada', 'nap', '', 1, 1)"
)


@pytest.mark.parametrize(
    ("statement", "is_open"),
    [
        (OPERATION, True),
        ("UPDATE wakeup_requests SET status = 'processing', lease_until = 1, claim_token = 1", True),
        ("UPDATE wakeup_requests SET priority = 1", False),
        (f"{EFFECT} 'intent')", True),
        (f"{EFFECT} 'done')", False),
    ],
)
def test_what_was_begun_and_has_not_ended_is_open(tmp_path: Path, statement: str, is_open: bool):
    resting = Resting(tmp_path)
    resting.hive.queue.enqueue(NewWakeup("id-of-ada", Trigger.MANUAL, NOON), TESTER)
    assert not resting.hive.database.read(is_anything_open, until=NOON)
    resting.execute(statement)
    assert resting.hive.database.read(is_anything_open, until=NOON) is is_open
    resting.hive.close()


def test_one_whom_somebody_sees_glances_on(tmp_path: Path):
    resting = Resting(tmp_path)
    resting.heartbeat = assembly.new_heartbeat(resting.hive, observe_every_s=0.02)
    resting.count_glances()
    resting.thread.start()
    eventually(lambda: resting.glances > 20, "it glances on")
    assert not resting.is_deep
    resting.stop()
