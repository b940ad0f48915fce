"""Planted days whose savings are known by hand; and what no day may ever claim."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.savings import COMPACT_AT, Account, Handover, Price, Skipped, Turn, input_side, replay
from hive_tui.domain.usage import Tokens
from tests.builders import NOON

HOUR = timedelta(hours=1)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


def turn(minutes: float, session: str, sent: int, output: int = 100) -> Turn:
    """A turn that sends so much, all of it read from the cache."""
    return Turn(at(minutes), Tokens(cache_read=sent, output=output), session, sent + output)


OLD = [turn(0, "old", 50_000), turn(2, "old", 60_000), turn(4, "old", 99_900)]
"""A conversation that has come to 100,000 tokens."""


def test_a_handoff_saves_what_was_left_behind_on_each_turn_after_it():
    new = [turn(600, "new", 10_000), turn(602, "new", 12_000), turn(630, "new", 10_500)]
    # 100,000 were left behind, and the new one began with 10,000: 90,000 more on each turn.
    account = replay([*OLD, *new], [Handover(at(599), "old")], since=NOON)
    assert account.by_handoffs == Tokens(cache_write=180_000, cache_read=90_000)
    assert account.turns == 6 and account.recorded.output == 600
    assert input_side(account.recorded) == 50_000 + 60_000 + 99_900 + 10_000 + 12_000 + 10_500
    assert account.saved == 270_000 and account.without.output == account.recorded.output
    assert account.share == 270_000 / (242_400 + 270_000)


def test_a_second_handoff_brings_along_what_the_first_has_left_behind():
    new = [turn(600, "b", 10_000), turn(700, "b", 39_900), turn(1300, "c", 8_000)]
    account = replay([*OLD, *new], [Handover(at(599), "old"), Handover(at(1299), "b")], since=NOON)
    # Without any handoff the third would begin with the 40,000 of the second, and the 90,000 that it never had.
    assert account.saved == 90_000 + 90_000 + (40_000 + 90_000 - 8_000)


def test_nothing_is_claimed_once_a_conversation_would_have_been_compacted():
    handed = [Handover(at(599), "old")]
    new = [turn(600, "new", 10_000), turn(602, "new", 59_900), turn(604, "new", 60_100), turn(606, "new", 40_000)]
    assert replay([*OLD, *new], handed, since=NOON).saved == 90_000 + 90_000
    assert replay([*OLD, *new], handed, since=NOON, compact_at=101_000).saved == 90_000
    long = [Turn(at(-9), Tokens(cache_read=400_000), "long", 400_000)]
    assert replay([*long, *OLD, *new], handed, since=NOON).saved == 4 * 90_000, "longer ones are known to last"


def test_nothing_is_claimed_after_a_conversation_was_left_otherwise_or_was_cut_short():
    handed = [Handover(at(599), "old")]
    own = [turn(600, "new", 10_000), turn(602, "cleared by hand", 5_000)]
    assert replay([*OLD, *own], handed, since=NOON).saved == 90_000
    compacted = [turn(600, "new", 40_000), turn(602, "new", 15_000), turn(604, "new", 16_000)]
    assert replay([*OLD, *compacted], handed, since=NOON).saved == 60_000
    back = [turn(600, "new", 10_000), turn(602, "old", 100_100)]
    assert replay([*OLD, *back], handed, since=NOON).saved == 90_000
    elsewhere = [turn(10, "other", 20_000), *own]
    assert replay([*OLD, *elsewhere], handed, since=NOON).saved == 0, "it came after another conversation"


def test_answers_beside_the_conversation_and_those_of_which_nothing_is_noted_change_nothing():
    aside = [Turn(at(1), Tokens(700, 0, 0, 5), "old", 0), Turn(at(601), Tokens(300, 0, 0, 5), "", -1)]
    plain = replay([*OLD, turn(600, "new", 10_000)], [Handover(at(599), "old")], since=NOON)
    with_aside = replay([*OLD, turn(600, "new", 10_000), *aside], [Handover(at(599), "old")], since=NOON)
    assert with_aside.saved == plain.saved and with_aside.recorded == plain.recorded + Tokens(1000, 0, 0, 10)


def test_skipped_wakes_own_spend_and_days_before_the_first_one():
    skipped = [Skipped(NOON - HOUR, 7), Skipped(NOON + HOUR, 3)]
    account = replay(OLD, skipped=skipped, since=NOON, own_spend=Tokens(input=30_000, output=2_000))
    assert account.by_gates == Tokens(cache_read=300_000) and account.saved == 270_000
    later = replay(OLD, skipped=skipped, since=at(3))
    assert (later.turns, input_side(later.recorded), later.saved) == (1, 99_900, 300_000)
    loss = replay(OLD, since=NOON, own_spend=Tokens(input=500))
    assert loss.saved == -500 and loss.share is not None and loss.share < 0


def test_money_counts_each_kind_at_its_price():
    account = replay([*OLD, turn(600, "new", 10_000)], [Handover(at(599), "old")], since=NOON)
    shape = account.to_json(Price(3.0, 3.75, 0.3, 15.0))
    assert round(shape["cost"], 9) == round((219_900 * 0.3 + 400 * 15) / 1e6, 9)
    assert round(shape["saved_cost_estimate"], 9) == round(90_000 * 3.75 / 1e6, 9)
    assert "cost" not in account.to_json(Price()) and "cost" not in account.to_json()


SESSIONS = st.sampled_from(["a", "b", "c", ""])
TOKENS = st.builds(Tokens, *[st.integers(0, 10**6)] * 4)
TURNS = st.lists(
    st.builds(Turn, st.integers(-3000, 3000).map(at), TOKENS, SESSIONS, st.integers(-1, 10**6)), max_size=12
)
HANDOVERS = st.lists(st.builds(Handover, st.integers(-3000, 3000).map(at), SESSIONS), max_size=4)
SKIPPED = st.lists(st.builds(Skipped, st.integers(-3000, 3000).map(at), st.integers(0, 5)), max_size=3)


@given(TURNS, HANDOVERS, SKIPPED, TOKENS)
def test_no_day_claims_more_than_its_records_allow(
    turns: Sequence[Turn], handovers: Sequence[Handover], skipped: Sequence[Skipped], spent: Tokens
):
    account = replay(turns, handovers, skipped, since=NOON, own_spend=spent)
    recorded = [one for one in turns if one.at >= NOON]
    assert account.recorded == sum((one.tokens for one in recorded), Tokens()) and account.turns == len(recorded)
    assert account.without.output == account.recorded.output, "output is never claimed"
    longest = max((one.context for one in turns), default=0)
    assert input_side(account.by_handoffs) <= max(COMPACT_AT, longest) * len(recorded)
    assert all(count >= 0 for count in (input_side(account.by_handoffs), input_side(account.by_gates)))
    if not recorded:
        assert account.share is None and account.saved <= 0
        assert account.to_json()["saved_input_side_estimate"] is None
    if not handovers and not skipped:
        assert account.saved == -input_side(spent)
    if not any(one.context > 0 for one in turns):
        assert account.saved <= 0
    assert Account() + account == account
