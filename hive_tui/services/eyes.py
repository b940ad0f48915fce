"""One look at the machine: every agent in every pane, found by its process and read by its kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from hive_tui.adapters.file_states import ASKED_EACH_TIME, FileStates, state_of
from hive_tui.adapters.zone import zone_of
from hive_tui.domain.agents import NEEDS_PERSON, Activity, Agent
from hive_tui.domain.errors import StoreError, TmuxDown, TmuxError, TmuxHung, TmuxMissing
from hive_tui.domain.panes import Pane, PaneList
from hive_tui.domain.ports import Clock, HookReports, Panes, Processes
from hive_tui.domain.processes import Process, ProcessTable
from hive_tui.domain.reconcile import Seen, ServerState
from hive_tui.domain.settling import Settling, has_stalled, moved, settled, trace_of, with_stall
from hive_tui.domain.sightings import DEBOUNCE, FALLBACK, Claim, Session, Sighting
from hive_tui.domain.vetoes import is_busy
from hive_tui.kinds.catalog import GENERIC, Kinds
from hive_tui.kinds.conversations import START_SLACK_S
from hive_tui.kinds.kind import Kind, Look
from hive_tui.kinds.no_reports import NO_REPORTS
from hive_tui.kinds.screen import Screen
from hive_tui.services.endings import Patience, ending_of, exit_of
from hive_tui.services.found import Found, hosting_of, is_in_front
from hive_tui.services.known_sights import KnownSights, Told, told_by
from hive_tui.services.last_look import LastLook, Registered, registered
from hive_tui.services.memory_of_looks import Memory

if TYPE_CHECKING:
    from hive_tui.domain.agents import PaneRef
    from hive_tui.domain.panes import Glimpse
    from hive_tui.domain.terminal import Heard, TerminalReports

MOST_MOVING = 10
"""Panes whose screens are asked for before it is known whether they have changed again."""
NOTHING = Claim(Activity.UNKNOWN, FALLBACK, "nothing is known")


class Eyes:
    """Looks at tmux, at the processes and at what hooks have told; decides nothing. For one thread at a time.

    Args:
        terminal: What programs report to their terminals; gives None while nobody listens.
        files: Tells of agents' files; one that remembers them is for these eyes alone, and closed by who made it.
    """

    def __init__(
        self,
        panes: Panes,
        processes: Processes,
        kinds: Kinds,
        clock: Clock,
        hooks: HookReports = NO_REPORTS,
        terminal: Callable[[], TerminalReports | None] = lambda: None,
        files: FileStates = ASKED_EACH_TIME,
    ) -> None:
        self._panes = panes
        self._processes = processes
        self._kinds = kinds
        self._clock = clock
        self._hooks = hooks
        self._terminal = terminal
        self._memory = Memory()
        self._trees = processes.trees()
        self._files, self._known = files, KnownSights(files)
        self._last: LastLook | None = None
        self._moving: Sequence[str] = ()
        """Panes that had changed at the last look: their screens are wanted again."""
        self._agents: Sequence[Agent] = ()
        self._registry = registered(())

    def look(self, agents: Sequence[Agent], *, trust_s: float = 0.0) -> tuple[Seen, PaneList, str]:
        """Everything that can be seen now, the panes, and what is wrong in words.

        Args:
            agents: The registry; tells which programs of no known kind were adopted. Nobody may change it afterwards.
            trust_s: What was read of an agent no longer ago is believed, if nothing has moved since then.
        """
        untaken = self._take_in()
        if agents is not self._agents:  # mostly nobody has written, and it is the very same list
            self._agents, self._registry = agents, registered(agents)
        registry = self._registry
        if (again := self._look_again(registry, trust_s)) is not None:
            return *again, untaken
        self._last = None
        second, mark = self._second, self._told_mark
        state, listed, trouble = self._list()
        # Without tmux, only agents that ran before may be looked for among all processes.
        is_exact = trust_s == 0.0 or (state is not ServerState.UP and any(agent.process for agent in agents))
        table = self._processes.table() if is_exact else self._trees.below([pane.pid for pane in listed.panes])
        found = self._find(listed.panes, table, registry) if state is ServerState.UP else []
        self._remember_screens(found)
        self._files.forget()
        if state is ServerState.UP:
            self._listen(found)
        sightings = tuple(self._seen(one, registry, trust_s) for one in found)
        self._memory.remember_ticks(found, self._clock.monotonic())
        self._memory.forget_all_but(table, listed.panes)
        self._known.forget_all_but(table)
        if state is ServerState.UP and not is_exact:  # else the trees know nothing yet, or what they knew longer ago
            self._last = LastLook(self._clock.monotonic(), second, mark, registry, listed, found, sightings)
        return self._all_seen(state, listed, table, sightings), listed, trouble or untaken

    def _look_again(self, registry: Registered, trust_s: float) -> tuple[Seen, PaneList] | None:
        """Look only at what has moved since the last look; None where that is not enough.

        All others are as they were seen last, as they are while nothing moves at all: until all is looked at again.
        """
        last, second = self._last, self._second
        is_young = last is not None and self._clock.monotonic() - last.all_seen_at_s < trust_s
        if last is None or not is_young or registry != last.registry or second < last.second:
            return None
        glimpse = self._glimpse(last.second)
        listed = last.panes_now(glimpse) if glimpse else None
        if glimpse is None or listed is None:
            return None
        mark = self._told_mark
        moved = last.moved(listed, glimpse, self._resting(registry, has_news=mark != last.told_mark))
        there = [pane for pane in listed.panes if pane.ref in moved]
        table = self._trees.again([pane.pid for pane in there])
        if table is None:
            return None
        new = self._find(there, table, registry)
        found = last.with_new(moved, new)
        if found is None:
            return None
        self._remember_screens(new, glimpse, second)
        seen = {one.root.id: self._seen(one, registry, trust_s) for one in new}
        self._memory.remember_ticks(new, self._clock.monotonic())
        known = zip(found, last.found, last.sightings, strict=True)
        sightings = tuple(sighting if one is before else seen[one.root.id] for one, before, sighting in known)
        self._last = replace(last, second=second, told_mark=mark, listed=listed, found=found, sightings=sightings)
        return self._all_seen(ServerState.UP, listed, table, sightings), listed

    @property
    def _second(self) -> int:
        return int(self._clock.now().timestamp())

    def _glimpse(self, since_s: int) -> Glimpse | None:
        try:
            return self._panes.glimpse(since_s, self._moving)
        except TmuxError:
            return None  # the look at all of them says what is wrong

    @property
    def _told_mark(self) -> object:
        """Another one once any agent has told something of itself."""
        terminal = self._terminal()
        return self._hooks.mark, terminal.changes if terminal is not None else None

    def _resting(self, registry: Registered, *, has_news: bool) -> Callable[[Found, Sighting], bool]:
        """Tells of an agent whether it has done nothing that its pane does not show.

        Args:
            registry: Names their conversations.
            has_news: Whether any of them has told something of itself since the last look.
        """
        now_s, rests = self._clock.now().timestamp(), self._known.rests

        def is_at_rest(found: Found, seen: Sighting) -> bool:
            root = found.root.id
            told = self._told(found, registry.sessions.get(root), now_s) if has_news else None
            return not is_busy(seen.cpu_share) and rests(root, told, now_s)

        return is_at_rest

    def _all_seen(
        self, state: ServerState, listed: PaneList, table: ProcessTable, sightings: tuple[Sighting, ...]
    ) -> Seen:
        patience = Patience(self._clock)
        return Seen(
            state,
            listed.server if state is ServerState.UP else None,
            sightings,
            is_alive=lambda process: table.is_alive(process) or self._processes.is_alive(process),
            ending=lambda agent: ending_of(agent, self._kinds.get(agent.kind), listed, self._panes, patience),
            exit=lambda agent: exit_of(agent, listed, self._panes, patience),
            at=self._clock.now(),
            zone_of=zone_of,
        )

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
            heard=self._heard(found),
        )

    def find_in(self, pane: Pane, agents: Sequence[Agent] = ()) -> Found | None:
        """The agent in one pane now."""
        found = self._find([pane], self._processes.table(), registered(agents))
        self._remember_screens(found)
        return found[0] if found else None

    def screen_of(self, pane: PaneRef) -> str | None:
        """What an agent's pane showed at the last look, with its colours; None where nobody looked. In any thread."""
        known = self._memory.screens.get(pane)
        return known[1].ansi if known is not None else None

    def _listen(self, found: Sequence[Found]) -> None:
        """Hear the panes of agents that report to their terminal, and no others any more."""
        terminal = self._terminal()
        if terminal is not None:
            terminal.follow([one.pane for one in found if one.kind.listens])

    def _heard(self, found: Found) -> Heard | None:
        terminal = self._terminal() if found.kind.listens else None
        return terminal.of_pane(found.pane.ref) if terminal is not None else None

    def _take_in(self) -> str:
        """Hear what agents have told and written: what stood in the way, in words; empty for nothing. That waits."""
        self._files.take_in()
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

    def _find(self, panes: Sequence[Pane], table: ProcessTable, registry: Registered) -> list[Found]:
        found: list[Found] = []
        for pane in panes:
            if pane.is_dead:
                continue
            tree = table.tree(pane.pid)
            for process in tree:
                if process.tty != tree[0].tty:
                    continue
                kind = self._kind_of(self._argv(process))
                if kind is None and process.id in registry.adopted:
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

    def _remember_screens(self, found: Sequence[Found], glimpse: Glimpse | None = None, glimpsed_at: int = 0) -> None:
        """Capture the panes that changed since they were captured last, in one step, but for those of the glimpse.

        Args:
            found: Agents that may have changed.
            glimpse: Has the screens of some panes.
            glimpsed_at: Second of the epoch before it was taken.
        """
        now, there = int(self._clock.now().timestamp()), glimpse.screens if glimpse is not None else {}
        stale = [
            one.pane
            for one in found
            if (known := self._memory.screens.get(one.pane.ref)) is None or one.pane.output_at >= known[0] - 1
        ]
        self._moving = [pane.id for pane in stale][:MOST_MOVING]
        captured: Mapping[str, str] = {}
        with suppress(TmuxError):
            captured = self._panes.capture_many([pane.id for pane in stale if pane.id not in there])
        for pane in stale:
            if pane.id in there:
                self._memory.screens[pane.ref] = (glimpsed_at, Screen(there[pane.id]))
            elif pane.id in captured:
                self._memory.screens[pane.ref] = (now, Screen(captured[pane.id]))

    def _seen(self, found: Found, registry: Registered, trust_s: float) -> Sighting:
        """What is read of an agent; of one that rests, not again and again because another one works."""
        screen, session = self._memory.screens.get(found.pane.ref), registry.sessions.get(found.root.id)
        cpu = self._memory.cpu_share(found, self._processes.ticks_per_s, self._clock.monotonic())
        signs = (
            found.pane,
            screen[1].ansi if screen else None,
            [(process.id, process.pgrp, process.tpgid) for process in found.tree],
            found.shared,
            session,
            is_busy(cpu),
        )
        return self._known.seen(
            found.root.id,
            signs,
            lambda: self._read(found, session, cpu),
            now_s=self._clock.monotonic(),
            trust_s=trust_s,
            told=self._told(found, session, self._clock.now().timestamp()),
            cpu_share=cpu,
        )

    def _told(self, found: Found, session: str | None, now_s: float) -> Told:
        """What an agent has told of itself, by hooks and to its terminal."""
        kind, heard = found.kind.name, self._heard(found)
        by_session = self._hooks.of_session(kind, session) if session else None
        return told_by((self._hooks.of_process(kind, found.root.id), by_session), heard, now_s)

    def _read(self, found: Found, known_session: str | None, cpu: float | None) -> Sighting:
        look = self.look_at(found, known_session)
        session = found.kind.session(look)
        claims = self._settled(look, session, cpu, found.kind.claims(look) or (NOTHING,))
        return Sighting(
            kind=found.kind.name,
            pane=found.pane,
            root=found.root,
            tree=tuple(process.id for process in found.tree),
            shared=found.shared,
            argv=look.argv,
            cwd=look.cwd,
            env=self._kept_env(found, look.environ),
            is_legible=bool(look.environ),
            hosting=found.hosting,
            session=session,
            claims=claims,
            background=found.kind.background(look),
            # A dialog takes the place of the input box; what begins with its glyph then is something else.
            draft="" if claims[0].activity in NEEDS_PERSON else found.kind.draft(look),
            memory_bytes=sum(map(self._anonymous_bytes, found.tree)),
            started_at=self._processes.started_at(found.root.id),
            cpu_share=cpu,
            is_settled=claims[0].source != DEBOUNCE,
            is_in_front=is_in_front(found),
        )

    def _kept_env(self, found: Found, environ: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        kept = self._memory.kept_env.get(found.root.id)
        if not kept:  # in the middle of an exec there is no environment for a moment
            kept = self._memory.kept_env[found.root.id] = found.kind.kept_env(environ)
        return kept

    def _anonymous_bytes(self, process: Process) -> int:
        """Asked anew only of a process that has used CPU since it was asked last: no other one takes memory."""
        known = self._memory.anonymous.get(process.id)
        if known is None or known[0] != process.cpu_ticks:
            known = self._memory.anonymous[process.id] = (
                process.cpu_ticks,
                self._processes.anonymous_bytes(process.pid),
            )
        return known[1]

    def _settled(self, look: Look, session: Session, cpu: float | None, claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
        """What the kind says, unless a weak source alone has changed its mind, or nothing moves at all."""
        now_s = self._clock.monotonic()
        before = self._memory.settling.get(look.root.id, Settling(moved_at_s=now_s))
        below = tuple(process.id for process in look.tree[1:])
        is_working = claims[0].activity is Activity.WORKING
        shown, transcript = look.screen.bottom(40) if is_working else (), session.transcript
        trace = trace_of(shown, is_working, transcript and state_of(transcript), below, is_busy(cpu) and now_s)
        after, claims = settled(moved(before, trace, now_s), claims, now_s)
        self._memory.settling[look.root.id] = after
        if not has_stalled(after, claims, now_s):
            return claims
        began_s = look.now_s - (now_s - after.works_since_s) - START_SLACK_S
        # A tool that it has started may be silent for as long as it likes.
        has_tool = any(self._processes.started_at(process).timestamp() >= began_s for process in below)
        return claims if has_tool else with_stall(after, claims, now_s)
