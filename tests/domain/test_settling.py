"""Which claims are believed at once, which late, and when work is none."""

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.domain.settling import DEBOUNCE_S, STALLED_S, Settling, has_stalled, moved, settled, trace_of, with_stall
from hive_tui.domain.sightings import Claim, why_it_lost

WORKS = Claim(Activity.WORKING, "screen", "it works")
RESTS = Claim(Activity.IDLE, "screen", "it shows its prompt")
NOTHING = Claim(Activity.UNKNOWN, "fallback", "nothing")


def shown(*looks: tuple[float, tuple[Claim, ...]]) -> list[Activity]:
    """What is shown at each of several looks."""
    memory, found = Settling(), []
    for now_s, claims in looks:
        memory, claims = settled(memory, claims, now_s)
        found.append(claims[0].activity)
    return found


def test_a_screen_alone_is_believed_only_after_a_while_that_work_has_ended():
    looks = ((0.0, (WORKS,)), (1.0, (RESTS, NOTHING)), (1.5, (RESTS, NOTHING)), (1.0 + DEBOUNCE_S, (RESTS, NOTHING)))
    assert shown(*looks) == [Activity.WORKING, Activity.WORKING, Activity.WORKING, Activity.IDLE]


def test_a_flicker_is_never_shown_and_the_wait_begins_anew():
    looks = ((0.0, (WORKS,)), (0.9, (RESTS,)), (1.5, (WORKS,)), (2.0, (RESTS,)), (2.0 + DEBOUNCE_S / 2, (RESTS,)))
    assert shown(*looks) == [Activity.WORKING] * 5


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param((Claim(Activity.IDLE, "status file", ""),), id="its own status file"),
        pytest.param((Claim(Activity.IDLE, "hook", ""),), id="a hook"),
        pytest.param((RESTS, Claim(Activity.IDLE, "title", "")), id="screen and title agree"),
        pytest.param((Claim(Activity.PERMISSION, "screen", ""),), id="a dialog"),
        pytest.param((Claim(Activity.LIMITED, "screen", ""),), id="a limit"),
    ],
)
def test_everything_stronger_is_believed_at_once(claims: tuple[Claim, ...]):
    assert shown((0.0, (WORKS,)), (0.1, claims))[-1] is claims[0].activity


def test_rest_that_follows_no_work_needs_no_wait():
    assert shown((0.0, (NOTHING,)), (0.1, (RESTS,))) == [Activity.UNKNOWN, Activity.IDLE]


@pytest.mark.parametrize(
    ("before", "after", "is_moving"),
    [
        pytest.param("✻ Baking… (4s · ↓ 37 tokens)", "✶ Baking… (41s · ↓ 37 tokens)", False, id="seconds"),
        pytest.param(" ⠏ Thinking... (esc to cancel, 3s)", " ⠋ Thinking... (esc to cancel, 9s)", False, id="braille"),
        pytest.param("● one", "● one two", True, id="words"),
    ],
)
def test_counters_and_spinners_are_no_movement(before: str, after: str, is_moving: bool):
    memory = moved(Settling(), trace_of([before]), 10.0)
    assert (moved(memory, trace_of([after]), 20.0).moved_at_s == 20.0) is is_moving


def test_work_without_movement_is_unknown_and_says_so():
    memory, claims = settled(moved(Settling(), trace_of(["busy"]), 0.0), (WORKS, NOTHING), 0.0)
    assert not has_stalled(memory, claims, STALLED_S - 1)
    assert has_stalled(memory, claims, STALLED_S)
    first = with_stall(memory, claims, STALLED_S)[0]
    assert first.activity is Activity.UNKNOWN and "may hang" in first.detail
    assert not has_stalled(memory, (RESTS,), STALLED_S), "rest needs no movement"


def test_every_source_that_lost_says_why():
    assert why_it_lost(RESTS, Claim(Activity.IDLE, "title", "")) == "agrees"
    assert why_it_lost(RESTS, Claim(Activity.WORKING, "title", "")).startswith("overruled by title: a screen may show")
    assert "nothing else speaks" in why_it_lost(NOTHING, RESTS)
