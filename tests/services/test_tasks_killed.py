"""A task and the wake for it are stored together, whenever the process is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.wakeups import chains_of, messages_of
from hive_tui.store import agents, tasks, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent
from tests.stage import ROOT

WRITER = """
import sys
from itertools import count
from pathlib import Path
from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.events import Actor
from hive_tui.services.hub import Hub
from hive_tui.services.tasks import Part, TaskBoard
from hive_tui.store.database import Database

clock = SystemClock()
board = TaskBoard(Database(Path(sys.argv[1]), clock), lambda: None, clock, Hub())
me = Actor.person("test")
for number in count():
    goal = board.add(f"goal {number}", me).task
    given = board.split(goal.id, [Part("first", "id-of-ada"), Part("second", "id-of-ada")], me)
    board.assign(given[0].task.id, "id-of-bob", me)
    print(goal.id, flush=True)
"""


@pytest.mark.faults
@pytest.mark.parametrize("after", range(20))
def test_every_task_is_told_to_its_agent_once_after_a_kill(tmp_path: Path, after: int):
    database = Database(tmp_path / "hive.db", SystemClock())
    for name in ("ada", "bob"):
        database.write(agents.add, an_agent(name), now=NOON)
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(database.path)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().strip() for _ in range(after + 1)]
    writer.kill()
    acknowledged += writer.stdout.read().split()
    writer.wait()

    assert database.integrity_errors() == []
    known = database.read(tasks.everything)
    assert set(acknowledged) <= {one.id for one in known}, "what was acknowledged is there"
    for agent_id in ("id-of-ada", "id-of-bob"):
        [wake] = database.read(wakeups.unfinished_wakes, agent_id)
        told = [chain[-1]["id"] for chain in chains_of(wake.context)]
        assert sorted(told) == sorted(one.id for one in known if one.agent_id == agent_id)
        assert len(messages_of(wake.context)) == len(told)
    for goal in acknowledged:
        assert [one.goal for one in database.read(tasks.parts, goal)] == ["first", "second"]
    database.close()
