"""What the doctor and `explain` say of side effects, and of the services that an agent needs."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.effects import EffectKind, EffectState, Ending, NewEffect
from hive_tui.domain.services import Actual
from hive_tui.hive import Hive
from hive_tui.services.checks.finding import Finding
from hive_tui.settings import AgentSettings, Settings
from hive_tui.settings.machine import IdleSleepSettings, ModelsSettings, ServiceSettings
from hive_tui.store import agents as agent_store
from hive_tui.store import effects
from hive_tui.store import services as service_store
from tests.builders import an_agent
from tests.clocks import FakeClock
from tests.machine.conftest import free_port
from tests.migrated import home_with_database
from tests.stage import Heard

NOBODY = "hive-test-no-such-server"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def new_hive(folder: Path, clock: FakeClock, **wanted: object) -> Hive:
    return Hive(home_with_database(folder / "hive"), Settings(**wanted), NOBODY, clock=clock, notifier=Heard())  # type: ignore[arg-type]


def found(hive: Hive, what: str) -> list[Finding]:
    return [one for one in hive.examining.doctor.examine() if one.what == what]


def asleep(hive: Hive, clock: FakeClock) -> Agent:
    agent = an_agent("shop", lifecycle=Lifecycle.ASLEEP, session_id="session-of-shop-1234", process=None)
    hive.database.write(agent_store.add, agent, now=clock.now())
    return agent


def ended(hive: Hive, clock: FakeClock, key: str, ending: Ending | None, agent_id: str | None = None) -> None:
    new = NewEffect(key, EffectKind.COMMAND, "/srv/shop", {"key": key}, f"sh deploy-{key}", agent_id)
    effect = hive.database.write(effects.begin, new, None, now=clock.now())
    if ending is not None:
        hive.database.write(effects.end, effect, ending, now=clock.now())


def test_unknown_failed_and_endless_effects_are_told_with_what_settles_them(tmp_path: Path, clock: FakeClock):
    hive = new_hive(tmp_path, clock)
    assert [found(hive, f"{one} effects")[0].status for one in ("unknown", "failed")] == ["ok", "ok"]
    agent = asleep(hive, clock)
    ended(hive, clock, "open", None)
    ended(hive, clock, "in doubt", Ending(EffectState.UNKNOWN, "it was cut off."), agent.id)
    ended(hive, clock, "bad", Ending(EffectState.FAILED, exit_code=3))
    ended(hive, clock, "good", Ending(EffectState.DONE))
    assert not found(hive, "open effects"), "it may well be under way"
    clock.advance(timedelta(hours=2).total_seconds())
    [unknown], [failed], [begun] = (found(hive, f"{one} effects") for one in ("unknown", "failed", "open"))
    assert {one.area for one in (unknown, failed, begun)} == {"effects"}
    assert {one.status for one in (unknown, failed, begun)} == {"warning"} and unknown.meaning and begun.meaning
    assert "sh deploy-in doubt (/srv/shop), it was cut off" in unknown.found
    assert "effect resolve 'in doubt' done" in unknown.mend
    assert "sh deploy-bad: ended with 3" in failed.found and "effect show bad" in failed.mend
    assert "sh deploy-open, begun 2h ago" in begun.found
    said = hive.explainer.explain(agent, hive.observer.observe())
    assert said.to_json()["unknown_effects"] == ["in doubt"]
    assert any("effect resolve 'in doubt'" in line for line in said.lines())
    clock.advance(timedelta(days=1).total_seconds())
    assert found(hive, "failed effects")[0].status == "ok", "that of yesterday is history"
    hive.close()


def test_services_that_cannot_be_looked_at_or_do_not_stay_up_are_told(tmp_path: Path, clock: FakeClock):
    services = {
        "vectors": ServiceSettings(kind="docker"),
        "loop": ServiceSettings(kind="command", start="exit 1"),
        "calm": ServiceSettings(kind="command", start="exit 1"),
    }
    hive = new_hive(
        tmp_path,
        clock,
        services=services,
        agents={"shop": AgentSettings(needs=("vectors", "calm"), models=("qwen",))},
        idle_sleep=IdleSleepSettings(docker=str(tmp_path / "no.sock")),
        models=ModelsSettings(ollama=f"http://127.0.0.1:{free_port()}"),
    )
    agent = asleep(hive, clock)
    record = replace(hive.database.read(service_store.get, "loop"), actual=Actual.STOPPED, crashed_at=clock.now())
    hive.database.write(service_store.put_look, replace(record, crashes=3))
    [away], [loops], [silent] = (found(hive, one) for one in ("service vectors", "service loop", "models of ollama"))
    assert (away.status, loops.status, silent.status) == ("warning", "broken", "warning")
    assert "3 times" in loops.found and all(one.mend and one.meaning for one in (away, loops, silent))
    assert not found(hive, "service calm") and not found(hive, "services")
    said = hive.explainer.explain(agent, hive.observer.observe())
    assert said.needs[0].startswith("service vectors: unknown, ") and said.needs[1] == "service calm: stopped"
    assert said.needs[2] == "model qwen: not loaded" and said.to_json()["needs"] == list(said.needs)
    clock.advance(timedelta(hours=2).total_seconds())
    assert not found(hive, "service loop"), "crashes of long ago are forgiven"
    hive.database.write(agent_store.put, an_agent("shop", lifecycle=Lifecycle.AWAKE))
    [away] = found(hive, "service vectors")
    assert away.status == "broken" and "needed by shop" in away.found
    hive.close()


def test_where_no_service_is_named_nothing_is_looked_at(tmp_path: Path, clock: FakeClock):
    hive = new_hive(tmp_path, clock)
    agent = asleep(hive, clock)
    assert not found(hive, "services") and hive.explainer.explain(agent, hive.observer.observe()).needs == ()
    assert "keeper" not in vars(hive.machine)
    hive.close()
