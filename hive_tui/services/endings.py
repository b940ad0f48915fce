"""How an agent has ended whose process is gone: by itself, killed, or with its pane."""

from __future__ import annotations

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

SHELL_ANSWERS_S = 0.5
"""So long a shell may take to say what has become of its program; most take milliseconds."""
LOOK_AGAIN_S = 0.02


def ending_of(agent: Agent, kind: Kind, listed: PaneList, panes: Panes, clock: Clock) -> Ending:
    """What its pane tells of it; waits a moment for the shell, where only that can tell."""
    pane = listed.get(agent.pane)
    if pane is None:
        return Ending.GONE if agent.hosting is Hosting.COMMAND else Ending.CLOSED
    deadline = clock.monotonic() + SHELL_ANSWERS_S
    while True:
        try:
            # Who leaves by itself gives the screen back; a farewell above one that was kept is of an earlier exit.
            screen = None if pane.alternate_on else Screen(panes.capture(pane.id, history_lines=50))
        except TmuxError:
            return Ending.GONE if agent.hosting is Hosting.COMMAND else Ending.CLOSED
        is_clean = kind.left_cleanly(agent, screen)
        if is_clean is not None or clock.monotonic() >= deadline:
            left = is_clean or exit_of(agent, listed, panes, clock) == Exit(0)
            return Ending.QUIT if left else Ending.CRASHED
        clock.sleep(LOOK_AGAIN_S)


def exit_of(agent: Agent, listed: PaneList, panes: Panes, clock: Clock) -> Exit | None:
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
        wait_until(is_told, timeout_s=SHELL_ANSWERS_S, clock=clock, every_s=LOOK_AGAIN_S)
    return found
