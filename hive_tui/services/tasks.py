"""Tasks and goals: changes to them, and the wakes that these ask for."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Concatenate, ParamSpec, TypeVar
from uuid import uuid4

from hive_tui.domain.agents import Agent
from hive_tui.domain.events import Actor
from hive_tui.domain.ports import Clock
from hive_tui.domain.task_state import TaskState, checked_step, with_done_step, with_failure, with_next_step, with_step
from hive_tui.domain.tasks import (
    Task,
    TaskError,
    TaskStatus,
    checked_goal,
    checked_title,
    one_line,
)
from hive_tui.services import producers
from hive_tui.services import task_changes as changes
from hive_tui.services.hub import Hub
from hive_tui.services.task_changes import Given
from hive_tui.store.database import Database

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a goal."""

    goal: str
    agent_id: str | None = None
    """Who is to do it; None takes the agent of the goal itself."""


class TaskBoard:
    """Each change is one transaction with the wakes that it asks for: both survive a power cut, or neither."""

    def __init__(
        self, database: Database, ring: Callable[[], None], clock: Clock, hub: Hub, *, max_attempts: int = 5
    ) -> None:
        self._database = database
        self._ring = ring
        self._clock = clock
        self._hub = hub
        self._max_attempts = max_attempts

    def add(
        self,
        goal: str,
        actor: Actor,
        *,
        title: str | None = None,
        parent_id: str | None = None,
        agent_id: str | None = None,
        key: str | None = None,
    ) -> Given:
        """Enter a task; wakes its agent, if it has one (`assignment`).

        Args:
            goal: What is wanted.
            actor: Who adds it.
            title: One line for lists; None takes the first line of the goal.
            parent_id: The goal of which it is a part.
            agent_id: Whose task it is.
            key: A task that was added under the same key before stands for it, and nobody is woken again.

        Raises:
            TaskError: The goal is empty or too long, or the task cannot be a part of its parent.
            NotFound: There is no such parent.
        """
        task = self._new(goal, title, parent_id, agent_id, key)
        return self._change(changes.add, task, producers.assignment, actor)

    def routine(
        self,
        name: str,
        goal: str,
        agent_id: str,
        actor: Actor,
        *,
        occurrence: str | None = None,
        title: str | None = None,
        parent_id: str | None = None,
    ) -> Given:
        """Enter the task that a recurring routine makes, and wake its agent (`routine`).

        Args:
            name: The routine.
            goal: What is wanted this time.
            agent_id: Who is to do it.
            actor: Who runs the routine.
            occurrence: Names this run, for example by its date: a second delivery of it changes nothing.
            title: One line for lists.
            parent_id: The goal that the routine serves.

        Raises:
            TaskError, NotFound: As `add`.
        """
        named = one_line(name)
        if not named:
            raise TaskError("A routine needs a name.", hint="Say --routine NAME.")
        key = f"routine:{named}:{occurrence}" if occurrence else None
        task = replace(self._new(goal, title, parent_id, agent_id, key), routine=named)
        return self._change(changes.add, task, producers.routine, actor)

    def split(self, task_id: str, parts: Sequence[Part], actor: Actor) -> list[Given]:
        """Decompose a goal: enter its parts, and wake the agent of each (`goal`).

        A part that is there already, unfinished and for the same agent, is not made again.

        Raises:
            TaskError: A part is empty or too long, or stands too deep; no part is entered then.
            NotFound: There is no such task.
        """
        new = [self._new(part.goal, None, task_id, part.agent_id, None) for part in parts]
        return self._change(changes.split, task_id, new, actor)

    def assign(self, task_id: str, agent_id: str | None, actor: Actor, *, again: bool = False) -> Given:
        """Give the task to an agent and wake it (`assignment`), or take it back from the one that has it.

        An agent that has it already is asked again only with `again`, and if no wake for it waits. One that had it
        and was not told yet is not told any more.

        Raises:
            TaskError: The task is finished.
            NotFound: There is no such task.
        """
        return self._change(changes.assign, task_id, agent_id, actor, again)

    def set_status(self, task_id: str, status: TaskStatus, actor: Actor) -> list[Task]:
        """Change how far a task is; those that changed, itself first. Cancelling cancels its unfinished parts, too.
        A finished task that is opened again wakes its agent (`assignment`).

        Raises:
            TaskError: The status cannot follow, or a task with unfinished parts would be done.
            NotFound: There is no such task.
        """
        return self._change(changes.set_status, task_id, status, actor)

    def move(self, task_id: str, parent_id: str | None, actor: Actor) -> Task:
        """Make the task, with all below it, a part of another one, or a goal of its own. Nobody is woken.

        Raises:
            TaskError: It would be above itself, too deep, or a part of a finished task.
            NotFound: There is no such task.
        """
        return self._change(changes.move, task_id, parent_id, actor)

    def note(
        self,
        agent: Agent,
        actor: Actor,
        *,
        step: str | None = None,
        done: Sequence[str] = (),
        next_steps: Sequence[str] = (),
        failed: Sequence[str] = (),
        clear: bool = False,
    ) -> TaskState:
        """Write down how far the agent has come; done steps count before the current one.

        Args:
            agent: Whose state it is.
            actor: Who writes it down.
            step: What it does now.
            done: Steps that it has completed.
            next_steps: Steps that could come next.
            failed: Reason tags of failures, each counted once more.
            clear: Forget what was written down before.

        Raises:
            TaskError: A text is empty or too long; nothing is written down then.
        """

        def changed(state: TaskState) -> TaskState:
            for text in done:
                state = with_done_step(state, checked_step(text))
            for text in next_steps:
                state = with_next_step(state, checked_step(text))
            for tag in failed:
                state = with_failure(state, checked_step(tag))
            return state if step is None else with_step(state, checked_step(step))

        return self._change(changes.note, agent, changed, clear, actor)

    def ancestry(self, task_id: str) -> tuple[Task, ...]:
        """The chain from the topmost goal down to the task.

        Raises:
            NotFound: There is no such task.
        """
        return self._database.read(changes.chain_of, task_id)

    def _new(self, goal: str, title: str | None, parent_id: str | None, agent_id: str | None, key: str | None) -> Task:
        now = self._clock.now()
        text = checked_goal(goal)
        named = one_line(key) if key else None
        return Task(
            str(uuid4()), text, checked_title(title, text), now, now, parent_id, agent_id, idempotency_key=named
        )

    def _change(self, work: Callable[Concatenate[changes.Change, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        def run(db: sqlite3.Connection) -> tuple[T, changes.Change]:
            change = changes.Change(db, self._clock.now(), self._max_attempts, [])
            return work(change, *args, **kwargs), change

        result, change = self._database.write(run)
        self._hub.publish(*change.events)
        if change.events:
            self._ring()
        return result
