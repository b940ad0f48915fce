"""What a restore does to the queue: nothing. Wakeups that were done are not done again, and none is doubled."""

import json
from datetime import timedelta
from pathlib import Path

from hive_tui.archive import reader
from hive_tui.domain.checkpoints import CheckpointReason
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import NewWakeup, Trigger, WakeupStatus
from hive_tui.store import wakeups
from tests.stage import CLOCK, TESTER, Stage


def test_a_restore_neither_makes_wakeups_again_nor_doubles_them(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    later = CLOCK.now() + timedelta(hours=1)
    new = NewWakeup(agent.id, Trigger.SCHEDULE, later, idempotency_key="nightly")
    asked = stage.hive.queue.enqueue(new, TESTER).wakeup
    taken = stage.hive.snapshotter.take(agent, CheckpointReason.MANUAL, TESTER, Unwatched())
    saved = json.loads(reader.read_member(Path(taken.path), "queue/wakeups.json"))
    assert [one["id"] for one in saved] == [asked.id], "the checkpoint has it"
    stage.nap()
    assert stage.wake(agent).id == asked.id, "it takes in the wake that a person asks for"
    later_one = stage.hive.queue.enqueue(NewWakeup(agent.id, Trigger.GOAL, later), TESTER).wakeup
    stage.nap()

    stage.hive.returning.restorer.restore(stage.stored(agent), taken, TESTER, Unwatched())
    found = stage.hive.database.read(wakeups.recent)
    assert {one.id: one.status for one in found} == {
        asked.id: WakeupStatus.COMPLETED,
        later_one.id: WakeupStatus.PENDING,
    }
    assert [one.id for one in stage.hive.database.read(wakeups.unfinished_wakes, agent.id)] == [later_one.id]


def test_a_wakeup_that_was_cancelled_since_the_checkpoint_stays_cancelled(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    asked = stage.hive.queue.enqueue(NewWakeup(agent.id, Trigger.GOAL, CLOCK.now() + timedelta(hours=1)), TESTER)
    taken = stage.hive.snapshotter.take(agent, CheckpointReason.MANUAL, TESTER, Unwatched())
    assert stage.hive.database.write(wakeups.cancel, asked.wakeup.id, now=CLOCK.now())
    stage.nap()
    stage.hive.returning.restorer.restore(stage.stored(agent), taken, TESTER, Unwatched())
    [found] = stage.hive.database.read(wakeups.recent)
    assert found.status is WakeupStatus.CANCELLED
