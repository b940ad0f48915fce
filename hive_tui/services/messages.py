"""Says something to an agent: pasted into its input box, never where it could become a command."""

from collections.abc import Sequence

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError, NeedsPerson, WakeFailed
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock, Panes
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.kind import Kind
from hive_tui.kinds.screen import Screen

MESSAGE_OPTION = "@hive_message"
"""Pane option `<wakeup>:<count>`: so many messages of that wakeup were said, which a repeated attempt leaves out."""
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


class NotNow(WakeFailed):
    """The agent runs, and takes no message now; `what` says what it does instead."""


class Undelivered(NeedsPerson):
    """The agent runs, and nobody knows whether it has got the message."""


class Messenger:
    """Delivers each message at most once."""

    def __init__(self, panes: Panes, kinds: Kinds, clock: Clock) -> None:
        self._panes = panes
        self._kinds = kinds
        self._clock = clock

    def deliver(self, agent: Agent, pane: Pane, messages: Sequence[str], wakeup_id: str, *, busy: str) -> None:
        """Paste the messages that were not said yet into the agent's input box, and press Enter.

        Args:
            agent: Whom to tell.
            pane: Where it runs.
            messages: All messages of the wakeup, in order.
            wakeup_id: Whose messages they are.
            busy: What the agent does instead of waiting for input; empty if it waits.

        Raises:
            NotNow: The agent does not wait for input, or its box is not empty; a later attempt may find it so.
            Undelivered: It was pasted, and the input box does not show it.
            TmuxError: tmux refused something; nothing was sent off.
        """
        said = self._said(pane.id, wakeup_id)
        if len(messages) <= said:
            return
        kind = self._kinds.get(agent.kind)
        draft = "" if busy else kind.typed(Screen(self._panes.capture(pane.id)))
        why = busy or ("there is an unsent draft" if draft else "its pane is in copy mode" if pane.in_mode else "")
        if why:
            raise NotNow(f"{agent.name} gets the message later: {why}.", hint="It is kept, and said once it is idle.")
        self._panes.set_options(pane.id, {MESSAGE_OPTION: f"{wakeup_id}:{len(messages)}"})
        message = "\n\n".join(messages[said:])
        self._panes.paste(pane.id, message)
        # Enter too early would be taken as part of the paste by some agents.
        is_shown = wait_until(lambda: self._is_in_box(message, pane.id, kind), timeout_s=SHOWN_S, clock=self._clock)
        if kind.manifest.screen.prompt and not is_shown:
            # A dialog may have opened meanwhile, and Enter would answer it.
            raise Undelivered(
                f"The message was pasted into pane {pane.id} of {agent.name}, and its input box does not show it.",
                hint="Look at the pane, and press Enter there if all is well.",
            )
        self._panes.send_keys(pane.id, ["Enter"])

    def _said(self, pane_id: str, wakeup_id: str) -> int:
        """How many messages of the wakeup were said in this pane."""
        said_for, _, count = self._panes.option(pane_id, MESSAGE_OPTION).partition(":")
        return int(count) if said_for == wakeup_id and count.isdigit() else 0

    def _is_in_box(self, message: str, pane_id: str, kind: Kind) -> bool:
        """Whether the input box shows how the message begins, or the sign that agents put for long pastes."""
        draft = kind.typed(Screen(self._panes.capture(pane_id)))
        begins = message.strip().splitlines()[0].strip()[:HEAD_LETTERS] if message.strip() else ""
        return bool(draft) and draft.startswith((begins, "[Pasted"))
