"""What is remembered between two looks at the machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hive_tui.domain.processes import cpu_share

if TYPE_CHECKING:
    from hive_tui.domain.agents import PaneRef
    from hive_tui.domain.panes import Pane
    from hive_tui.domain.processes import ProcessId, ProcessTable
    from hive_tui.domain.settling import Settling
    from hive_tui.kinds.kind import Kind
    from hive_tui.kinds.screen import Screen
    from hive_tui.services.found import Found


@dataclass(slots=True)
class Memory:
    """What is remembered between looks, so that a look at idle panes costs next to nothing."""

    argv: dict[tuple[ProcessId, str], tuple[str, ...]] = field(default_factory=dict)
    kinds: dict[tuple[str, ...], Kind | None] = field(default_factory=dict)
    """By command line."""
    environ: dict[ProcessId, Mapping[str, str]] = field(default_factory=dict)
    kept_env: dict[ProcessId, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    screens: dict[PaneRef, tuple[int, Screen]] = field(default_factory=dict)
    ticks: dict[ProcessId, tuple[float, Mapping[ProcessId, int]]] = field(default_factory=dict)
    """By agent, when it was looked at last, and the CPU ticks that its processes had used then."""
    anonymous: dict[ProcessId, tuple[int, int]] = field(default_factory=dict)
    """CPU ticks that a process had used, and the bytes that it held then."""
    settling: dict[ProcessId, Settling] = field(default_factory=dict)

    def cpu_share(self, found: Found, ticks_per_s: int, now_s: float) -> float | None:
        """What an agent used of a core since it was looked at last; None at the first look."""
        known = self.ticks.get(found.root.id)
        return cpu_share(known[1], found.tree, ticks_per_s, now_s - known[0]) if known is not None else None

    def remember_ticks(self, found: Sequence[Found], now_s: float) -> None:
        """For the next `cpu_share` of these."""
        for one in found:
            self.ticks[one.root.id] = now_s, {process.id: process.cpu_ticks for process in one.tree}

    def forget_all_but(self, table: ProcessTable, panes: Iterable[Pane]) -> None:
        """Drop what belongs to processes and panes that are gone."""
        self.argv = {key: value for key, value in self.argv.items() if table.is_alive(key[0])}
        lines = set(self.argv.values())
        self.kinds = {argv: kind for argv, kind in self.kinds.items() if argv in lines}
        self.environ = {key: value for key, value in self.environ.items() if table.is_alive(key)}
        self.kept_env = {key: value for key, value in self.kept_env.items() if key in self.environ}
        self.anonymous = {key: value for key, value in self.anonymous.items() if table.is_alive(key)}
        self.settling = {key: value for key, value in self.settling.items() if table.is_alive(key)}
        self.ticks = {key: value for key, value in self.ticks.items() if table.is_alive(key)}
        there = {pane.ref for pane in panes}
        self.screens = {ref: value for ref, value in self.screens.items() if ref in there}
