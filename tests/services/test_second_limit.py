"""A second usage limit while the first one lasts: until when the agent is limited, and when it is woken."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.limits import UsageLimit
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.services.limit_naps import LIMIT_REASON
from hive_tui.store import agents, journal, ledger, wakeups
from tests.builders import NOON, an_agent
from tests.services.resting import Rest

AT_14, AT_17 = NOON + timedelta(hours=2), NOON + timedelta(hours=5)
ON_8TH = NOON + timedelta(days=3)
REST = timedelta(minutes=1)


@pytest.fixture
def rest(tmp_path: Path) -> Iterator[Rest]:
    made = Rest(tmp_path / "hive.db", None, limits=True)
    yield made
    made.database.close()


def says(resets_at: datetime) -> str:
    return f"usage limit reached, resets {resets_at:%Y-%m-%d %H:%M:%S} UTC"


def limited(rest: Rest, resets_at: datetime, **facts: Any) -> Agent:
    return rest.add("ada", activity=Activity.LIMITED, reason=says(resets_at), **facts)


def shows(rest: Rest, resets_at: datetime) -> None:
    """From now on another limit, as the observer would have it."""
    changed = structs.replace(rest.stored("id-of-ada"), reason=says(resets_at), since_at=rest.clock.now())
    rest.database.write(agents.put, changed)


def records(rest: Rest, resets_at: datetime, said_at: datetime, *, is_structured: bool = True) -> None:
    rest.database.write(ledger.put_limit, "id-of-ada", UsageLimit(resets_at, "", is_structured), said_at=said_at)


def until(rest: Rest) -> datetime | None:
    from hive_tui.services.budgets import views

    return rest.database.read(views, now=rest.clock.now())[0].limited_until


def its_wake(rest: Rest) -> Wakeup:
    [wake] = rest.database.read(wakeups.recent)
    return wake


def is_woken_after(rest: Rest, resets_at: datetime) -> bool:
    return REST <= its_wake(rest).scheduled_for - resets_at <= 2 * REST


@pytest.mark.parametrize(("first", "second"), [(AT_14, ON_8TH), (ON_8TH, AT_14)])
def test_what_is_on_the_screen_last_tells_until_when(rest: Rest, first: datetime, second: datetime):
    limited(rest, first)
    records(rest, first, NOON, is_structured=False)
    assert until(rest) == first
    rest.clock.advance(600)
    shows(rest, second)
    assert until(rest) == second


@pytest.mark.parametrize(
    ("told", "said_after_s", "counts"),
    [
        (AT_14 + timedelta(seconds=20), -600, AT_14 + timedelta(seconds=20)),
        (AT_17, -20, AT_17),
        (AT_17, -600, AT_14),
        (AT_17, 30, AT_17),
    ],
    ids=["the same limit", "a record of the same moment", "an older record", "a newer record"],
)
def test_a_record_counts_for_its_moment_and_a_sentence_that_comes_later_after_it(
    rest: Rest, told: datetime, said_after_s: float, counts: datetime
):
    limited(rest, AT_14)
    records(rest, told, NOON + timedelta(seconds=said_after_s))
    assert until(rest) == counts


def test_words_that_were_seen_long_after_the_record_are_not_reckoned_from_then(rest: Rest):
    records_at = NOON - timedelta(hours=3)
    rest.add("ada", activity=Activity.LIMITED, reason="usage limit reached, try again in 5 hours")
    records(rest, AT_14, records_at)
    assert until(rest) == AT_14


def test_a_record_that_is_read_after_the_screen_counts_more(rest: Rest):
    limited(rest, AT_14)
    records(rest, AT_14, NOON, is_structured=False)
    records(rest, AT_17, NOON - timedelta(seconds=2))
    assert until(rest) == AT_17
    records(rest, ON_8TH, NOON - timedelta(minutes=10))
    assert until(rest) == AT_17, "an older one does not"


def asleep_until(rest: Rest, resets_at: datetime) -> None:
    limited(rest, resets_at)
    rest.pass_time(1.1)
    assert rest.asleep() == ["ada"] and is_woken_after(rest, resets_at)


@pytest.mark.parametrize(("first", "second"), [(AT_14, ON_8TH), (ON_8TH, AT_14)])
def test_the_wake_of_a_sleeper_goes_with_the_limit(rest: Rest, first: datetime, second: datetime):
    asleep_until(rest, first)
    before = its_wake(rest)
    records(rest, second, rest.clock.now())
    rest.look()
    assert its_wake(rest).id == before.id and is_woken_after(rest, second)
    assert rest.stored("id-of-ada").reason == f"{LIMIT_REASON} {second:%Y-%m-%d %H:%M} UTC"
    moved = its_wake(rest).scheduled_for
    rest.pass_time(1)
    assert its_wake(rest).scheduled_for == moved, "once"
    assert len([one for one in rest.said() if "was moved to" in one]) == 1


def test_a_wake_stays_where_it_is_while_the_limit_is_told_a_little_differently(rest: Rest):
    asleep_until(rest, AT_14)
    before = its_wake(rest)
    records(rest, AT_14 - timedelta(seconds=40), rest.clock.now())
    rest.look()
    assert its_wake(rest) == before and rest.stored("id-of-ada").reason.endswith("14:00 UTC")
    # Woken in it, it is not put to sleep for the same limit under its other time.
    rest.database.write(wakeups.cancel, before.id, now=rest.clock.now())
    awake = an_agent("ada", activity=Activity.LIMITED, reason=says(AT_14 - timedelta(seconds=40)))
    rest.database.write(agents.put, structs.replace(awake, since_at=rest.clock.now()))
    rest.pass_time(10)
    assert rest.asleep() == []


def test_a_wake_that_a_person_has_put_off_or_asked_for_too_keeps_its_time(rest: Rest):
    asleep_until(rest, AT_14)
    at = AT_14 + timedelta(hours=1)
    rest.database.write(wakeups.postpone, its_wake(rest).id, at)
    records(rest, AT_17, rest.clock.now())
    rest.look()
    assert its_wake(rest).scheduled_for == at
    rest.database.write(wakeups.postpone, its_wake(rest).id, AT_14 + REST)
    new = NewWakeup("id-of-ada", Trigger.SCHEDULE, AT_14 + REST)
    rest.database.write(wakeups.enqueue, new, "w-2", now=rest.clock.now())
    rest.look()
    assert its_wake(rest).scheduled_for == AT_14 + REST


def test_the_wake_of_one_that_was_started_by_hand_goes_with_the_limit_that_it_shows(rest: Rest):
    asleep_until(rest, AT_14)
    by_hand = an_agent("ada", activity=Activity.LIMITED, reason=says(AT_14), since_at=rest.clock.now())
    rest.database.write(agents.put, by_hand)
    rest.pass_time(5)
    assert rest.asleep() == [] and is_woken_after(rest, AT_14)
    shows(rest, ON_8TH)
    rest.look()
    assert is_woken_after(rest, ON_8TH), "while it is awake"
    rest.pass_time(2)
    assert rest.asleep() == ["ada"], "this limit has not been slept through"
    assert is_woken_after(rest, ON_8TH)
    kinds = [str(one.event.kind) for one in rest.database.read(journal.events, limit=50)]
    assert kinds.count("wakeup.scheduled") == 2, "asked for once, and moved once"
