"""Panes as tmux shows them, and the layout that is needed to build them again."""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from signal import Signals
from typing import Any, Protocol, Self

from msgspec import Struct, to_builtins

from hive_tui.domain.agents import PaneRef


class Exit(Struct, frozen=True):
    """How the command of a dead pane has ended, as tmux knows it."""

    status: int | None = None
    """Its exit status; None where a signal has ended it."""
    signal: int | None = None
    """The number of that signal."""

    def __str__(self) -> str:
        if self.signal is None:
            return f"its process exited with status {self.status}"
        name = f" ({Signals(self.signal).name})" if self.signal in set(Signals) else ""
        return f"its process was killed by signal {self.signal}{name}"


class Swap(Struct, frozen=True):
    """A change of a pane's option that is made only where its value is the expected one; all are plain words."""

    option: str
    before: str
    after: str


class Pane(Struct, frozen=True):
    """One pane at one moment."""

    ref: PaneRef
    session_id: str
    session_name: str
    window_id: str
    window_index: int
    window_name: str
    pane_index: int
    pid: int
    """The pane's own process: a shell, or the agent itself."""
    tty: str
    width: int
    height: int
    window_size: tuple[int, int]
    """Columns and lines of its whole window."""
    is_active: bool
    """Whether it is the active pane of the current window of its session."""
    is_watched: bool
    """Whether a person's client shows it as its active pane."""
    in_mode: bool
    """Whether it is in copy mode or another mode that takes the keys."""
    is_synchronized: bool
    is_dead: bool
    alternate_on: bool
    cursor_x: int
    cursor_y: int
    is_zoomed: bool
    output_at: int
    """When its window last changed, in seconds since the epoch."""
    history_size: int
    """Lines of scrollback above the screen."""
    layout: str
    agent_id: str
    """Value of the pane option `@hive_agent`; empty if it was never set."""
    wakeup_id: str
    """Value of the pane option `@hive_wakeup`; empty if it was never set."""
    is_rebuilt: bool
    """Whether hive has built it in place of one that is gone; exports made in that one are missing."""
    title: str
    cwd: str = ""
    """Working directory of the pane's own process."""
    start_command: str = ""
    """What the pane was started with, quoted by tmux; empty for the default shell."""

    @property
    def id(self) -> str:
        """Tmux's id, like `%3`."""
        return self.ref.pane_id

    @property
    def place(self) -> str:
        """Where a person finds it: `session:window.pane`."""
        return f"{self.session_name}:{self.window_index}.{self.pane_index}"


class PaneList(Struct, frozen=True):
    """All panes of one tmux server."""

    server: str
    panes: tuple[Pane, ...]
    shape: str = ""
    """Changes when a session, window or pane comes, goes or dies; empty where nobody asked."""

    def get(self, ref: PaneRef | None) -> Pane | None:
        """The pane, if this run of the server has it."""
        if ref is None or ref.server != self.server:
            return None
        return next((pane for pane in self.panes if pane.ref == ref), None)


class Glimpse(Struct, frozen=True):
    """What has changed in the panes of a server since they were listed."""

    shape: str
    """As in `PaneList`: where it is another one, list them again."""
    panes: tuple[Pane, ...]
    """Those in whose windows there was output."""
    watched: frozenset[str]
    """Sessions that a person's client shows."""
    screens: Mapping[str, str] = {}
    """By pane id; those that were asked for."""


class PaneWatch(Protocol):
    """Tells that something happened in the panes, far cheaper than a look at them."""

    def fingerprint(self) -> str:
        """A text that changes when a pane has output, comes, dies or goes; to the second. Raises as `Panes` does."""
        ...

    def told(self) -> str | None:
        """The fingerprint that tmux has told unasked; None where it does not. From any thread, at once."""
        ...

    def is_absent(self) -> bool:
        """Whether there is no server for sure; False also where only a look can tell. From any thread, at once."""
        ...

    @property
    def awaited_at(self) -> Path | None:
        """Where a server would come, as far as that is known."""
        ...


class SavedPane(Struct, frozen=True):
    """What is kept of a pane to build it again."""

    pane_id: str
    index: int
    cwd: str
    agent_id: str = ""
    is_active: bool = False
    shell_command: str = ""
    """What its shell was started with, if that hosts an agent; empty for the default shell."""


class SavedWindow(Struct, frozen=True):
    """What is kept of a window; `layout` is tmux's own layout string."""

    window_id: str
    index: int
    name: str
    layout: str
    width: int
    height: int
    is_active: bool
    panes: tuple[SavedPane, ...]


class SavedSession(Struct, frozen=True):
    """What is kept of a session."""

    name: str
    windows: tuple[SavedWindow, ...]

    @property
    def agent_ids(self) -> frozenset[str]:
        """The agents that had a pane in it."""
        return frozenset(pane.agent_id for window in self.windows for pane in window.panes if pane.agent_id)


class Topology(Struct, frozen=True):
    """Sessions, windows and panes of one run of a tmux server."""

    server: str
    sessions: tuple[SavedSession, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values, for the database and for checkpoints."""
        plain: dict[str, Any] = to_builtins(self)
        return plain

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        """Back from `to_json`.

        Raises:
            KeyError, TypeError: It is something else.
        """
        return cls(
            value["server"],
            tuple(
                SavedSession(
                    session["name"],
                    tuple(
                        SavedWindow(**{**window, "panes": tuple(SavedPane(**pane) for pane in window["panes"])})
                        for window in session["windows"]
                    ),
                )
                for session in value["sessions"]
            ),
        )


def topology(server: str, panes: Iterable[Pane], agent_of: Mapping[str, str], shells: Collection[str] = ()) -> Topology:
    """The layout that these panes make.

    Args:
        server: The run of the tmux server.
        panes: Its panes.
        agent_of: Agent ids by pane id.
        shells: Panes in which a shell hosts an agent. Only theirs are started again with
            the command that they were started with; any other command could do harm.
    """
    sessions: dict[str, dict[int, list[Pane]]] = {}
    for pane in panes:
        sessions.setdefault(pane.session_name, {}).setdefault(pane.window_index, []).append(pane)
    return Topology(
        server,
        tuple(
            SavedSession(name, tuple(_window(windows[index], agent_of, shells) for index in sorted(windows)))
            for name, windows in sorted(sessions.items())
        ),
    )


def _window(panes: list[Pane], agent_of: Mapping[str, str], shells: Collection[str]) -> SavedWindow:
    ordered = sorted(panes, key=lambda pane: pane.pane_index)
    first = ordered[0]
    return SavedWindow(
        window_id=first.window_id,
        index=first.window_index,
        name=first.window_name,
        layout=first.layout,
        width=first.window_size[0],
        height=first.window_size[1],
        is_active=any(pane.is_active for pane in ordered),
        panes=tuple(
            SavedPane(
                pane.id,
                pane.pane_index,
                pane.cwd,
                agent_of.get(pane.id, ""),
                pane.is_active,
                pane.start_command if pane.id in shells else "",
            )
            for pane in ordered
        ),
    )
