"""The rules of the gate, each alone and in their order."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from msgspec import structs

from hive_tui.domain.breaker import Breaker
from hive_tui.domain.gate import Decision, GateFacts, GatePolicy, Refused, Verdict, judge
from hive_tui.domain.wakeups import Action, Trigger, Wakeup, WakeupStatus, merged_context
from tests.builders import NOON

SECOND = timedelta(seconds=1)
AGES_AGO = NOON - timedelta(hours=5)
QUIET = GateFacts(NOON)
PAYLOAD = {"payload": {"build": 17}}


def a_wakeup(trigger: Trigger = Trigger.SCHEDULE, context: Mapping[str, Any] = PAYLOAD, **facts: Any) -> Wakeup:
    values: dict[str, Any] = {"created_at": AGES_AGO, **facts}
    return Wakeup(
        "w-1", "a-1", Action.WAKE, trigger, 50, WakeupStatus.PROCESSING, NOON, 1, 5, None, context, 1, **values
    )


def decided(wakeup: Wakeup, facts: GateFacts = QUIET, policy: GatePolicy | None = None) -> tuple[str, str]:
    verdict = judge(wakeup, facts, policy or GatePolicy())
    return str(verdict.decision), verdict.rule


EVERY_TRIGGER = set(Trigger)
NOISY = {Trigger.FILE, Trigger.WEBHOOK, Trigger.REDIS}
PERSON = {Trigger.MANUAL}

RULES: list[tuple[str, str, GateFacts, dict[str, Any], set[Trigger]]] = [
    ("defer", "pause switch", replace(QUIET, is_paused=True), {}, EVERY_TRIGGER - PERSON),
    ("defer", "held", replace(QUIET, is_held=True), {}, EVERY_TRIGGER - PERSON),
    ("defer", "budget", replace(QUIET, over_budget=Refused("$5 are spent")), {}, EVERY_TRIGGER - PERSON),
    ("ask", "budget", replace(QUIET, over_budget=Refused("$5 are spent")), {}, PERSON),
    ("skip", "already awake", replace(QUIET, is_awake=True), {}, EVERY_TRIGGER),
    ("skip", "duplicate", replace(QUIET, repeats="w-0"), {}, NOISY),
    ("defer", "debounce", QUIET, {"created_at": NOON - SECOND}, NOISY),
    ("defer", "cooldown", replace(QUIET, woken_at=NOON - SECOND), {}, EVERY_TRIGGER - PERSON - {Trigger.RECOVER}),
    ("skip", "actionable", QUIET, {"context": {}}, NOISY | {Trigger.ROUTINE}),
    ("defer", "breaker", replace(QUIET, breaker=Breaker(5, 1, NOON + SECOND)), {}, EVERY_TRIGGER - PERSON),
    ("defer", "unattended", replace(QUIET, unattended_at=(NOON - SECOND,) * 20), {}, {Trigger.LIMIT_RESET}),
    ("defer", "stagger", replace(QUIET, other_started_at=NOON - SECOND, share=0.5), {}, EVERY_TRIGGER - PERSON),
]  # fmt: skip
"""What a rule says, when it speaks, and for wakes by whom; all others are let through."""
NAMES = [f"{one[0]} {one[1]}" for one in RULES]


def test_the_wake_that_ends_a_restore_waits_for_the_budget_for_nobody_is_there_to_be_asked():
    over = replace(QUIET, over_budget=Refused("spent", NOON + SECOND))
    closing = a_wakeup(Trigger.MANUAL, {"after": "restore"})
    verdict = judge(closing, over, GatePolicy())
    assert (verdict.decision, verdict.reason, verdict.until) == (Decision.DEFER, "spent", NOON + SECOND)
    asked_since = structs.replace(closing, context=merged_context(closing.context, {"message": "Go on."}))
    assert decided(asked_since, over) == ("ask", "budget"), "a person is there by now"


@pytest.mark.parametrize(
    ("decision", "rule", "facts", "wakeup", "speaks_for"), RULES, ids=[f"{one[0]} {one[1]}" for one in RULES]
)
def test_a_rule_speaks_for_those_it_is_about_and_for_nobody_else(
    decision: str, rule: str, facts: GateFacts, wakeup: dict[str, Any], speaks_for: set[Trigger]
):
    found = {trigger for trigger in Trigger if decided(a_wakeup(trigger, **wakeup), facts) == (decision, rule)}
    assert found == speaks_for


SPEAK_FOR_A_WEBHOOK = [one for one in RULES if Trigger.WEBHOOK in one[4]]


@pytest.mark.parametrize("at", range(len(SPEAK_FOR_A_WEBHOOK)))
def test_the_first_rule_that_speaks_decides(at: int):
    """All that speak for a webhook, from one rule on, at once: the first of these decides."""
    facts, wakeup = QUIET, dict[str, Any]()
    for _, _, changed, more, _ in SPEAK_FOR_A_WEBHOOK[at:]:
        fields = {name: getattr(changed, name) for name in GateFacts.__slots__}
        differ = {name: value for name, value in fields.items() if value != getattr(QUIET, name)}
        facts, wakeup = replace(facts, **differ), {**wakeup, **more}
    if SPEAK_FOR_A_WEBHOOK[at][1] == "held":
        facts = replace(facts, is_awake=False)  # an agent that runs need not be held back
    assert decided(a_wakeup(Trigger.WEBHOOK, **wakeup), facts) == SPEAK_FOR_A_WEBHOOK[at][:2]


@pytest.mark.parametrize(
    ("wakeup", "facts"),
    [
        (a_wakeup(Trigger.WEBHOOK, {}), replace(QUIET, has_open_tasks=True)),
        (a_wakeup(Trigger.WEBHOOK, {"message": "go on"}), QUIET),
        (a_wakeup(Trigger.WEBHOOK, {"goal_ancestry": [[{"id": "t"}]]}), QUIET),
        (a_wakeup(Trigger.WEBHOOK, {}, also=(Trigger.SCHEDULE,)), QUIET),
        (a_wakeup(Trigger.WEBHOOK, {}, also=(Trigger.MANUAL,)), replace(QUIET, woken_at=NOON, is_paused=True)),
        (a_wakeup(), replace(QUIET, over_budget=Refused("spent"))),
        (a_wakeup(Trigger.SCHEDULE), replace(QUIET, woken_at=NOON - 31 * SECOND)),
        (a_wakeup(Trigger.SCHEDULE), replace(QUIET, woken_at=NOON + timedelta(hours=1))),
        (a_wakeup(Trigger.FILE, created_at=NOON - 2 * SECOND), QUIET),
        (a_wakeup(Trigger.FILE, created_at=NOON - 30 * SECOND, last_asked_at=NOON), QUIET),
        (a_wakeup(), replace(QUIET, breaker=Breaker(5, 1, NOON))),
        (a_wakeup(), replace(QUIET, breaker=Breaker(4))),
        (a_wakeup(), replace(QUIET, other_started_at=NOON - 10 * SECOND)),
        (a_wakeup(), replace(QUIET, other_started_at=NOON, was_staggered=True)),
    ],
    ids=[
        "an open task", "a message", "a chain of goals", "a timer asked too", "a person asked too", "confirmed",
        "the cooldown is over", "the clock went back", "the burst is over", "a burst without end",
        "a trial", "too few failures", "nobody woke lately", "staggered before",
    ],
)  # fmt: skip
def test_what_a_rule_is_not_about_is_let_through(wakeup: Wakeup, facts: GateFacts):
    if facts.over_budget:
        wakeup = structs.replace(wakeup, context={"confirmed": True})
    assert decided(wakeup, facts) == ("wake", "due")


def test_what_is_put_off_says_until_when():
    def until(wakeup: Wakeup, facts: GateFacts) -> timedelta | None:
        verdict = judge(wakeup, facts, GatePolicy())
        return verdict.until - NOON if verdict.until else None

    assert until(a_wakeup(), replace(QUIET, woken_at=NOON - 10 * SECOND)) == 20 * SECOND
    assert until(a_wakeup(), replace(QUIET, breaker=Breaker(5, 1, NOON + 90 * SECOND))) == 90 * SECOND
    assert until(a_wakeup(), replace(QUIET, over_budget=Refused("spent", NOON + 9 * SECOND))) == 9 * SECOND
    assert until(a_wakeup(Trigger.FILE, created_at=NOON - SECOND), QUIET) == SECOND
    assert until(a_wakeup(Trigger.FILE, created_at=NOON - 29 * SECOND, last_asked_at=NOON), QUIET) == SECOND
    for share in (0.0, 0.3, 1.0):
        assert until(a_wakeup(), replace(QUIET, other_started_at=NOON, share=share)) == share * 10 * SECOND


@pytest.mark.parametrize("rule", ["debounce", "cooldown", "stagger"])
def test_a_wait_of_nothing_switches_its_rule_off(rule: str):
    facts = replace(QUIET, woken_at=NOON, other_started_at=NOON, breaker=Breaker())
    wakeup = a_wakeup(Trigger.FILE, created_at=NOON)
    found = set[str]()
    policy = GatePolicy()
    while (verdict := judge(wakeup, facts, policy)).decision is Decision.DEFER:
        found.add(verdict.rule)
        policy = replace(policy, **{f"{verdict.rule}_s": 0})
    assert rule in found


def test_a_verdict_reads_as_decision_rule_and_reason():
    assert str(judge(a_wakeup(also=(Trigger.FILE,)), QUIET, GatePolicy())) == "wake: due: asked for by schedule, file"
    assert str(Verdict(Decision.DEFER, "held", "only a person wakes this agent")).startswith("defer: held: only")


def test_after_so_many_unattended_wakes_the_next_waits_until_the_night_is_over():
    known = tuple(NOON - timedelta(hours=hours) for hours in (11, 8, 3))
    policy = GatePolicy(most_unattended_wakes=3)
    verdict = judge(a_wakeup(Trigger.LIMIT_RESET), replace(QUIET, unattended_at=known), policy)
    assert (verdict.rule, verdict.until) == ("unattended", NOON + timedelta(hours=1))
    assert decided(a_wakeup(Trigger.LIMIT_RESET), replace(QUIET, unattended_at=known[1:]), policy)[0] == "wake"
    one = judge(
        a_wakeup(Trigger.LIMIT_RESET), replace(QUIET, unattended_at=known[:1]), GatePolicy(most_unattended_wakes=1)
    )
    assert one.reason.startswith("1 agent was woken after a usage limit")
    by_person = a_wakeup(Trigger.LIMIT_RESET, also=(Trigger.MANUAL,))
    assert decided(by_person, replace(QUIET, unattended_at=known), policy)[0] == "wake"
    none = GatePolicy(most_unattended_wakes=0)
    assert judge(a_wakeup(Trigger.LIMIT_RESET), QUIET, none).decision is Decision.DEFER


def test_of_a_burst_an_agent_that_runs_is_told_once_it_is_over():
    awake, said = replace(QUIET, is_awake=True), {"message": "the build is red"}
    burst = a_wakeup(Trigger.WEBHOOK, said, created_at=NOON - SECOND)
    assert decided(burst, awake) == ("defer", "debounce")
    assert decided(burst, replace(awake, now=NOON + 2 * SECOND)) == ("skip", "already awake")
    assert decided(a_wakeup(Trigger.MANUAL, said, created_at=NOON - SECOND), awake) == ("skip", "already awake")
