"""When an agent that waits for its person waits for something else than before."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from hive_tui.domain.agents import NEEDS_PERSON, Activity, Agent

CALLS = NEEDS_PERSON | {Activity.LIMITED}
"""What an agent does not get out of without a person; on the way into it, the person is told."""
WORTH_A_CALL = timedelta(minutes=15)
"""A limit of some seconds may be told at each of many attempts, each time with another end."""
CALLS_FOR = " needs you: "
"""Between name and reason, in the text of a call."""
ASKS = re.compile(r"(?P<rule>.+?): (?P<question>.*\?.*)")
"""A reason that quotes a question: what has seen it, and the line."""


def is_new_call(before: Agent, after: Agent, zone_of: Callable[[Agent], tzinfo]) -> bool:
    """Whether an awake agent begins to wait for its person, or for something else than it has waited for.

    Args:
        before: As it was known.
        after: As it is seen now.
        zone_of: An agent's own zone.
    """
    if after.activity not in CALLS:
        return False
    if after.activity is not before.activity:
        return True
    if after.activity is Activity.LIMITED:
        return _is_other_limit(before, after, zone_of)
    return is_another_question(before.reason, after.reason)


def is_another_question(before: str, now: str) -> bool:
    """Whether two reasons of the same state quote different questions.

    Of two sources, or of a dialog that quotes no question, nobody knows whether they speak of the same.
    """
    first, second = ASKS.fullmatch(before), ASKS.fullmatch(now)
    if first is None or second is None or first["rule"] != second["rule"]:
        return False
    return _letters(first["question"]) != _letters(second["question"])


def span_of(
    agent: Agent, activity: Activity, reason: str, at: datetime, zone_of: Callable[[Agent], tzinfo]
) -> tuple[str, datetime]:
    """The reason of an awake agent, and since when it is in the state that this reason is about.

    A limit keeps the words from which its end is reckoned, for as long as it is the same one: what is left until
    then is told from the moment in which it is said.

    Args:
        agent: As it was known, awake.
        activity: What it does now.
        reason: What is seen of that now.
        at: Now, aware UTC.
        zone_of: An agent's own zone.
    """
    if activity is not agent.activity:
        return reason, at
    if reason == agent.reason:
        return reason, agent.since_at
    if activity is Activity.LIMITED:
        return _limit_again(agent, reason, at, zone_of)
    is_anew = activity in NEEDS_PERSON and is_another_question(agent.reason, reason)
    return reason, at if is_anew else agent.since_at


def _is_other_limit(before: Agent, after: Agent, zone_of: Callable[[Agent], tzinfo]) -> bool:
    """Whether the end of its limit has moved so far that its person plans anew; one that was not known, was told."""
    if after.reason == before.reason:
        return False
    first, second = (_resets_at(one, one.reason, one.since_at, zone_of) for one in (before, after))
    if first is None or second is None:
        return False
    return abs(second - first) >= WORTH_A_CALL and second - after.since_at >= WORTH_A_CALL


def _limit_again(agent: Agent, reason: str, at: datetime, zone_of: Callable[[Agent], tzinfo]) -> tuple[str, datetime]:
    from hive_tui.domain.limits import is_past_banner, is_same

    before = _resets_at(agent, agent.reason, agent.since_at, zone_of)
    now = _resets_at(agent, reason, at, zone_of)
    if now is None:
        return reason, agent.since_at
    if before is not None and (is_same(before, now) or is_past_banner(before, now, at)):
        return agent.reason, agent.since_at
    return reason, at


def _resets_at(agent: Agent, reason: str, said_at: datetime, zone_of: Callable[[Agent], tzinfo]) -> datetime | None:
    from hive_tui.domain.limits import parse_limit  # its patterns are needed by few looks

    limit = parse_limit(reason, said_at=said_at, zone=zone_of(agent))
    return limit.resets_at if limit is not None else None


def _letters(line: str) -> str:
    return "".join(letter for letter in line if letter.isalnum())
