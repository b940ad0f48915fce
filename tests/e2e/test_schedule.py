"""A sleep window on real agents in a real tmux: the heartbeat naps and wakes them by the clock."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from hive_tui.adapters.clock import SystemClock
from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.schedule import SleepWindow
from hive_tui.domain.wakeups import Action, Outcome, WakeupStatus
from hive_tui.store import wakeups
from tests.stage import TESTER, Stage, eventually, is_asleep


class ShiftedClock(SystemClock):
    """Goes as fast as the real one, and shows another time."""

    def __init__(self) -> None:
        self.shift = timedelta(0)

    def now(self) -> datetime:
        return super().now() + self.shift


async def beat_until(stage: Stage, condition: Callable[[], object]) -> None:
    """Let the real heartbeat beat."""
    heartbeat = new_heartbeat(stage.hive, observe_every_s=0.1)
    stop = asyncio.Event()
    running = asyncio.create_task(heartbeat.run(stop))
    try:
        await asyncio.to_thread(eventually, condition, timeout_s=40)
    finally:
        stop.set()
        await running
    assert heartbeat.beat.trouble == {}


async def test_agents_sleep_in_their_window_and_have_their_conversation_afterwards(stage: Stage):
    pane_id = stage.agent_in_shell("shop", said="remember the plum")
    agent = stage.look("shop")
    clock = ShiftedClock()
    stage.hive.clock = clock
    now = clock.now()
    start, end = now + timedelta(hours=2), now + timedelta(hours=4)
    window = SleepWindow("", None, f"{start:%H:%M}", f"{end:%H:%M}", "UTC", active=True)
    stage.hive.schedule.add(window, TESTER)

    clock.shift = timedelta(hours=2, minutes=1)
    await beat_until(stage, lambda: is_asleep(stage.stored(agent)))
    assert stage.stored(agent).reason.startswith("sleep window ")
    [nap] = stage.hive.database.read(wakeups.recent)
    assert (nap.action, nap.status, nap.attempts) == (Action.NAP, WakeupStatus.COMPLETED, 1)
    assert nap.result is not None and nap.result["napped"] is True
    [attempt] = stage.hive.database.read(wakeups.attempts_of, nap.id)
    assert attempt.outcome is Outcome.SUCCEEDED

    clock.shift = timedelta(hours=4, minutes=1)
    await beat_until(stage, lambda: stage.stored(agent).lifecycle is Lifecycle.AWAKE)
    eventually(lambda: "[remember the plum]" in stage.screen(pane_id), "the conversation is back")
    assert stage.stored(agent).session_id == agent.session_id
