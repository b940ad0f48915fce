"""When a failed attempt is tried again."""

from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.retry import RetryPolicy, next_attempt_at
from tests.builders import NOON

POLICIES = st.builds(
    RetryPolicy,
    waits_s=st.lists(st.floats(0.001, 1e6), max_size=6).map(tuple),
    jitter=st.floats(0, 0.999),
)


@given(policy=POLICIES, seed=st.integers(), attempt=st.integers(1, 8))
def test_each_wait_is_within_the_jitter_around_its_step(policy: RetryPolicy, seed: int, attempt: int):
    at = next_attempt_at(NOON, attempt=attempt, policy=policy, random=Random(seed))
    if attempt >= policy.max_attempts:
        assert at is None
        return
    assert at is not None
    wait = (at - NOON).total_seconds()
    step = policy.waits_s[attempt - 1]
    assert step * (1 - policy.jitter) - 1e-6 <= wait <= step * (1 + policy.jitter) + 1e-6


@given(policy=POLICIES, seed=st.integers())
def test_there_are_as_many_retries_as_waits_and_then_it_gives_up(policy: RetryPolicy, seed: int):
    random = Random(seed)
    attempts = range(1, policy.max_attempts + 3)
    planned = [next_attempt_at(NOON, attempt=attempt, policy=policy, random=random) for attempt in attempts]
    retries = [at for at in planned if at is not None]
    assert len(retries) == len(policy.waits_s)
    assert planned[: len(retries)] == retries, "no retry comes after giving up"


@given(st.integers(max_value=0))
def test_attempts_count_from_one(attempt: int):
    with pytest.raises(ValueError, match=f"attempts count from 1, got {attempt}"):
        next_attempt_at(NOON, attempt=attempt, policy=RetryPolicy(), random=Random(1))


def test_without_jitter_the_steps_are_2_10_30_and_120_minutes():
    policy = RetryPolicy(jitter=0.0)
    waits = [next_attempt_at(NOON, attempt=attempt, policy=policy, random=Random(1)) for attempt in range(1, 6)]
    assert waits == [*(NOON + timedelta(minutes=minutes) for minutes in (2, 10, 30, 120)), None]
    assert policy.max_attempts == 5


def test_agents_that_failed_together_do_not_come_back_together():
    random = Random(7)
    due = {next_attempt_at(NOON, attempt=1, policy=RetryPolicy(), random=random) for _ in range(20)}
    assert len(due) == 20
