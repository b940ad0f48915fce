"""An agent's process in a pane, and how it stands there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from hive_tui.domain.agents import Hosting

if TYPE_CHECKING:
    from hive_tui.domain.panes import Pane
    from hive_tui.domain.processes import Process, ProcessId, ProcessTable
    from hive_tui.kinds.kind import Kind

SHELLS = frozenset({"bash", "zsh", "fish", "sh", "dash", "ksh", "mksh", "tcsh", "csh", "nu", "elvish", "xonsh"})
SHELL_OPTIONS_WITH_VALUE = frozenset({"--rcfile", "--init-file", "-o", "+o", "-O", "+O", "--config", "--env-config"})


@dataclass(frozen=True, slots=True)
class Found:
    """An agent's process in a pane, not yet read."""

    kind: Kind
    pane: Pane
    root: Process
    tree: tuple[Process, ...]
    shared: tuple[ProcessId, ...]
    hosting: Hosting


def is_in_front(found: Found) -> bool:
    """Whether the agent has the keyboard of its pane; a tool of its own may have it for a moment."""
    groups = {process.pgrp for process in found.tree}
    return found.hosting is Hosting.COMMAND or found.root.tpgid in groups


def hosting_of(root: Process, pane: Pane, table: ProcessTable, argv: Callable[[Process], Sequence[str]]) -> Hosting:
    """Whether an interactive shell stands above the agent, which stays when it exits."""
    if root.pid == pane.pid:
        return Hosting.COMMAND
    above = table.ancestors(root.pid, until=pane.pid)
    return Hosting.SHELL if any(is_interactive_shell(argv(process)) for process in above) else Hosting.COMMAND


def is_interactive_shell(argv: Sequence[str]) -> bool:
    """Whether a command line is that of a shell at a prompt, not of one that runs a script or `-c`."""
    if not argv or PurePath(argv[0].lstrip("-")).name not in SHELLS:
        return False
    words = iter(argv[1:])
    for word in words:
        if word in SHELL_OPTIONS_WITH_VALUE:
            next(words, None)
        elif not word.startswith(("-", "+")) or (word[:2] != "--" and "c" in word[1:]):
            return False
    return True
