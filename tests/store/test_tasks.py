"""Tasks and states of agents in the database."""

import sqlite3
from dataclasses import replace

import pytest

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import NotFound
from hive_tui.domain.task_state import TaskState
from hive_tui.domain.tasks import TaskStatus, ancestry
from hive_tui.store import agents, tasks
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent
from tests.domain.test_tasks import a_task
from tests.store.memory import in_memory


def test_a_task_comes_back_as_it_was_stored(database: Database, ada: Agent):
    goal = a_task("aaaa1111")
    task = a_task(
        "aaaa2222", goal.id, agent_id=ada.id, status=TaskStatus.DONE, done_at=NOON, routine="n", idempotency_key="k"
    )
    for one in (goal, task):
        database.write(tasks.add, one)
    assert database.read(tasks.get, goal.id) == goal
    assert database.read(tasks.get, "aaaa2") == task
    assert database.read(tasks.by_key, "k") == task and database.read(tasks.by_key, "other") is None


def test_an_id_that_names_none_or_several_is_told(database: Database):
    for task_id in ("aaaa1111", "aaaa2222"):
        database.write(tasks.add, a_task(task_id))
    for wrong, said in (("aaaa", "Several tasks begin with"), ("aaa", "no task"), ("bbbb", "no task"), ("", "no task")):
        with pytest.raises(NotFound, match=said):
            database.read(tasks.get, wrong)


def test_only_what_can_change_changes(database: Database, ada: Agent):
    task = a_task("aaaa1111")
    database.write(tasks.add, task)
    wanted = replace(task, agent_id=ada.id, status=TaskStatus.DOING, goal="another", title="another")
    database.write(tasks.put, wanted, now=NOON)
    stored = replace(task, agent_id=ada.id, status=TaskStatus.DOING, updated_at=NOON)
    assert database.read(tasks.get, task.id) == stored


def test_lists_are_in_the_order_of_entry_and_without_the_finished_ones_unless_asked(database: Database, ada: Agent):
    made = [a_task(f"t{number}", status=status) for number, status in enumerate(reversed(TaskStatus))]
    made.append(a_task("t4", agent_id=ada.id))
    for one in made:
        database.write(tasks.add, one)
    assert [one.id for one in database.read(tasks.everything, finished=True)] == ["t0", "t1", "t2", "t3", "t4"]
    assert [one.id for one in database.read(tasks.everything)] == ["t2", "t3", "t4"]
    assert [one.id for one in database.read(tasks.everything, agent_id=ada.id)] == ["t4"]


def test_up_and_down_the_tree():
    db = in_memory()
    for one in (a_task("a"), a_task("b", "a"), a_task("c", "b"), a_task("d", "b"), a_task("x")):
        tasks.add(db, one)
    assert [one.id for one in ancestry("d", tasks.lineage(db, "d"))] == ["a", "b", "d"]
    assert set(tasks.lineage(db, "a")) == {"a"} and tasks.lineage(db, "nothing") == {}
    assert [one.id for one in tasks.below(db, "a")] == ["b", "c", "d"]
    assert [one.id for one in tasks.parts(db, "a")] == ["b"] and tasks.below(db, "x") == []


def test_a_cycle_that_should_not_be_there_holds_nobody_up():
    db = in_memory()
    for one in (a_task("a"), a_task("b", "a")):
        tasks.add(db, one)
    db.execute("UPDATE tasks SET parent_id = 'b' WHERE id = 'a'")
    assert set(tasks.lineage(db, "a")) == {"a", "b"}
    assert [one.id for one in tasks.below(db, "a")] == ["b"]


def test_a_parent_an_agent_and_a_key_are_real_and_unique():
    db = in_memory("ada")
    tasks.add(db, a_task("a", idempotency_key="k"))
    for wrong in (a_task("b", "nothing"), a_task("b", agent_id="nobody"), a_task("b", idempotency_key="k")):
        with pytest.raises(sqlite3.IntegrityError):
            tasks.add(db, wrong)


def test_a_state_comes_back_and_is_replaced(database: Database, ada: Agent):
    assert database.read(tasks.state, ada.id) == TaskState(ada.id)
    first = TaskState(ada.id, "now", ("a", "b"), ("c",), {"flaky": 2, "a tag": 1})
    database.write(tasks.put_state, first, now=NOON)
    stored = database.read(tasks.state, ada.id)
    assert stored == replace(first, updated_at=NOON) and list(stored.failures) == ["flaky", "a tag"]
    database.write(tasks.put_state, TaskState(ada.id), now=NOON)
    assert database.read(tasks.state, ada.id) == TaskState(ada.id, updated_at=NOON)


def test_what_a_forgotten_agent_had_not_finished_is_nobodys(database: Database, ada: Agent):
    database.write(tasks.add, a_task("open", agent_id=ada.id))
    database.write(tasks.add, a_task("done", agent_id=ada.id, status=TaskStatus.DONE))
    database.write(agents.forget, ada.id, now=NOON)
    assert database.read(tasks.get, "open").agent_id is None
    assert database.read(tasks.get, "done").agent_id == ada.id


def test_an_agent_with_a_task_or_a_state_is_not_removed_behind_its_back(database: Database, ada: Agent, bob: Agent):
    database.write(tasks.add, a_task("done", agent_id=ada.id, status=TaskStatus.DONE))
    database.write(tasks.put_state, TaskState(bob.id, "now"), now=NOON)
    for agent in (ada, bob):
        database.write(agents.drop_unused, agent.id, now=NOON)
    assert database.read(agents.everyone) == []
    assert database.read(tasks.get, "done").agent_id == ada.id and database.read(tasks.state, bob.id).step == "now"


def test_an_agent_with_something_to_do_stays_known_when_it_ends(database: Database, ada: Agent, bob: Agent):
    database.write(agents.add, an_agent("cy"), now=NOON)
    database.write(tasks.add, a_task("open", agent_id=ada.id))
    database.write(tasks.add, a_task("done", agent_id=bob.id, status=TaskStatus.DONE))
    assert database.read(agents.worth_keeping, database.read(agents.everyone)) == {ada.id}
