"""Which looks have screens drawn anew on which no agent is seen at work."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity
from hive_tui.domain.errors import StoreError
from hive_tui.domain.panes import PaneList
from hive_tui.domain.reconcile import ServerState
from hive_tui.services.dashboard import REDRAW_AT_LEAST_EVERY_S, Dashboard
from hive_tui.services.observer import Observation
from hive_tui.store import settings
from hive_tui.store.database import Database
from tests.builders import NOON, a_pane, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

ADA = structs.replace(an_agent("ada"), activity=Activity.WORKING)
SEEN = Observation(NOON, ServerState.UP, "", (ADA,), {}, PaneList("1:2", ()))


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path, clock: FakeClock) -> Iterator[Database]:
    made = Database(migrated(tmp_path / "hive.db"), clock)
    yield made
    made.close()


@pytest.fixture
def dashboard(database: Database, clock: FakeClock) -> Dashboard:
    made = Dashboard(database, clock)
    assert made.is_news(None, SEEN)
    return made


def test_an_agent_that_works_on_is_no_news(dashboard: Dashboard):
    assert not dashboard.is_news(SEEN, replace(SEEN, panes=PaneList("1:2", (a_pane(output_at=7),))))


@pytest.mark.parametrize(
    "after",
    [
        replace(SEEN, agents=(structs.replace(ADA, activity=Activity.IDLE),)),
        replace(SEEN, agents=()),
        replace(SEEN, trouble="tmux does not answer"),
        replace(SEEN, panes=PaneList("1:2", (), "another window")),
    ],
    ids=["it is done", "it is gone", "tmux hangs", "a pane is elsewhere"],
)
def test_another_state_is(dashboard: Dashboard, after: Observation):
    assert dashboard.is_news(SEEN, after)
    assert not dashboard.is_news(after, after)


def test_what_anybody_has_written_is(dashboard: Dashboard, database: Database):
    other = Database(database.path, FakeClock())
    dashboard.is_news(SEEN, SEEN)
    for value, writer in enumerate((database, other)):
        writer.write(settings.put, "any", value, now=NOON)
        assert dashboard.is_news(SEEN, SEEN)
        assert not dashboard.is_news(SEEN, SEEN)
    other.close()


def test_what_depends_on_the_time_alone_is_drawn_every_few_seconds(dashboard: Dashboard, clock: FakeClock):
    clock.advance(REDRAW_AT_LEAST_EVERY_S - 0.1)
    assert not dashboard.is_news(SEEN, SEEN)
    clock.advance(0.1)
    assert dashboard.is_news(SEEN, SEEN)
    assert not dashboard.is_news(SEEN, SEEN)


def test_another_thread_knows_nothing_of_what_was_written(dashboard: Dashboard):
    told: list[bool] = []
    thread = threading.Thread(target=lambda: told.append(dashboard.is_news(SEEN, SEEN)))
    thread.start()
    thread.join()
    assert told == [True]


def test_a_database_that_cannot_be_read_is_news(dashboard: Dashboard, monkeypatch: pytest.MonkeyPatch):
    def fails(_: Database) -> object:
        raise StoreError("The disk is gone.")

    monkeypatch.setattr(Database, "mark", fails)
    assert dashboard.is_news(SEEN, SEEN)
