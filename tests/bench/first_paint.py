"""First paint: milliseconds from the start of the process to the drawn list of agents, in a pty of 120x36.

Ours is `hive-tui` on a private tmux server with one shell: with nobody registered, until the page
for an empty hive is there; with 50 agents that sleep, until 20 of their names are on the screen,
which holds fewer than 50. Then, for an empty hive, until the first look at the panes is drawn.
Beside it: an empty Textual app in the same pty, until its word is there.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from hive_tui.domain.agents import Activity, Lifecycle
from hive_tui.hive import Hive
from hive_tui.settings import Settings
from hive_tui.store import agents as agent_store
from tests.bench.empty_app import WORD
from tests.bench.figures import Goal, Row, Section, alternate
from tests.bench.plan import Plan
from tests.bench.terminal import Terminal
from tests.stage import CLOCK, Stage
from tests.ui.invented import agent

EMPTY_APP = (sys.executable, "-m", "tests.bench.empty_app")
AGENTS = 50
DRAWN = 20
BEFORE_A_LOOK, AFTER_A_LOOK = b"Looking at your panes", b"No agents are running"


def measure(plan: Plan) -> Section:
    """Start dashboard and empty app in turn."""
    with Stage(plan.folder / "first-paint") as stage:
        stage.shell(stage.folder_for("shell"))
        empty, full = stage.command_line(), stage.command_line()
        full[full.index("--home") + 1] = str(register(stage.folder / "full", AGENTS))
        names = [_name(number).encode() for number in range(AGENTS)]

        def paint(command: Sequence[str], is_there: Callable[[bytearray], bool]) -> Callable[[], float]:
            return lambda: _paint_ms(stage, command, is_there)

        found = alternate(
            plan.runs,
            {
                "app": paint(EMPTY_APP, lambda seen: WORD.encode() in seen),
                "nobody": paint(empty, lambda seen: BEFORE_A_LOOK in seen or AFTER_A_LOOK in seen),
                "agents": paint(full, lambda seen: sum(name in seen for name in names) >= DRAWN),
                "look": paint(empty, lambda seen: AFTER_A_LOOK in seen),
            },
        )
    rows = (
        Row("first paint, empty hive", "ms", found["nobody"], found["app"], Goal("ratio", 1.5)),
        Row("first paint, 50 agents", "ms", found["agents"], found["app"], Goal("ratio", 1.5)),
        Row("first look drawn, empty hive", "ms", found["look"], found["app"]),
    )
    return Section("First paint in a pty of 120x36 (aim: 1.2x)", "an empty Textual app", rows)


def register(home: Path, agents: int) -> Path:
    """A home with so many sleeping agents, each in a folder of its own."""
    hive = Hive(home, Settings())
    now = CLOCK.now()
    for number in range(agents):
        one = agent(
            number, _name(number), now, lifecycle=Lifecycle.ASLEEP, activity=Activity.UNKNOWN, process=None, pane=None
        )
        hive.database.write(agent_store.add, one, now=now)
    hive.close()
    return home


def _name(number: int) -> str:
    return f"painted-{number:02}"


def _paint_ms(stage: Stage, command: Sequence[str], is_there: Callable[[bytearray], bool]) -> float:
    with Terminal(command, stage.environment, stage.folder) as terminal:
        return (terminal.until(is_there) - terminal.began) * 1000
