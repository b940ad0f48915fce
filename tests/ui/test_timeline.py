"""The retry timeline: attempts, waits, jitter and what comes next, on a time axis."""

from datetime import datetime, timedelta

import pytest
from msgspec import structs

from hive_tui.domain.retry import RetryPolicy
from hive_tui.domain.wakeups import Action, Attempt, Outcome, Trigger, Wakeup, WakeupStatus
from hive_tui.ui.timeline import LEGEND, timeline
from tests.builders import NOON

POLICY = RetryPolicy(waits_s=(120.0, 600.0), jitter=0.25)
WIDTH = 61


def a_wakeup(**facts: object) -> Wakeup:
    values: dict[str, object] = {
        "id": "w-1", "agent_id": "a-1", "action": Action.WAKE, "trigger": Trigger.SCHEDULE, "priority": 50,
        "status": WakeupStatus.PENDING, "scheduled_for": NOON, "attempts": 0, "max_attempts": 3,
        "idempotency_key": None, "context": {}, "claim_token": 0, "created_at": NOON - timedelta(minutes=5),
    }  # fmt: skip
    return Wakeup(**{**values, **facts})  # type: ignore[arg-type]


def failed(number: int, at: datetime, next_at: datetime | None) -> Attempt:
    return Attempt("w-1", number, at, at + timedelta(seconds=1), Outcome.FAILED, None, "no pane", next_at)


def drawn(wakeup: Wakeup, attempts: list[Attempt], width: int = WIDTH) -> list[str]:
    return [line.plain for line in timeline(wakeup, attempts, NOON, width, POLICY)]


def test_attempts_now_and_the_next_attempt_stand_where_their_times_are():
    began = NOON - timedelta(seconds=60)
    next_at = began + timedelta(seconds=1 + 120)
    wakeup = a_wakeup(attempts=1, scheduled_for=next_at)
    axis = drawn(wakeup, [failed(1, began, next_at)])[1]
    # 0 s: the attempt; 60 s: now; 121 s: next; the jitter is from 91 s to 151 s, the end of the axis.
    assert axis.index("✕") == 0
    assert axis.index("│") == round(60 / 151 * (WIDTH - 1))
    assert axis.index("◷") == round(121 / 151 * (WIDTH - 1))
    assert (axis.index("░"), axis.rindex("░")) == (round(91 / 151 * (WIDTH - 1)), WIDTH - 1)
    assert set(axis[1 : axis.index("│")]) == {"─"}
    assert set(axis[axis.index("│") + 1 : axis.index("░")]) == {"┄"}


def test_the_ends_of_the_axis_are_named_by_the_clock():
    wakeup = a_wakeup(scheduled_for=NOON + timedelta(hours=2))
    times = drawn(wakeup, [])[2]
    assert times.split() == ["12:00:00", "14:00:00"]
    assert len(times) == WIDTH


def test_a_next_attempt_that_was_moved_by_hand_has_no_jitter():
    began = NOON - timedelta(seconds=60)
    wakeup = a_wakeup(attempts=1, scheduled_for=NOON + timedelta(hours=1))
    assert "░" not in drawn(wakeup, [failed(1, began, began + timedelta(seconds=120))])[1]


@pytest.mark.parametrize(
    ("status", "attempts", "words"),
    [
        (WakeupStatus.PENDING, 1, "Next: attempt 2 of 3, due now, and waits of about 10m after that."),
        (WakeupStatus.PROCESSING, 2, "Attempt 2 of 3 runs now."),
        (WakeupStatus.FAILED, 3, "Nothing more is tried by itself; r tries it again."),
        (WakeupStatus.COMPLETED, 1, "It ended 1m ago."),
    ],
)
def test_the_last_line_says_what_comes_next(status: WakeupStatus, attempts: int, words: str):
    finished = NOON - timedelta(minutes=1) if status in (WakeupStatus.FAILED, WakeupStatus.COMPLETED) else None
    wakeup = a_wakeup(status=status, attempts=attempts, finished_at=finished)
    assert drawn(wakeup, [failed(1, NOON - timedelta(minutes=2), None)])[-1] == words


def test_each_attempt_says_when_how_long_and_why():
    lines = drawn(a_wakeup(attempts=1), [failed(1, NOON - timedelta(seconds=60), NOON + timedelta(seconds=59))])
    assert LEGEND in lines
    assert " 1 ✕ 11:59:00 failed        1.0s  no pane  then waits 1m" in lines


def test_what_the_gate_said_is_kept_for_failed_and_deferred_attempts():
    put_off = Attempt(
        "w-1", 1, NOON - timedelta(minutes=3), NOON - timedelta(minutes=2), Outcome.DEFERRED,
        "defer: pause switch: all automatic actions are paused", None, NOON - timedelta(minutes=1),
    )  # fmt: skip
    then = structs.replace(
        failed(2, NOON - timedelta(seconds=60), NOON + timedelta(seconds=61)), verdict="wake: due: asked"
    )
    lines = drawn(a_wakeup(attempts=1, scheduled_for=NOON + timedelta(seconds=61)), [put_off, then])
    assert any(
        line.startswith(" - » 11:57:00 deferred     60.0s  defer: pause switch: all automatic") for line in lines
    )
    assert " 1 ✕ 11:59:00 failed        1.0s  no pane  then waits 2m" in lines, "a deferral is no attempt"
    assert "     the gate said wake: due: asked" in lines
    assert "░" in lines[1], "the wait after the first attempt that counts has the jitter of the first wait"
    assert lines[1].count("»") == 1


def test_the_jitter_of_a_wait_that_is_over_is_drawn_too():
    first = failed(1, NOON - timedelta(minutes=4), NOON - timedelta(minutes=2))
    second = failed(2, NOON - timedelta(minutes=2), NOON + timedelta(minutes=8))
    axis = drawn(a_wakeup(attempts=2, scheduled_for=NOON + timedelta(minutes=8)), [first, second])[1]
    first_mark, second_mark = (at for at, letter in enumerate(axis) if letter == "✕")
    assert "░" in axis[first_mark:second_mark], "before the second attempt"
    assert "░" in axis[axis.index("│") :], "around the next one"


@pytest.mark.parametrize("width", [10, 20, 40, 200])
def test_the_axis_is_as_wide_as_there_is_room(width: int):
    began = NOON - timedelta(seconds=60)
    wakeup = a_wakeup(attempts=1, scheduled_for=NOON + timedelta(seconds=61))
    lines = drawn(wakeup, [failed(1, began, NOON + timedelta(seconds=61))], width)
    assert len(lines[0]) <= width
    assert [len(line) for line in lines[1:3]] == [width, width]
