"""What screens read by SQLModel is what the store's own functions read."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from msgspec import structs
from sqlmodel import Session

from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import CheckpointReason, Defect, ValidationError
from hive_tui.domain.errors import StoreError
from hive_tui.store import agents, checkpoints, screens, tables
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent
from tests.store.builders import a_checkpoint, enter

T = TypeVar("T")


def shown(database: Database, read: Callable[[Session], T]) -> T:
    with database.session() as session:
        return read(session)


def test_an_empty_hive_shows_nothing(database: Database):
    assert shown(database, screens.agent_names) == {}
    assert shown(database, lambda session: screens.checkpoints(session, limit=5)) == ()


def test_forgotten_agents_keep_their_name_on_the_screen(database: Database, ada: Agent, bob: Agent):
    database.write(agents.forget, bob.id, now=NOON)
    assert shown(database, screens.agent_names) == {ada.id: "ada", bob.id: "bob"}


def test_the_catalog_is_shown_as_it_was_entered_newest_first(database: Database, ada: Agent, bob: Agent):
    error = ValidationError(Defect.HASH_MISMATCH, "changed", "session/a.jsonl")
    entered = [
        a_checkpoint("c-1"),
        a_checkpoint("c-2", bob.id, is_valid=False, validation_errors=(error,), validated_at=NOON, took_s=1.5),
        a_checkpoint("c-3", session_id="s", reason=CheckpointReason.SAFETY, summary={"workspace": {"branch": "main"}}),
    ]
    for hours, checkpoint in enumerate(entered):
        enter(database, structs.replace(checkpoint, created_at=NOON + timedelta(hours=hours)))
    found = shown(database, lambda session: screens.checkpoints(session, limit=10))
    assert [checkpoint.id for checkpoint in found] == ["c-3", "c-2", "c-1"]
    assert found == tuple(database.read(checkpoints.everything))
    assert shown(database, lambda session: screens.checkpoints(session, limit=2)) == found[:2]


def test_a_screen_sees_what_was_written_a_moment_ago(database: Database, ada: Agent):
    assert shown(database, screens.agent_names) == {ada.id: "ada"}
    database.write(agents.add, an_agent("bob"), now=NOON)
    assert set(shown(database, screens.agent_names).values()) == {"ada", "bob"}


def test_a_screen_cannot_write(database: Database):
    with pytest.raises(StoreError, match="readonly"), database.session() as session:
        session.add(tables.AgentTable(id="x", name="x", kind="x", lifecycle="awake"))
        session.commit()
