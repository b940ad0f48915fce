"""Short commands: milliseconds from start to end of the process.

Ours is `hive-tui --help`, and `hive-tui agents --json` with three scripted agents on a private tmux
server. Beside it: `python -c pass` of the same interpreter, so that the difference is ours alone.
"""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter

from tests.bench.figures import Goal, Row, Section, alternate
from tests.bench.plan import Plan
from tests.stage import Stage

PYTHON = (sys.executable, "-c", "pass")
PROGRAM = str(Path(sys.executable).with_name("hive-tui"))


def measure(plan: Plan) -> Section:
    """Run the three in turn."""
    with Stage(plan.folder / "commands") as stage:
        for name in ("ada", "bob", "cleo"):
            stage.agent_in_shell(name)
        agents = [PROGRAM, *stage.command_line("agents", "--json")[3:]]

        def run(command: Sequence[str]) -> Callable[[], float]:
            return lambda: _run_ms(command, stage)

        # Short as they are, they can be repeated more often than the rest.
        found = alternate(
            3 * plan.runs, {"python": run(PYTHON), "help": run((PROGRAM, "--help")), "agents": run(agents)}
        )
    rows = (
        Row("hive-tui --help", "ms", found["help"], found["python"], Goal("more", 150)),
        Row("hive-tui agents --json, 3 agents", "ms", found["agents"], found["python"], Goal("more", 400)),
    )
    return Section("Short commands", "python -c pass", rows)


def _run_ms(command: Sequence[str], stage: Stage) -> float:
    began = perf_counter()
    subprocess.run(command, env=stage.environment, cwd=stage.folder, stdout=subprocess.DEVNULL, check=True, timeout=30)
    return (perf_counter() - began) * 1000
