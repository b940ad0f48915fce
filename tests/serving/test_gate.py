"""The single pass of gate and queue: alone, beside a heartbeat, several at once, and killed."""

import json
import subprocess
from typing import Any

import pytest

from hive_tui.domain.agents import Lifecycle
from tests.stage import Stage, eventually


def passes(stage: Stage, count: int) -> list[tuple[int, dict[str, Any]]]:
    """So many at once: exit code and document of each."""
    started = [
        subprocess.Popen(
            stage.command_line("wakeup-gate", "--json"),
            env=stage.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(count)
    ]  # fmt: skip
    return [(one.wait(60), json.loads(one.communicate()[0])) for one in started]


def test_one_pass_wakes_what_is_due_and_ends(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    assert stage.command("wakeup-gate").stdout.startswith("Nothing is due.")
    stage.ask_wake(agent)
    done = stage.command("wakeup-gate", "--json")
    assert done.returncode == 0, done.stderr
    shape = json.loads(done.stdout)
    assert [(one["agent"], one["status"]) for one in shape["wakeups"]] == [(agent.name, "completed")]
    assert (shape["handed_over_to"], shape["troubles"], shape["next_due_at"]) == (None, {}, None)
    assert stage.look().lifecycle is Lifecycle.AWAKE
    assert not stage.hive.heartbeat_lock.is_held()


def test_several_at_once_wake_once(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.ask_wake(agent)
    ended = passes(stage, 3)
    assert [code for code, _ in ended] == [0, 0, 0]
    assert sum(len(shape["wakeups"]) for _, shape in ended) == 1
    assert len(stage.processes_of_session(agent.session_id or "")) == 1


def test_a_heartbeat_that_runs_does_the_work(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    with subprocess.Popen(stage.command_line("serve"), env=stage.environment, stderr=subprocess.DEVNULL) as serve:
        try:
            eventually(lambda: stage.hive.heartbeat_lock.holder().get("purpose") == "heartbeat", "it has the heartbeat")
            stage.ask_wake(agent)
            [(code, shape)] = passes(stage, 1)
            assert (code, shape["handed_over_to"], shape["wakeups"]) == (0, serve.pid, [])
            eventually(lambda: stage.stored(agent).lifecycle is Lifecycle.AWAKE, "the heartbeat wakes it")
        finally:
            serve.terminate()
            serve.wait(15)


def test_a_wake_that_fails_is_exit_code_one_and_stays_in_the_queue(stage: Stage):
    stage.agent_as_command("shop")
    agent = stage.look()
    stage.nap()
    stage.tmux("kill-server")
    folder = stage.folder_for("shop")
    folder.rename(folder.with_name("gone"))
    for checkpoint in (stage.home / "checkpoints").rglob("*.tar.zst"):
        checkpoint.write_bytes(b"damaged")
    stage.ask_wake(agent)
    done = stage.command("wakeup-gate")
    assert done.returncode == 1
    assert f"Error: {agent.name}: " in done.stderr and "Traceback" not in done.stderr


def test_a_pass_while_paused_says_so(stage: Stage):
    stage.command("pause")
    done = stage.command("wakeup-gate", "--json")
    assert json.loads(done.stdout)["paused"] is True
    assert done.returncode == 0, done.stderr


@pytest.mark.faults
def test_killed_at_any_moment_the_next_pass_wakes_once(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    for number in range(12):
        stage.nap()
        stage.ask_wake(agent)
        killed = subprocess.Popen(
            stage.command_line("wakeup-gate"), env=stage.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        try:
            killed.wait(0.15 * number)
        except subprocess.TimeoutExpired:
            killed.kill()
        killed.communicate()
        eventually(
            lambda: stage.command("wakeup-gate").returncode == 0 and stage.look().lifecycle is Lifecycle.AWAKE, "woken"
        )
        assert len(stage.processes_of_session(agent.session_id or "")) == 1
