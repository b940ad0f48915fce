"""The rules that decide whether a due wakeup starts its agent."""

import pytest

from hive_tui.domain.gate import Decision, GateFacts, judge
from hive_tui.domain.wakeups import PRIORITY, UNFINISHED, Action, Trigger, Wakeup, WakeupStatus
from tests.builders import NOON

WITHOUT_PERSON = [trigger for trigger in Trigger if trigger is not Trigger.MANUAL]


def a_wakeup(trigger: Trigger = Trigger.SCHEDULE, status: WakeupStatus = WakeupStatus.PROCESSING) -> Wakeup:
    return Wakeup(
        id="w1",
        agent_id="a1",
        action=Action.WAKE,
        trigger=trigger,
        priority=PRIORITY[trigger],
        status=status,
        scheduled_for=NOON,
        attempts=1,
        max_attempts=5,
        idempotency_key=None,
        context={},
        claim_token=1,
        created_at=NOON,
    )


@pytest.mark.parametrize(
    ("trigger", "is_paused", "is_awake", "decision", "rule"),
    [
        (Trigger.SCHEDULE, False, False, Decision.WAKE, "due"),
        (Trigger.SCHEDULE, True, False, Decision.DEFER, "pause switch"),
        (Trigger.SCHEDULE, True, True, Decision.DEFER, "pause switch"),
        (Trigger.SCHEDULE, False, True, Decision.SKIP, "already awake"),
        (Trigger.MANUAL, True, False, Decision.WAKE, "due"),
        (Trigger.MANUAL, True, True, Decision.SKIP, "already awake"),
        (Trigger.MANUAL, False, True, Decision.SKIP, "already awake"),
    ],
)
def test_the_first_rule_that_speaks_decides(
    trigger: Trigger, is_paused: bool, is_awake: bool, decision: Decision, rule: str
):
    verdict = judge(a_wakeup(trigger), GateFacts(is_paused=is_paused, is_awake=is_awake))
    assert (verdict.decision, verdict.rule) == (decision, rule)


@pytest.mark.parametrize("trigger", WITHOUT_PERSON)
def test_a_pause_holds_back_all_that_no_person_asked_for(trigger: Trigger):
    verdict = judge(a_wakeup(trigger), GateFacts(is_paused=True, is_awake=False))
    assert verdict.decision is Decision.DEFER


def test_a_verdict_reads_as_decision_rule_and_reason():
    verdict = judge(a_wakeup(Trigger.WEBHOOK), GateFacts(is_paused=False, is_awake=False))
    assert str(verdict) == "wake: due: asked for by webhook"


@pytest.mark.parametrize(
    ("trigger", "is_awake", "decision", "rule"),
    [
        (Trigger.SCHEDULE, False, Decision.DEFER, "held"),
        (Trigger.RECOVER, False, Decision.DEFER, "held"),
        (Trigger.SCHEDULE, True, Decision.SKIP, "already awake"),
        (Trigger.MANUAL, False, Decision.WAKE, "due"),
    ],
)
def test_an_agent_that_is_held_is_woken_by_a_person_only(
    trigger: Trigger, is_awake: bool, decision: Decision, rule: str
):
    verdict = judge(a_wakeup(trigger), GateFacts(is_paused=False, is_awake=is_awake, is_held=True))
    assert (verdict.decision, verdict.rule) == (decision, rule)


def test_every_trigger_has_a_priority_and_a_person_goes_first():
    assert set(PRIORITY) == set(Trigger)
    assert all(0 <= PRIORITY[trigger] < PRIORITY[Trigger.MANUAL] <= 100 for trigger in WITHOUT_PERSON)


@pytest.mark.parametrize("status", list(WakeupStatus))
def test_only_pending_and_running_wakeups_are_unfinished(status: WakeupStatus):
    assert a_wakeup(status=status).is_finished is (status not in UNFINISHED)
    assert (status in UNFINISHED) is (status in {WakeupStatus.PENDING, WakeupStatus.PROCESSING})
