"""What can be done with an agent: one table for keys, key bar, palette and help."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from msgspec import Struct

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.services.dashboard import AgentView

if TYPE_CHECKING:
    from hive_tui.ui.app import HiveApp

Refusal = Callable[[AgentView], str]
"""Why something cannot be done now, as a sentence; empty if it can."""


class Action(Struct, frozen=True):
    """One thing that a key does with agents."""

    name: str
    key: str
    label: str
    """One or two words for the key bar."""
    help: str
    """A sentence for help and palette."""
    refusal: Refusal
    do: Callable[["HiveApp", Agent], object]
    """Begins it, in the event loop."""
    for_marked: bool = False
    """Whether it is done with all marked agents, and not only with the one under the cursor."""
    is_exclusive: bool = False
    """Whether it waits until other such work on the same agent has ended."""
    more_keys: tuple[str, ...] = ()

    @property
    def keys(self) -> str:
        """All its keys, as bindings have them."""
        return ",".join((self.key, *self.more_keys))


def always(_: AgentView) -> str:
    """It can be done with any agent."""
    return ""


def if_awake(view: AgentView) -> str:
    """It needs a running agent."""
    agent = view.agent
    if agent.lifecycle is Lifecycle.AWAKE:
        return ""
    return f"{agent.name} is {said(agent)}; w wakes it."


def if_asleep(view: AgentView) -> str:
    """It needs an agent that does not run and has a conversation."""
    agent = view.agent
    if agent.lifecycle in (Lifecycle.AWAKE, Lifecycle.NAPPING, Lifecycle.WAKING):
        return f"{agent.name} is {said(agent)}."
    if agent.session_id is None:
        return f"{agent.name} has no conversation that could be resumed."
    return ""


def if_conversing(view: AgentView) -> str:
    """It needs an agent with a conversation, running or not."""
    agent = view.agent
    if agent.lifecycle is not Lifecycle.AWAKE and agent.session_id is None:
        return f"{agent.name} has no conversation that could be resumed."
    return ""


def if_saved(view: AgentView) -> str:
    """It needs a checkpoint."""
    if view.checkpoint is None:
        return f"{view.agent.name} has no checkpoint yet; c takes one."
    return ""


def said(agent: Agent) -> str:
    """An agent's state in a word or two."""
    return {Lifecycle.NAPPING: "going to sleep", Lifecycle.WAKING: "waking up", Lifecycle.AWAKE: "awake already"}.get(
        agent.lifecycle, str(agent.lifecycle)
    )


def _ask_message(app: "HiveApp", agent: Agent) -> None:
    from hive_tui.ui.asking import ask_message

    ask_message(app, agent)


def _ask_task(app: "HiveApp", agent: Agent) -> None:
    from hive_tui.ui.task_verbs import ask_task

    ask_task(app, agent)


def _ask_done(app: "HiveApp", agent: Agent) -> None:
    from hive_tui.ui.task_verbs import ask_done

    ask_done(app, agent)


def _ask_effects(app: "HiveApp", agent: Agent) -> None:
    from hive_tui.ui.effect_verbs import ask_effects

    ask_effects(app, agent)


AGENT_ACTIONS = (
    Action(
        "nap", "z", "Nap", "Checkpoint, verify, then end its processes", if_awake,
        lambda app, agent: app.verbs.nap(agent), for_marked=True, is_exclusive=True,
    ),
    Action(
        "wake", "w", "Wake", "The same conversation in the same pane", if_asleep,
        lambda app, agent: app.verbs.wake(agent), for_marked=True, is_exclusive=True, more_keys=("v",),
    ),
    Action(
        "visit", "enter", "Go to pane", "Switch to its pane, or attach from outside", always,
        lambda app, agent: app.run_worker(app.travel.go(agent)),
    ),
    Action(
        "message", "m", "Message", "Say something to it; wakes it if it sleeps", if_conversing,
        _ask_message,
    ),
    Action(
        "checkpoint", "c", "Checkpoint", "Take a checkpoint; it runs on", if_awake,
        lambda app, agent: app.verbs.checkpoint(agent), for_marked=True, is_exclusive=True,
    ),
    Action(
        "restore", "R", "Restore", "Go back to the generation before, after a question", if_saved,
        lambda app, agent: app.verbs.restore(agent), is_exclusive=True,
    ),
    Action(
        "validate", "V", "Validate", "Read its newest checkpoint back", if_saved,
        lambda app, agent: app.verbs.validate(agent), for_marked=True, is_exclusive=True,
    ),
    Action(
        "explain", "e", "Explain", "Why it is in its state, and what a nap or wake would do", always,
        lambda app, _: app.explain(),
    ),
    Action(
        "task", "T", "Task", "Give it something to do, and wake it for that", always,
        _ask_task,
    ),
    Action(
        "done", "D", "Done", "Say that one of its tasks is done", always,
        _ask_done,
    ),
    Action(
        "effects", "E", "Effects", "Say whether its side effects have happened that were cut off", always,
        _ask_effects,
    ),
    Action(
        "cancel", "x", "Cancel", "Stop what is in flight for it, or its wakes in the queue", always,
        lambda app, agent: app.verbs.queue.cancel_of(agent.id, agent.name), for_marked=True,
    ),
    Action(
        "retry", "r", "Retry", "Try its waiting or failed wake now", always,
        lambda app, agent: app.verbs.queue.retry_of(agent), for_marked=True,
    ),
    Action(
        "pin", "p", "Pin", "Never put it to sleep unasked, or undo that", always,
        lambda app, agent: app.verbs.pin(agent), for_marked=True,
    ),
    Action(
        "hold", "N", "Hold", "Do not wake it unasked, or undo that", always,
        lambda app, agent: app.verbs.hold(agent), for_marked=True,
    ),
)  # fmt: skip
BY_NAME = {action.name: action for action in AGENT_ACTIONS}
