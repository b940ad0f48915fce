"""Ends an agent the way its kind wants, and makes sure that it is gone."""

import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from hive_tui.adapters.clock import wait_until
from hive_tui.adapters.handles import Open, open_in, open_on_host
from hive_tui.domain.agents import Activity, Agent, Hosting
from hive_tui.domain.errors import TmuxError
from hive_tui.domain.ports import Clock, Panes, Processes
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.sightings import Sighting
from hive_tui.kinds.kind import Kind
from hive_tui.kinds.screen import Screen

AFTER_TERM_S = 3.0
AFTER_KILL_S = 2.0
KEYS_SHOW_S = 2.0
CARD_SHOWS_S = 1.0
QUIET = frozenset({Activity.IDLE, Activity.LIMITED, Activity.ERROR})
AGENT_OPTION = "@hive_agent"
"""Pane option: the id of the agent whose pane it is."""
WAKEUP_OPTION = "@hive_wakeup"
"""Pane option: the id of the wakeup that started what runs there."""
REMAIN_ON_EXIT = "remain-on-exit"
REMAIN_BEFORE = "@hive_remain"
"""Pane option: what `remain-on-exit` of the pane was before a nap."""
CARD = "remain-on-exit-format"


@dataclass(frozen=True, slots=True)
class Ended:
    """What ending an agent gave."""

    processes: int
    """How many processes are gone."""
    freed_bytes: int
    """Anonymous memory that they held."""
    left: tuple[ProcessId, ...]
    """Processes that not even SIGKILL has ended."""
    was_killed: bool
    """Whether a signal had to end what should have left by itself, so that it could not tidy its terminal."""
    open: Mapping[str, int | None] = field(default_factory=dict)
    """Open files and connections of its processes before and after, for the metrics."""


class Ender:
    """Ends processes one by one, by pid and start time; never a group, never one that other panes share."""

    def __init__(self, panes: Panes, processes: Processes, clock: Clock) -> None:
        self._panes = panes
        self._processes = processes
        self._clock = clock

    def end(self, sighting: Sighting, kind: Kind) -> Ended:
        """Ask the agent to exit, wait, and end what is left of its tree."""
        tree = self._tree_now(sighting)
        memory = {process: self._processes.anonymous_bytes(process.pid) for process in tree}
        before = open_in(process.pid for process in tree)
        root = sighting.root.id
        was_killed = not self._leaves_when_asked(sighting, kind)
        if was_killed:
            self._end_one_by_one([root])
        self._end_one_by_one([process for process in tree if process != root])
        left = tuple(process for process in tree if self._processes.is_alive(process))
        freed = sum(size for process, size in memory.items() if process not in left)
        after = open_in(process.pid for process in left)
        return Ended(len(tree) - len(left), freed, left, was_killed, _opened(before, after))

    def await_end(self, process: ProcessId, patience_s: float) -> bool:
        """Give a process that was asked to exit some time for it; whether it is gone."""
        return self._wait_for_end([process], patience_s)

    def finish(self, processes: list[ProcessId]) -> None:
        """End what an interrupted nap has left of a tree whose root is gone."""
        self._end_one_by_one(processes)

    def _tree_now(self, sighting: Sighting) -> list[ProcessId]:
        """The remembered tree and what was started since, without what is shared."""
        table = self._processes.table()
        shared = set(sighting.shared)
        now = [process.id for process in table.tree(sighting.root.pid) if process.id not in shared]
        remembered = [process for process in sighting.tree if table.is_alive(process) and process not in now]
        return [process for process in (*now, *remembered) if process not in shared]

    def _leaves_when_asked(self, sighting: Sighting, kind: Kind) -> bool:
        """Whether the root process is gone after it was asked in the way of its kind."""
        rules = kind.manifest.quit
        by_keys = rules.method == "keys" and self._type_quit(sighting, kind)
        if not by_keys:
            self._processes.signal(sighting.root.id, signal.SIGTERM)
        return self.await_end(sighting.root.id, rules.patience_s)

    def _type_quit(self, sighting: Sighting, kind: Kind) -> bool:
        """Type the quit command; only where it cannot be added to a draft or end up in another place."""
        if sighting.draft or sighting.activity not in QUIET or sighting.pane.in_mode or sighting.pane.is_synchronized:
            return False
        pane_id = sighting.pane.id
        try:
            for key in kind.manifest.quit.keys:
                if key.startswith("<"):
                    self._panes.send_keys(pane_id, [key.strip("<>")])
                else:
                    self._panes.send_keys(pane_id, ["-l", "--", key])
                    if not self._shows(pane_id, kind, key):
                        self._panes.send_keys(pane_id, ["C-u"])
                        return False
        except TmuxError:
            return False
        return True

    def _shows(self, pane_id: str, kind: Kind, text: str) -> bool:
        """Wait until the typed text stands in the input line: Enter before that would submit something else."""
        return wait_until(
            lambda: kind.typed(Screen(self._panes.capture(pane_id))) == text,
            timeout_s=KEYS_SHOW_S,
            clock=self._clock,
        )

    def _end_one_by_one(self, processes: list[ProcessId]) -> None:
        for number, patience_s in ((signal.SIGTERM, AFTER_TERM_S), (signal.SIGKILL, AFTER_KILL_S)):
            alive = [process for process in processes if self._processes.is_alive(process)]
            if not alive:
                return
            for process in alive:
                self._processes.signal(process, number)
            self._wait_for_end(alive, patience_s)

    def _wait_for_end(self, processes: list[ProcessId], patience_s: float) -> bool:
        return wait_until(
            lambda: not any(self._processes.is_alive(process) for process in processes),
            timeout_s=patience_s,
            clock=self._clock,
        )


def _opened(before: Open, after: Open) -> Mapping[str, int | None]:
    return {
        "handles_before": before.handles,
        "handles_after": after.handles,
        "connections_before": before.connections,
        "connections_after": after.connections,
        "host_handles_after": open_on_host(),
    }


def keep_pane_open(panes: Panes, sighting: Sighting, card: str) -> None:
    """See to it that a pane whose own command is the agent stays when it exits, and shows a card."""
    if sighting.hosting is not Hosting.COMMAND:
        return
    before = panes.option(sighting.pane.id, REMAIN_ON_EXIT)
    panes.set_options(sighting.pane.id, {REMAIN_BEFORE: before or "unset", REMAIN_ON_EXIT: "on"})
    with suppress(TmuxError):  # before tmux 3.3 the text cannot be chosen; "Pane is dead" is shown
        panes.set_options(sighting.pane.id, {CARD: card.replace("#", "##")})


def await_card(panes: Panes, pane_id: str, clock: Clock) -> None:
    """Give tmux a moment to draw the card of a pane whose command has ended."""
    with suppress(TmuxError):  # the pane went with its window; a wake builds another one
        wait_until(lambda: panes.exit_of(pane_id) is not None, timeout_s=CARD_SHOWS_S, clock=clock)


def make_card(panes: Panes, pane_id: str, card: str, clock: Clock) -> None:
    """Turn a pane that was just built into one that waits, without a process, for its agent."""
    panes.set_options(pane_id, {REMAIN_BEFORE: "unset", REMAIN_ON_EXIT: "on"})
    with suppress(TmuxError):
        panes.set_options(pane_id, {CARD: card.replace("#", "##")})
    panes.respawn(pane_id, "true", cwd="/", env={}, options={})
    await_card(panes, pane_id, clock)


def let_pane_close(panes: Panes, pane_id: str) -> None:
    """Undo `keep_pane_open`: the pane closes again when its command ends."""
    before = panes.option(pane_id, REMAIN_BEFORE)
    if not before:
        return
    panes.set_options(pane_id, {REMAIN_ON_EXIT: None if before == "unset" else before, REMAIN_BEFORE: None})
    with suppress(TmuxError):
        panes.set_options(pane_id, {CARD: None})


def sleeping_card(agent: Agent) -> str:
    """What the pane of a sleeping agent shows."""
    return f" {agent.name} sleeps · wake it with w in hive-tui, or: hive-tui wake {agent.name} "
