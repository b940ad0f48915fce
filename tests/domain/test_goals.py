"""What an agent is told of its tasks, and how that stands in the context of its wakeup."""

from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.goals import ABOVE_LETTERS, telling, told, without_task
from hive_tui.domain.wakeups import chains_of, merged_context, messages_of
from tests.domain.test_tasks import a_task

GOAL = a_task("11111111-goal", title="Ship 1.0", goal="Ship 1.0")
PART = a_task("22222222-part", GOAL.id, title="Docs", goal="Docs\nfor every command")
TASK = a_task("33333333-task", PART.id, title="README", goal="README")


def test_an_agent_is_told_the_chain_from_the_goal_down_to_its_task():
    assert messages_of(telling([GOAL, PART, TASK])) == (
        "Your task 33333333: README\n"
        "It serves, from the goal down:\n"
        "1. Ship 1.0\n"
        "2. Docs for every command\n"
        "When it is done, run: hive-tui task done 33333333",
    )


def test_a_goal_of_its_own_is_told_with_all_its_lines():
    [message] = messages_of(telling([PART]))
    assert message.splitlines()[:3] == ["Your task 22222222: Docs", "Wanted: Docs", "for every command"]
    assert "serves" not in message


def test_the_context_has_the_chain():
    [chain] = telling([GOAL, TASK])["goal_ancestry"]
    assert [one["id"] for one in chain] == [GOAL.id, TASK.id]
    assert chain[1] == {"id": TASK.id, "title": "README", "goal": "README"}


@given(st.text(), st.text())
def test_no_goal_makes_a_message_look_like_a_command(title: str, goal: str):
    assert told([{"id": "i", "title": title, "goal": goal}]).startswith("Your task ")


def test_of_a_long_goal_above_only_the_beginning_is_told():
    long = a_task("g", title="t", goal="t " + "x" * 4_000)
    [message] = messages_of(telling([long, TASK]))
    assert len(message) < ABOVE_LETTERS + 200 and "…" in message


def test_two_assignments_that_became_one_wake_are_both_told():
    other = a_task("44444444-task", title="Build", goal="Build")
    merged = merged_context(telling([GOAL, TASK]), telling([other]))
    assert [chain[-1]["id"] for chain in chains_of(merged)] == [TASK.id, other.id]
    assert [message.splitlines()[0] for message in messages_of(merged)] == [
        "Your task 33333333: README",
        "Your task 44444444: Build",
    ]


def test_a_chain_that_is_there_already_is_not_there_twice():
    merged = merged_context(telling([GOAL, TASK]), telling([GOAL, TASK]))
    assert len(chains_of(merged)) == 1


def test_a_task_that_was_taken_back_is_not_told_and_all_else_is():
    both = merged_context({"message": "hello", "x": 1}, merged_context(telling([GOAL, TASK]), telling([PART])))
    assert without_task(both, TASK.id) == merged_context({"message": "hello", "x": 1}, telling([PART]))
    assert without_task(telling([TASK]), TASK.id) == {}
    assert without_task(both, GOAL.id) == both, "only what the chain leads to"
