"""The tasks of an agent as lines: how far it is, what it works on and what for. Pure."""

from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from hive_tui.domain.durations import in_words
from hive_tui.domain.task_state import TaskState
from hive_tui.domain.tasks import Task, TaskStatus
from hive_tui.services.dashboard import AgentTasks
from hive_tui.ui.format import printable

MARKS = {TaskStatus.OPEN: "○", TaskStatus.DOING: "◐", TaskStatus.DONE: "✓", TaskStatus.CANCELLED: "✕"}
NEWEST_STEPS = 5


def task_lines(name: str, tasks: AgentTasks, width: int) -> list[Text]:
    """What stands on the page of tasks.

    Args:
        name: The agent.
        tasks: What was read of it.
        width: Columns for each line; steps are cut, goals are not.
    """
    lines = _state_lines(tasks.state, name, tasks.at)
    cut = len(lines) if tasks.state.updated_at is not None else 0
    for chain in tasks.chains:
        lines += ["", *_chain_lines(chain)]
    if not tasks.chains:
        lines += ["", f"{name} has no task. T gives it one, and wakes it."]
    else:
        lines += ["", "T gives it another task, D says that one is done."]
    texts = [line if isinstance(line, Text) else Text(printable(line)) for line in lines]
    for text in texts[:cut]:
        text.truncate(width, overflow="ellipsis")
    return texts


def _state_lines(state: TaskState, name: str, at: datetime) -> list[Text | str]:
    if state.updated_at is None:
        return [f"Nothing is written down yet of how far {name} is."]
    failed = ", ".join(f"{tag} ×{count}" for tag, count in state.failures.items())
    return [
        Text(printable(f"now     {state.step or '-'}"), style="bold"),
        f"next    {'; '.join(state.next_steps) or '-'}",
        f"done    {'; '.join(state.done_steps[-NEWEST_STEPS:]) or '-'}",
        f"failed  {failed or '-'}",
        f"        written down {in_words(at - state.updated_at)} ago",
    ]


def _chain_lines(chain: Sequence[Task]) -> list[Text | str]:
    """The goal at the top, then what of it, down to the agent's own task."""
    lines: list[Text | str] = []
    for depth, one in enumerate(chain):
        is_own = depth == len(chain) - 1
        text = f"{'  ' * depth}{MARKS[one.status]} {one.title}"
        lines.append(Text(printable(f"{text}  ({one.status})" if is_own else text), style="bold" if is_own else ""))
    return lines
