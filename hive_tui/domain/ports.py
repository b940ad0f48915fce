"""What the services need of the outside; the adapters give it, and tests may fake it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from hive_tui.domain.agents import Agent
    from hive_tui.domain.comparison import FileDelta
    from hive_tui.domain.gate import Refused
    from hive_tui.domain.hooks import HookReport
    from hive_tui.domain.panes import Exit, Glimpse, PaneList, SavedSession, Swap
    from hive_tui.domain.processes import ProcessId, ProcessTable, ProcessTrees
    from hive_tui.domain.streams import Owner, PutBack, Stream, StreamsSnapshot
    from hive_tui.domain.workspaces import AppliedRestore, RestorePlan, WorkspaceFacts


class Clock(Protocol):
    """Time. Nothing else in the program reads it."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds that never jump, for spans."""
        ...

    def sleep(self, seconds: float) -> None:
        """Block this thread."""
        ...


class Processes(Protocol):
    """The machine's processes."""

    ticks_per_s: int
    """Unit of `Process.cpu_ticks`."""

    def table(self) -> ProcessTable:
        """All processes now."""
        ...

    def trees(self) -> ProcessTrees:
        """What reads the processes below some others, for who looks again and again."""
        ...

    def is_alive(self, process: ProcessId) -> bool:
        """Whether exactly this process is there and is no zombie."""
        ...

    def argv(self, pid: int) -> tuple[str, ...]:
        """Command line; empty if it is gone or not ours to read."""
        ...

    def environ(self, pid: int) -> Mapping[str, str]:
        """Environment at its start; empty if it is gone or not ours to read."""
        ...

    def cwd(self, pid: int) -> str:
        """Working directory; empty if it is gone or not ours to read."""
        ...

    def is_in(self, pid: int, folder: str) -> bool:
        """Whether its working directory is this very folder, and not a removed one of the same name."""
        ...

    def open_files(self, pid: int) -> Sequence[str]:
        """Paths of its open files; empty if it is gone or not ours to read."""
        ...

    def anonymous_bytes(self, pid: int) -> int:
        """Anonymous memory, which its exit frees for sure; 0 if it is gone."""
        ...

    def started_at(self, process: ProcessId) -> datetime:
        """Start time as aware UTC."""
        ...

    def signal(self, process: ProcessId, number: int) -> bool:
        """Send a signal to exactly this process; False if it is gone."""
        ...


class HookReports(Protocol):
    """What agents have told by their hooks, as of the last `take_in`."""

    @property
    def mark(self) -> object:
        """Another one once any of them has told something else."""
        ...

    def take_in(self) -> int:
        """Learn what was told since; how many events that were.

        Raises:
            StoreError: It cannot be read now, and waits.
        """
        ...

    def of_session(self, kind: str, session_id: str) -> HookReport | None:
        """The last report about a conversation; None if there was none."""
        ...

    def of_process(self, kind: str, process: ProcessId) -> HookReport | None:
        """The last report that a hook of this very process, or one below it, has sent.

        None for kinds whose hooks run in a server that several panes share: those tell nothing about a pane.
        """
        ...


class Panes(Protocol):
    """The panes of one tmux server. Panes are named by `%id` only.

    Every method raises TmuxDown if no server runs, TmuxHung if it does not
    answer, PaneGone if the pane is not there, TmuxError for the rest.
    """

    def list(self) -> PaneList:
        """All panes."""
        ...

    def glimpse(self, since_s: int, screens_of: Sequence[str] = ()) -> Glimpse | None:
        """What has changed since that second of the epoch, with the screens of some panes, as of `capture_many`.

        None where tmux tells that incompletely: list all then.
        """
        ...

    def capture(self, pane_id: str, *, history_lines: int = 0, colour: bool = True) -> str:
        """Text of the pane with up to so many lines of scrollback above the screen."""
        ...

    def capture_many(self, pane_ids: Sequence[str]) -> Mapping[str, str]:
        """The screens of several panes, in one step; panes that are gone are left out."""
        ...

    def option(self, pane_id: str, name: str) -> str:
        """The value that the pane itself has for an option; empty if it has none."""
        ...

    def set_options(self, pane_id: str, options: Mapping[str, str | None]) -> None:
        """Set pane options; None removes one."""
        ...

    def type_line(self, pane_id: str, line: str, options: Mapping[str, str | None]) -> None:
        """Set the options and type a line with Enter, in one step for tmux."""
        ...

    def send_keys(self, pane_id: str, keys: Sequence[str]) -> None:
        """Press keys, in tmux's names (`C-c`, `Enter`, `Escape`)."""
        ...

    def swap_option(self, pane_id: str, swap: Swap) -> str:
        """Change the value of a pane's option if it is the one expected, in one step for tmux; the value afterwards."""
        ...

    def paste(self, pane_id: str, text: str, swap: Swap | None = None) -> bool:
        """Bracketed paste of text without control characters; no Enter.

        With a swap, text is pasted and option changed in one step for tmux, or neither where its value is another
        one by then; returns whether it was done.
        """
        ...

    def exit_of(self, pane_id: str) -> Exit | None:
        """How the command of a dead pane ended; None while tmux does not know, and it is made to look again."""
        ...

    def respawn(
        self, pane_id: str, command: str, *, cwd: str, env: Mapping[str, str], options: Mapping[str, str | None]
    ) -> None:
        """Replace the pane's process by a shell command and set the options, in one step for tmux."""
        ...

    def set_title(self, pane_id: str, title: str) -> None:
        """Set the pane's title."""
        ...

    def reset_terminal(self, pane_id: str, tty: str) -> None:
        """Leave the modes that a killed program left on; types nothing into the pane."""
        ...


class Layouts(Protocol):
    """Builds panes. Touches none that is there; raises like `Panes`."""

    def open_pane(self, *, session: str, window: str, cwd: str, command: str | None, env: Mapping[str, str]) -> str:
        """A new window with one pane in that session, which is made if it is missing; its `%id`."""
        ...

    def rebuild(self, session: SavedSession, server: str) -> dict[str, str]:
        """Build what is missing of a saved session; maps the old pane ids to the new ones."""
        ...


class Locks(Protocol):
    """Locks that end with the process that holds them."""

    def agent(self, agent_id: str, *, purpose: str, wait_s: float = 0.0) -> AbstractContextManager[None]:
        """Hold the agent's lock.

        Raises:
            AgentBusy: Another one holds it, and still did after `wait_s`.
        """
        ...

    def held_agents(self, agent_ids: Iterable[str]) -> set[str]:
        """Those of the agents whose lock somebody holds."""
        ...


class Notifier(Protocol):
    """Messages on the desktop."""

    def notify(self, title: str, body: str) -> str:
        """Show it; returns how it was delivered.

        Raises:
            HiveError: Nothing delivered it.
        """
        ...

    def probe(self) -> str:
        """How a message would be delivered; shows nothing.

        Raises:
            HiveError: There is no way.
        """
        ...


class Progress(Protocol):
    """Told by long work how far it is; asked by it whether to stop."""

    cancelled: threading.Event

    def step(self, name: str, total_bytes: int = 0) -> None:
        """A new step begins; 0 bytes where its size is not known.

        Raises:
            Cancelled: The person has stopped the work.
        """
        ...

    def advance(self, done_bytes: int) -> None:
        """So many more bytes of this step are done.

        Raises:
            Cancelled: The person has stopped the work.
        """
        ...

    def no_way_back(self, why: str) -> None:
        """From now on the work cannot be stopped, for the reason that is given.

        Raises:
            Cancelled: The person has stopped the work just before.
        """
        ...


class Workspaces(Protocol):
    """Folders that agents work in; git repositories above all. Every method raises WorkspaceError."""

    def snapshot(self, cwd: Path, into: Path, progress: Progress | None = None) -> WorkspaceFacts:
        """Write the state of the repository around `cwd` into the folder `into`; changes nothing in it."""
        ...

    def check(self, saved: Path, progress: Progress | None = None) -> None:
        """Raise if what `snapshot` wrote is not whole."""
        ...

    def plan(self, checkpoint: Path, current: Path, root: Path, made: Mapping[str, str] | None = None) -> RestorePlan:
        """What going back to `checkpoint` would change; both folders as `snapshot` wrote them.

        Args:
            made: See `changes_to_make`.
        """
        ...

    def apply(
        self, plan: RestorePlan, checkpoint: Path, root: Path, journal_folder: Path, progress: Progress | None = None
    ) -> AppliedRestore:
        """Do what the plan says, by a journal, file by file."""
        ...

    def resume(self, journal_folder: Path) -> AppliedRestore | None:
        """Finish an `apply` that was killed; None if it had not changed anything."""
        ...

    def verify(self, checkpoint: Path, root: Path, progress: Progress | None = None) -> Sequence[str]:
        """What is not as the checkpoint says, after a restore."""
        ...

    def recreate(self, checkpoint: Path, root: Path, progress: Progress | None = None) -> None:
        """Build the folder `root`, which is gone, from what `snapshot` wrote."""
        ...

    def compare(self, old: Path, new: Path, progress: Progress | None = None) -> Sequence[FileDelta]:
        """The files that differ between two states, both as `snapshot` wrote them; by path."""
        ...


class StreamServer(Protocol):
    """The server that holds the streams of agents. Every method raises StreamsError."""

    def capture(self, owner: Owner) -> StreamsSnapshot:
        """All streams of the agent at one moment; producers that honour the flag wait meanwhile."""
        ...

    def confirm(self, owner: Owner, token: str) -> None:
        """The checkpoint with this snapshot is good: from now on its sentinel tells a flush."""
        ...

    def was_flushed(self, owner: Owner, token: str, taken_at_ms: int) -> bool:
        """Whether the server has lost its data since the snapshot; raises where that cannot be told."""
        ...

    def fill_in(self, owner: Owner, token: str, streams: Sequence[Stream]) -> PutBack:
        """After a flush: put back the streams that are missing. Touches none that has content."""
        ...

    def replace(self, owner: Owner, restore_id: str, streams: Sequence[Stream]) -> PutBack:
        """Set the streams back to how they were; newer entries that still wait are kept.

        Done again under the same `restore_id`, it changes nothing.
        """
        ...

    def look(self, keys: Sequence[bytes]) -> Mapping[bytes, Stream]:
        """These streams as they are now, without dumps; those that are not there are left out."""
        ...


class SecondPlace(Protocol):
    """Where copies of checkpoints go that shall outlive this disk. Every method raises OffsiteError."""

    description: str
    """As the settings name it."""

    def check(self, expected: str | None) -> str:
        """Raise unless it can be reached and is the one that was used before; what to expect the next time.

        Args:
            expected: What the last call gave; None if it was never used.
        """
        ...

    def put(self, source: Path, name: str, progress: Progress) -> None:
        """Store a file under a name, complete or not at all; one of that name is replaced."""
        ...

    def digest(self, name: str, progress: Progress) -> tuple[int, str]:
        """Size and SHA-256 of what lies there, read back from there."""
        ...

    def get(self, name: str, target: Path, progress: Progress) -> None:
        """Fetch a file to a path where nothing is."""
        ...

    def remove(self, name: str) -> None:
        """Remove a file; one that is not there is fine."""
        ...


class Sealer(Protocol):
    """Encrypts what leaves the machine. Every method raises OffsiteError; one that ends early leaves no target."""

    def seal(self, source: Path, target: Path, progress: Progress) -> None:
        """Write the encrypted file to `target`, where nothing is."""
        ...

    def open(self, source: Path, target: Path, progress: Progress) -> None:
        """Write the decrypted file to `target`, where nothing is."""
        ...


class Ticker(Protocol):
    """Calls back at a moment."""

    def set(self, at: datetime | None) -> None:
        """At that one, aware UTC, in place of the one set before; None for not at all."""

    def stop(self) -> None:
        """Call back no more."""


class Allowance(Protocol):
    """What agents may spend: budgets, and the usage limits of their vendors."""

    def refusal(self, agent: Agent, now: datetime) -> Refused | None:
        """Why the agent may not spend anything now; None if it may. Reads no network."""
        ...
