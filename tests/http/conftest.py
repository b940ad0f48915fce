"""A hive with two agents that sleep, and a real server in front of it."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.hive import Hive
from hive_tui.http.server import HttpServer
from hive_tui.settings import QueueSettings, Settings
from hive_tui.settings.http import HttpSettings, WebhookSettings
from hive_tui.settings.machine import ModelsSettings, ServiceSettings
from hive_tui.store import agents
from tests.builders import an_ended_agent
from tests.http.client import Client
from tests.machine.conftest import CALM, end_services, program
from tests.machine.servers import Ollama
from tests.migrated import home_with_database

SECRET = "not a secret, since it is in a test"


@pytest.fixture
def make_hive(tmp_path: Path) -> Iterator[Callable[..., Hive]]:
    """Makes the hive; its agents `ada` and `bob` sleep."""
    made: list[Hive] = []

    def make(**tables: Any) -> Hive:
        secret = tmp_path / "secret"
        secret.write_text(SECRET)
        hooks = {
            "ci": WebhookSettings(str(secret), ("ada", "bob"), message="The build is done."),
            "github": WebhookSettings(str(secret), ("ada",), "github", "Something was pushed.", ("push",)),
        }
        tables.setdefault("http", HttpSettings(requests_per_s=10_000))
        settings = Settings(queue=QueueSettings(cooldown_s=0), webhooks=hooks, **tables)
        hive = Hive(home_with_database(tmp_path / "home"), settings, str(tmp_path / "no-server"))
        made.append(hive)
        now = SystemClock().now()
        for name in ("ada", "bob"):
            ended = an_ended_agent(name, cwd=str(tmp_path), since_at=now)
            hive.database.write(agents.add, ended, now=now)
        return hive

    yield make
    for hive in made:
        hive.close()


@pytest.fixture
def hive(make_hive: Callable[..., Hive]) -> Hive:
    return make_hive()


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    with Ollama() as made:
        made.loaded["llama3:8b"] = SystemClock().now() + timedelta(hours=1)
        yield made


@pytest.fixture
def machine_hive(make_hive: Callable[..., Hive], ollama: Ollama) -> Iterator[Hive]:
    """With services that are real processes once they are started, and a model server."""
    services = {
        "web": ServiceSettings(kind="command", start=program(CALM)),
        "works": ServiceSettings(kind="command", start=program(CALM), busy="true"),
    }
    hive = make_hive(services=services, models=ModelsSettings(ollama=ollama.address, timeout_s=1.0))
    yield hive
    end_services(hive.home)


@pytest.fixture
def machine_client(machine_hive: Hive, serving: Callable[..., HttpServer]) -> Client:
    return Client(serving(machine_hive))


@pytest.fixture
def serving() -> Iterator[Callable[..., HttpServer]]:
    """Starts servers, and stops them."""
    made: list[HttpServer] = []

    def start(hive: Hive, address: str = "127.0.0.1:0", **more: Any) -> HttpServer:
        server = HttpServer(hive, address, **more)
        server.start()
        made.append(server)
        return server

    yield start
    for server in made:
        assert server.stop(), "everything ended in time"


@pytest.fixture
def client(hive: Hive, serving: Callable[..., HttpServer]) -> Client:
    return Client(serving(hive))
