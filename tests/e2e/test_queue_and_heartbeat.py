"""Wakes through the queue: heartbeats, retries, naps that a wake interrupts."""

import threading

import pytest

from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import HiveError, NapRefused
from hive_tui.domain.events import EventKind
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import Outcome, WakeupStatus
from hive_tui.services.heartbeat import Heartbeat
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.services.nap import NapRequest
from hive_tui.store import journal, wakeups
from tests.stage import TESTER, Stage, eventually


class Beating:
    """A heartbeat that beats within a block."""

    def __init__(self, heartbeat: Heartbeat) -> None:
        self.heartbeat = heartbeat
        self._thread = HeartbeatThread(lambda _: heartbeat)

    def __enter__(self) -> Heartbeat:
        self._thread.start()
        eventually(lambda: self.heartbeat.beat.beat_at is not None, "it beats")
        return self.heartbeat

    def __exit__(self, *_: object) -> None:
        assert self._thread.stop()


def beating(stage: Stage) -> Beating:
    return Beating(new_heartbeat(stage.new_hive(), observe_every_s=0.2))


def test_a_heartbeat_works_off_a_wake_that_another_process_asked_for(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    with beating(stage) as heartbeat:
        assert heartbeat.beat.is_working
        asked = stage.ask_wake(agent)
        eventually(lambda: stage.hive.database.read(wakeups.get, asked.id).is_finished, "the wake is done")
    attempts = stage.hive.database.read(wakeups.attempts_of, asked.id)
    assert [attempt.outcome for attempt in attempts] == [Outcome.SUCCEEDED]
    assert stage.look().lifecycle is Lifecycle.AWAKE


def test_of_two_heartbeats_one_works_and_the_other_takes_over_when_it_ends(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    second = beating(stage)
    with beating(stage) as first:
        second.__enter__()
        assert first.beat.is_working and not second.heartbeat.beat.is_working
        asked = stage.ask_wake(agent)
        eventually(lambda: stage.hive.database.read(wakeups.get, asked.id).is_finished)
    try:
        eventually(lambda: second.heartbeat.beat.is_working, "the viewer takes over")
    finally:
        second.__exit__()
    assert len(stage.hive.database.read(wakeups.attempts_of, asked.id)) == 1
    assert len(stage.processes_of_session(agent.session_id or "")) == 1


def test_a_wake_of_an_agent_that_is_awake_does_nothing(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED
    assert wakeup.result is not None and wakeup.result["resumed"] is False
    [attempt] = stage.hive.database.read(wakeups.attempts_of, wakeup.id)
    assert attempt.outcome is Outcome.SKIPPED
    assert attempt.verdict == "skip: already awake: the agent runs with this conversation"
    assert stage.look().process == agent.process


def test_a_wake_that_fails_five_times_ends_as_failed_with_an_alert(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "half a line", enter=False)
    asked = stage.ask_wake(agent)
    with beating(stage):
        eventually(lambda: stage.hive.database.read(wakeups.get, asked.id).is_finished, timeout_s=60)
        eventually(lambda: any("not tried again" in body for _, body in stage.notifier.messages), "the alert")
    wakeup = stage.hive.database.read(wakeups.get, asked.id)
    assert (wakeup.status, wakeup.attempts) == (WakeupStatus.FAILED, 5)
    attempts = stage.hive.database.read(wakeups.attempts_of, asked.id)
    assert [attempt.number for attempt in attempts] == [1, 2, 3, 4, 5]
    assert all(attempt.error and "something is typed" in attempt.error for attempt in attempts)
    assert stage.stored(agent).lifecycle is Lifecycle.FAILED
    assert len([1 for title, _ in stage.notifier.messages if title == "hive: shop"]) >= 2


class NapUntil(Unwatched):
    """Stands still at a step of a nap until something has happened."""

    def __init__(self, step: str, meanwhile: threading.Event, reached: threading.Event) -> None:
        super().__init__()
        self._step, self._meanwhile, self._reached = step, meanwhile, reached

    def step(self, name: str, total_bytes: int = 0) -> None:
        super().step(name)
        if name == self._step:
            self._reached.set()
            assert self._meanwhile.wait(30)


@pytest.mark.parametrize("step", ["reading the workspace", "writing the checkpoint", "looking again"])
def test_a_wake_that_arrives_during_a_nap_stops_the_nap(stage: Stage, step: str):
    stage.agent_in_shell("shop")
    agent = stage.look()
    meanwhile, reached = threading.Event(), threading.Event()
    errors: list[HiveError] = []

    def nap() -> None:
        try:
            stage.hive.napper.nap(agent.id, NapRequest("test", TESTER), NapUntil(step, meanwhile, reached))
        except HiveError as error:
            errors.append(error)

    thread = threading.Thread(target=nap)
    thread.start()
    assert reached.wait(30)
    asked = stage.ask_wake(agent)
    meanwhile.set()
    thread.join(60)
    assert errors and isinstance(errors[0], NapRefused) and "a wake of it is due" in errors[0].what
    wakeup = stage.hive.foreground.run([asked], timeout_s=40)[0]
    assert wakeup.status is WakeupStatus.COMPLETED and wakeup.result is not None
    assert wakeup.result["resumed"] is False
    assert stage.look().process == agent.process, "it never went away"


def test_a_wake_that_arrives_after_the_point_of_no_return_runs_next(stage: Stage):
    stage.agent_in_shell("shop", "--ignore-sigterm")
    agent = stage.look()
    thread = threading.Thread(target=lambda: stage.hive.napper.nap(agent.id, NapRequest("test", TESTER), Unwatched()))
    thread.start()
    eventually(lambda: any(one.step == "exiting" for one in _operations(stage)), "it is being ended")
    wakeup = stage.wake(agent, timeout_s=60)
    thread.join(30)
    assert wakeup.status is WakeupStatus.COMPLETED and wakeup.result is not None
    assert wakeup.result["resumed"] is True
    assert len(stage.processes_of_session(agent.session_id or "")) == 1


def _operations(stage: Stage) -> list[journal.Operation]:
    return stage.hive.database.read(journal.operations)


def test_ten_agents_come_back_together_and_at_most_five_at_once(stage: Stage):
    for number in range(10):
        stage.agent_in_shell(f"agent{number}", said=f"I am {number}")
    agents = stage.hive.observer.observe().agents
    for agent in agents:
        stage.hive.napper.nap(agent.id, NapRequest("test", TESTER), Unwatched())
    most = [0]
    with beating(stage) as heartbeat:
        asked = [stage.ask_wake(agent) for agent in agents]

        def all_done() -> bool:
            most[0] = max(most[0], heartbeat.beat.in_flight)
            return all(stage.hive.database.read(wakeups.get, one.id).is_finished for one in asked)

        eventually(all_done, "all are awake", timeout_s=60)
    after = stage.hive.observer.observe().agents
    assert [agent.session_id for agent in after] == [agent.session_id for agent in agents]
    assert all(agent.lifecycle is Lifecycle.AWAKE for agent in after)
    assert 1 <= most[0] <= 5


def test_a_failing_step_is_shown_and_the_others_still_run(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    hive = stage.new_hive()
    hive.alerting.alerts.tell = lambda: 1 // 0  # type: ignore[method-assign]
    with Beating(new_heartbeat(hive, observe_every_s=0.2)) as heartbeat:
        asked = stage.ask_wake(agent)
        eventually(lambda: stage.hive.database.read(wakeups.get, asked.id).is_finished)
        assert heartbeat.beat.trouble == {"tell failures": "ZeroDivisionError: integer division or modulo by zero"}
    assert any(event.kind is EventKind.STEP_FAILED for event in stage.events)
