"""A real agent whose service sleeps with it and is ready again when it wakes; and what a kill in between leaves."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.events import Actor
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.settings import AgentSettings
from hive_tui.settings.machine import ServiceSettings
from tests.machine.conftest import CALM, Rig, program
from tests.machine.test_command_services import is_there
from tests.stage import ROOT, Stage, eventually

YOU = Actor.person()


def test_a_waking_agent_finds_its_service_ready_and_fails_with_a_sentence_where_it_is_not(stage: Stage):
    flag = stage.folder / "broken"
    service = ServiceSettings(kind="command", start=f"test ! -e {flag} && {program(CALM)}", health=f"test ! -e {flag}")
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.hive = stage.new_hive(services={"db": service}, agents={agent.name: AgentSettings(needs=("db",))})
    flag.touch()
    failed = stage.wake(agent)
    assert failed.status is WakeupStatus.PENDING
    assert "The start command of db ended with 1" in (failed.last_error or "")
    assert stage.stored(agent).lifecycle is Lifecycle.ASLEEP
    flag.unlink()
    stage.hive.machine.start_service("db", YOU)
    stage.hive.machine.sleep_service("db", YOU)
    done = stage.hive.foreground.run([failed], timeout_s=40)[0]
    assert done.status is WakeupStatus.COMPLETED, done.last_error
    pid = int((stage.home / "services" / "db.pid").read_text().split()[0])
    try:
        assert is_there(pid) and stage.look().lifecycle is Lifecycle.AWAKE
        assert stage.hive.machine.view().services[0].awake == (agent.name,)
    finally:
        os.kill(pid, signal.SIGKILL)


STOPS = """
import sys
from pathlib import Path
from tests.machine.conftest import Rig
from hive_tui.domain.events import Actor
from hive_tui.settings.machine import ServiceSettings
rig = Rig(Path(sys.argv[1]))
rig.services["mule"] = ServiceSettings(kind="command", start="exit 1", stop_timeout_s=600)
print("begun", flush=True)
rig.hive.machine.sleep_service("mule", Actor.person())
"""


@pytest.mark.faults
def test_a_hive_that_is_killed_while_it_stops_a_service_blocks_nobody(rig: Rig, tmp_path: Path):
    ready = tmp_path / "ready"
    deaf = "import signal,time,pathlib; signal.signal(15, signal.SIG_IGN)"
    code = f'{deaf}; pathlib.Path("{ready}").touch(); time.sleep(600)'
    rig.services["mule"] = ServiceSettings(
        kind="command", start=f"exec {sys.executable} -S -E -c '{code}'", stop_timeout_s=0.2
    )
    rig.hive.machine.start_service("mule", YOU)
    eventually(ready.exists)
    with subprocess.Popen(
        [sys.executable, "-c", STOPS, str(tmp_path)], stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(ROOT)}
    ) as killed:
        lock = rig.hive.machine._lock_of("mule")
        eventually(lambda: lock.is_held(), "the other hive is in the middle of its stop")
        killed.kill()
    rig.check()
    assert rig.said("service.ended") == [], "that stop was ours"
    pid = rig.pid("mule")
    assert is_there(pid), "it takes no notice of SIGTERM"
    rig.hive.machine.start_service("mule", YOU)
    assert rig.pid("mule") == pid, "it runs, and is not started twice"
    assert rig.hive.machine.sleep_service("mule", YOU) and not is_there(pid)
