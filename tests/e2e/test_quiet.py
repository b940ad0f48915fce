"""An idle hive is left alone, and a change shows within about a second all the same."""

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest

from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.agents import Activity, Agent
from hive_tui.hive import Hive
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.services.observer import Observation
from hive_tui.settings import TmuxSettings
from tests.stage import CLOCK, Stage, eventually, pane_of, process_of

PROMPT_S = 2.0
"""Twice what is promised, for machines that do more than this test."""


class Looks:
    """When a heartbeat looked, and what it saw last."""

    def __init__(self) -> None:
        self.at: list[datetime] = []
        self.agents: tuple[Agent, ...] = ()

    def add(self, observation: Observation) -> None:
        self.at.append(observation.at)
        self.agents = observation.agents

    def activity(self) -> Activity | None:
        return self.agents[0].activity if self.agents else None

    def settle(self) -> None:
        """Wait until nothing has been looked at for two seconds."""
        eventually(lambda: self.at and (CLOCK.now() - self.at[-1]).total_seconds() > 2, "the hive is quiet")


@contextmanager
def beating(hive: Hive) -> Iterator[Looks]:
    looks = Looks()
    thread = HeartbeatThread(lambda beat: new_heartbeat(hive, observe_every_s=0.5, on_observed=looks.add, beat=beat))
    thread.start()
    try:
        yield looks
    finally:
        assert thread.stop()
        hive.close()


@pytest.fixture(params=[True, False], ids=["control mode", "forking"])
def looks(stage: Stage, request: pytest.FixtureRequest) -> Iterator[Looks]:
    stage.agent_in_shell("ada")
    with beating(stage.new_hive(tmux=TmuxSettings(control_mode=request.param))) as found:
        eventually(lambda: found.activity() is Activity.IDLE)
        found.settle()
        yield found


def test_nothing_is_looked_at_while_nothing_happens(looks: Looks):
    before, begun_at = len(looks.at), CLOCK.monotonic()
    eventually(lambda: CLOCK.monotonic() - begun_at > 8)
    assert len(looks.at) - before in (1, 2), "every 5 s, to be safe"


def test_output_shows_at_once(stage: Stage, looks: Looks):
    stage.type(pane_of(looks.agents[0]), "/question Which one?")
    eventually(lambda: looks.activity() is Activity.QUESTION, timeout_s=PROMPT_S)


def test_a_status_file_shows_at_once_although_the_screen_stays(stage: Stage, looks: Looks):
    file = stage.agents_home / "sessions" / f"{process_of(looks.agents[0]).pid}.json"
    draft = Path(f"{file}.draft")
    draft.write_text(json.dumps({**json.loads(file.read_text()), "status": "limited"}))
    draft.replace(file)
    eventually(lambda: looks.activity() is Activity.LIMITED, timeout_s=PROMPT_S)


def test_a_silent_end_shows_at_once(stage: Stage, looks: Looks):
    agent = looks.agents[0]
    # Its shell stands still and cannot say that it was killed.
    shell = int(stage.tmux("display-message", "-p", "-t", pane_of(agent), "#{pane_pid}"))
    os.kill(shell, signal.SIGSTOP)
    os.kill(process_of(agent).pid, signal.SIGKILL)
    eventually(lambda: not looks.agents or looks.agents[0].has_crashed, timeout_s=PROMPT_S)


def test_a_new_agent_shows_at_once(stage: Stage, looks: Looks):
    stage.agent_in_shell("bob", said="")
    eventually(lambda: len(looks.agents) == 2, timeout_s=PROMPT_S)


def test_a_server_that_ends_and_comes_back_shows_at_once(stage: Stage, looks: Looks):
    stage.tmux("kill-server")
    eventually(lambda: looks.agents[0].has_crashed, timeout_s=PROMPT_S)
    stage.agent_in_shell("bob", said="")
    eventually(lambda: len(looks.agents) == 2, timeout_s=PROMPT_S)
