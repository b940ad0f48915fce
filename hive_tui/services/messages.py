"""Says something to an agent: pasted into its input box, never where it could become a command."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.agents import Agent
from hive_tui.domain.durations import counted
from hive_tui.domain.effects import (
    Effect,
    EffectKind,
    EffectState,
    EffectUnknown,
    Ending,
    NewEffect,
    Verdict,
    nobody_knows,
)
from hive_tui.domain.errors import HiveError, NeedsPerson, TmuxError, WakeFailed
from hive_tui.domain.events import HEARTBEAT
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock, Panes
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.kind import Kind
from hive_tui.kinds.screen import Screen
from hive_tui.services.message_probe import MESSAGE_OPTION, is_draft_of, message_probe, opened, pasting

if TYPE_CHECKING:
    from hive_tui.services.effects import Attempt, EffectLog

SHOWN_S = 3.0
SENT_S, ENTERS = 1.0, 4
"""So long an input box may still show what was sent off, and so often Enter is pressed: some agents take one that comes
within 40 ms of a paste for a part of it."""
GONE_S = 0.3
"""So long a box must have been left by a message: one that is drawn anew may lack it for a moment."""
SETTLED_S = 3.0
"""So long a trace is waited for of a message that was cut off."""
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
    """Delivers each message once. Where a crash leaves it open whether one was said, a person is asked.

    `effects` gives the log of side effects: made when something is said, since every start makes a messenger.
    """

    def __init__(self, panes: Panes, kinds: Kinds, effects: "Callable[[], EffectLog]", clock: Clock) -> None:
        self._panes = panes
        self._kinds = kinds
        self._effects = effects
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
            Undelivered: It was pasted, and the input box does not show it; or a crash came in between, and nothing
                shows whether it was said.
            TmuxError: tmux refused something; nothing was sent off.
        """
        kind = self._kinds.get(agent.kind)
        said = self._said(agent, pane, wakeup_id, kind, busy)
        if len(messages) <= said:
            return
        draft = "" if busy else kind.typed(Screen(self._panes.capture(pane.id)))
        why = busy or ("there is an unsent draft" if draft else "its pane is in copy mode" if pane.in_mode else "")
        if why:
            raise NotNow(f"{agent.name} gets the message later: {why}.", hint="It is kept, and said once it is idle.")
        message, key = "\n\n".join(messages[said:]), f"message:{wakeup_id}:{len(messages)}"
        probe = message_probe(agent, pane, key, message)
        new = NewEffect(
            key,
            EffectKind.MESSAGE,
            f"pane {pane.id} of {agent.name}",
            {"message": message, "agent": agent.id},
            f"say {counted(len(messages) - said, 'message')} to {agent.name} ({counted(len(message), 'letter')})",
            agent.id,
            probe,
        )
        try:
            self._effects().run(new, lambda attempt: self._paste(attempt, agent, pane, kind, message))
            with suppress(TmuxError):  # its end is written down, and nobody asks the pane any more
                self._panes.set_options(pane.id, {str(probe["option"]): None})
        except EffectUnknown as error:
            raise Undelivered(error.what, hint=error.hint) from error

    def _said(self, agent: Agent, pane: Pane, wakeup_id: str, kind: Kind, busy: str) -> int:
        """How many messages of the wakeup were said; what was cut off is brought to its end first.

        Raises:
            Undelivered: Nothing shows whether one was said.
        """
        done = [0]
        effects = {int(one.key.rpartition(":")[2]): one for one in self._effects().under(f"message:{wakeup_id}:")}
        for number, effect in effects.items():
            if self._settled(effect, agent, pane, kind, busy).state is EffectState.DONE:
                done.append(number)
        marked_for, _, count = self._panes.option(pane.id, MESSAGE_OPTION).partition(":")
        if marked_for == wakeup_id and count.isdigit() and int(count) not in effects:
            done.append(int(count))  # said by a version that had no log of effects
        return max(done)

    def _settled(self, effect: Effect, agent: Agent, pane: Pane, kind: Kind, busy: str) -> Effect:
        """One whose end is known; a message that was pasted and not sent off is sent off now."""
        if effect.state.is_ended:
            return effect
        if self._effects().is_running(effect):
            raise NotNow(f"{agent.name} gets the message later: another process is saying it.")
        is_at_prompt = not busy and bool(kind.manifest.screen.prompt)

        def stands_in_box() -> bool:
            return is_at_prompt and is_draft_of(effect.probe, kind.typed(Screen(self._panes.capture(pane.id))))

        def shows_something() -> bool:
            return stands_in_box() or self._effects().verdict(effect) is not Verdict.NOBODY_KNOWS

        # An agent may take a moment until it shows what it was sent, or writes it down.
        if effect.state is EffectState.INTENT:
            wait_until(shows_something, timeout_s=SETTLED_S, clock=self._clock)
        if stands_in_box():
            self._panes.send_keys(pane.id, ["Enter"])
            note = "it stood in the input box, and was sent off"
            return self._effects().resolve(effect.key, happened=True, actor=HEARTBEAT, note=note)
        settled = self._effects().settle(effect)
        if settled.state is EffectState.UNKNOWN:
            error = nobody_knows(settled)
            raise Undelivered(error.what, hint=error.hint)
        return settled

    def _paste(self, attempt: "Attempt", agent: Agent, pane: Pane, kind: Kind, message: str) -> Ending:
        self._panes.set_options(pane.id, opened(attempt.effect))
        attempt.begins()
        if not self._panes.paste(pane.id, message, pasting(attempt.effect)):
            raise NotNow(f"{agent.name} gets the message later: another process took this one for dead.")
        # Enter too early would be taken as part of the paste by some agents.
        is_shown = wait_until(lambda: self._is_in_box(message, pane.id, kind), timeout_s=SHOWN_S, clock=self._clock)
        if kind.manifest.screen.prompt and not is_shown:
            # A dialog may have opened meanwhile, and Enter would answer it.
            raise Undelivered(
                f"The message was pasted into pane {pane.id} of {agent.name}, and its input box does not show it.",
                hint="Look at the pane, and press Enter there if all is well.",
            )
        self._send_off(agent, pane, kind, message)
        return Ending(EffectState.DONE)

    def _send_off(self, agent: Agent, pane: Pane, kind: Kind, message: str) -> None:
        """Press Enter until the box holds the message no more; only ever while it does, since Enter answers dialogs.

        An agent that shows no box while it works leaves the message above what it does.
        """
        prompt = kind.manifest.screen.prompt
        was_passed = Screen(self._panes.capture(pane.id)).has_passed(prompt)

        def is_sent() -> bool:
            screen = Screen(self._panes.capture(pane.id))
            return not _holds(kind, screen, message) or (screen.has_passed(prompt) and not was_passed)

        for _ in range(ENTERS):
            self._panes.send_keys(pane.id, ["Enter"])
            if wait_until(is_sent, timeout_s=SENT_S, clock=self._clock, every_s=0.02):
                self._clock.sleep(GONE_S)
                if is_sent():
                    return
        raise Undelivered(
            f"The message stands in the input box of {agent.name} in pane {pane.id}, and Enter does not send it off.",
            hint="Look at the pane, and press Enter there if all is well.",
        )

    def _is_in_box(self, message: str, pane_id: str, kind: Kind) -> bool:
        return _holds(kind, Screen(self._panes.capture(pane_id)), message)


def _holds(kind: Kind, screen: Screen, message: str) -> bool:
    """Whether the input box shows how the message begins, or the sign that agents put for long pastes."""
    draft = kind.typed(screen)
    begins = message.strip().splitlines()[0].strip()[:HEAD_LETTERS] if message.strip() else ""
    return bool(draft) and draft.startswith((begins, "[Pasted"))
