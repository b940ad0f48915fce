"""The catalog of checkpoints."""

from datetime import timedelta

import pytest
from msgspec import structs

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import CheckpointReason, Defect, ValidationError
from hive_tui.domain.errors import NotFound
from hive_tui.store import checkpoints
from hive_tui.store.database import Database
from tests.builders import NOON
from tests.store.builders import a_checkpoint, enter

ERRORS = (
    ValidationError(Defect.HASH_MISMATCH, "its content is not what was written", "session/a.jsonl"),
    ValidationError(Defect.TRUNCATED, "the file ends before its manifest"),
)


@pytest.mark.parametrize("reason", CheckpointReason)
def test_a_checkpoint_comes_back_as_it_was_entered(database: Database, ada: Agent, reason: CheckpointReason):
    entered = a_checkpoint(
        "c-1",
        is_valid=False,
        reason=reason,
        validation_errors=ERRORS,
        validated_at=NOON,
        session_id="s-1",
        took_s=1.25,
        summary={"workspace": {"branch": "główna", "untracked": ["caf\udce9"]}},
    )
    enter(database, entered)
    assert database.read(checkpoints.get, "c-1") == entered


def test_a_new_checkpoint_is_generation_0_and_the_others_grow_older(database: Database, ada: Agent, bob: Agent):
    enter(database, a_checkpoint("of-bob", bob.id))
    for name in ("first", "second", "third"):
        enter(database, a_checkpoint(name))
    found = database.read(checkpoints.of_agent, ada.id)
    assert [(checkpoint.id, checkpoint.generation) for checkpoint in found] == [
        ("third", 0),
        ("second", 1),
        ("first", 2),
    ]
    assert [checkpoint.generation for checkpoint in database.read(checkpoints.of_agent, bob.id)] == [0]
    assert database.read(checkpoints.generation, ada.id, 1).id == "second"


def test_a_checkpoint_of_nobody_is_not_entered(database: Database):
    with pytest.raises(Exception, match="FOREIGN KEY"):
        enter(database, a_checkpoint("c-1", "nobody"))
    assert database.read(checkpoints.everything) == []


def test_a_generation_that_is_not_there_is_refused_with_those_that_are(database: Database, ada: Agent, bob: Agent):
    for name in ("first", "second"):
        enter(database, a_checkpoint(name))
    with pytest.raises(NotFound, match="no generation 2") as missing:
        database.read(checkpoints.generation, ada.id, 2)
    assert missing.value.hint == "Its generations go from 0 to 1."
    with pytest.raises(NotFound) as missing:
        database.read(checkpoints.generation, bob.id, 0)
    assert missing.value.hint == "Take a checkpoint first."


def test_the_catalog_is_listed_newest_first(database: Database, ada: Agent, bob: Agent):
    for minutes, (name, agent) in enumerate([("a-1", ada), ("b-1", bob), ("a-2", ada)]):
        enter(database, a_checkpoint(name, agent.id, created_at=NOON + timedelta(minutes=minutes)))
    assert [checkpoint.id for checkpoint in database.read(checkpoints.everything)] == ["a-2", "b-1", "a-1"]


def test_the_newest_of_every_agent_is_found(database: Database, ada: Agent, bob: Agent):
    assert database.read(checkpoints.newest_by_agent) == {}
    for name, agent in [("a-1", ada), ("b-1", bob), ("a-2", ada)]:
        enter(database, a_checkpoint(name, agent.id))
    newest = database.read(checkpoints.newest_by_agent)
    assert {agent: checkpoint.id for agent, checkpoint in newest.items()} == {ada.id: "a-2", bob.id: "b-1"}


@pytest.mark.parametrize(
    ("asked", "found"),
    [("abcdef-1", "abcdef-1"), ("abcdef-2", "abcdef-2"), ("fedcba", "fedcba-9"), ("fedcba-", "fedcba-9")],
)
def test_an_id_may_be_shortened(database: Database, ada: Agent, asked: str, found: str):
    for name in ("abcdef-1", "abcdef-2", "fedcba-9"):
        enter(database, a_checkpoint(name))
    assert database.read(checkpoints.get, asked).id == found


@pytest.mark.parametrize(
    ("asked", "sentence"),
    [
        ("abcdef", "Several checkpoints begin with 'abcdef'"),
        ("fedcb", "There is no checkpoint 'fedcb'"),
        ("", "There is no checkpoint ''"),
        ("%%%%%%%%", "There is no checkpoint '%%%%%%%%'"),
        ("______", "There is no checkpoint '______'"),
    ],
)
def test_an_id_that_is_too_short_or_not_there_is_refused(database: Database, ada: Agent, asked: str, sentence: str):
    for name in ("abcdef-1", "abcdef-2", "fedcba-9"):
        enter(database, a_checkpoint(name))
    with pytest.raises(NotFound, match=sentence):
        database.read(checkpoints.get, asked)


def test_what_a_validation_found_is_kept(database: Database, ada: Agent):
    entered = a_checkpoint("c-1")
    enter(database, entered)
    enter(database, a_checkpoint("c-2"))
    database.write(checkpoints.set_validity, "c-1", ERRORS, now=NOON)
    assert database.read(checkpoints.get, "c-1") == structs.replace(
        entered, generation=1, is_valid=False, validation_errors=ERRORS, validated_at=NOON
    )
    assert database.read(checkpoints.get, "c-2").is_valid

    later = NOON + timedelta(hours=1)
    database.write(checkpoints.set_validity, "c-1", [], now=later)
    assert database.read(checkpoints.get, "c-1") == structs.replace(entered, generation=1, validated_at=later)


def in_order(database: Database, agent: Agent) -> list[tuple[str, int]]:
    return [(one.id, one.generation) for one in database.read(checkpoints.of_agent, agent.id)]


def test_one_that_is_older_takes_its_place_by_time(database: Database, ada: Agent, bob: Agent):
    enter(database, a_checkpoint("of-bob", bob.id))
    for hour in (1, 3, 5):
        enter(database, a_checkpoint(f"h{hour}", created_at=NOON + timedelta(hours=hour)))
    places = {
        hour: database.write(
            checkpoints.insert_by_age, a_checkpoint(f"h{hour}", created_at=NOON + timedelta(hours=hour))
        )
        for hour in (2, 0, 6)
    }
    assert places == {2: 2, 0: 4, 6: 0}
    assert in_order(database, ada) == [("h6", 0), ("h5", 1), ("h3", 2), ("h2", 3), ("h1", 4), ("h0", 5)]
    assert in_order(database, bob) == [("of-bob", 0)]


def test_a_removed_one_leaves_no_gap(database: Database, ada: Agent, bob: Agent):
    enter(database, a_checkpoint("of-bob", bob.id))
    for name in ("old", "middle", "new"):
        enter(database, a_checkpoint(name))
    database.write(checkpoints.remove, "middle")
    database.write(checkpoints.remove, "nobody")
    assert in_order(database, ada) == [("new", 0), ("old", 1)] and in_order(database, bob) == [("of-bob", 0)]


def test_a_proof_stays_when_a_later_drill_could_not_be_held_and_goes_when_one_failed(database: Database, ada: Agent):
    enter(database, a_checkpoint("c"))
    later = NOON + timedelta(days=1)
    database.write(checkpoints.set_drilled, "c", "12 members", proven=True, now=NOON)
    database.write(checkpoints.set_drilled, "c", "no room", proven=False, now=later)
    found = database.read(checkpoints.get, "c")
    assert (found.proven_at, found.drilled_at, found.proven_note) == (NOON, later, "no room")
    database.write(checkpoints.withdraw_proof, "c")
    assert database.read(checkpoints.get, "c").proven_at is None
