"""What a wakeup says of tasks: the chain from the goal down to each, in its context and in words."""

from collections.abc import Mapping, Sequence
from typing import Any

from hive_tui.domain.tasks import SHORT_ID, Task
from hive_tui.domain.wakeups import GOAL_ANCESTRY, MESSAGE, chains_of, context_saying, messages_of

ABOVE_LETTERS = 400
"""So much of each goal above is told; `hive-tui task show` has all of it."""

Link = Mapping[str, Any]
"""One task of a chain: its `id`, `title` and `goal`."""


def telling(chain: Sequence[Task]) -> dict[str, Any]:
    """The context of a wakeup for the last task of the chain: the chain itself, and what the agent is told of it."""
    links = [{"id": task.id, "title": task.title, "goal": task.goal} for task in chain]
    return {GOAL_ANCESTRY: [links], MESSAGE: told(links)}


def told(chain: Sequence[Link]) -> str:
    """What the agent is told of a task: what it is, and what for. Begins with a word, never like a command."""
    *above, task = chain
    short_id = str(task["id"])[:SHORT_ID]
    lines = [f"Your task {short_id}: {task['title']}"]
    if task["goal"] != task["title"]:
        lines.append(f"Wanted: {task['goal']}")
    if above:
        lines += ["It serves, from the goal down:", *(f"{number}. {_of(one)}" for number, one in enumerate(above, 1))]
    lines.append(f"When it is done, run: hive-tui task done {short_id}")
    return "\n".join(lines)


def without_task(context: Mapping[str, Any], task_id: str) -> dict[str, Any]:
    """The context without the chains down to this task, and without what would have been told of it."""
    chains = chains_of(context)
    gone = [told(chain) for chain in chains if chain[-1]["id"] == task_id]
    messages = [message for message in messages_of(context) if message not in gone]
    return context_saying(context, messages, [chain for chain in chains if chain[-1]["id"] != task_id])


def _of(link: Link) -> str:
    goal = " ".join(str(link["goal"]).split())
    text = goal if goal.startswith(str(link["title"])) else f"{link['title']}: {goal}"
    return text if len(text) <= ABOVE_LETTERS else f"{text[: ABOVE_LETTERS - 1]}…"
