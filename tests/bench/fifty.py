"""What it costs to observe fifty agents, mostly idle: CPU of `hive-tui serve` and of the dashboard.

Fifty panes with a scripted agent each. First all of them wait for a word; then two of them work, which draw
their counter twenty times a second. The dashboard first draws the pane of one of these, live, and then only observes,
on the Queue screen. It draws closely what somebody has just selected, and reads agents more often of which it knows
little yet: what that costs is told apart, without a goal. CPU is the user and system time of all threads of the
process, by its own CPU clock, without the tmux server's and with that of the standing tmux client told apart in the
notes.
"""

import psutil

from tests.bench.figures import Goal, Row, Section, number
from tests.bench.idle import SETTLING_S, TEN_PER_MILLE, Found, _watch, populate, serving
from tests.bench.plan import Plan
from tests.bench.terminal import Terminal
from tests.stage import Stage

AGENTS, WORKING = 50, 2
OPENED = "dashboard just opened"
STEADY_S = 90.0
"""So long after it was opened a dashboard does what it does all day."""


def measure(plan: Plan) -> Section:
    """Watch both programs over the same fifty agents, first at rest and then with two at work."""
    found: Found = {}
    window_s = plan.seconds / 2
    with Stage(plan.folder / "fifty") as stage:
        populate(stage, AGENTS, 0)
        _both(stage, found, "all idle", window_s, is_busy=False)
        for number_of_pane in range(WORKING):
            stage.type(f"%{number_of_pane}", "/work 100000")
        _both(stage, found, f"{WORKING} working", window_s, is_busy=True)
    rows = [
        Row(name, "ms/s", values, [TEN_PER_MILLE], None if OPENED in name else Goal("ours", TEN_PER_MILLE))
        for name, values in found.items()
        if "tmux" not in name
    ]
    notes = [f"{name}: {number(max(values))} ms/s" for name, values in found.items() if "tmux" in name]
    return Section(f"Observing {AGENTS} agents", "1 % of a core", rows, notes)


def _both(stage: Stage, found: Found, what: str, seconds: float, *, is_busy: bool) -> None:
    with serving(stage) as pid:
        _watch({}, SETTLING_S)
        _one(found, f"serve, {what}", pid, seconds, [])
    with Terminal(stage.command_line(), stage.environment, stage.folder) as dashboard:
        dashboard.until_drawn("scripted")
        dashboard.watch(SETTLING_S)
        if is_busy:
            _one(found, f"{OPENED}, {what}", dashboard.pid, seconds, [dashboard])
            dashboard.watch(max(0.0, STEADY_S - SETTLING_S - seconds))
        _one(found, f"dashboard, {what}", dashboard.pid, seconds, [dashboard])
        dashboard.press(b"2")
        dashboard.watch(SETTLING_S)
        _one(found, f"dashboard on Queue, {what}", dashboard.pid, seconds, [dashboard])


def _one(found: Found, name: str, pid: int, seconds: float, screens: list[Terminal]) -> None:
    children = {f"{name}, tmux client {one.pid}": one.pid for one in psutil.Process(pid).children(recursive=True)}
    costs = _watch({name: pid, **children}, seconds, screens)
    found[name] = [costs.pop(name)]
    found[f"{name}: its tmux clients"] = [sum(costs.values())]
