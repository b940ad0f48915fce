"""How far an agent has come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.task_state import (
    KEPT,
    STEP_LETTERS,
    TaskState,
    checked_step,
    with_done_step,
    with_failure,
    with_next_step,
    with_step,
)
from hive_tui.domain.tasks import TaskError

NEW = TaskState("id-of-ada")


def test_a_candidate_becomes_the_current_step_and_then_a_completed_one():
    state = with_next_step(with_next_step(NEW, "write"), "test")
    assert state.next_steps == ("write", "test")
    state = with_step(state, "write")
    assert (state.step, state.next_steps, state.done_steps) == ("write", ("test",), ())
    state = with_done_step(state, "write")
    assert (state.step, state.next_steps, state.done_steps) == (None, ("test",), ("write",))


def test_another_completed_step_leaves_the_current_one():
    assert with_done_step(with_step(NEW, "write"), "read").step == "write"


def test_what_a_hook_reports_twice_counts_once():
    assert with_done_step(with_done_step(NEW, "a"), "a").done_steps == ("a",)
    assert with_next_step(with_next_step(NEW, "a"), "a").next_steps == ("a",)


def test_failures_are_counted_by_tag_with_the_latest_last():
    state = NEW
    for tag in ("flaky", "timeout", "flaky"):
        state = with_failure(state, tag)
    assert list(state.failures.items()) == [("timeout", 1), ("flaky", 2)]


@given(st.sampled_from([with_done_step, with_next_step, with_failure]))
def test_an_agent_that_reports_for_ever_fills_no_disk(change):
    state = NEW
    for number in range(KEPT + 20):
        state = change(state, f"step {number}")
    [kept] = [found for found in (state.done_steps, state.next_steps, tuple(state.failures)) if found]
    assert len(kept) == KEPT and kept[-1] == f"step {KEPT + 19}", "the newest are kept"


def test_a_step_is_one_line_that_says_something():
    assert checked_step(" run\nthe \x1b[31mtests ") == "run the [31mtests"
    for wrong in ("", " \n", "x" * (STEP_LETTERS + 1)):
        with pytest.raises(TaskError):
            checked_step(wrong)
