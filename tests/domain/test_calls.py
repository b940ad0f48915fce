"""When an agent that waits for its person calls: on the way into it, and for each thing that it waits for once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.events import Event, EventKind
from tests.builders import NOON, a_pane, a_sighting, an_agent
from tests.domain.looks import LATER, changes, only, seen

PERMISSION, QUESTION, LIMITED = Activity.PERMISSION, Activity.QUESTION, Activity.LIMITED
OF_FIVE_HOURS = "the last answer is a usage limit: ⎿ You've hit your 5-hour limit · resets 2pm (UTC)"
WEEKLY = "the last answer is a usage limit: ⎿ You've hit your weekly limit · resets Jan 8 at 9am (UTC)"


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 1, 5, hour, minute, second, tzinfo=UTC)


def looks(before: Agent, activity: Activity, detail: str, when: datetime = LATER) -> tuple[Agent, Event | None]:
    """The agent after a look, and the call."""
    found = changes([before], seen(a_sighting(activity=activity, detail=detail), at=when))
    if not found:
        return before, None
    change = only(found)
    assert change.after is not None
    return change.after, change.event


@pytest.mark.parametrize("watched", [True, False])
def test_an_agent_that_begins_to_wait_for_a_person_calls_once(watched: bool):
    asks = a_sighting(activity=PERMISSION, detail="it waits", pane=a_pane(is_watched=watched))
    (change,) = changes([an_agent()], seen(asks))
    assert change.event is not None and change.after is not None
    assert (change.event.kind, change.event.payload["watched"]) == (EventKind.AGENT_NEEDS_YOU, watched)
    assert looks(change.after, PERMISSION, "it waits for the same, by another source")[1] is None


def test_an_agent_that_works_again_calls_nobody():
    assert looks(an_agent(activity=QUESTION), Activity.WORKING, "it streams")[1] is None


@pytest.mark.parametrize(
    ("before", "now"), [(PERMISSION, QUESTION), (QUESTION, PERMISSION), (LIMITED, PERMISSION), (QUESTION, LIMITED)]
)
def test_an_agent_that_was_answered_and_waits_for_something_else_calls_anew(before: Activity, now: Activity):
    after, call = looks(an_agent(activity=before, reason="it waits"), now, "it waits for something else")
    assert call is not None and call.kind is EventKind.AGENT_NEEDS_YOU
    assert (call.payload["activity"], after.since_at) == (now, LATER)


@pytest.mark.parametrize(
    ("before", "now", "is_another"),
    [
        ("a prompt is open: Do you want to edit a.py?", "a prompt is open: Do you want to edit b.py?", True),
        ("a prompt is open: ❯ Do you want to edit a.py?", "a prompt is open:  Do you  want to edit a.py?", False),
        ("its hook told PermissionRequest at 12:00:05 UTC", "its hook told Notification at 12:00:11 UTC", False),
        ("its hook told PermissionRequest at 12:00:05 UTC", "a prompt is open: Do you want to edit a.py?", False),
        ("a prompt is open: △ Permission required", "a prompt is open: Allow once   Allow always", False),
    ],
    ids=["another question", "the same, drawn anew", "two hooks", "two sources", "two parts of a dialog"],
)
def test_another_dialog_is_told_by_the_question_that_it_asks(before: str, now: str, is_another: bool):
    after, call = looks(an_agent(activity=PERMISSION, reason=before), PERMISSION, now)
    assert (call is not None) is is_another
    assert after.since_at == (LATER if is_another else NOON)


# --- limits ---------------------------------------------------------------------------------------------------------


def limited(reason: str, since_at: datetime = NOON, **facts: Any) -> Agent:
    return an_agent(activity=LIMITED, reason=reason, since_at=since_at, **facts)


@pytest.mark.parametrize(("first", "second"), [(OF_FIVE_HOURS, WEEKLY), (WEEKLY, OF_FIVE_HOURS)])
def test_another_limit_while_the_first_lasts_calls_once(first: str, second: str):
    after, call = looks(limited(first), LIMITED, second)
    assert call is not None and call.payload["activity"] == "limited"
    assert (after.reason, after.since_at) == (second, LATER)
    assert looks(after, LIMITED, second, LATER + timedelta(minutes=1))[1] is None


def test_a_countdown_is_one_limit_that_keeps_its_end():
    said = "usage limit reached, try again in {} minutes"
    agent = limited(said.format(120))
    for minute in (1, 2, 40, 119):
        when = NOON + timedelta(minutes=minute, seconds=31)
        agent, call = looks(agent, LIMITED, said.format(120 - minute), when)
        assert call is None
    assert (agent.reason, agent.since_at) == (said.format(120), NOON)


def test_seconds_between_two_readings_make_no_other_limit():
    agent, call = looks(limited("usage limit resets 14:00:00 UTC"), LIMITED, "usage limit resets 14:00:07 UTC")
    assert (call, agent.since_at) == (None, NOON)
    later, call = looks(agent, LIMITED, "usage limit resets 14:10:00 UTC")
    assert (call, later.since_at) == (None, LATER), "it moves, and is not worth a call"
    assert looks(agent, LIMITED, "usage limit resets 14:15:00 UTC")[1] is not None


def test_a_limit_that_is_told_anew_at_each_attempt_moves_its_end_and_calls_nobody():
    agent = limited("rate limits: try again in 20s")
    for minute in (3, 6, 60):
        when = NOON + timedelta(minutes=minute)
        agent, call = looks(agent, LIMITED, f"rate limits: try again in {20 + minute}s", when)
        assert (call, agent.since_at) == (None, when)


def test_the_banner_of_a_limit_that_has_just_ended_is_not_the_one_of_tomorrow():
    before = limited("usage limit reached, resets 14:00 UTC")
    assert looks(before, LIMITED, "usage limit reached, resets 14:00 UTC · or wait", at(14, 1, 30))[1] is None


def test_an_end_that_is_told_only_now_is_reckoned_from_now_and_is_no_other_limit():
    agent, call = looks(limited("its hook told StopFailure at 12:00:00 UTC"), LIMITED, "limit reached, resets in 2h")
    assert call is None
    assert agent.since_at == LATER, "the two hours begin now"


def test_two_readings_are_compared_in_the_zone_of_the_agent():
    """Read as UTC the first would end at 16:00 of this day, and the second, said after that, a day later."""
    look = seen(a_sighting(activity=LIMITED, detail="limit reached, resets 4pm · wait"), at=at(17))
    before = limited("limit reached, resets 4pm", at(15, 30))
    assert only(changes([before], look)).event is not None
    assert changes([before], replace(look, zone_of=lambda _: ZoneInfo("America/New_York"))) == []
