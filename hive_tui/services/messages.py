"""Says something to an agent: pasted into its input box, never where it could become a command."""

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError, NeedsPerson, WakeFailed
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock, Panes
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.screen import Screen

MESSAGE_OPTION = "@hive_message"
"""Pane option: the wakeup whose message was delivered, so that a repeated attempt does not say it twice."""
SHOWN_S = 3.0
HEAD_LETTERS = 12
"""So much of a message fits into one line of any input box."""


def checked(message: str) -> str:
    """The message, if it may be said to an agent.

    Raises:
        HiveError: It begins like a command of an agent's input box.
    """
    if message.lstrip().startswith(("/", "!")):
        raise HiveError(
            f"The message {message[:40]!r} begins with {message.lstrip()[0]!r}, which agents take for a command.",
            hint="Begin it with a word; commands are for you to type in the pane.",
        )
    return message


class Messenger:
    """Delivers messages at most once."""

    def __init__(self, panes: Panes, kinds: Kinds, clock: Clock) -> None:
        self._panes = panes
        self._kinds = kinds
        self._clock = clock

    def deliver(self, agent: Agent, pane: Pane, message: str, wakeup_id: str, *, is_ready: bool) -> None:
        """Paste the message into the agent's input box and press Enter.

        Raises:
            WakeFailed: The agent does not wait for input, or its box is not empty; a later attempt may find it so.
        """
        if self._panes.option(pane.id, MESSAGE_OPTION) == wakeup_id:
            return
        prompt = self._kinds.get(agent.kind).manifest.screen.prompt
        draft = Screen(self._panes.capture(pane.id)).draft(prompt) if prompt else ""
        if not is_ready or draft or pane.in_mode:
            why = "there is an unsent draft" if draft else "it does not wait for input"
            raise WakeFailed(f"{agent.name} is awake, but the message was not delivered: {why}.", hint="It is kept.")
        self._panes.set_options(pane.id, {MESSAGE_OPTION: wakeup_id})
        self._panes.paste(pane.id, message)
        # Enter too early would be taken as part of the paste by some agents.
        is_shown = wait_until(lambda: self._is_in_box(message, pane.id, prompt), timeout_s=SHOWN_S, clock=self._clock)
        if prompt and not is_shown:
            # A dialog may have opened meanwhile, and Enter would answer it.
            raise NeedsPerson(
                f"The message was pasted into pane {pane.id} of {agent.name}, and its input box does not show it.",
                hint="Look at the pane, and press Enter there if all is well.",
            )
        self._panes.send_keys(pane.id, ["Enter"])

    def _is_in_box(self, message: str, pane_id: str, prompt: str) -> bool:
        """Whether the input box shows how the message begins, or the sign that agents put for long pastes."""
        draft = Screen(self._panes.capture(pane_id)).draft(prompt) if prompt else ""
        begins = message.strip().splitlines()[0].strip()[:HEAD_LETTERS] if message.strip() else ""
        return bool(draft) and draft.startswith((begins, "[Pasted"))
