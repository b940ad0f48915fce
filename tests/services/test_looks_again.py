"""Looks at nothing but what has moved find what looks at everything find, whatever happens in between."""

import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs, to_builtins

from hive_tui.adapters.file_states import FileStates, WatchedFileStates
from hive_tui.adapters.locks import AgentLocks
from hive_tui.adapters.process_trees import KnownProcesses
from hive_tui.domain.agents import Activity
from hive_tui.domain.errors import StoreError
from hive_tui.domain.events import Event
from hive_tui.domain.hooks import HOLDS, HookReport
from hive_tui.domain.panes import Glimpse, Pane, PaneList
from hive_tui.domain.processes import Process, ProcessId, ProcessTable
from hive_tui.domain.settling import DEBOUNCE_S
from hive_tui.kinds.catalog import Kinds
from hive_tui.services.eyes import Eyes
from hive_tui.services.hub import Hub
from hive_tui.services.liveness import Liveness
from hive_tui.services.observer import Observation, Observer
from hive_tui.store import agents as agent_store
from hive_tui.store import settings, unread
from hive_tui.store.database import Database
from tests.builders import SERVER, a_pane, a_process
from tests.clocks import FakeClock
from tests.kinds.looks import StandingProcesses, write_status
from tests.migrated import migrated

TRUST_S = 5.0
IDLE, ASKS = "> done\n\n❯ \n", "Do you want to proceed?\n ❯ 1. Yes\n   2. No\n"
TITLES = ("⠋ at work", "✳ at rest", "")


class World(StandingProcesses):
    """Agents in panes, of which a step lets a few do something; each thing shows where it would on a machine."""

    def __init__(self, folder: Path, seed: int) -> None:
        super().__init__()
        self.folder, self.random, self.clock = folder, Random(seed), FakeClock()
        self.running: dict[int, Process] = {}
        self.panes: dict[str, Pane] = {}
        self.screens: dict[str, str] = {}
        self.reports: dict[int, HookReport] = {}
        self.watched: set[str] = set()
        self.numbers = itertools.count(100)
        for _ in range(6):
            self.open_pane()

    # What agents do.

    def open_pane(self) -> None:
        number, shell = next(self.numbers), self.start(1, comm="bash")
        window = self.random.choice([f"@{number}", *(pane.window_id for pane in self.panes.values())])
        facts: dict[str, Any] = {"window_id": window, "pane_index": number, "pid": shell, "is_active": number % 2 == 0}
        self.panes[f"%{number}"] = a_pane(f"%{number}", cwd=f"/home/ada/{number}", **facts)
        self.screens[f"%{number}"] = "$ "
        self.start_agent(f"%{number}")

    def start_agent(self, pane_id: str) -> None:
        self.start(self.panes[pane_id].pid, comm="claude")
        self.show(pane_id)

    def start(self, parent: int, **facts: Any) -> int:
        pid = next(self.numbers)
        self.running[pid] = a_process(pid, ppid=parent, **{"tty": pid if parent == 1 else self.tty(parent), **facts})
        return pid

    def tty(self, pid: int) -> int:
        return self.running[pid].tty

    def end(self, pid: int) -> None:
        for child in [one for one in self.running.values() if one.ppid == pid]:
            self.end(child.pid)
        del self.running[pid]

    def agents(self) -> list[tuple[str, int]]:
        """Pane and process of each."""
        of = {pane.pid: pane_id for pane_id, pane in self.panes.items()}
        return [(of[one.ppid], one.pid) for one in self.running.values() if one.comm == "claude" and one.ppid in of]

    def show(self, pane_id: str) -> None:
        """Output: of a window tmux tells the second alone, for all its panes."""
        self.screens[pane_id] = f"{next(self.numbers)}\n{self.random.choice((IDLE, ASKS))}"
        changed = {"title": self.random.choice(TITLES), "cursor_x": self.random.randrange(9)}
        self.panes[pane_id] = structs.replace(self.panes[pane_id], **changed)
        for other, pane in self.panes.items():
            if pane.window_id == self.panes[pane_id].window_id:
                self.panes[other] = structs.replace(pane, output_at=int(self.clock.now().timestamp()))

    def write(self, pid: int) -> None:
        """Its status file, with or without a conversation that has begun."""
        home, number = self.folder / str(pid), next(self.numbers)
        session = f"{self.random.randrange(3):08}-0000-4000-8000-{pid:012}"
        status = self.random.choice(("idle", "busy", "waiting"))
        path = write_status(home, pid=pid, status=status, sessionId=session, cwd="/", n=number)
        os.utime(path, ns=(number, number))
        if self.random.random() < 0.5:
            self.write_transcript(home, session)

    def write_transcript(self, home: Path, session: str) -> None:
        path, number = home / "projects" / "p" / f"{session}.jsonl", next(self.numbers)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"type": "user", "n": number}) + "\n")
        os.utime(path, ns=(number, number))

    def tell(self, pid: int) -> None:
        """A hook's report, of which some expire soon."""
        now, activity = self.clock.now(), self.random.choice((Activity.WORKING, Activity.IDLE, Activity.PERMISSION))
        at = now - HOLDS[activity] + timedelta(seconds=self.random.randrange(8))
        told = self.random.choice((at, now))
        self.reports[pid] = HookReport("claude", "s", "Some", told, activity, "Some", told)

    def spawn_or_end_a_tool(self, pid: int) -> None:
        tools = [one.pid for one in self.running.values() if one.ppid == pid]
        self.end(tools[0]) if tools and self.random.random() < 0.5 else self.start(pid, comm="sleep")

    def step(self) -> None:
        for _ in range(self.random.choice((0, 0, 1, 1, 2, 4))):
            self.happen()
        self.clock.advance(self.random.choice((0.3, 0.7, 1.0, DEBOUNCE_S, 1.4, 2.0)))

    def happen(self) -> None:
        agents, chance = self.agents(), self.random.random()
        pane_id, pid = self.random.choice(agents) if agents else ("", 0)
        if agents and chance < 0.75:
            doing = (self.write, self.tell, self.spawn_or_end_a_tool)
            self.show(pane_id) if chance < 0.35 else self.random.choice(doing)(pid)
        elif agents and chance < 0.78:
            self.end(pid)
            self.show(pane_id)
        elif chance < 0.86:
            empty = sorted(self.panes.keys() - {pane for pane, _ in agents})
            self.start_agent(self.random.choice(empty)) if empty else self.open_pane()
        elif chance < 0.88 and len(self.panes) > 3:
            gone = self.random.choice(sorted(self.panes))
            self.end(self.panes.pop(gone).pid)
        else:
            self.watched = {"$0"} - self.watched

    # What is seen of it.

    def listed(self) -> list[Pane]:
        return [
            structs.replace(pane, is_watched=pane.is_active and pane.session_id in self.watched)
            for pane in self.panes.values()
        ]

    @property
    def shape(self) -> str:
        return " ".join(self.panes)

    def table(self) -> ProcessTable:
        return ProcessTable(self.running.values())

    def trees(self) -> Any:
        return KnownProcesses(lambda: list(self.running), self.running.get)

    def is_alive(self, process: ProcessId) -> bool:
        return self.table().is_alive(process)

    def argv(self, pid: int) -> tuple[str, ...]:
        return ("claude",) if pid in self.running and self.running[pid].comm == "claude" else ("bash",)

    def environ(self, pid: int) -> Mapping[str, str]:
        return {"HOME": str(self.folder), "CLAUDE_CONFIG_DIR": str(self.folder / str(pid))}

    @property
    def mark(self) -> object:
        return dict(self.reports)

    def take_in(self) -> int:
        return 0

    def of_session(self, kind: str, session_id: str) -> HookReport | None:
        return None

    def of_process(self, kind: str, process: ProcessId) -> HookReport | None:
        return self.reports.get(process.pid)


class Shown:
    """The panes of the world."""

    def __init__(self, world: World, *, has_glimpses: bool) -> None:
        self.world, self.has_glimpses = world, has_glimpses
        self.lists = 0

    def list(self) -> PaneList:
        self.lists += 1
        return PaneList(SERVER, tuple(self.world.listed()), self.world.shape)

    def glimpse(self, since_s: int, screens_of: Sequence[str] = ()) -> Glimpse | None:
        if not self.has_glimpses:
            return None
        moved = tuple(pane for pane in self.world.listed() if pane.output_at >= since_s)
        screens = {pane.id: self.world.screens[pane.id] for pane in self.world.listed() if pane.id in screens_of}
        return Glimpse(self.world.shape, moved, frozenset(self.world.watched), screens)

    def capture(self, pane_id: str, *, history_lines: int) -> str:
        return self.world.screens[pane_id]

    def capture_many(self, pane_ids: Sequence[str]) -> dict[str, str]:
        return {pane_id: self.world.screens[pane_id] for pane_id in pane_ids}


class Watcher:
    """One who looks; either only at what has moved, or at all of it, with nothing remembered of the registry."""

    def __init__(self, world: World, folder: Path, files: FileStates) -> None:
        folder.mkdir()
        self.only_what_moved = isinstance(files, WatchedFileStates)
        self.shown = Shown(world, has_glimpses=self.only_what_moved)
        self.database, hub = Database(migrated(folder / "hive.db"), world.clock), Hub()
        self.heard: list[Event] = []
        hub.subscribe(self.heard.append)
        eyes = Eyes(self.shown, world, Kinds(), world.clock, world, files=files)  # type: ignore[arg-type]
        locks, liveness = AgentLocks(folder, world.clock), Liveness(self.database, hub, after=timedelta(seconds=20))
        self.parts = (self.database, eyes, locks, world.clock, hub, liveness)
        self.observer = Observer(*self.parts)

    def look(self) -> Observation:
        observer = self.observer if self.only_what_moved else Observer(*self.parts)
        return observer.observe(trust_s=TRUST_S)

    def pin(self, number: int) -> None:
        """What another process writes."""
        agents = self.database.read(agent_store.everyone)
        if agents:
            self.database.write(agent_store.set_pinned, agents[number % len(agents)].id, number % 2 == 0)

    def found(self) -> dict[str, object]:
        """All that a look finds and writes down, without the ids, which are others in each registry."""
        seen = self.look()
        names = {agent.id: agent.name for agent in seen.agents}
        waiting = self.database.read(unread.everyone)
        return {
            "agents": [{**to_builtins(agent), "id": ""} for agent in seen.agents],
            "seen": {names[one]: structs.replace(sight, cpu_share=None) for one, sight in seen.sightings.items()},
            "panes": [structs.replace(pane, agent_id="") for pane in seen.panes.panes],
            "unread": sorted(names[one] for one in waiting),
            "signs": {names[one]: sign for one, sign in seen.signs.last.items()},
            "silent": sorted(names[one] for one in seen.signs.stale),
            "told": [(event.kind, event.text) for event in self.heard],
        }


@pytest.fixture
def files() -> Iterator[WatchedFileStates]:
    made = WatchedFileStates()
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(10))
def test_a_look_at_what_has_moved_finds_what_a_look_at_all_finds(tmp_path: Path, files: FileStates, seed: int):
    world = World(tmp_path, seed)
    some, everything = Watcher(world, tmp_path / "some", files), Watcher(world, tmp_path / "all", FileStates())
    for look in range(60):
        world.step()
        if world.random.random() < 0.1:
            for watcher in (some, everything):
                watcher.pin(look)
        expected = everything.found()
        for what, value in some.found().items():
            assert value == expected[what], f"look {look}: {what}"
    assert some.shown.lists < 0.75 * everything.shown.lists


def test_what_is_drawn_while_a_look_takes_long_is_seen_by_the_next_one(
    tmp_path: Path, files: FileStates, monkeypatch: pytest.MonkeyPatch
):
    world = World(tmp_path, 0)
    watcher = Watcher(world, tmp_path / "some", files)
    while not world.agents():
        world.step()
    pane_id, _ = world.agents()[0]
    again = KnownProcesses.again

    def late(known: KnownProcesses, roots: Any) -> Any:
        world.show(pane_id)
        world.clock.advance(3)
        return again(known, roots)

    for _ in range(2):
        watcher.look()
        world.clock.advance(1)
        world.show(pane_id)
    with monkeypatch.context() as slow:
        slow.setattr(KnownProcesses, "again", late)
        watcher.look()
    watcher.look()
    assert watcher.observer.screen_of(world.panes[pane_id].ref) == world.screens[pane_id]


def test_what_nobody_tells_of_a_file_is_seen_once_all_are_looked_at(tmp_path: Path, files: FileStates):
    world = World(tmp_path, 0)
    watcher = Watcher(world, tmp_path / "some", files)
    _, pid = world.agents()[0]
    home, session = tmp_path / str(pid), f"00000001-0000-4000-8000-{pid:012}"

    def look() -> Activity:
        world.clock.advance(1)
        return next(one.activity for one in watcher.look().agents if one.process and one.process.pid == pid)

    write_status(home, pid=pid, status="idle", sessionId=session, cwd="/")
    assert [look() for _ in range(8)] == [Activity.IDLE] * 8  # so often that it is believed for longer
    home.rename(home.with_name("elsewhere"))
    write_status(home, pid=pid, status="waiting", sessionId=session, cwd="/")
    assert look() is Activity.IDLE, "else this test is of no use"
    world.clock.advance(TRUST_S)
    assert look() is Activity.PERMISSION


def test_a_layout_that_could_not_be_kept_is_kept_by_the_next_look_although_nothing_has_moved(
    tmp_path: Path, files: FileStates, monkeypatch: pytest.MonkeyPatch
):
    world = World(tmp_path, 0)
    watcher = Watcher(world, tmp_path / "some", files)
    with monkeypatch.context() as broken:
        broken.setattr(settings, "save_topology", _fail)
        for _ in range(3):
            watcher.look()
            world.clock.advance(1)
    assert not watcher.database.read(settings.topologies)
    watcher.look()
    assert watcher.database.read(settings.topologies)


def _fail(*_: Any, **__: Any) -> None:
    raise StoreError("The database is locked.")
