"""Tasks and goals: what agents are to do, why, and how far each has come. A goal is a task that has parts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from hive_tui.domain.errors import HiveError

DEPTH = 16
"""So many tasks, from a goal without parent down to the last part, may be one below the other."""
TITLE_LETTERS = 120
GOAL_LETTERS = 4_000
SHORT_ID = 8


class TaskError(HiveError):
    """A task cannot be what was asked for; nothing was changed."""


class TaskStatus(StrEnum):
    """`open -> doing -> done | cancelled`; a finished task can be opened again."""

    OPEN = "open"
    DOING = "doing"
    DONE = "done"
    CANCELLED = "cancelled"


FINISHED = frozenset({TaskStatus.DONE, TaskStatus.CANCELLED})

FOLLOWS: Mapping[TaskStatus, frozenset[TaskStatus]] = {
    TaskStatus.OPEN: frozenset({TaskStatus.DOING, TaskStatus.DONE, TaskStatus.CANCELLED}),
    TaskStatus.DOING: frozenset({TaskStatus.OPEN, TaskStatus.DONE, TaskStatus.CANCELLED}),
    TaskStatus.DONE: frozenset({TaskStatus.OPEN}),
    TaskStatus.CANCELLED: frozenset({TaskStatus.OPEN}),
}
"""Which status may follow which. A status may always follow itself."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do. Times are aware UTC."""

    id: str
    goal: str
    """What is wanted, in as many lines as it takes."""
    title: str
    """One line for lists."""
    created_at: datetime
    updated_at: datetime
    parent_id: str | None = None
    """The goal of which this is a part."""
    agent_id: str | None = None
    """Whose task it is; None while it is nobody's."""
    status: TaskStatus = TaskStatus.OPEN
    done_at: datetime | None = None
    """When it was done or cancelled."""
    routine: str | None = None
    """The recurring routine that made it."""
    idempotency_key: str | None = None
    """A second task with this key is not made."""

    @property
    def short_id(self) -> str:
        """As much of the id as people type."""
        return self.id[:SHORT_ID]

    @property
    def is_finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.status in FINISHED


def checked_goal(goal: str) -> str:
    """The goal without control characters and outer blanks; bytes that are no UTF-8 are written as escapes.

    Raises:
        TaskError: It is empty, or longer than `GOAL_LETTERS`.
    """
    text = "".join(letter for letter in storable(goal) if letter in "\n\t" or letter.isprintable()).strip()
    if not text:
        raise TaskError("A task needs a goal.", hint='Say what is wanted: --goal "the tests pass".')
    if len(text) > GOAL_LETTERS:
        raise TaskError(
            f"The goal has {len(text)} characters, and {GOAL_LETTERS} is the most.",
            hint="Put the details into a file in the agent's folder, and name it.",
        )
    return text


def checked_title(title: str | None, goal: str) -> str:
    """One line for lists: the title, or the first line of the goal, cut to `TITLE_LETTERS`."""
    line = one_line(title or "") or one_line(goal.splitlines()[0])
    return line if len(line) <= TITLE_LETTERS else f"{line[: TITLE_LETTERS - 1].rstrip()}…"


def one_line(text: str) -> str:
    """The text in one line, without control characters; see `storable`."""
    return "".join(letter for letter in " ".join(storable(text).split()) if letter.isprintable())


def storable(text: str) -> str:
    """The text with bytes that are no UTF-8 written as escapes: SQLite takes no others."""
    return text.encode(errors="backslashreplace").decode()


def ancestry(task_id: str, tasks: Mapping[str, Task]) -> tuple[Task, ...]:
    """The chain from the topmost goal down to the task itself; empty if there is no such task.

    Ends where a parent is not among `tasks`, and where the chain would bite its own tail.
    """
    chain: list[Task] = []
    task = tasks.get(task_id)
    while task is not None and task not in chain:
        chain.append(task)
        task = tasks.get(task.parent_id) if task.parent_id is not None else None
    return tuple(reversed(chain))


def height(task_id: str, tasks: Collection[Task]) -> int:
    """How many tasks, itself counted, stand one below the other from this task down."""
    level, seen, count = {task_id}, {task_id}, 0
    while level:
        count += 1
        level = {one.id for one in tasks if one.parent_id in level} - seen
        seen |= level
    return count


def check_parent(task_id: str, parent: Sequence[Task], below: int = 1) -> None:
    """See that the task may become a part of another one.

    Args:
        task_id: The task.
        parent: The ancestry of the task that is to be its parent, that one included.
        below: The `height` of the task.

    Raises:
        TaskError: It would be above itself, too deep, or a part of something that is finished.
    """
    if any(one.id == task_id for one in parent):
        raise TaskError(
            f"The task {task_id[:SHORT_ID]} cannot be a part of itself.", hint="`hive-tui task list` shows the tree."
        )
    if len(parent) + below > DEPTH:
        raise TaskError(
            f"Tasks would stand {len(parent) + below} deep, and {DEPTH} is the most.",
            hint="Make it a part of a goal further up.",
        )
    if parent and parent[-1].is_finished:
        raise TaskError(
            f"The task {parent[-1].short_id} is {parent[-1].status}, so it gets no new parts.",
            hint=f"Open it again first: `hive-tui task reopen {parent[-1].short_id}`.",
        )


def check_status(task: Task, status: TaskStatus, parts: Sequence[Task]) -> None:
    """See that the task may get this status.

    Args:
        task: The task.
        status: What it is to be.
        parts: Its direct parts.

    Raises:
        TaskError: The status cannot follow, or the task has parts that are not finished.
    """
    if status is not task.status and status not in FOLLOWS[task.status]:
        raise TaskError(
            f"The task {task.short_id} is {task.status} and cannot become {status}.",
            hint=f"Open it again first: `hive-tui task reopen {task.short_id}`.",
        )
    left = [part for part in parts if not part.is_finished]
    if status is TaskStatus.DONE and left:
        named = ", ".join(part.short_id for part in left[:5])
        raise TaskError(
            f"The task {task.short_id} is not done: {len(left)} of its {len(parts)} parts are not ({named}).",
            hint="Finish or cancel them first.",
        )


def check_reopened(task: Task, status: TaskStatus, parent: Task | None) -> None:
    """See that no finished goal gets an unfinished part by opening a finished task again.

    Raises:
        TaskError: The goal of which the task is a part is finished.
    """
    if task.is_finished and status not in FINISHED and parent is not None and parent.is_finished:
        raise TaskError(
            f"The task {task.short_id} is a part of {parent.short_id}, which is {parent.status}.",
            hint=f"Open that one again first: `hive-tui task reopen {parent.short_id}`.",
        )
