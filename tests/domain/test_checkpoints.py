"""Checkpoints: in which order a wake tries them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.checkpoints import (
    MAX_FALLBACKS,
    Checkpoint,
    CheckpointReason,
    Defect,
    ValidationError,
    candidates,
    previous,
)
from tests.builders import NOON


def a_checkpoint(generation: int, **facts: object) -> Checkpoint:
    values: dict[str, object] = {
        "id": f"g{generation}",
        "agent_id": "a1",
        "generation": generation,
        "created_at": NOON,
        "path": f"/home/ada/{generation}.tar.zst",
        "sha256": "00",
        "size_bytes": 1,
        "is_valid": True,
        "reason": CheckpointReason.NAP,
    }
    return Checkpoint(**{**values, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("generations", "preferred", "order"),
    [
        pytest.param([], None, [], id="none at all"),
        pytest.param([2, 0, 1], None, ["g0", "g1", "g2"], id="newest first"),
        pytest.param([0, 1, 2, 3, 4, 5], None, ["g0", "g1", "g2", "g3"], id="three fallbacks at most"),
        pytest.param([0, 1, 2], "g0", ["g0", "g1", "g2"], id="the newest is the preferred one"),
        pytest.param([0, 1, 2, 3], "g2", ["g2", "g3", "g0", "g1"], id="a restored one, older ones, then newer ones"),
        pytest.param([0, 1, 2, 3, 4, 5], "g1", ["g1", "g2", "g3", "g4"], id="rather older than newer"),
        pytest.param([0, 1], "pruned", ["g0", "g1"], id="the preferred one is gone"),
        pytest.param([3, 7], "g7", ["g7", "g3"], id="generations with gaps"),
    ],
)
def test_a_wake_tries_the_preferred_one_then_older_then_newer(
    generations: list[int], preferred: str | None, order: list[str]
):
    assert [one.id for one in candidates([a_checkpoint(one) for one in generations], preferred)] == order


@given(st.sets(st.integers(0, 20)), st.integers(0, 20))
def test_no_checkpoint_is_tried_twice_and_none_is_left_out_while_there_is_room(generations: set[int], preferred: int):
    found = [one.generation for one in candidates([a_checkpoint(one) for one in generations], f"g{preferred}")]
    assert len(found) == len(set(found)) == min(len(generations), MAX_FALLBACKS + 1)
    assert set(found) <= generations
    if preferred in generations:
        assert found[0] == preferred


def test_what_is_wrong_with_a_checkpoint_reads_as_a_sentence_and_as_json():
    member = ValidationError(Defect.HASH_MISMATCH, "its SHA-256 is another", "session/a.jsonl")
    whole = ValidationError(Defect.TRUNCATED, "it ends after 12 bytes")
    assert str(member) == "session/a.jsonl: its SHA-256 is another"
    assert str(whole) == "it ends after 12 bytes"
    assert whole.to_json() == {"member": None, "kind": "truncated", "detail": "it ends after 12 bytes"}


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        pytest.param("g0", "g1", id="of the newest"),
        pytest.param(None, "g1", id="of an agent that stands nowhere"),
        pytest.param("gone", "g1", id="of one whose checkpoint was pruned"),
        pytest.param("g1", "g4", id="neither the safety copy nor the damaged one"),
        pytest.param("g4", "g5", id="after a restore, once more"),
        pytest.param("g5", None, id="of the oldest"),
    ],
)
def test_the_one_before_is_older_than_where_the_agent_stands(current: str | None, expected: str | None):
    found = [
        a_checkpoint(0),
        a_checkpoint(1),
        a_checkpoint(2, reason=CheckpointReason.SAFETY),
        a_checkpoint(3, is_valid=False),
        a_checkpoint(4),
        a_checkpoint(5),
    ]
    assert getattr(previous(found[::-1], current), "id", None) == expected
