"""One look at the machine: every agent in every pane, found by its process and read by its kind."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from hive_tui.domain.agents import NEEDS_PERSON, Activity, Agent, Hosting, PaneRef
from hive_tui.domain.errors import StoreError, TmuxDown, TmuxError, TmuxHung, TmuxMissing
from hive_tui.domain.panes import Pane, PaneList
from hive_tui.domain.ports import Clock, HookReports, Panes, Processes
from hive_tui.domain.processes import Process, ProcessId, ProcessTable, cpu_share
from hive_tui.domain.reconcile import Ending, Seen, ServerState
from hive_tui.domain.settling import Settling, has_stalled, moved, settled, trace_of, with_stall
from hive_tui.domain.sightings import DEBOUNCE, FALLBACK, Claim, Session, Sighting
from hive_tui.domain.vetoes import BUSY_CPU_SHARE
from hive_tui.kinds.catalog import GENERIC, Kinds
from hive_tui.kinds.conversations import START_SLACK_S
from hive_tui.kinds.kind import NO_REPORTS, Kind, Look
from hive_tui.kinds.screen import Screen

SHELLS = frozenset({"bash", "zsh", "fish", "sh", "dash", "ksh", "mksh", "tcsh", "csh", "nu", "elvish", "xonsh"})
SHELL_OPTIONS_WITH_VALUE = frozenset({"--rcfile", "--init-file", "-o", "+o", "-O", "+O", "--config", "--env-config"})

NOTHING = Claim(Activity.UNKNOWN, FALLBACK, "nothing is known")


@dataclass(frozen=True, slots=True)
class Found:
    """An agent's process in a pane, not yet read."""

    kind: Kind
    pane: Pane
    root: Process
    tree: tuple[Process, ...]
    shared: tuple[ProcessId, ...]
    hosting: Hosting


@dataclass(slots=True)
class Memory:
    """What is remembered between looks, so that a look at idle panes costs next to nothing."""

    argv: dict[tuple[ProcessId, str], tuple[str, ...]] = field(default_factory=dict)
    kinds: dict[tuple[str, ...], Kind | None] = field(default_factory=dict)
    """By command line."""
    environ: dict[ProcessId, Mapping[str, str]] = field(default_factory=dict)
    screens: dict[PaneRef, tuple[int, Screen]] = field(default_factory=dict)
    ticks: dict[ProcessId, int] = field(default_factory=dict)
    settling: dict[ProcessId, Settling] = field(default_factory=dict)
    looked_at: float | None = None

    def forget_all_but(self, table: ProcessTable, panes: Iterable[Pane]) -> None:
        """Drop what belongs to processes and panes that are gone."""
        self.argv = {key: value for key, value in self.argv.items() if table.is_alive(key[0])}
        lines = set(self.argv.values())
        self.kinds = {argv: kind for argv, kind in self.kinds.items() if argv in lines}
        self.environ = {key: value for key, value in self.environ.items() if table.is_alive(key)}
        self.settling = {key: value for key, value in self.settling.items() if table.is_alive(key)}
        there = {pane.ref for pane in panes}
        self.screens = {ref: value for ref, value in self.screens.items() if ref in there}


class Eyes:
    """Looks at tmux, at the processes and at what hooks have told; decides nothing. For one thread at a time."""

    def __init__(
        self, panes: Panes, processes: Processes, kinds: Kinds, clock: Clock, hooks: HookReports = NO_REPORTS
    ) -> None:
        self._panes = panes
        self._processes = processes
        self._kinds = kinds
        self._clock = clock
        self._hooks = hooks
        self._memory = Memory()

    def look(self, agents: Sequence[Agent]) -> tuple[Seen, PaneList, str]:
        """Everything that can be seen now, the panes, and what is wrong in words.

        Args:
            agents: The registry; tells which programs of no known kind were adopted.
        """
        untaken = self._take_in_reports()
        state, listed, trouble = self._list()
        table = self._processes.table()
        found = self._find(listed, table, agents) if state is ServerState.UP else []
        self._remember_screens(found)
        sightings = tuple(self._read(one, agents) for one in found)
        self._remember_ticks(found)
        self._memory.forget_all_but(table, listed.panes)
        server = listed.server if state is ServerState.UP else None
        seen = Seen(
            state,
            server,
            sightings,
            is_alive=table.is_alive,
            ending=lambda agent: self._ending(agent, listed),
            at=self._clock.now(),
        )
        return seen, listed, trouble or untaken

    def look_at(self, found: Found, known_session: str | None) -> Look:
        """All that a kind judges by."""
        argv = self._argv(found.root)
        environ = self._memory.environ.get(found.root.id)
        if not environ:
            environ = self._memory.environ[found.root.id] = self._processes.environ(found.root.pid)
        screen = self._memory.screens.get(found.pane.ref)
        return Look(
            root=found.root,
            tree=found.tree,
            argv=argv,
            cwd=self._processes.cwd(found.root.pid) or found.pane.cwd,
            environ=environ,
            pane=found.pane,
            screen=screen[1] if screen else Screen(""),
            processes=self._processes,
            known_session=known_session,
            known_activity=self._memory.settling.get(found.root.id, Settling()).activity,
            hooks=self._hooks,
            now_s=self._clock.now().timestamp(),
        )

    def find_in(self, pane: Pane, agents: Sequence[Agent] = ()) -> Found | None:
        """The agent in one pane now."""
        found = self._find(PaneList(pane.ref.server, (pane,)), self._processes.table(), agents)
        self._remember_screens(found)
        return found[0] if found else None

    def _take_in_reports(self) -> str:
        """What stood in the way, in words; empty for nothing. What was not taken in now waits."""
        try:
            self._hooks.take_in()
        except StoreError as error:
            return error.what
        return ""

    def _list(self) -> tuple[ServerState, PaneList, str]:
        try:
            return ServerState.UP, self._panes.list(), ""
        except TmuxDown as error:
            return ServerState.DOWN, PaneList("", ()), error.what
        except (TmuxHung, TmuxMissing, TmuxError) as error:
            return ServerState.HUNG, PaneList("", ()), error.what

    def _find(self, listed: PaneList, table: ProcessTable, agents: Sequence[Agent]) -> list[Found]:
        adopted = {agent.process for agent in agents if agent.kind == GENERIC and agent.process is not None}
        found: list[Found] = []
        for pane in listed.panes:
            if pane.is_dead:
                continue
            tree = table.tree(pane.pid)
            for process in tree:
                if process.tty != tree[0].tty:
                    continue
                kind = self._kind_of(self._argv(process))
                if kind is None and process.id in adopted:
                    kind = self._kinds.get(GENERIC)
                if kind is not None:
                    found.append(self._found(kind, pane, process, table))
                    break
        return found

    def _found(self, kind: Kind, pane: Pane, root: Process, table: ProcessTable) -> Found:
        tree = table.tree(root.pid)
        shared_roots = [process for process in tree[1:] if kind.is_shared(self._argv(process))]
        shared = {below.id for process in shared_roots for below in table.tree(process.pid)}
        return Found(
            kind,
            pane,
            root,
            tuple(process for process in tree if process.id not in shared),
            tuple(shared),
            hosting_of(root, pane, table, self._argv),
        )

    def _kind_of(self, argv: tuple[str, ...]) -> Kind | None:
        if argv not in self._memory.kinds:
            self._memory.kinds[argv] = self._kinds.match(argv)
        return self._memory.kinds[argv]

    def _argv(self, process: Process) -> tuple[str, ...]:
        key = (process.id, process.comm)
        argv = self._memory.argv.get(key)
        if not argv:  # in the middle of an exec it is empty for a moment
            argv = self._memory.argv[key] = self._processes.argv(process.pid)
        return argv

    def _remember_screens(self, found: Sequence[Found]) -> None:
        """Capture the panes that changed since they were captured last, in one step."""
        now = int(self._clock.now().timestamp())
        stale = [
            one.pane
            for one in found
            if (known := self._memory.screens.get(one.pane.ref)) is None or one.pane.output_at >= known[0] - 1
        ]
        try:
            captured = self._panes.capture_many([pane.id for pane in stale])
        except TmuxError:
            return
        for pane in stale:
            if pane.id in captured:
                self._memory.screens[pane.ref] = (now, Screen(captured[pane.id]))

    def _read(self, found: Found, agents: Sequence[Agent]) -> Sighting:
        known = next((agent.session_id for agent in agents if agent.process == found.root.id), None)
        look = self.look_at(found, known)
        session = found.kind.session(look)
        cpu = self._cpu_share(found)
        claims = self._settled(look, session, cpu, found.kind.claims(look) or (NOTHING,))
        return Sighting(
            kind=found.kind.name,
            pane=found.pane,
            root=found.root,
            tree=tuple(process.id for process in found.tree),
            shared=found.shared,
            argv=look.argv,
            cwd=look.cwd,
            env=found.kind.kept_env(look.environ),
            is_legible=bool(look.environ),
            hosting=found.hosting,
            session=session,
            claims=claims,
            background=found.kind.background(look),
            # A dialog takes the place of the input box; what begins with its glyph then is something else.
            draft="" if claims[0].activity in NEEDS_PERSON else found.kind.draft(look),
            memory_bytes=sum(self._processes.anonymous_bytes(process.pid) for process in found.tree),
            started_at=self._processes.started_at(found.root.id),
            cpu_share=cpu,
            is_settled=claims[0].source != DEBOUNCE,
            is_in_front=is_in_front(found),
        )

    def _settled(self, look: Look, session: Session, cpu: float | None, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        """What the kind says, unless a weak source alone has changed its mind, or nothing moves at all."""
        now_s = self._clock.monotonic()
        before = self._memory.settling.get(look.root.id, Settling(moved_at_s=now_s))
        is_busy = cpu is not None and cpu > BUSY_CPU_SHARE
        below = tuple(process.id for process in look.tree[1:])
        is_working = claims[0].activity is Activity.WORKING
        shown = look.screen.bottom(40) if is_working else ()
        trace = trace_of(shown, is_working, _state(session.transcript), below, is_busy and now_s)
        after, claims = settled(moved(before, trace, now_s), claims, now_s)
        self._memory.settling[look.root.id] = after
        if not has_stalled(after, claims, now_s):
            return claims
        began_s = look.now_s - (now_s - after.works_since_s) - START_SLACK_S
        # A tool that it has started may be silent for as long as it likes.
        has_tool = any(self._processes.started_at(process).timestamp() >= began_s for process in below)
        return claims if has_tool else with_stall(after, claims, now_s)

    def _cpu_share(self, found: Found) -> float | None:
        if self._memory.looked_at is None or found.root.id not in self._memory.ticks:
            return None
        span_s = self._clock.monotonic() - self._memory.looked_at
        return cpu_share(self._memory.ticks, found.tree, self._processes.ticks_per_s, span_s)

    def _remember_ticks(self, found: Sequence[Found]) -> None:
        self._memory.ticks = {process.id: process.cpu_ticks for one in found for process in one.tree}
        self._memory.looked_at = self._clock.monotonic()

    def _ending(self, agent: Agent, listed: PaneList) -> Ending:
        pane = listed.get(agent.pane)
        if pane is None:
            return Ending.CLOSED
        screen = None
        try:
            # Who leaves by itself gives the screen back; a farewell above one that was kept is of an earlier exit.
            if not pane.alternate_on:
                screen = Screen(self._panes.capture(pane.id, history_lines=50))
        except TmuxError:
            return Ending.CLOSED
        return Ending.QUIT if self._kinds.get(agent.kind).left_cleanly(agent, screen) else Ending.CRASHED


def is_in_front(found: Found) -> bool:
    """Whether the agent has the keyboard of its pane; a tool of its own may have it for a moment."""
    groups = {process.pgrp for process in found.tree}
    return found.hosting is Hosting.COMMAND or found.root.tpgid in groups


def _state(path: str | None) -> tuple[int, int] | None:
    """What changes when a file is written."""
    with suppress(OSError):
        stat = Path(path).stat() if path else None
        return (stat.st_mtime_ns, stat.st_size) if stat else None
    return None


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
