"""Within a sleep window, who was woken by no person and rests again naps again, and is woken at its end."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity
from hive_tui.domain.wakeups import Action, NewWakeup, Outcome, Trigger, WakeupStatus
from hive_tui.store import agents, claims, wakeups
from tests.services.test_scheduler import Nights, at


@pytest.fixture
def nights(tmp_path: Path) -> Iterator[Nights]:
    made = Nights(tmp_path, at("2026-01-05 01:00"))
    yield made
    made.hive.close()


def wake(nights: Nights, agent_id: str, trigger: Trigger, activity: Activity = Activity.IDLE) -> None:
    """What a wake that brings the agent up leaves behind."""
    now, db = nights.clock.now(), nights.hive.database
    row = db.write(wakeups.enqueue, NewWakeup(agent_id, trigger, now), f"w-{now}", now=now)
    claimed = db.write(claims.claim_one, row.wakeup.id, by="test", now=now)
    assert claimed is not None
    db.write(claims.complete, claimed, now=now, verdict="wake", result={"resumed": True}, outcome=Outcome.SUCCEEDED)
    nights.wake_up(agent_id)
    become(nights, agent_id, activity)


def become(nights: Nights, agent_id: str, activity: Activity) -> None:
    agent = nights.hive.database.read(agents.get, agent_id)
    nights.hive.database.write(agents.put, structs.replace(agent, activity=activity, since_at=nights.clock.now()))


def naps(nights: Nights) -> list[str]:
    return [f"{one.created_at:%H:%M} {one.status}" for one in nights.rows if one.action is Action.NAP]


def test_who_was_woken_for_the_budget_works_and_then_naps_until_the_end(nights: Nights):
    ada = nights.agent("ada")
    window = nights.window(start="23:00", end="07:00")
    nights.go_to(at("2026-01-05 23:00"))
    nights.fall_asleep(ada, window)
    nights.go_to(at("2026-01-06 00:01"))
    wake(nights, ada, Trigger.BUDGET_RESET, Activity.WORKING)
    nights.go_to(at("2026-01-06 01:00"))
    assert naps(nights) == ["23:00 completed"], "it works"
    become(nights, ada, Activity.IDLE)
    nights.go_to(at("2026-01-06 02:00"))
    assert naps(nights) == ["23:00 completed", "01:05 pending"]
    nights.fall_asleep(ada, window)
    nights.go_to(at("2026-01-06 03:00"))
    wake(nights, ada, Trigger.FILE)
    nights.go_to(at("2026-01-06 03:30"))
    nights.fall_asleep(ada, window)
    nights.go_to(at("2026-01-06 08:00"))
    assert naps(nights) == ["23:00 completed", "01:05 completed", "03:05 completed"]
    [woken] = [one for one in nights.rows if one.status is WakeupStatus.PENDING]
    assert (woken.trigger, woken.created_at) == (Trigger.SCHEDULE, at("2026-01-06 07:00"))


def test_nobody_naps_again_whom_a_person_woke_or_who_was_awake_or_outside_of_a_window(nights: Nights):
    ada, bob = nights.agent("ada"), nights.agent("bob")
    window = nights.window()
    nights.go_to(at("2026-01-05 02:00"))
    nights.fall_asleep(ada, window)
    nights.go_to(at("2026-01-05 02:10"))
    wake(nights, ada, Trigger.MANUAL)
    become(nights, bob, Activity.IDLE)
    nights.go_to(at("2026-01-05 03:59"))
    assert len(naps(nights)) == 2, "the two of the start"
    nights.go_to(at("2026-01-05 05:00"))
    wake(nights, ada, Trigger.FILE)
    nights.go_to(at("2026-01-05 06:00"))
    assert len(naps(nights)) == 2


def test_a_nap_that_is_not_wanted_is_not_asked_for_again_for_the_same_wake(nights: Nights):
    ada = nights.agent("ada")
    window = nights.window(start="02:00", end="07:00")
    nights.go_to(at("2026-01-05 02:00"))
    nights.fall_asleep(ada, window)
    wake(nights, ada, Trigger.FILE)
    nights.go_to(at("2026-01-05 02:10"))
    [_, again] = [one for one in nights.rows if one.action is Action.NAP]
    nights.hive.database.write(wakeups.cancel, again.id, now=nights.clock.now())
    nights.go_to(at("2026-01-05 06:59"))
    assert naps(nights) == ["02:00 completed", "02:05 cancelled"]
