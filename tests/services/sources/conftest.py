"""A hive with two agents that sleep, and a Redis server of its own."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.events import EventKind
from hive_tui.domain.wakeups import Wakeup, messages_of
from hive_tui.hive import Hive
from hive_tui.settings import AgentSettings, FileSettings, RedisSettings, Settings
from hive_tui.store import agents, journal, wakeups
from hive_tui.store.database import Database
from tests.builders import an_ended_agent
from tests.migrated import home_with_database
from tests.redis_server import RedisServer


class Sleepers:
    """A hive whose agents `ada` and `bob` sleep."""

    def __init__(self, folder: Path, redis: RedisServer | None = None, **tables: object) -> None:
        self.work = folder / "work"
        self.work.mkdir()
        url = redis.url if redis else ""
        self.hive = Hive(
            home_with_database(folder / "home"),
            Settings(
                redis=RedisSettings(url=url, timeout_s=0.5),
                files=FileSettings(quiet_s=0.05, longest_s=0.5, poll_s=0.05),
                agents={"ada": AgentSettings(watch=("docs", "todo.txt"))},
                **tables,  # type: ignore[arg-type]
            ),
            str(folder / "no-server"),
        )
        now = SystemClock().now()
        for name in ("ada", "bob"):
            self.database.write(agents.add, an_ended_agent(name, cwd=str(self.work), since_at=now), now=now)

    @property
    def database(self) -> Database:
        return self.hive.database

    def wakes(self, name: str = "ada") -> list[Wakeup]:
        return self.database.read(wakeups.unfinished_wakes, f"id-of-{name}")

    def told(self, name: str = "ada") -> list[str]:
        """What is to be said to the agent."""
        return [message for wake in self.wakes(name) for message in messages_of(wake.context)]

    def said(self, kind: EventKind) -> list[str]:
        logged = self.database.read(journal.events, limit=1000, kinds=(kind,))
        return [one.event.text for one in logged]

    def finish(self) -> None:
        """All wakes are done; nothing of them speaks against new ones."""
        for wake in [*self.wakes("ada"), *self.wakes("bob")]:
            self.database.write(wakeups.cancel, wake.id, now=SystemClock().now())


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    # A short path: the name of a unix socket has 107 bytes at most.
    with TemporaryDirectory(prefix="hive-redis-") as folder, RedisServer(Path(folder)) as server:
        yield server


@pytest.fixture
def sleepers(tmp_path: Path, redis: RedisServer) -> Iterator[Sleepers]:
    made = Sleepers(tmp_path, redis)
    yield made
    made.hive.close()


@pytest.fixture
def without_redis(tmp_path: Path) -> Iterator[Sleepers]:
    made = Sleepers(tmp_path)
    yield made
    made.hive.close()
