"""What each change of a task does within its transaction."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import uuid4

from msgspec import structs

from hive_tui.domain.agents import Agent
from hive_tui.domain.events import Actor, Event, EventKind
from hive_tui.domain.goals import without_task
from hive_tui.domain.task_state import TaskState
from hive_tui.domain.tasks import (
    FINISHED,
    Task,
    TaskError,
    TaskStatus,
    ancestry,
    check_parent,
    check_reopened,
    check_status,
    height,
)
from hive_tui.domain.wakeups import Wakeup, WakeupStatus, chains_of
from hive_tui.services import producers
from hive_tui.services.producers import Producer
from hive_tui.services.queue import enqueue_within
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, wakeups
from hive_tui.store import tasks as store


@dataclass(frozen=True, slots=True)
class Given:
    """A task after a change, and the wake that it asked for."""

    task: Task
    wakeup: Wakeup | None = None
    """None where nobody has to be woken for it."""
    note: str = ""
    """Why nothing was changed, if nothing was."""


@dataclass(frozen=True, slots=True)
class Change:
    """A transaction, and the events that are published after it."""

    db: sqlite3.Connection
    now: datetime
    max_attempts: int
    events: list[Event]

    def log(self, kind: EventKind, text: str, agent_id: str | None, actor: Actor, task: Task | None = None) -> None:
        """Write an event down; it is published after the commit."""
        event = Event(kind, text, agent_id, actor, payload={"task_id": task.id} if task else {})
        journal.log(self.db, event, now=self.now)
        self.events.append(event)

    def wake(self, producer: Producer, task: Task, actor: Actor) -> Wakeup | None:
        """Ask for the wake of the task's agent, if it has one."""
        if task.agent_id is None:
            return None
        new = producer(chain_of(self.db, task.id), task.agent_id, self.now)
        new = structs.replace(new, max_attempts=self.max_attempts)
        enqueued, event = enqueue_within(self.db, new, str(uuid4()), actor, now=self.now)
        self.events.append(event)
        return enqueued.wakeup

    def name_of(self, agent_id: str) -> str:
        """The name of an agent.

        Raises:
            NotFound: There is none with that id.
        """
        return agent_store.get(self.db, agent_id).name


def chain_of(db: sqlite3.Connection, task_id: str) -> tuple[Task, ...]:
    """The chain from the topmost goal down to the task.

    Raises:
        NotFound: There is no such task.
    """
    task = store.get(db, task_id)
    return ancestry(task.id, store.lineage(db, task.id))


def add(change: Change, task: Task, producer: Producer, actor: Actor) -> Given:
    """Enter the task and ask for the wake of its agent; see `TaskBoard.add`."""
    known = store.by_key(change.db, task.idempotency_key) if task.idempotency_key else None
    if known is not None:
        return Given(known, note="a task with this key is there already")
    if task.parent_id is not None:
        above = chain_of(change.db, task.parent_id)
        check_parent(task.id, above)
        task = replace(task, parent_id=above[-1].id)
    whose = f" for {change.name_of(task.agent_id)}" if task.agent_id else ""
    store.add(change.db, task)
    by = f" by the routine {task.routine}" if task.routine else ""
    change.log(EventKind.TASK_ADDED, f"A task was added{by}{whose}: {task.title}", task.agent_id, actor, task)
    return Given(task, change.wake(producer, task, actor))


def split(change: Change, task_id: str, parts: Sequence[Task], actor: Actor) -> list[Given]:
    """Enter the parts; see `TaskBoard.split`."""
    whole = store.get(change.db, task_id)
    there = {(one.goal, one.agent_id): one for one in store.parts(change.db, whole.id) if not one.is_finished}
    given: list[Given] = []
    for part in parts:
        wanted = replace(part, agent_id=part.agent_id or whole.agent_id)
        known = there.get((wanted.goal, wanted.agent_id))
        note = "this part is there already"
        given.append(Given(known, note=note) if known else add(change, wanted, producers.goal, actor))
        there[wanted.goal, wanted.agent_id] = given[-1].task
    return given


def assign(change: Change, task_id: str, agent_id: str | None, actor: Actor, again: bool) -> Given:
    """Give the task to another agent, or to nobody; see `TaskBoard.assign`."""
    task = store.get(change.db, task_id)
    if task.agent_id == agent_id and not (again and agent_id):
        whose = f"is {change.name_of(agent_id)}'s" if agent_id else "is nobody's"
        return Given(task, note=f"it {whose} already; nobody is asked again")
    if task.is_finished:
        raise TaskError(
            f"The task {task.short_id} is {task.status} and is given to nobody any more.",
            hint=f"Open it again first: `hive-tui task reopen {task.short_id}`.",
        )
    if task.agent_id == agent_id:
        return _ask_again(change, task, actor)
    to = f"given to {change.name_of(agent_id)}" if agent_id else "taken back; it is nobody's now"
    _do_not_tell(change, task)
    assigned = store.put(change.db, replace(task, agent_id=agent_id), now=change.now)
    change.log(EventKind.TASK_ASSIGNED, f"The task “{task.title}” was {to}", agent_id or task.agent_id, actor, assigned)
    return Given(assigned, change.wake(producers.assignment, assigned, actor))


def _ask_again(change: Change, task: Task, actor: Actor) -> Given:
    for wakeup in wakeups.unfinished_wakes(change.db, task.agent_id or ""):
        if any(chain[-1]["id"] == task.id for chain in chains_of(wakeup.context)):
            return Given(task, wakeup, note="a wake that tells of it is under way already")
    return Given(task, change.wake(producers.assignment, task, actor))


def _do_not_tell(change: Change, task: Task) -> None:
    """Take the task out of what its agent is going to be told, where no attempt to tell it was made yet.

    The wake itself stays: it may be there for other reasons, too, and one attempt may have said it already.
    """
    for wakeup in wakeups.unfinished_wakes(change.db, task.agent_id) if task.agent_id else ():
        if wakeup.status is WakeupStatus.PENDING and wakeup.attempts == 0:
            wakeups.set_context(change.db, wakeup.id, without_task(wakeup.context, task.id))


def set_status(change: Change, task_id: str, status: TaskStatus, actor: Actor) -> list[Task]:
    """Change the status; see `TaskBoard.set_status`."""
    task = store.get(change.db, task_id)
    check_status(task, status, store.parts(change.db, task.id))
    above = store.get(change.db, task.parent_id) if task.parent_id else None
    check_reopened(task, status, above)
    below = store.below(change.db, task.id) if status is TaskStatus.CANCELLED else []
    changed = [one for one in (task, *below) if one.status is not status and (one is task or not one.is_finished)]
    now = [_give_status(change, one, status, actor) for one in changed]
    if task.is_finished and now and not now[0].is_finished:
        change.wake(producers.assignment, now[0], actor)
    return now


def _give_status(change: Change, task: Task, status: TaskStatus, actor: Actor) -> Task:
    is_finished = status in FINISHED
    if is_finished:
        _do_not_tell(change, task)
    changed = replace(task, status=status, done_at=change.now if is_finished else None)
    change.log(EventKind.TASK_CHANGED, f"The task “{task.title}” is {status}", task.agent_id, actor, task)
    return store.put(change.db, changed, now=change.now)


def move(change: Change, task_id: str, parent_id: str | None, actor: Actor) -> Task:
    """Put the task below another one; see `TaskBoard.move`."""
    task = store.get(change.db, task_id)
    parent: tuple[Task, ...] = ()
    if parent_id is not None:
        parent = chain_of(change.db, parent_id)
        check_parent(task.id, parent, height(task.id, store.below(change.db, task.id)))
    moved = replace(task, parent_id=parent[-1].id if parent else None)
    if moved.parent_id == task.parent_id:
        return task
    where = f"a part of “{parent[-1].title}” now" if parent else "a goal of its own now"
    change.log(EventKind.TASK_CHANGED, f"The task “{task.title}” is {where}", task.agent_id, actor, task)
    return store.put(change.db, moved, now=change.now)


def note(
    change: Change, agent: Agent, changed: Callable[[TaskState], TaskState], clear: bool, actor: Actor
) -> TaskState:
    """Write the agent's state down as `changed` makes it; see `TaskBoard.note`."""
    before = store.state(change.db, agent.id)
    after = changed(TaskState(agent.id) if clear else before)
    if replace(after, updated_at=before.updated_at) == before:
        return before
    doing = f"is at: {after.step}" if after.step else "wrote down how far it is"
    change.log(EventKind.TASK_STATE, f"{agent.name} {doing}", agent.id, actor)
    return store.put_state(change.db, after, now=change.now)
