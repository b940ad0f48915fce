"""A database in a folder of its own, at noon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.domain.agents import Agent
from hive_tui.store import agents
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "hive.db"


@pytest.fixture
def database(path: Path, clock: FakeClock) -> Iterator[Database]:
    opened = Database(migrated(path), clock)
    yield opened
    opened.close()


@pytest.fixture
def ada(database: Database) -> Agent:
    """An agent of the registry; others may refer to it."""
    database.write(agents.add, an_agent("ada"), now=NOON)
    return an_agent("ada")


@pytest.fixture
def bob(database: Database) -> Agent:
    database.write(agents.add, an_agent("bob"), now=NOON)
    return an_agent("bob")
