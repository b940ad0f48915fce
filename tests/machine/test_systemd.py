"""Units of systemd: the adapter against a small `systemctl` that answers as systemctl(1) says."""

import os
from pathlib import Path

import pytest

from hive_tui.adapters.services.systemd import SystemdServices
from hive_tui.domain.events import Actor
from hive_tui.domain.services import Actual, Service, ServiceFailed
from hive_tui.settings.machine import ServiceSettings
from tests.machine.conftest import Rig

SYSTEMCTL = """#!/bin/sh
# systemctl --user --no-pager --no-ask-password VERB ...: the state is a file.
[ "$1 $2 $3" = "--user --no-pager --no-ask-password" ] || exit 2
echo "$*" >> "$FOLDER/asked"
shift 3
case "$1" in
show) cat "$FOLDER/shown" ;;
start) [ -e "$FOLDER/refuses" ] && { echo "Job for $2 failed because the control process exited." >&2; exit 1; }
       sed -i 's/^ActiveState=.*/ActiveState=active/' "$FOLDER/shown" ;;
stop) [ "$2" = --no-block ] || exit 2
      sed -i 's/^ActiveState=.*/ActiveState=inactive/' "$FOLDER/shown" ;;
reset-failed) exit 1 ;;
hang) exec sleep 60 ;;
esac
"""
SHOWN = """LoadState=loaded
ActiveState=active
SubState=running
Result=success
InvocationID=abc
MainPID={pid}
ControlGroup=/no/such/group
CPUUsageNSec={cpu}
IPIngressBytes={received}
IPEgressBytes={received}
NRestarts=0
"""
UNIT = Service("unit", "systemd", "web.service")


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    program = tmp_path / "bin" / "systemctl"
    program.parent.mkdir()
    program.write_text(SYSTEMCTL)
    program.chmod(0o700)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("FOLDER", str(tmp_path))
    show(tmp_path)
    return tmp_path


def show(folder: Path, cpu: str = "2500000000", received: str = "100", **more: str) -> None:
    text = SHOWN.format(pid=os.getpid(), cpu=cpu, received=received)
    for name, value in more.items():
        text = "".join(
            f"{name}={value}\n" if line.startswith(f"{name}=") else f"{line}\n" for line in text.splitlines()
        )
    (folder / "shown").write_text(text)


def test_a_unit_is_read_with_its_counters_and_without_those_that_systemd_does_not_keep(systemctl: Path):
    units = SystemdServices(timeout_s=10)
    look = units.look(UNIT)
    assert (look.actual, look.run_id, look.cpu_s, look.network_bytes) == (Actual.RUNNING, "abc", 2.5, 200)
    show(systemctl, cpu="[not set]", received=str(2**64 - 1))
    look = units.look(UNIT)
    assert look.network_bytes is None and look.cpu_s is not None and look.cpu_s > 0, "from its processes"


STATES = {
    "reloading": Actual.RUNNING,
    "activating": Actual.STARTING,
    "inactive": Actual.STOPPED,
    "failed": Actual.STOPPED,
    "maintenance": Actual.UNKNOWN,
}


@pytest.mark.parametrize("state", STATES)
def test_each_state_of_a_unit(systemctl: Path, state: str):
    show(systemctl, ActiveState=state, Result="exit-code")
    look = SystemdServices(timeout_s=10).look(UNIT)
    assert look.actual is STATES[state]
    assert state != "failed" or look.detail == "it failed: exit-code"


def test_a_unit_that_ends_again_and_again_has_nothing_that_runs(systemctl: Path):
    show(systemctl, ActiveState="activating", SubState="auto-restart", NRestarts="7")
    look = SystemdServices(timeout_s=10).look(UNIT)
    assert (look.actual, look.is_looping, look.detail) == (
        Actual.STARTING,
        True,
        "systemd starts it again and again (7 times)",
    )


def test_an_idle_unit_is_stopped_and_started_again(rig: Rig, systemctl: Path):
    rig.services["unit"] = ServiceSettings(kind="systemd", target="web.service", ports=(1,))
    rig.check()
    rig.check(minutes=60)
    assert rig.record("unit").actual is Actual.STOPPED
    rig.hive.machine.start_service("unit", Actor.person())
    did = [line.split()[3] for line in (systemctl / "asked").read_text().splitlines()]
    assert [verb for verb in did if verb != "show"] == ["stop", "reset-failed", "start"]


def test_a_refusal_a_missing_unit_and_no_systemd_are_said(systemctl: Path, monkeypatch: pytest.MonkeyPatch):
    units = SystemdServices(timeout_s=10)
    (systemctl / "refuses").touch()
    with pytest.raises(ServiceFailed, match=r"Job for web\.service failed because the control process exited"):
        units.start(UNIT)
    show(systemctl, LoadState="not-found")
    assert units.look(UNIT).actual is Actual.MISSING
    monkeypatch.setenv("PATH", str(systemctl))
    look = units.look(UNIT)
    assert (look.actual, look.detail) == (Actual.UNKNOWN, "There is no systemctl here.")
