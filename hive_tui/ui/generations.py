"""The generations of an agent as lines. Pure."""

from collections.abc import Sequence

from rich.text import Text

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.contents import content
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.services.dashboard import AgentHistory
from hive_tui.ui.format import local, printable

HOW_TO = "R compares generation 1 with what is there now, shows what would change, and asks. 3 lists all checkpoints."


def generation_lines(agent: Agent, history: AgentHistory, width: int, changes: Sequence[str] = ()) -> list[Text]:
    """A line a checkpoint, newest first: generation, validity, age, size, reason, and what is in it.

    Args:
        agent: Whose they are.
        history: With its checkpoints.
        width: Columns for each line.
        changes: What a restore would change.
    """
    if not history.checkpoints:
        return [Text(f"{agent.name} has no checkpoint yet. Every nap takes one, and so does c.")]
    lines = [Text(f"  gen  {'state':9}  {'age':>7}  {'size':>8}  {'why':11} content", style="bold")]
    for one in history.checkpoints:
        start = "▶" if one.id == agent.checkpoint_id else " "
        age = in_words(history.at - one.created_at)
        line = Text(f"{start} {one.generation:>3}  ")
        state, style = _state(one)
        line.append(f"{state:9}", style=style)
        line.append(f"  {age:>7}  {bytes_in_words(one.size_bytes):>8}  {one.reason:11} {content(one)}")
        lines.append(line)
        lines += [Text(f"       {error}", style="red") for error in one.validation_errors[:2]]
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    newest = history.checkpoints[0]
    lines += [Text(""), Text(f"▶ a wake starts from here. The newest is of {local(newest.created_at):%d %b %H:%M:%S}.")]
    lines.append(Text(HOW_TO))
    lines += [Text(""), *(Text(printable(line)) for line in changes)] if changes else []
    return lines


def _state(one: Checkpoint) -> tuple[str, str]:
    """Word and colour; one that a drill has restored is more than valid."""
    if not one.is_valid:
        return "✕ damaged", "red"
    return ("✓ proven", "bold green") if one.proven_at is not None else ("✓ valid", "green")
