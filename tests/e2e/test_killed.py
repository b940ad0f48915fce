"""kill -9 of hive-tui at each step of a nap and of a wake: the agent runs or sleeps, and is never lost or doubled."""

import subprocess

import pytest

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.store import checkpoints, journal
from tests.stage import Stage, eventually

FEW = 5
"""So many points, spread over the whole verb, in the normal suite; every point under `make test-faults`."""


DIED = (-9, 0)
"""Killed; or done, where the last points came a little earlier than when they were counted."""


def run_killed(stage: Stage, verb: str, agent: Agent, point: int | str) -> subprocess.CompletedProcess[str]:
    """Run the verb in a process of its own that dies at the point."""
    return stage.python("-m", "tests.e2e.killed", str(stage.home), stage.socket, verb, agent.id, str(point))


def check_after_kill(stage: Stage, agent: Agent) -> Agent:
    """What must be true after any kill, once the hive has looked again."""
    stage.hive.returning.recovery.finish_interrupted()
    assert stage.hive.database.read(journal.operations) == []
    eventually(lambda: stage.look().lifecycle in (Lifecycle.AWAKE, Lifecycle.ASLEEP), "it runs or sleeps")
    found = stage.look()
    session_id = agent.session_id or ""
    if found.lifecycle is Lifecycle.AWAKE:
        eventually(lambda: len(stage.processes_of_session(session_id)) == 1, "it runs once")
    else:
        assert stage.processes_of_session(session_id) == [], "it sleeps, and nothing of it runs"
        assert stage.hive.database.read(checkpoints.of_agent, agent.id)[0].is_valid
    return found


def nap_killed_at(stage: Stage, point: int) -> None:
    agent = stage.look()
    assert run_killed(stage, "nap", agent, point).returncode in DIED
    found = check_after_kill(stage, agent)
    if found.lifecycle is Lifecycle.ASLEEP:
        assert stage.wake(agent).status is WakeupStatus.COMPLETED
    again = stage.look()
    assert (again.lifecycle, again.session_id) == (Lifecycle.AWAKE, agent.session_id)
    assert len(stage.processes_of_session(agent.session_id or "")) == 1
    assert not list((stage.home / "checkpoints").rglob(".*.tmp")) or stage.hive.returning.recovery.sweep()


def wake_killed_at(stage: Stage, point: int) -> None:
    agent = stage.look()
    stage.nap()
    assert run_killed(stage, "wake", agent, point).returncode in DIED
    check_after_kill(stage, agent)
    assert stage.wake(agent, timeout_s=60).status is WakeupStatus.COMPLETED
    assert stage.look().session_id == agent.session_id
    assert len(stage.processes_of_session(agent.session_id or "")) == 1, "it was not started twice"


def calls_of(stage: Stage, verb: str) -> int:
    """How many points there are."""
    agent = stage.look()
    if verb == "wake":
        stage.nap()
    done = run_killed(stage, verb, agent, 0)
    assert done.returncode == 0, done.stderr
    if verb == "nap":
        stage.wake(agent)
    return int(done.stdout)


KILLED_AT = {"nap": nap_killed_at, "wake": wake_killed_at}


@pytest.mark.timeout(300)
@pytest.mark.parametrize("hosted", ["shell", "command"])
@pytest.mark.parametrize("verb", ["nap", "wake"])
def test_killed_at_some_points_the_agent_is_neither_lost_nor_doubled(stage: Stage, verb: str, hosted: str):
    (stage.agent_in_shell if hosted == "shell" else stage.agent_as_command)("shop", "--helpers", "1")
    calls = calls_of(stage, verb)
    assert calls >= FEW
    for point in sorted({1 + number * (calls - 1) // (FEW - 1) for number in range(FEW)}):
        KILLED_AT[verb](stage, point)


@pytest.mark.faults
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("hosted", ["shell", "command"])
@pytest.mark.parametrize("verb", ["nap", "wake"])
def test_killed_at_every_point_the_agent_is_neither_lost_nor_doubled(stage: Stage, verb: str, hosted: str):
    (stage.agent_in_shell if hosted == "shell" else stage.agent_as_command)("shop", "--helpers", "1")
    for point in range(1, calls_of(stage, verb) + 1):
        KILLED_AT[verb](stage, point)
