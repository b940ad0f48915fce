"""Which checkpoints are kept: by count, by calendar, under a quota; and what is never taken."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.retention import RetentionPlan, RetentionPolicy, plan_retention
from tests.builders import NOON
from tests.store.builders import a_checkpoint

AGENTS = ("ada", "bob")


def taken(ago: timedelta, generation: int, **facts: Any) -> Checkpoint:
    return a_checkpoint(f"c-{generation}", **{"created_at": NOON - ago, "generation": generation, **facts})


def kept(plan: RetentionPlan) -> set[str]:
    return set(plan.kept)


def test_four_newest_then_one_a_day_for_a_week_then_one_a_week_for_a_month():
    hourly = [taken(timedelta(hours=at), at) for at in range(24 * 60)]
    plan = plan_retention(hourly, RetentionPolicy(), now=NOON)
    ages = sorted((NOON - one.created_at).total_seconds() / 3600 for one in hourly if one.id in plan.kept)
    newest, daily, weekly = ages[:4], ages[4:11], ages[11:]
    assert newest == [0, 1, 2, 3]
    assert daily == [13 + 24 * day for day in range(7)], "the last one of each day before today"
    assert weekly == [13 + 24 * 7 * week for week in (1, 2, 3)], "the last one of each week before this one"
    assert len(plan.removals) == len(hourly) - len(ages)
    assert "beyond 4 newest" in plan.removals[0].why


def test_a_damaged_one_stays_until_enough_good_ones_are_newer():
    mine = [taken(timedelta(hours=at), at, is_valid=at != 3) for at in range(4)]
    assert "c-3" in kept(plan_retention(mine, RetentionPolicy(), now=NOON))
    plan = plan_retention(mine, RetentionPolicy(keep=3), now=NOON)
    assert [(one.checkpoint.id, one.why) for one in plan.removals] == [("c-3", "damaged, and 3 good ones are newer")]


def test_the_quota_takes_weekly_ones_first_then_daily_ones_then_old_ones_of_agents_that_run():
    ages = [0, 1, 2, 3, 30, 60, 24 * 10, 24 * 20]
    mine = [taken(timedelta(hours=age), at, size_bytes=10) for at, age in enumerate(ages)]
    left = {}
    for quota in (80, 70, 60, 50, 40, 30, 10, 5):
        plan = plan_retention(mine, RetentionPolicy(quota_bytes=quota), now=NOON)
        left[quota] = [one.generation for one in mine if one.id in plan.kept]
    assert left[80] == [0, 1, 2, 3, 4, 5, 6, 7]
    assert left[70] == [0, 1, 2, 3, 4, 5, 6]
    assert left[50] == [0, 1, 2, 3, 4], "the older of two daily ones"
    assert left[40] == [0, 1, 2, 3] and left[30] == [0, 1, 2]
    assert left[10] == left[5] == [0], "never the newest one"
    assert plan.bytes_over_quota == 5


def test_the_quota_takes_nothing_of_the_newest_ones_of_an_agent_that_sleeps():
    mine = [taken(timedelta(hours=at), at, size_bytes=10) for at in range(6)]
    plan = plan_retention(mine, RetentionPolicy(quota_bytes=10), now=NOON, sleeping={"id-of-ada"})
    assert kept(plan) == {"c-0", "c-1", "c-2", "c-3"} and plan.bytes_over_quota == 30


def test_a_safety_copy_stays_while_its_restore_can_be_undone_then_as_long_as_there_is_room():
    safety = [
        taken(timedelta(days=day), at + 1, reason=CheckpointReason.SAFETY, size_bytes=10)
        for at, day in enumerate((1, 6, 8, 9))
    ]
    newest = taken(timedelta(0), 0, size_bytes=10)
    plan = plan_retention([newest, *safety], RetentionPolicy(safety_quota_bytes=30), now=NOON)
    assert kept(plan) == {"c-0", "c-1", "c-2", "c-3"}
    plan = plan_retention([newest, *safety], RetentionPolicy(safety_quota_bytes=5), now=NOON)
    assert kept(plan) == {"c-0", "c-1", "c-2"}, "the days count more than the bytes"
    assert all("safety copy" in one.why for one in plan.removals)


def test_safety_copies_take_no_place_of_others():
    safety = [taken(timedelta(hours=at), at, reason=CheckpointReason.SAFETY, size_bytes=1000) for at in range(5)]
    others = [taken(timedelta(hours=at), at, size_bytes=10) for at in range(5, 9)]
    plan = plan_retention([*safety, *others], RetentionPolicy(quota_bytes=40), now=NOON)
    assert len(plan.kept) == 9


def test_what_is_imported_or_needed_stays():
    mine = [taken(timedelta(days=400 + at), at, size_bytes=10) for at in range(8)]
    mine[7] = taken(timedelta(days=900), 7, imported_at=NOON, size_bytes=10)
    plan = plan_retention(mine, RetentionPolicy(quota_bytes=1), now=NOON, needed={"c-6"})
    assert kept(plan) == {"c-0", "c-6", "c-7"}


def test_only_files_that_are_here_count():
    mine = [taken(timedelta(hours=at), at, size_bytes=10, is_local=at == 0) for at in range(4)]
    assert len(plan_retention(mine, RetentionPolicy(quota_bytes=10), now=NOON).kept) == 4


def a_catalog() -> st.SearchStrategy[list[Checkpoint]]:
    facts = st.tuples(
        st.sampled_from(AGENTS),
        st.integers(0, 24 * 60),
        st.booleans(),
        st.sampled_from([CheckpointReason.NAP, CheckpointReason.NAP, CheckpointReason.SAFETY]),
        st.integers(1, 50),
        st.booleans(),
    )
    return st.lists(facts, max_size=25).map(_catalog)


def _catalog(drawn: list[tuple[str, int, bool, CheckpointReason, int, bool]]) -> list[Checkpoint]:
    found = []
    for name in AGENTS:
        mine = sorted((one for one in drawn if one[0] == name), key=lambda one: one[1])
        for place, (_, hours, valid, reason, size, local) in enumerate(mine):
            at = NOON - timedelta(hours=hours)
            found.append(
                a_checkpoint(
                    f"{name}-{place}",
                    f"id-of-{name}",
                    generation=place,
                    created_at=at,
                    is_valid=valid,
                    reason=reason,
                    size_bytes=size,
                    is_local=local,
                )
            )
    return found


policies = st.builds(
    RetentionPolicy,
    keep=st.integers(0, 6),
    keep_daily=st.integers(0, 8),
    keep_weekly=st.integers(0, 5),
    quota_bytes=st.integers(0, 300),
    safety_days=st.integers(0, 10),
    safety_quota_bytes=st.integers(0, 100),
)


@settings(max_examples=120)
@given(a_catalog(), policies, st.sets(st.sampled_from(["id-of-ada", "id-of-bob"])), st.data())
def test_whatever_the_policy_nothing_goes_that_could_be_missed(
    catalog: list[Checkpoint], policy: RetentionPolicy, sleeping: set[str], data: st.DataObject
):
    needed = data.draw(st.sets(st.sampled_from([one.id for one in catalog]), max_size=3)) if catalog else set()
    plan = plan_retention(catalog, policy, now=NOON, needed=needed, sleeping=sleeping)
    gone = {one.checkpoint.id for one in plan.removals}
    assert gone | kept(plan) == {one.id for one in catalog} and not gone & kept(plan), "each is decided once"
    assert not gone & needed
    for removal in plan.removals:
        assert removal.why
        mine = [one for one in catalog if one.agent_id == removal.checkpoint.agent_id and one.id in plan.kept]
        assert any(one.is_valid and one.generation < removal.checkpoint.generation for one in mine), "a newer good one"
        assert not (
            removal.checkpoint.reason is CheckpointReason.SAFETY
            and NOON - removal.checkpoint.created_at < timedelta(days=policy.safety_days)
        )
    for agent_id in sleeping:
        good = [one for one in catalog if one.agent_id == agent_id and one.is_valid]
        fallbacks = [one for one in good if one.reason is not CheckpointReason.SAFETY][: max(1, policy.keep)]
        assert {one.id for one in fallbacks} <= kept(plan)
    counted = [one for one in catalog if one.id in plan.kept and one.reason is not CheckpointReason.SAFETY]
    size = sum(one.size_bytes for one in counted if one.is_local)
    assert policy.quota_bytes == 0 or size <= policy.quota_bytes + plan.bytes_over_quota


@given(a_catalog(), policies)
def test_a_second_run_finds_nothing_more(catalog: list[Checkpoint], policy: RetentionPolicy):
    first = plan_retention(catalog, policy, now=NOON)
    left = [one for one in catalog if one.id in first.kept]
    assert plan_retention(left, policy, now=NOON).removals == ()
