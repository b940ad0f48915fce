"""A task and the wake for it are stored together, whenever the process is killed."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.tasks import Task
from hive_tui.domain.wakeups import chains_of, messages_of
from hive_tui.store import agents, tasks, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent
from tests.migrated import migrated
from tests.stage import ROOT

# Kills itself before the statement whose number it is given; prints what was acknowledged.
WRITER = """
import os, signal, sys
from itertools import count
from pathlib import Path
from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.events import Actor
from hive_tui.services.hub import Hub
from hive_tui.services.tasks import Part, TaskBoard
from hive_tui.store.database import Database

clock, statements, fatal = SystemClock(), count(1), int(sys.argv[2])

def execute(statement):
    if next(statements) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

database = Database(Path(sys.argv[1]), clock)
database._writer.set_trace_callback(execute)
board, me = TaskBoard(database, lambda: None, clock, Hub()), Actor.person("test")
for number in count():
    goal = board.add(f"goal {number}", me).task
    given = board.split(goal.id, [Part("first", "id-of-ada"), Part("second", "id-of-ada")], me)
    board.assign(given[0].task.id, "id-of-bob", me)
    print(goal.id, flush=True)
"""


@pytest.mark.faults
@pytest.mark.parametrize("fatal", range(1, 100, 2))
def test_every_task_is_told_to_its_agent_once_after_a_kill(tmp_path: Path, fatal: int):
    database = Database(migrated(tmp_path / "hive.db"), SystemClock())
    for name in ("ada", "bob"):
        database.write(agents.add, an_agent(name), now=NOON)
    command = [sys.executable, "-c", WRITER, str(database.path), str(fatal)]
    writer = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert writer.returncode == -signal.SIGKILL, writer.stderr

    assert database.integrity_errors() == []
    known = database.read(tasks.everything)
    for agent_id in ("id-of-ada", "id-of-bob"):
        assert told(database, agent_id) == Counter(one.id for one in known if one.agent_id == agent_id)
    for goal in writer.stdout.split():
        assert [one.agent_id for one in database.read(tasks.parts, goal)] == ["id-of-bob", "id-of-ada"]
    for goal in goals(known):
        assert len(database.read(tasks.parts, goal)) in (0, 2), "a split is made wholly or not at all"
    database.close()


def told(database: Database, agent_id: str) -> Counter[str]:
    """How often the agent is told of each task."""
    found: Counter[str] = Counter()
    for wake in database.read(wakeups.unfinished_wakes, agent_id):
        chains = chains_of(wake.context)
        assert len(messages_of(wake.context)) == len(chains)
        found.update(chain[-1]["id"] for chain in chains)
    return found


def goals(known: list[Task]) -> list[str]:
    return [one.id for one in known if one.parent_id is None]
