"""Rows of the queue: who asked, how urgent that is, and when a row is done."""

import pytest

from hive_tui.domain.wakeups import (
    PRIORITY,
    UNFINISHED,
    Action,
    NewWakeup,
    Trigger,
    Wakeup,
    WakeupStatus,
    merged_context,
    messages_of,
)
from tests.builders import NOON


def a_wakeup(**facts: object) -> Wakeup:
    values: dict[str, object] = {
        "id": "wakeup-1",
        "agent_id": "id-of-ada",
        "action": Action.WAKE,
        "trigger": Trigger.MANUAL,
        "priority": 80,
        "status": WakeupStatus.PENDING,
        "scheduled_for": NOON,
        "attempts": 0,
        "max_attempts": 5,
        "idempotency_key": None,
        "context": {},
        "claim_token": 0,
        "created_at": NOON,
    }
    return Wakeup(**{**values, **facts})  # type: ignore[arg-type]


def test_every_trigger_has_a_priority_from_0_to_100():
    assert set(PRIORITY) == set(Trigger)
    assert all(0 <= priority <= 100 for priority in PRIORITY.values())


def test_a_person_goes_first_then_what_was_assigned_then_limits_then_routine_then_the_clock_then_files():
    by_urgency = sorted(Trigger, key=lambda trigger: -PRIORITY[trigger])
    groups: list[set[Trigger]] = [set()]
    for before, trigger in zip([by_urgency[0], *by_urgency], by_urgency, strict=False):
        if PRIORITY[trigger] != PRIORITY[before]:
            groups.append(set())
        groups[-1].add(trigger)
    assert groups == [
        {Trigger.MANUAL},
        {Trigger.GOAL, Trigger.RECOVER},
        {Trigger.ASSIGNMENT},
        {Trigger.LIMIT_RESET, Trigger.BUDGET_RESET},
        {Trigger.ROUTINE, Trigger.WEBHOOK, Trigger.REDIS},
        {Trigger.SCHEDULE},
        {Trigger.FILE},
    ]


@pytest.mark.parametrize(
    ("status", "is_finished"),
    [
        (WakeupStatus.PENDING, False),
        (WakeupStatus.PROCESSING, False),
        (WakeupStatus.COMPLETED, True),
        (WakeupStatus.FAILED, True),
        (WakeupStatus.CANCELLED, True),
    ],
)
def test_a_wakeup_is_finished_when_no_attempt_will_follow(status: WakeupStatus, is_finished: bool):
    assert a_wakeup(status=status).is_finished is is_finished
    assert (status not in UNFINISHED) is is_finished


@pytest.mark.parametrize("trigger", Trigger)
def test_only_a_manual_wakeup_is_a_persons(trigger: Trigger):
    assert a_wakeup(trigger=trigger).is_by_person is (trigger == "manual")


def test_a_new_wakeup_wakes_with_the_priority_of_its_trigger_and_five_attempts():
    asked = NewWakeup("id-of-ada", Trigger.SCHEDULE, NOON)
    assert (asked.action, asked.priority, asked.max_attempts) == (Action.WAKE, None, 5)
    assert asked.context == {}


def test_two_new_wakeups_share_no_context():
    first, second = (NewWakeup("id-of-ada", Trigger.MANUAL, NOON) for _ in range(2))
    assert first.context is not second.context


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        ({}, {}, {}),
        ({"message": "a"}, {}, {"message": "a"}),
        ({}, {"message": "b"}, {"message": "b"}),
        ({"message": "a"}, {"message": "b"}, {"messages": ["a", "b"]}),
        ({"messages": ["a", "b"]}, {"message": "c"}, {"messages": ["a", "b", "c"]}),
        ({"message": "a"}, {"message": "a"}, {"messages": ["a", "a"]}),
        ({"x": 1, "y": 1}, {"y": 2, "z": 2}, {"x": 1, "y": 2, "z": 2}),
    ],
)
def test_of_two_contexts_every_message_is_kept_in_order_and_of_other_facts_the_later_one(
    first: dict[str, object], second: dict[str, object], merged: dict[str, object]
):
    assert merged_context(first, second) == merged
    assert messages_of(merged) == (*messages_of(first), *messages_of(second))
