"""The Services screen: what its keys do, and how it looks."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hive_tui.domain.services import Actual, Desired, ServiceRecord
from hive_tui.settings import AgentSettings, Settings
from hive_tui.settings.machine import IdleSleepSettings, ModelsSettings, ServiceSettings
from hive_tui.store import services as service_store
from hive_tui.store import settings as settings_store
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Choice, Confirm
from hive_tui.ui.widgets.keyed_table import KeyedTable
from tests.clocks import FakeClock
from tests.machine.servers import Ollama
from tests.ui.invented import new_app, new_hive, settled
from tests.ui.test_snapshots import SIZES, after

SERVICES = {
    "browser": ServiceSettings(target="chromium-headless"),
    "indexer": ServiceSettings(kind="command", start="exec ~/bin/indexer --watch", depends_on=("qdrant",)),
    "qdrant": ServiceSettings(ports=(6333,)),
    "redis": ServiceSettings(kind="systemd", target="redis.service"),
    "searx": ServiceSettings(kind="command", start="true", stop="true", check="false"),
}


@pytest.fixture
def ollama() -> Iterator[Ollama]:
    with Ollama() as made:
        made.loaded = {"llama3:8b": "2026-01-05T12:04:00Z", "nomic-embed": "2318-09-12T11:30:00Z"}
        yield made


@pytest.fixture
def app(tmp_path: Path, clock: FakeClock, ollama: Ollama) -> Iterator[HiveApp]:
    settings = Settings(
        services=SERVICES,
        agents={"shop": AgentSettings(needs=("qdrant",))},
        models=ModelsSettings(ollama=ollama.address),
        idle_sleep=IdleSleepSettings(enabled=True, docker=f"unix://{tmp_path}/none", timeout_s=2.0),
    )
    hive = new_hive(tmp_path / "home", clock, settings)
    made = new_app(hive, clock)
    now = clock.now()
    records = (
        ServiceRecord(
            "browser", Desired.AUTO, Actual.RUNNING, last_used_at=now - timedelta(minutes=48), reason="used 48m ago",
            sleeps_at=now + timedelta(minutes=12),
        ),
        ServiceRecord("indexer", Desired.OFF, Actual.STOPPED, reason="desired is off"),
        ServiceRecord("qdrant", Desired.AUTO, Actual.RUNNING, last_used_at=now, reason="shop needs it"),
        ServiceRecord("redis", Desired.AUTO, Actual.RUNNING, last_used_at=now, reason="never_sleep is set"),
        ServiceRecord(
            "searx", Desired.ON, Actual.STOPPED, "exit code 137", crashes=3, crashed_at=now,
            reason="crashed 3 times; started again later",
        ),
    )  # fmt: skip
    for one in records:
        hive.database.write(service_store.set_desired, one.name, one.desired)
        hive.database.write(service_store.put_look, replace(one, looked_at=now))
    hive.machine.models.look(hive.machine.policy())
    hive.database.write(settings_store.put, "idle_monitor", {}, now=now)
    assert hive.heartbeat_lock.try_take("test")
    yield made
    hive.heartbeat_lock.release()
    hive.close()


@pytest.mark.parametrize("size", SIZES)
def test_services_and_models_with_the_reason_for_each(snap_compare: Any, app: HiveApp, size: str):
    assert snap_compare(app, terminal_size=SIZES[size], run_before=after("5", "j", "j"))


@pytest.mark.parametrize("size", ["narrow", "usual"])
@pytest.mark.parametrize("key", ["o", "b", "Z", "end"])
def test_its_questions_and_a_model(snap_compare: Any, app: HiveApp, key: str, size: str):
    assert snap_compare(app, terminal_size=SIZES[size], run_before=after("5", key))


def desired(app: HiveApp, name: str) -> Desired:
    return app.hive.database.read(service_store.get, name).desired


async def test_the_wish_for_a_service_goes_round_and_is_undone(app: HiveApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await after("5", "d")(pilot)
        assert desired(app, "browser") is Desired.ON
        await after("d", "d")(pilot)
        assert desired(app, "browser") is Desired.AUTO
        await after("u")(pilot)
        assert desired(app, "browser") is Desired.OFF


async def test_figures_and_switch_change_after_a_yes_and_come_back(app: HiveApp):
    machine = app.hive.machine
    async with app.run_test(size=(120, 40)) as pilot:
        await after("5", "b")(pilot)
        assert isinstance(app.screen, Choice)
        await after("a")(pilot)
        assert (machine.policy().idle_minutes, machine.policy().enabled) == (15, True)
        await after("o")(pilot)
        assert isinstance(app.screen, Confirm)
        await after("n")(pilot)
        assert machine.policy().enabled
        await after("o", "y")(pilot)
        assert not machine.policy().enabled
        await after("u")(pilot)
        assert machine.policy().enabled and machine.policy().idle_minutes == 15


async def test_a_model_is_unloaded_by_key(app: HiveApp, ollama: Ollama):
    async with app.run_test(size=(120, 40)) as pilot:
        await after("5", "end", "k", "z")(pilot)
        assert set(ollama.loaded) == {"nomic-embed"}
        await settled(pilot)
        keys = [row.key for row in app.screen.query_one(KeyedTable).rows]
        assert "model:ollama/llama3:8b" not in keys and "model:ollama/nomic-embed" in keys


async def test_what_cannot_be_done_says_why(app: HiveApp):
    async with app.run_test(size=(120, 40)) as pilot:
        await after("5", "end", "d", "w")(pilot)
        said = [one.message for one in app._notifications]
        assert said == ["That is a model; z unloads it."], "said once, however often the key is pressed"
        await after("home", "z")(pilot)
        assert any(
            "Service browser cannot be stopped: Docker: nobody answers" in one.message for one in app._notifications
        )
