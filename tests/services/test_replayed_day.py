"""A day lived twice in a simulation, which knows what was saved: the replay tells no more than that."""

from pathlib import Path

from hive_tui.domain.savings import input_side
from tests.bench.days import IDLE_WAKES, live


def test_the_replay_of_a_simulated_day_claims_less_than_was_saved_and_most_of_it(tmp_path: Path):
    day = live(tmp_path, 7, parts=1)
    assert input_side(day.replayed.recorded) == day.sent, "the ledger has every token of the transcripts"
    truth = day.sent_without - day.sent
    assert 0.5 * truth < day.replayed.saved <= truth
    assert input_side(day.replayed.by_gates) > 0 and day.replayed.by_gates.cache_read % IDLE_WAKES == 0
    assert len(day.composed) == 3 and all(prompt < resumed for _, prompt, resumed in day.composed[1:])
