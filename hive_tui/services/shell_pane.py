"""A pane that a user's shell hosts: may something be typed into it now?"""

from collections.abc import Sequence

from hive_tui.adapters.clock import wait_until
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock, Panes, Processes
from hive_tui.domain.processes import Process, ProcessTable
from hive_tui.domain.prompts import PromptLine, is_empty
from hive_tui.services.found import is_interactive_shell

REDRAWS_ON_CTRL_L = frozenset({"bash", "zsh", "fish"})
PROMPT_PATIENCE_S = 5.0


class ShellPane:
    """One pane, looked at anew with each question."""

    def __init__(self, pane_id: str, panes: Panes, processes: Processes, clock: Clock) -> None:
        self._id = pane_id
        self._panes = panes
        self._processes = processes
        self._clock = clock

    def pane(self) -> Pane | None:
        """The pane as it is now; None if it is gone."""
        return next((pane for pane in self._panes.list().panes if pane.id == self._id), None)

    def foreground_shell(self, pane: Pane) -> Process | None:
        """The interactive shell that has the keyboard; None if another program has it."""
        table = self._processes.table()
        for process in table.tree(pane.pid):
            if process.pgrp == process.tpgid:
                return process if is_interactive_shell(self._processes.argv(process.pid)) else None
        return None

    def is_between_programs(self) -> bool:
        """Whether nobody has the keyboard: a large program that was killed takes a moment to be gone."""
        pane = self.pane()
        if pane is None or pane.is_dead:
            return False
        return all(process.pgrp != process.tpgid for process in self._processes.table().tree(pane.pid))

    def refusal(self, remembered: PromptLine | None) -> str:
        """Why nothing may be typed into the pane now; empty if it may.

        Args:
            remembered: The prompt line as it was with nothing typed.
        """
        pane = self.pane()
        if pane is None:
            return "the pane is gone"
        if pane.is_dead:
            return "the pane's program has ended"
        if pane.in_mode:
            return "the pane is in copy mode"
        if pane.is_synchronized:
            return "what is typed there goes to other panes too (synchronize-panes)"
        if self.foreground_shell(pane) is None:
            return f"another program is in the foreground ({self._foreground_name(pane)})"
        if not is_empty(self.line(pane), remembered):
            return "something is typed at its prompt, or it cannot be told that nothing is"
        return ""

    def line(self, pane: Pane) -> PromptLine:
        """The line at the cursor."""
        lines = self._panes.capture(pane.id, colour=False).splitlines()
        return PromptLine.at_cursor(lines[pane.cursor_y] if pane.cursor_y < len(lines) else "", pane.cursor_x)

    def settled_prompt(self) -> PromptLine | None:
        """Wait until the shell is back and has drawn its prompt; None if it does not come to rest.

        Only of use right after a program has ended: then nothing can be typed yet.
        """
        seen: list[PromptLine | None] = [None, None]

        def is_settled() -> bool:
            pane = self.pane()
            here = pane is not None and not pane.is_dead and self.foreground_shell(pane) is not None
            seen.append(self.line(pane) if pane is not None and here else None)
            return seen[-1] is not None and bool(seen[-1].before) and seen[-1] == seen[-2] == seen[-3]

        if wait_until(is_settled, timeout_s=PROMPT_PATIENCE_S, clock=self._clock, every_s=0.1):
            return seen[-1]
        return None

    def has_text_below(self) -> bool:
        """Whether something stands below the prompt: a program that drew there has not wiped it when it left."""
        pane = self.pane()
        lines = self._panes.capture(pane.id, colour=False).splitlines() if pane is not None else []
        return pane is not None and any(line.strip() for line in lines[pane.cursor_y + 1 :])

    def clean_up(self, remembered: PromptLine | None = None, *, is_lost: bool = False) -> bool:
        """Leave the terminal modes of a program that was killed, and let the shell draw its prompt anew.

        False where that cannot be, since no shell waits there.

        Types no text: the modes are written to the terminal, and Ctrl-L only redraws.

        Args:
            remembered: The prompt line as it was with nothing typed.
            is_lost: There is no prompt at the cursor: something has written behind it.
        """
        pane = self.pane()
        shell = self.foreground_shell(pane) if pane is not None and not pane.is_dead else None
        if pane is None or shell is None or pane.in_mode:
            return False  # the modes of a program that runs are its own
        is_spoilt = is_lost or pane.alternate_on or self.has_text_below() or self._is_drawn_over(pane, remembered)
        self._panes.reset_terminal(pane.id, pane.tty)
        if is_spoilt and _shell_name(self._processes.argv(shell.pid)) in REDRAWS_ON_CTRL_L:
            self._panes.send_keys(pane.id, ["C-l"])
            self.settled_prompt()
        return True

    def _is_drawn_over(self, pane: Pane, remembered: PromptLine | None) -> bool:
        """Whether the prompt stands on a line that still shows what a killed program drew there."""
        line = self.line(pane)
        bare = PromptLine(line.before, remembered.after if remembered else "")
        return line != bare and is_empty(bare, remembered)

    def _foreground_name(self, pane: Pane) -> str:
        table: ProcessTable = self._processes.table()
        for process in table.tree(pane.pid):
            if process.pgrp == process.tpgid:
                return process.comm
        return "unknown"


def _shell_name(argv: Sequence[str]) -> str:
    return argv[0].lstrip("-").rsplit("/", 1)[-1] if argv else ""
