"""Alerts as a person has them: `serve`, a real session bus with a service that listens, real HTTP."""

import json
import subprocess
from collections.abc import Iterator
from functools import partial

import pytest

from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.store import journal
from tests.adapters.test_notify import NotificationService, private_bus
from tests.alerts.receiver import Receiver, receiving
from tests.stage import CLOCK, Stage, eventually

WITHIN_S = 30.0


@pytest.fixture
def desktop() -> Iterator[NotificationService]:
    with private_bus() as bus, NotificationService(bus.address).running() as service:
        yield service


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def serve(stage: Stage, desktop: NotificationService) -> subprocess.Popen[bytes]:
    environment = {**stage.environment, "DBUS_SESSION_BUS_ADDRESS": desktop.address}
    return subprocess.Popen(stage.command_line("serve"), env=environment, stderr=subprocess.DEVNULL)


def has_shown(desktop: NotificationService, count: int) -> bool:
    return len(desktop.received) >= count


def test_a_failed_checkpoint_is_on_the_desktop_and_the_phone_in_time(
    stage: Stage, desktop: NotificationService, receiver: Receiver
):
    """The checkpoint is taken by another process than the one that tells."""
    (stage.folder / "config.toml").write_text(f'[alerts]\nntfy = "{receiver.address}/phone"\n')
    stage.agent_in_shell("shop")
    agent = stage.look()
    with serve(stage, desktop) as process:
        try:
            eventually(lambda: stage.hive.heartbeat_lock.holder().get("purpose") == "heartbeat", "the heartbeat")
            (stage.home / "checkpoints").mkdir(exist_ok=True)
            (stage.home / "checkpoints" / agent.name).write_text("in the way")
            began_at = CLOCK.monotonic()
            assert stage.command("checkpoint", agent.name).returncode == 1
            eventually(lambda: desktop.received and receiver.requests, "it is told", timeout_s=WITHIN_S)
            assert CLOCK.monotonic() - began_at < WITHIN_S
        finally:
            process.terminate()
            process.wait(15)
    assert desktop.received[0][3] == f"hive: {agent.name}"
    assert receiver.bodies[0]["message"] == "a checkpoint failed"
    shown = json.loads(stage.command("alerts", "--json").stdout)
    assert {(one["channel"], one["state"], one["kind"]) for one in shown} == {
        ("desktop", "sent", "checkpoint.failed"),
        ("ntfy", "sent", "checkpoint.failed"),
    }
    assert any("D-Bus notification 12" in (one["note"] or "") for one in shown)


@pytest.mark.faults
def test_how_long_it_takes_until_the_desktop_shows_it(stage: Stage, desktop: NotificationService):
    """Run with -s for the figures: 40 failures, each logged by another process, at odd moments."""
    (stage.folder / "config.toml").write_text("[notify]\ndesktop = true\n")
    took_s: list[float] = []
    with serve(stage, desktop) as process:
        try:
            eventually(lambda: stage.hive.heartbeat_lock.holder().get("purpose") == "heartbeat", "the heartbeat")
            CLOCK.sleep(3.0)  # the start is over
            for number in range(40):
                CLOCK.sleep(0.137 * (number % 7))
                event = Event(EventKind.CHECKPOINT_FAILED, f"failure {number}", severity=Severity.FAILURE)
                began_at = CLOCK.monotonic()
                stage.hive.database.write(journal.log, event, now=CLOCK.now())
                eventually(partial(has_shown, desktop, number + 1), "shown", timeout_s=WITHIN_S)
                took_s.append(CLOCK.monotonic() - began_at)
        finally:
            process.terminate()
            process.wait(15)
    took_s.sort()
    median, p95, most = (round(took_s[at] * 1e3) for at in (20, 38, -1))
    print(f"\nto the desktop: median {median} ms, p95 {p95} ms, most {most} ms")
    assert took_s[-1] < WITHIN_S


def test_a_test_by_command_asks_every_channel(stage: Stage, receiver: Receiver):
    (stage.folder / "config.toml").write_text(
        f'[notify]\ndesktop = false\n[alerts]\nntfy = "{receiver.address}/phone"\nwebhook = "{receiver.address}/hook"\n'
    )
    receiver.status = 403
    done = stage.command("alerts", "test", "--json")
    said = json.loads(done.stdout)
    assert done.returncode == 1 and done.stderr.splitlines() == [
        "Error: The test has reached nobody; alerts would not, either.",
        "Hint: Name a way that works here: `hive-tui config set alerts.ntfy ADDRESS`.",
    ]
    assert said["channels"] == ["desktop", "ntfy", "webhook"] and not said["delivered"]
    assert said["said"].count("127.0.0.1 answered 403") == 2 and "switched off" in said["said"]
    receiver.status = 200
    assert stage.command("alerts", "test").returncode == 0
