"""Whatever moment kill -9 comes at while an agent is told something: it is told once."""

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest

from hive_tui.domain.effects import EffectState
from hive_tui.store import effects
from tests.stage import ROOT, TESTER, Stage, eventually, transcript_of

ROUNDS = 200
CALLS = 5
"""The intent, the mark, the paste, Enter, and the end."""


@pytest.fixture
def worker(stage: Stage) -> Iterator["subprocess.Popen[str]"]:
    words = [sys.executable, "-m", "tests.services.message_worker"]
    with subprocess.Popen(
        words, cwd=ROOT, env=stage.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as started:
        yield started


def tell(stage: Stage, worker: "subprocess.Popen[str]", rounds: list[int]) -> None:
    """Kill after the call with that number, then say it again; the agent has heard each once."""
    stage.agent_in_shell("shop")
    agent = stage.look()
    transcript = transcript_of(agent)

    def said(message: str, fatal: int) -> str:
        assert worker.stdin is not None and worker.stdout is not None
        words = [str(stage.home), stage.socket, agent.id, f"wakeup-of-{message}", message, fatal]
        worker.stdin.write(json.dumps(words) + "\n")
        worker.stdin.flush()
        return worker.stdout.readline().strip()

    def is_said(message: str) -> bool:
        return said(message, 0) == "said"

    for number, fatal in enumerate(rounds):
        message = f"plum{number}x{fatal}"
        eventually(lambda message=message, fatal=fatal: said(message, fatal) == "killed", message)  # type: ignore[misc]
        eventually(lambda message=message: is_said(message), message)  # type: ignore[misc]
        assert said(message, 0) in ("said", "NotNow")
        eventually(lambda message=message: message in transcript.read_text(), message)  # type: ignore[misc]
    heard = transcript.read_text().splitlines()
    for number, fatal in enumerate(rounds):
        told = [line for line in heard if f"plum{number}x{fatal}" in line and '"user"' in line]
        assert len(told) == 1, told
    states = [one.state for one in stage.hive.database.read(effects.everything, limit=1_000)]
    assert states == [EffectState.DONE] * len(rounds)


@pytest.mark.faults
@pytest.mark.timeout(1800)
def test_killed_two_hundred_times_each_message_is_heard_once(stage: Stage, worker: "subprocess.Popen[str]"):
    tell(stage, worker, [1 + number % CALLS for number in range(ROUNDS)])


def test_killed_at_any_point_a_message_is_heard_once(stage: Stage, worker: "subprocess.Popen[str]"):
    tell(stage, worker, [1, 2, 3, 4])


def test_without_a_trace_of_it_nothing_is_pasted_again_until_a_person_has_said_so(
    stage: Stage, worker: "subprocess.Popen[str]"
):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    assert worker.stdin is not None and worker.stdout is not None

    def said(fatal: int) -> str:
        assert worker.stdin is not None and worker.stdout is not None
        words = [str(stage.home), stage.socket, agent.id, "a-wakeup", "the fig", fatal]
        worker.stdin.write(json.dumps(words) + "\n")
        worker.stdin.flush()
        return worker.stdout.readline().strip()

    eventually(lambda: said(3) == "killed", "after the paste, before Enter")
    eventually(lambda: "the fig" in stage.screen(pane_id))
    stage.tmux("send-keys", "-t", pane_id, "C-u")
    eventually(lambda: "the fig" not in stage.screen(pane_id), "somebody has taken it out of the input box")
    for _ in range(2):
        assert said(0) == "Undelivered"
    assert "the fig" not in stage.screen(pane_id)
    one = stage.hive.database.read(effects.everything)[0]
    stage.hive.effecting.log.resolve(one.key, happened=False, actor=TESTER)
    assert said(0) == "said"
    eventually(lambda: "the fig" in stage.history(pane_id))
