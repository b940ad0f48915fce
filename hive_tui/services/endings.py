"""How an agent has ended whose process is gone: by itself, killed, or with its pane."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.agents import Hosting
from hive_tui.domain.errors import TmuxError
from hive_tui.domain.panes import Exit
from hive_tui.domain.reconcile import Ending
from hive_tui.kinds.screen import Screen

if TYPE_CHECKING:
    from hive_tui.domain.agents import Agent
    from hive_tui.domain.panes import PaneList
    from hive_tui.domain.ports import Clock, Panes
    from hive_tui.kinds.kind import Kind

SHELLS_ANSWER_S = 0.5
"""So long shells may take to say what has become of their programs; most take milliseconds."""
LOOK_AGAIN_S = 0.02


class Patience:
    """What one look waits in all, however many agents have ended: the others are to be seen meanwhile."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._deadline: float | None = None

    def wait(self, condition: Callable[[], bool]) -> bool:
        """Wait for it as long as there is time left, which begins with the first wait; whether it came true."""
        now = self._clock.monotonic()
        if self._deadline is None:
            self._deadline = now + SHELLS_ANSWER_S
        left_s = max(0.0, self._deadline - now)
        return wait_until(condition, timeout_s=left_s, clock=self._clock, every_s=LOOK_AGAIN_S)


def ending_of(agent: Agent, kind: Kind, listed: PaneList, panes: Panes, patience: Patience) -> Ending:
    """What its pane tells of it; waits a moment for the shell, where only that can tell."""
    pane = listed.get(agent.pane)
    if pane is None:
        return Ending.GONE if agent.hosting is Hosting.COMMAND else Ending.CLOSED
    is_clean: bool | None = None

    def is_told() -> bool:
        nonlocal is_clean
        # Who leaves by itself gives the screen back; a farewell above one that was kept is of an earlier exit.
        screen = None if pane.alternate_on else Screen(panes.capture(pane.id, history_lines=50))
        is_clean = kind.left_cleanly(agent, screen)
        return is_clean is not None

    try:
        patience.wait(is_told)
    except TmuxError:
        return Ending.GONE if agent.hosting is Hosting.COMMAND else Ending.CLOSED
    told = None if is_clean else exit_of(agent, listed, panes, patience)
    if is_clean or told == Exit(0):
        return Ending.QUIT
    is_untold = told is None and is_clean is None and agent.session_id is None and not kind.tells_its_end
    return Ending.UNTOLD if is_untold else Ending.CRASHED


def exit_of(agent: Agent, listed: PaneList, panes: Panes, patience: Patience) -> Exit | None:
    """How an agent that was its pane's own command has ended; waits a moment for tmux, where only that can tell.

    None where it was not, or where tmux does not say.
    """
    pane = listed.get(agent.pane)
    if pane is None or agent.hosting is not Hosting.COMMAND:
        return None
    found: Exit | None = None

    def is_told() -> bool:
        nonlocal found
        found = panes.exit_of(pane.id)
        return found is not None

    with suppress(TmuxError):
        patience.wait(is_told)
    return found
