"""Idle cost: CPU milliseconds per wall second and memory, with 50 idle panes on a private tmux server.

Ten panes hold scripted agents that wait for a word, forty hold shells. `hive-tui serve` and the dashboard
in a pty run in turn, twice each, and an empty Textual app in a pty at the side of each; a window is half
of `--seconds` long and begins when the program has been up for some seconds. CPU is the user and system
time of all threads of the process, by its own CPU clock; that of its child (the standing tmux client) and
of the tmux server, with us and without, stands in the notes. RSS and PSS are of the process alone.
"""

import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import psutil

from tests.bench.empty_app import WORD
from tests.bench.figures import Goal, Row, Section, number
from tests.bench.plan import Plan
from tests.bench.terminal import Terminal
from tests.stage import AGENT, Stage, eventually

AGENTS, SHELLS = 10, 40
WINDOWS = 2
SETTLING_S = 6.0
TEN_PER_MILLE = 10.0
"""One per cent of a core, in milliseconds a second."""

Found = dict[str, list[float]]


@dataclass(frozen=True, slots=True)
class Cost:
    """What a process has used up so far."""

    cpu_ms: float
    at_s: float

    def since(self, before: "Cost") -> float:
        """CPU milliseconds per wall second."""
        return (self.cpu_ms - before.cpu_ms) / (self.at_s - before.at_s)


def measure(plan: Plan) -> Section:
    """Watch serve and dashboard in turn, each with an empty app at its side."""
    found: Found = defaultdict(list)
    window_s = plan.seconds / WINDOWS
    with Stage(plan.folder / "idle") as stage:
        server = populate(stage)
        _watch({"server": server}, SETTLING_S)
        found["server alone"].append(_watch({"server": server}, SETTLING_S)["server"])
        for _ in range(WINDOWS):
            with serving(stage) as pid:
                _one_window(stage, found, "serve", pid, server, window_s)
            with Terminal(stage.command_line(), stage.environment, stage.folder) as dashboard:
                dashboard.until_drawn("scripted")
                _one_window(stage, found, "dashboard", dashboard, server, window_s)
    return Section(f"Idle, {AGENTS} agents and {SHELLS} shells", "an empty Textual app", _rows(found), _notes(found))


def populate(stage: Stage, agents: int = AGENTS, shells: int = SHELLS) -> int:
    """Fifty panes; the pid of their tmux server."""
    command = [f"exec {AGENT}"] * agents + ["exec bash --norc --noprofile -i"] * shells
    panes = [stage.shell(stage.folder_for("first"), command=command[0])]
    folders = [stage.folder_for(f"pane-{at}") for at in range(1, len(command))]
    panes += [stage.shell(folder, command=one) for folder, one in zip(folders, command[1:], strict=True)]
    for pane_id in panes[:agents]:
        _greet(stage, pane_id)
    return int(stage.tmux("display-message", "-p", "#{pid}"))


def _greet(stage: Stage, pane_id: str) -> None:
    eventually(lambda: "»" in stage.screen(pane_id), "the agent shows its prompt")
    stage.say(pane_id, "hello")


@contextmanager
def serving(stage: Stage) -> Iterator[int]:
    """`hive-tui serve`; ended by its pid."""
    command = stage.command_line("serve")
    with subprocess.Popen(command, env=stage.environment, cwd=stage.folder, stderr=subprocess.DEVNULL) as program:
        try:
            yield program.pid
        finally:
            program.terminate()


def _one_window(stage: Stage, found: Found, name: str, ours: int | Terminal, server: int, seconds: float) -> None:
    pid = ours if isinstance(ours, int) else ours.pid
    with Terminal((sys.executable, "-m", "tests.bench.empty_app"), stage.environment, stage.folder) as empty:
        empty.until_drawn(WORD)
        screens = [empty] if isinstance(ours, int) else [empty, ours]
        _settle(screens)
        children = {f"{name} children {one.pid}": one.pid for one in psutil.Process(pid).children(recursive=True)}
        watched = {name: pid, f"{name} empty": empty.pid, f"{name} server": server, **children}
        costs = _watch(watched, seconds, screens)
        found[f"{name} children"].append(sum(costs.pop(child) for child in children))
        for key, one in costs.items():
            found[key].append(one)
        for key in (name, f"{name} empty"):
            memory = psutil.Process(watched[key]).memory_full_info()
            found[f"{key} rss"].append(memory.rss / 1e6)
            found[f"{key} pss"].append(memory.pss / 1e6)


def _settle(screens: list[Terminal]) -> None:
    for screen in screens:
        screen.watch(SETTLING_S / len(screens))


def _watch(pids: dict[str, int], seconds: float, screens: list[Terminal] | None = None) -> dict[str, float]:
    """CPU milliseconds a second of each process over a window, while their screens are read."""
    before = {name: cost(pid) for name, pid in pids.items()}
    deadline = perf_counter() + seconds
    while (left_s := deadline - perf_counter()) > 0:
        if screens:
            for screen in screens:
                screen.watch(min(0.5, left_s))
        else:
            time.sleep(left_s)  # noqa: TID251 - a window has to pass
    return {name: cost(pid).since(before[name]) for name, pid in pids.items()}


def cost(pid: int) -> Cost:
    """CPU time of all threads, by the process's own clock: `/proc` tells it in steps of 10 ms only."""
    clock = (~pid << 3) | 2  # as clock_getcpuclockid(3) makes it on Linux
    return Cost(time.clock_gettime(clock) * 1000, perf_counter())


def _rows(found: Found) -> list[Row]:
    rows = []
    for name in ("serve", "dashboard"):
        rows += [
            Row(f"{name}, CPU", "ms/s", found[name], found[f"{name} empty"], Goal("ours", TEN_PER_MILLE)),
            Row(f"{name}, RSS", "MB", found[f"{name} rss"], found[f"{name} empty rss"]),
            Row(f"{name}, PSS", "MB", found[f"{name} pss"], found[f"{name} empty pss"]),
        ]
    return rows


def _notes(found: Found) -> list[str]:
    alone = found["server alone"][0]
    return [
        f"{name}: its tmux client {number(max(found[f'{name} children']))} ms/s, the tmux server"
        f" {number(max(found[f'{name} server']))} ms/s (without us {number(alone)})"
        for name in ("serve", "dashboard")
    ]
