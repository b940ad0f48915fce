"""Naps that nobody asked for, on real agents in a real tmux with the real heartbeat."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.agents import Activity, Lifecycle
from hive_tui.domain.events import HEARTBEAT, EventKind
from hive_tui.domain.wakeups import ON_RESUME, NewWakeup, Trigger
from hive_tui.hive import Hive
from hive_tui.services.auto_naps import stop_nap
from hive_tui.services.heartbeat_thread import HeartbeatThread
from hive_tui.settings import HeartbeatSettings
from hive_tui.settings.naps import IdleSettings, LimitSettings
from hive_tui.store import announcements, journal, wakeups
from tests.e2e.test_schedule import ShiftedClock
from tests.stage import TESTER, Stage, eventually, is_asleep, pane_of

OFTEN = HeartbeatSettings(sweep_s=0.3)
QUICK = IdleSettings(after_minutes=0.03, announce_s=1.0)


@contextmanager
def beating(hive: Hive) -> Iterator[None]:
    thread = HeartbeatThread(lambda beat: new_heartbeat(hive, observe_every_s=0.2, beat=beat))
    thread.start()
    try:
        yield
    finally:
        assert thread.stop()
        hive.close()


@pytest.mark.faults
def test_only_the_idle_one_naps_and_whoever_has_something_to_lose_does_not(stage: Stage):
    busy = {"shell": "/bg 600", "asker": "/question Which one?", "worker": "/work 600"}
    panes = {name: stage.agent_in_shell(name) for name in (*busy, "writer", "idle")}
    for name, what in busy.items():
        stage.type(panes[name], what)
    stage.type(panes["writer"], "half a sentence", enter=False)
    eventually(lambda: stage.look("worker").activity is Activity.WORKING)
    eventually(lambda: stage.look("asker").activity is Activity.QUESTION)
    idle = stage.look("idle")
    hive = stage.new_hive(heartbeat=OFTEN, idle=QUICK)
    with beating(hive):
        eventually(lambda: is_asleep(stage.stored(idle)), "the idle one naps")
        # As long again, and the others are still there.
        napped_at = stage.stored(idle).since_at
        eventually(lambda: hive.clock.now() - napped_at > timedelta(seconds=4))
    assert stage.stored(idle).reason.startswith("idle for ")
    awake = [one.name for one in stage.hive.observer.observe().agents if one.lifecycle is Lifecycle.AWAKE]
    assert sorted(awake) == ["asker", "shell", "worker", "writer"]
    told = [one.event for one in stage.hive.database.read(journal.events, limit=100)]
    announced = [one.agent_id for one in told if one.kind is EventKind.AGENT_NAP_ANNOUNCED]
    assert announced == [idle.id]
    assert not [one for one in told if one.kind is EventKind.AGENT_NAP_REFUSED], "nothing was even tried"


@pytest.mark.faults
def test_another_process_and_an_input_in_the_pane_stop_an_announced_nap(stage: Stage):
    stage.agent_in_shell("ada")
    ada = stage.look()
    known = stage.hive.database
    with beating(stage.new_hive(heartbeat=OFTEN, idle=IdleSettings(after_minutes=0.03, announce_s=30.0))):
        eventually(lambda: known.read(announcements.announced), "it is announced")
        stage.type(pane_of(ada), "w", enter=False)
        eventually(lambda: not known.read(announcements.announced), "the input stops it")
        stage.tmux("send-keys", "-t", pane_of(ada), "C-u")
        eventually(lambda: known.read(announcements.announced), "it is idle again")
        assert stop_nap(known, ada.id, ada.name, TESTER, stage.hive.clock, stage.hive.hub)
        eventually(lambda: known.read(announcements.announced), "it is announced anew")
    assert stage.look().lifecycle is Lifecycle.AWAKE
    stopped = [one.event.text for one in known.read(journal.events, limit=100) if "stays awake" in one.event.text]
    assert stopped == ["ada stays awake: something happened in its pane", "ada stays awake: you stopped its nap"]


def test_an_agent_sleeps_through_its_limit_and_goes_on_once(stage: Stage):
    pane = stage.agent_in_shell("ada")
    stage.type(pane, "/limit 7200")
    eventually(lambda: stage.look().activity is Activity.LIMITED)
    ada = stage.look()
    hive = stage.new_hive(heartbeat=OFTEN, idle=QUICK, limits=LimitSettings(nap=True, say="Go on now."))
    clock = hive.clock = ShiftedClock()
    stage.hive.clock = clock
    with beating(hive):
        eventually(lambda: is_asleep(stage.stored(ada)), "it sleeps through its limit")
        eventually(lambda: stage.hive.database.read(wakeups.recent), "its wake is asked for")
        [wake] = stage.hive.database.read(wakeups.recent)
        ahead = wake.scheduled_for - clock.now()
        assert timedelta(hours=1, minutes=58) < ahead < timedelta(hours=2, minutes=3)
        clock.shift = ahead + timedelta(seconds=1)
        hive.doorbell.ring()
        eventually(lambda: stage.hive.database.read(wakeups.get, wake.id).is_finished, "it is woken")
        eventually(lambda: "● I see" in stage.screen(pane).partition("Go on now.")[2], "it has answered")
    assert stage.history(pane).count("» Go on now.") == 1
    assert stage.look().session_id == ada.session_id
    assert len(stage.hive.database.read(wakeups.recent)) == 1


def test_who_has_gone_on_by_itself_is_not_told_to_go_on(stage: Stage):
    """A person wakes it in its limit, so that the wake at the reset finds it awake."""
    pane = stage.agent_in_shell("ada")
    ada = stage.look()
    new = NewWakeup(ada.id, Trigger.LIMIT_RESET, stage.hive.clock.now(), context={ON_RESUME: "Go on now."})
    wake = stage.hive.queue.enqueue(new, HEARTBEAT).wakeup
    [done] = stage.hive.foreground.run([wake], timeout_s=20)
    assert done.status == "completed", done.last_error
    assert "Go on" not in stage.screen(pane)
