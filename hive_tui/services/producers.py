"""What asks for wakes: one function for each kind of producer. `WakeupQueue.enqueue` takes what they make.

Wakes for tasks need no idempotency key: they are asked for in the transaction that changes the task, and only
where it changes.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from hive_tui.domain.goals import telling
from hive_tui.domain.routines import LOOK_BACK, Routine
from hive_tui.domain.tasks import Task
from hive_tui.domain.wakeups import MESSAGE, NewWakeup, Trigger

Producer = Callable[[Sequence[Task], str, datetime], NewWakeup]
"""Makes the wake of an agent at a time, for the last task of a chain that begins with the goal."""


def manual(
    agent_id: str,
    at: datetime,
    *,
    message: str | None = None,
    key: str | None = None,
    key_window: timedelta | None = None,
    priority: int | None = None,
    max_attempts: int = 5,
) -> NewWakeup:
    """A person asks; the message, if there is one, was checked (`services.messages.checked`)."""
    context = {MESSAGE: message} if message else {}
    return NewWakeup(
        agent_id,
        Trigger.MANUAL,
        at,
        priority=priority,
        idempotency_key=key,
        key_window=key_window,
        max_attempts=max_attempts,
        context=context,
    )


def assignment(chain: Sequence[Task], agent_id: str, at: datetime) -> NewWakeup:
    """The last task of the chain was given to the agent."""
    return _for_task(Trigger.ASSIGNMENT, chain, agent_id, at)


def routine(chain: Sequence[Task], agent_id: str, at: datetime) -> NewWakeup:
    """A recurring routine has made the last task of the chain for the agent."""
    return _for_task(Trigger.ROUTINE, chain, agent_id, at)


def recurring(routine: Routine, due_at: datetime, at: datetime) -> NewWakeup:
    """A recurring routine wakes its agent without a task, as a timer does; a second delivery of one run is known."""
    context = {"routine": routine.name, **({MESSAGE: routine.message} if routine.message else {})}
    key = routine.key_of(due_at)
    return NewWakeup(routine.agent_id, Trigger.SCHEDULE, at, idempotency_key=key, key_window=LOOK_BACK, context=context)


def goal(chain: Sequence[Task], agent_id: str, at: datetime) -> NewWakeup:
    """A goal was split into parts, of which the agent is to do the last task of the chain."""
    return _for_task(Trigger.GOAL, chain, agent_id, at)


def _for_task(trigger: Trigger, chain: Sequence[Task], agent_id: str, at: datetime) -> NewWakeup:
    return NewWakeup(agent_id, trigger, at, context=telling(chain))
