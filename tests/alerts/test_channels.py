"""The ways of alerts beside the desktop: what is sent, what becomes of it, and that a restart loses nothing."""

import hashlib
import hmac
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hive_tui.adapters.notify.push import Ntfy, Webhook
from hive_tui.domain.agents import Activity
from hive_tui.domain.alerts import AlertPolicy, Message, QuietHours, Refused
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor, Event, EventKind, Severity
from hive_tui.services.alert_delivery import Channel
from hive_tui.services.alerts import Alerts
from hive_tui.store import agents as agent_store
from hive_tui.store import alerts as outbox
from hive_tui.store import journal
from hive_tui.store.alerts import Alert
from hive_tui.store.database import Database
from tests.alerts.receiver import Receiver, receiving
from tests.builders import an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated
from tests.stage import ROOT, Heard, eventually

BOTH = frozenset({"failure", "needs_you"})
POLICY = AlertPolicy({"desktop": BOTH, "ntfy": BOTH, "webhook": frozenset({"failure"})})
FAILED = Event(EventKind.CHECKPOINT_FAILED, "The checkpoint of shop failed: disk full", severity=Severity.FAILURE)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path, clock: FakeClock) -> Iterator[Database]:
    made = Database(migrated(tmp_path / "hive.db"), clock)
    yield made
    made.close()


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def a_message(clock: FakeClock) -> Message:
    return Message("0-1", "hive: shop", "a checkpoint failed", "failure", "checkpoint.failed", "shop", clock.now())


class Told:
    """Alerts with both channels, as a new process has them."""

    def __init__(
        self, database: Database, heard: Heard, clock: FakeClock, receiver: Receiver, policy: AlertPolicy = POLICY
    ) -> None:
        self.failed: list[Event] = []
        self._database = database
        self._clock = clock
        channels: list[Channel] = [
            Ntfy(f"{receiver.address}/topic", "", timeout_s=5.0),
            Webhook(f"{receiver.address}/hook", "", timeout_s=5.0),
        ]
        self.alerts = Alerts(
            database, heard, clock, policy=policy, channels=channels, local=lambda: UTC, failed=self.failed.append
        )

    def happens(self, event: Event) -> None:
        self._database.write(journal.log, event, now=self._clock.now())

    def tell(self) -> int:
        shown = self.alerts.tell()
        self.alerts.finish(10.0)
        return shown

    @property
    def rows(self) -> dict[tuple[str, str], Alert]:
        found = self._database.read(outbox.recent)
        return {(one.channel, "escalation" if one.message.is_escalation else "alert"): one for one in found}


@pytest.fixture
def told(database: Database, heard: Heard, clock: FakeClock, receiver: Receiver) -> Told:
    return Told(database, heard, clock, receiver)


def test_ntfy_gets_a_message_with_an_id_that_is_the_same_at_each_attempt(clock: FakeClock, receiver: Receiver):
    channel = Ntfy(f"{receiver.address}/my-topic", "tk_secret", timeout_s=5.0)
    assert channel.send(a_message(clock)) == "ntfy: 127.0.0.1 has taken it (200)"
    channel.send(a_message(clock))
    [(path, headers, _), again] = receiver.requests
    assert (path, headers["authorization"]) == ("/", "Bearer tk_secret")
    assert receiver.bodies[0] == {
        "topic": "my-topic",
        "title": "hive: shop",
        "message": "a checkpoint failed",
        "priority": 4,
        "tags": ["warning"],
        "sequence_id": "01",
    }
    assert again[2] == receiver.requests[0][2]


def test_a_webhook_gets_a_signed_body_and_a_key_against_repetition(clock: FakeClock, receiver: Receiver):
    Webhook(f"{receiver.address}/hook?x=1", "secret", timeout_s=5.0).send(a_message(clock))
    [(path, headers, body)] = receiver.requests
    assert (path, headers["idempotency-key"]) == ("/hook?x=1", "0-1")
    digest = hmac.new(b"secret", body, hashlib.sha256).hexdigest()
    assert headers["x-hive-signature"] == f"sha256={digest}"
    [said] = receiver.bodies
    assert (said["id"], said["class"], said["agent"], said["text"]) == ("0-1", "failure", "shop", "a checkpoint failed")


@pytest.mark.parametrize(("status", "is_final"), [(400, True), (403, True), (429, False), (503, False), (302, True)])
def test_answers_that_mean_never_are_told_from_those_that_mean_later(
    clock: FakeClock, receiver: Receiver, status: int, is_final: bool
):
    with receiving() as elsewhere:
        receiver.status, receiver.location = status, f"{elsewhere.address}/stolen"
        with pytest.raises(HiveError) as caught:
            Webhook(f"{receiver.address}/hook/s3cret-path", "", timeout_s=5.0).send(a_message(clock))
        assert isinstance(caught.value, Refused) is is_final
        assert "s3cret-path" not in caught.value.what and str(status) in caught.value.what
        assert elsewhere.requests == [], "nobody else is told"


def test_an_address_that_never_answers_is_given_up_in_time(clock: FakeClock, receiver: Receiver):
    receiver.status = 0
    with pytest.raises(HiveError, match="gave no answer"):
        Webhook(receiver.address, "", timeout_s=0.2).send(a_message(clock))


def test_a_failure_goes_to_every_channel_once_with_proof(told: Told, heard: Heard, receiver: Receiver):
    told.happens(FAILED)
    assert told.tell() == 1
    assert told.tell() == 0
    assert heard.messages == [("hive", "The checkpoint of shop failed: disk full")]
    assert sorted(path for path, _, _ in receiver.requests) == ["/", "/hook"]
    assert "disk full" not in str(receiver.bodies)
    assert {row.state for row in told.rows.values()} == {"sent"}
    assert told.rows["ntfy", "alert"].note == "ntfy: 127.0.0.1 has taken it (200)"


def test_a_channel_that_is_away_is_tried_again_with_the_same_id_also_after_a_restart(
    told: Told, database: Database, heard: Heard, clock: FakeClock, receiver: Receiver
):
    receiver.status = 503
    told.happens(FAILED)
    assert told.tell() == 1, "the desktop does not wait for it"
    row = told.rows["webhook", "alert"]
    assert (row.state, row.attempts) == ("pending", 1) and "503" in row.note
    told.tell()
    assert len(receiver.requests) == 2, "it is left alone for a while"
    receiver.status = 200
    clock.advance(6)
    restarted = Told(database, heard, clock, receiver)
    assert restarted.tell() == 0
    assert {row.state for row in restarted.rows.values()} == {"sent"}
    keys = [headers["idempotency-key"] for path, headers, _ in receiver.requests if path == "/hook"]
    assert len(keys) == 2 and len(set(keys)) == 1
    restarted.tell()
    assert len(receiver.requests) == 4 and len(heard.messages) == 1


def test_what_a_channel_refuses_is_given_up_and_told_on_the_screen_alone(told: Told, heard: Heard, receiver: Receiver):
    receiver.status = 403
    told.happens(FAILED)
    told.tell()
    told.tell()
    assert len(receiver.requests) == 2
    assert {told.rows[name, "alert"].state for name in ("ntfy", "webhook")} == {"failed"}
    assert [one.kind for one in told.failed] == [EventKind.ALERT_FAILED] * 2
    assert len(heard.messages) == 1


def test_a_dead_channel_is_given_up_after_hours(told: Told, clock: FakeClock, receiver: Receiver):
    receiver.status = 503
    told.happens(FAILED)
    for _ in range(12):
        told.tell()
        clock.advance(4 * 3600)
    assert told.rows["webhook", "alert"].state in ("failed", "dropped")
    assert len([path for path, _, _ in receiver.requests if path == "/hook"]) <= 9


def test_a_storm_goes_out_as_one_message(told: Told, heard: Heard, receiver: Receiver):
    for number in range(50):
        told.happens(structs.replace(FAILED, text=f"failure {number}"))
    assert told.tell() == 1
    assert heard.messages[0][0] == "hive: 50 alerts"
    # What leaves the machine says the same fifty times: once is enough.
    assert len(receiver.requests) == 2


def test_a_restart_does_not_tell_again_what_was_told(
    told: Told, database: Database, heard: Heard, clock: FakeClock, receiver: Receiver
):
    told.happens(FAILED)
    told.tell()
    restarted = Told(database, heard, clock, receiver)
    restarted.happens(FAILED)
    clock.advance(60)
    assert restarted.tell() == 0
    assert len(heard.messages) == 1 and len(receiver.requests) == 2


class TestQuietHours:
    """Noon is within them."""

    POLICY = replace(POLICY, quiet=QuietHours.parse("11:00", "13:00", "UTC"), lets=frozenset({"needs_you"}))

    def test_a_failure_waits_for_their_end(
        self, database: Database, heard: Heard, clock: FakeClock, receiver: Receiver
    ):
        told = Told(database, heard, clock, receiver, self.POLICY)
        told.happens(FAILED)
        assert told.tell() == 0
        clock.advance(59 * 60)
        assert told.tell() == 0 and receiver.requests == []
        clock.advance(60)
        assert told.tell() == 1 and len(receiver.requests) == 2

    def test_what_they_let_through_comes_at_once(
        self, database: Database, heard: Heard, clock: FakeClock, receiver: Receiver
    ):
        told = Told(database, heard, clock, receiver, self.POLICY)
        told.happens(Event(EventKind.AGENT_NEEDS_YOU, "needs you", severity=Severity.WARNING))
        assert told.tell() == 1

    def test_a_call_that_was_answered_meanwhile_is_dropped(
        self, database: Database, heard: Heard, clock: FakeClock, receiver: Receiver
    ):
        told = Told(database, heard, clock, receiver, replace(self.POLICY, lets=frozenset()))
        agent = an_agent("shop", activity=Activity.QUESTION, since_at=clock.now())
        database.write(agent_store.add, agent, now=clock.now())
        told.happens(Event(EventKind.AGENT_NEEDS_YOU, "shop needs you", agent.id, severity=Severity.WARNING))
        told.tell()
        database.write(agent_store.put, structs.replace(agent, activity=Activity.WORKING, since_at=clock.now()))
        clock.advance(3600)
        assert told.tell() == 0 and receiver.requests == []
        assert {row.state for row in told.rows.values()} == {"dropped"}


class TestEscalation:
    """Ten minutes, to the webhook."""

    POLICY = AlertPolicy({"desktop": BOTH}, escalate_after=timedelta(minutes=10), escalate_to="webhook")

    @pytest.fixture
    def told(self, database: Database, heard: Heard, clock: FakeClock, receiver: Receiver) -> Told:
        agent = an_agent("shop", activity=Activity.PERMISSION, since_at=clock.now())
        database.write(agent_store.add, agent, now=clock.now())
        return Told(database, heard, clock, receiver, self.POLICY)

    CALL = Event(EventKind.AGENT_NEEDS_YOU, "calls", "id-of-shop", severity=Severity.WARNING, payload={"activity": "x"})
    CRASH = Event(EventKind.AGENT_CRASHED, "shop crashed", "id-of-shop", severity=Severity.FAILURE)

    @pytest.mark.parametrize("event", [CALL, CRASH, FAILED], ids=["call", "crash", "of no agent"])
    def test_what_nobody_reacts_to_goes_on_once(self, told: Told, clock: FakeClock, receiver: Receiver, event: Event):
        told.happens(event)
        told.tell()
        clock.advance(9 * 60)
        told.tell()
        assert receiver.requests == []
        clock.advance(61)
        told.tell()
        [said] = receiver.bodies
        assert said["escalation"] is True and "nobody has reacted for 10 minutes" in said["text"]
        clock.advance(3600)
        told.tell()
        assert len(receiver.requests) == 1

    def test_what_the_desktop_never_showed_goes_on_too(self, database: Database, clock: FakeClock, receiver: Receiver):
        class Deaf(Heard):
            def notify(self, title: str, body: str) -> str:
                raise HiveError("There is no desktop.")

        told = Told(database, Deaf(), clock, receiver, self.POLICY)
        told.happens(FAILED)
        for _ in range(11):
            assert told.tell() == 0
            clock.advance(66)
        assert told.rows["desktop", "alert"].state == "failed"
        clock.advance(300)
        told.tell()
        assert len(receiver.requests) == 1

    def test_what_was_held_back_in_quiet_hours_has_its_time_after_them(
        self, database: Database, heard: Heard, clock: FakeClock, receiver: Receiver
    ):
        quiet = QuietHours.parse("11:00", "13:00", "UTC")
        told = Told(database, heard, clock, receiver, replace(self.POLICY, quiet=quiet))
        told.happens(FAILED)
        told.tell()
        clock.advance(3600)
        assert told.tell() == 1 and receiver.requests == []
        clock.advance(30)
        told.tell()
        assert receiver.requests == []
        clock.advance(600)
        told.tell()
        assert len(receiver.requests) == 1

    def test_what_cannot_be_told_has_its_time_after_quiet_hours_too(
        self, database: Database, clock: FakeClock, receiver: Receiver
    ):
        class Deaf(Heard):
            def notify(self, title: str, body: str) -> str:
                raise HiveError("There is no desktop.")

        quiet = QuietHours.parse("11:00", "13:00", "UTC")
        told = Told(database, Deaf(), clock, receiver, replace(self.POLICY, quiet=quiet))
        told.happens(FAILED)
        told.tell()
        clock.advance(3600)
        for _ in range(9):
            told.tell()
            clock.advance(66)
        assert receiver.requests == [], "it was tried for less than ten minutes"
        clock.advance(660)
        told.tell()
        assert len(receiver.requests) == 1

    def answered(database: Database, clock: FakeClock) -> None:  # type: ignore[misc]
        agent = database.read(agent_store.get, "id-of-shop")
        database.write(agent_store.put, structs.replace(agent, activity=Activity.WORKING, since_at=clock.now()))

    def acted(database: Database, clock: FakeClock) -> None:  # type: ignore[misc]
        woke = Event(EventKind.WAKEUP_SCHEDULED, "asked", "id-of-shop", Actor.person())
        database.write(journal.log, woke, now=clock.now())

    def acknowledged(database: Database, clock: FakeClock) -> None:  # type: ignore[misc]
        database.write(outbox.acknowledge, None, now=clock.now())

    @pytest.mark.parametrize(
        ("event", "react"),
        [(CALL, answered), (CALL, acted), (CRASH, acted), (CRASH, acknowledged), (FAILED, acknowledged)],
    )
    def test_a_reaction_ends_it(
        self,
        told: Told,
        database: Database,
        clock: FakeClock,
        receiver: Receiver,
        event: Event,
        react: Callable[[Database, FakeClock], None],
    ):
        told.happens(event)
        told.tell()
        clock.advance(60)
        react(database, clock)
        clock.advance(1200)
        told.tell()
        assert receiver.requests == []


KILLED = """
import sys, os, signal
from pathlib import Path
from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.notify.push import Webhook
from hive_tui.domain.alerts import AlertPolicy
from hive_tui.services.alerts import Alerts
from hive_tui.store.database import Database
clock = SystemClock()
policy = AlertPolicy({"webhook": frozenset({"failure"})})
database = Database(Path(sys.argv[1]), clock)
from tests.stage import Heard
alerts = Alerts(database, Heard(), clock, policy=policy, channels=[Webhook(sys.argv[2], "", timeout_s=20.0)])
alerts.tell()
print("telling", flush=True)
alerts.finish(30)
"""


def test_killed_while_it_sends_it_sends_again_with_the_same_key_and_loses_nothing(tmp_path: Path, receiver: Receiver):
    from hive_tui.adapters.clock import SystemClock

    database = Database(tmp_path / "hive.db", SystemClock())
    database.write(journal.log, FAILED, now=SystemClock().now())
    receiver.status = 0
    command = [sys.executable, "-c", KILLED, str(tmp_path / "hive.db"), receiver.address]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as killed:
        eventually(lambda: len(receiver.requests) == 1, "it is sending")
        killed.send_signal(signal.SIGKILL)
    receiver.status = 200
    subprocess.run(command, env=environment, check=True, timeout=60, stdout=subprocess.DEVNULL)
    keys = [headers["idempotency-key"] for _, headers, _ in receiver.requests]
    assert len(keys) == 2 and keys[0] == keys[1]
    subprocess.run(command, env=environment, check=True, timeout=60, stdout=subprocess.DEVNULL)
    assert len(receiver.requests) == 2
    database.close()
