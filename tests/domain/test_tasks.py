"""Tasks: what may stand below what, what may follow what, and what a goal may say."""

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.tasks import (
    DEPTH,
    FINISHED,
    FOLLOWS,
    GOAL_LETTERS,
    TITLE_LETTERS,
    Task,
    TaskError,
    TaskStatus,
    ancestry,
    check_parent,
    check_reopened,
    check_status,
    checked_goal,
    checked_title,
    height,
)
from tests.builders import NOON


def a_task(task_id: str = "t0", parent_id: str | None = None, **facts: Any) -> Task:
    values: dict[str, Any] = {"goal": f"goal of {task_id}", "title": f"title of {task_id}"}
    values |= {"created_at": NOON, "updated_at": NOON + timedelta(seconds=1), "parent_id": parent_id}
    return Task(id=task_id, **{**values, **facts})


def by_id(*tasks: Task) -> dict[str, Task]:
    return {task.id: task for task in tasks}


# Any parents at all, so that there are cycles, too.
GRAPHS = st.lists(st.none() | st.integers(0, 11), min_size=1, max_size=12).map(
    lambda parents: by_id(*(a_task(f"t{n}", None if p is None else f"t{p}") for n, p in enumerate(parents)))
)


@given(GRAPHS, st.integers(0, 11))
def test_an_ancestry_leads_from_the_top_to_the_task_and_names_nobody_twice(tasks: dict[str, Task], number: int):
    chain = ancestry(f"t{number}", tasks)
    assert bool(chain) == (f"t{number}" in tasks)
    assert len({task.id for task in chain}) == len(chain)
    for above, task in pairwise(chain):
        assert task.parent_id == above.id
    if chain:
        top = chain[0].parent_id
        assert chain[-1].id == f"t{number}"
        assert top is None or top not in tasks or top in {task.id for task in chain}


@given(GRAPHS)
def test_a_height_ends_in_cycles_too(tasks: dict[str, Task]):
    for task_id in tasks:
        assert 1 <= height(task_id, list(tasks.values())) <= len(tasks)


def test_the_height_is_that_of_the_longest_branch():
    tasks = [a_task("a"), a_task("b", "a"), a_task("c", "a"), a_task("d", "c"), a_task("x")]
    assert [height(task_id, tasks) for task_id in "abcdx"] == [3, 1, 2, 1, 1]


@given(st.lists(st.tuples(st.integers(0, 19), st.integers(0, 19)), max_size=80))
def test_whatever_is_moved_where_there_is_never_a_cycle_nor_too_much_depth(moves: list[tuple[int, int]]):
    tasks = by_id(*(a_task(f"t{number}", f"t{number - 1}" if number % 10 else None) for number in range(20)))
    for moved, to in moves:
        task_id, everyone = f"t{moved}", list(tasks.values())
        parent = ancestry(f"t{to}", tasks)
        is_above = task_id in {task.id for task in parent}
        is_too_deep = len(parent) + height(task_id, everyone) > DEPTH
        try:
            check_parent(task_id, parent, height(task_id, everyone))
        except TaskError:
            assert is_above or is_too_deep
            continue
        assert not is_above and not is_too_deep
        tasks[task_id] = a_task(task_id, f"t{to}")
        assert all(ancestry(one, tasks)[0].parent_id is None for one in tasks)
        assert all(len(ancestry(one, tasks)) <= DEPTH for one in tasks)


def test_a_finished_goal_gets_no_new_parts():
    for status in FINISHED:
        with pytest.raises(TaskError, match=f"is {status}, so it gets no new parts"):
            check_parent("t1", [a_task(status=status)])


def test_the_deepest_place_is_allowed_and_the_next_is_not():
    chain = [a_task(f"t{number}", f"t{number - 1}") for number in range(DEPTH)]
    check_parent("new", chain[:-1])
    with pytest.raises(TaskError, match=f"{DEPTH + 1} deep, and {DEPTH} is the most"):
        check_parent("new", chain)


@pytest.mark.parametrize("before", TaskStatus)
@pytest.mark.parametrize("after", TaskStatus)
def test_a_status_follows_itself_and_those_of_the_table(before: TaskStatus, after: TaskStatus):
    if after is before or after in FOLLOWS[before]:
        check_status(a_task(status=before), after, [])
        return
    with pytest.raises(TaskError, match=f"is {before} and cannot become {after}") as caught:
        check_status(a_task(status=before), after, [])
    assert "task reopen t0" in caught.value.hint


def test_what_has_unfinished_parts_is_not_done_and_can_be_cancelled():
    parts = [a_task("p1", status=TaskStatus.DONE), a_task("p2", status=TaskStatus.DOING)]
    with pytest.raises(TaskError, match=r"1 of its 2 parts are not \(p2\)"):
        check_status(a_task(), TaskStatus.DONE, parts)
    check_status(a_task(), TaskStatus.CANCELLED, parts)
    check_status(a_task(), TaskStatus.DONE, [parts[0], a_task("p3", status=TaskStatus.CANCELLED)])


def test_no_part_of_a_finished_goal_is_opened_again():
    done, goal = a_task("p", status=TaskStatus.DONE), a_task("g", status=TaskStatus.DONE)
    with pytest.raises(TaskError, match="a part of g, which is done"):
        check_reopened(done, TaskStatus.OPEN, goal)
    check_reopened(done, TaskStatus.OPEN, a_task("g"))
    check_reopened(done, TaskStatus.OPEN, None)
    check_reopened(done, TaskStatus.DONE, goal)


@pytest.mark.parametrize("empty", ["", "  \n\t", "\x1b\x00"])
def test_a_goal_says_something(empty: str):
    with pytest.raises(TaskError, match="needs a goal"):
        checked_goal(empty)


def test_a_goal_is_not_longer_than_an_agent_should_be_told():
    assert checked_goal("x" * GOAL_LETTERS)
    with pytest.raises(TaskError, match=f"has {GOAL_LETTERS + 1} characters"):
        checked_goal("x" * (GOAL_LETTERS + 1))


@given(st.text(st.characters(), min_size=1, max_size=200))
def test_a_goal_and_its_title_can_be_stored_shown_and_pasted(text: str):
    try:
        goal = checked_goal(text)
    except TaskError:
        return
    title = checked_title(None, goal)
    for clean in (goal.replace("\n", "").replace("\t", ""), title):
        assert clean.encode() and clean.isprintable()
    assert 1 <= len(title) <= TITLE_LETTERS and "\n" not in title


def test_a_title_is_one_line_of_what_was_said_or_of_the_goal():
    assert checked_title("  Two \n lines ", "goal") == "Two lines"
    assert checked_title(None, "first line\nsecond") == "first line"
    assert checked_title(" ", "goal") == "goal"
    assert checked_title(None, "x" * 500) == "x" * (TITLE_LETTERS - 1) + "…"
