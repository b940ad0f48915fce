"""Models: Ollama, llama.cpp's router and llama-swap, against servers that speak as documented."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from hive_tui.adapters.json_http import HttpFailed, JsonHttp
from hive_tui.adapters.model_servers.llama_cpp import LlamaCpp as LlamaCppClient
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import NotFound
from hive_tui.domain.events import Actor
from hive_tui.domain.models import ModelServerFailed
from hive_tui.settings import AgentSettings
from hive_tui.settings.machine import ModelsSettings
from hive_tui.store import agents as agent_store
from hive_tui.store import models as model_store
from tests.machine.conftest import Rig
from tests.machine.servers import LlamaCpp, LlamaSwap, Ollama, Trickle
from tests.stage import eventually

YOU = Actor.person()


@pytest.fixture
def ollama(rig: Rig) -> Iterator[Ollama]:
    with Ollama() as made:
        rig.models = ModelsSettings(ollama=made.address, timeout_s=2.0)
        yield made


def load(rig: Rig, ollama: Ollama, name: str, hours: float = 24.0) -> None:
    ollama.loaded[name] = rig.clock.now() + timedelta(hours=hours)


def reason(rig: Rig, key: str) -> str:
    return rig.hive.database.read(model_store.everything)[key].reason


def test_a_model_that_nobody_uses_is_unloaded_after_its_keep_alive_in_the_promised_words(rig: Rig, ollama: Ollama):
    load(rig, ollama, "llama3:8b")
    rig.check()
    rig.check(minutes=115)
    assert "llama3:8b" in ollama.loaded and reason(rig, "ollama/llama3:8b") == "used 1h 55m ago"
    rig.check(minutes=5)
    assert ollama.loaded == {}
    assert [body for method, _, body in ollama.asked if method == "POST"] == [
        {"model": "llama3:8b", "keep_alive": 0, "stream": False}
    ]
    assert rig.said("model.*") == [
        "Model llama3:8b keep-alive expired, unloading...",
        "Successfully unloaded idle model llama3:8b",
    ]


def test_each_request_moves_the_expiry_and_so_begins_the_keep_alive_anew(rig: Rig, ollama: Ollama):
    load(rig, ollama, "m")
    rig.check()
    rig.check(minutes=60)
    load(rig, ollama, "m")
    rig.check(minutes=115)
    assert "m" in ollama.loaded


def test_a_pinned_model_and_one_that_an_awake_agent_needs_are_left_alone(rig: Rig, ollama: Ollama):
    rig.agents = {"shop": AgentSettings(models=("ollama/needed",))}
    rig.put_agent("shop", Lifecycle.AWAKE)
    ollama.loaded["pinned"] = "2318-09-12T11:30:00.123456789+02:00"
    load(rig, ollama, "needed")
    rig.check(minutes=240)
    assert set(ollama.loaded) == {"pinned", "needed"} and ollama.posted() == []
    assert reason(rig, "ollama/pinned") == "pinned by a client"
    assert reason(rig, "ollama/needed") == "shop needs it"


def test_a_client_that_loads_a_model_again_and_again_is_told_of_and_not_fought(rig: Rig, ollama: Ollama):
    for _ in range(5):
        load(rig, ollama, "m", hours=90)
        rig.check(minutes=140)
    assert len(ollama.posted()) == 3 and "m" in ollama.loaded
    told = rig.said("model.reloaded")
    assert len(told) == 3 and told[-1].endswith("for the 3th time: it is left alone for 1d")
    assert reason(rig, "ollama/m") == "left alone: a client has loaded it again 3 times"


def test_a_server_that_lies_is_found_out_and_tried_again_only_after_the_keep_alive(
    rig: Rig, ollama: Ollama, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hive_tui.services.model_keeper.GONE_AFTER_S", 0.3)
    ollama.lies = True
    load(rig, ollama, "m", hours=90)
    rig.check()
    rig.check(minutes=180)
    assert len(ollama.posted()) == 1
    assert "0.3 s later it is still loaded" in rig.said("model.failed")[0]


def test_a_server_that_is_gone_is_trouble_to_be_seen_and_no_failure_at_each_look(rig: Rig, ollama: Ollama):
    rig.models = ModelsSettings(ollama="http://127.0.0.1:1", timeout_s=0.5)
    rig.check(minutes=20)
    view = rig.hive.machine.view()
    assert "nobody answers" in view.trouble["ollama"] and rig.said("model.*") == []


def test_models_are_preloaded_for_a_waking_agent_beside_its_start(rig: Rig, ollama: Ollama):
    rig.agents = {"shop": AgentSettings(models=("ollama/m", "ollama/nowhere"))}
    rig.put_agent("shop", Lifecycle.WAKING)
    rig.hive.machine.ready_for(rig.hive.database.read(agent_store.find, "shop"))
    eventually(lambda: len(rig.said("model.*")) == 2, "both are told of")
    assert rig.said("model.*") == [
        "Model m was loaded",
        "Model ollama/nowhere was not loaded: ollama refuses /api/generate: 404, model 'nowhere' not found",
    ]


def test_a_person_unloads_by_name_and_the_status_has_the_promised_fields(rig: Rig, ollama: Ollama):
    load(rig, ollama, "m")
    rig.check()
    assert rig.hive.machine.idle_status()["models"] == {
        "m": {
            "last_used": rig.hive.machine.view().models[0].last_used_at.isoformat().replace("+00:00", "Z"),  # type: ignore[union-attr]
            "keep_alive_until": rig.hive.machine.view().models[0].keep_until.isoformat().replace("+00:00", "Z"),  # type: ignore[union-attr]
            "will_unload_in_minutes": 120.0,
            "provider": "ollama",
        }
    }
    assert rig.hive.machine.unload_model("m", YOU) == "ollama/m"
    assert ollama.loaded == {} and rig.said("model.*") == ["Successfully unloaded model m"]
    with pytest.raises(NotFound):
        rig.hive.machine.unload_model("m", YOU)


def test_the_router_of_llama_cpp_unloads_what_has_no_request(rig: Rig):
    with LlamaCpp() as server:
        rig.models = ModelsSettings(llama_cpp=server.address)
        rig.check()
        server.task = 2
        rig.check(minutes=120)
        assert server.states["qwen"] == "loaded", "used five minutes after the first look"
        server.busy = True
        rig.check(minutes=5)
        assert reason(rig, "llama.cpp/qwen") == "a request is in flight"
        server.busy = False
        rig.check(minutes=120)
        assert server.states == {"qwen": "unloaded", "gemma": "unloaded"}
        rig.hive.machine.models.preload(["llama.cpp/gemma"])
        assert server.states["gemma"] == "loaded"


def test_a_server_of_llama_cpp_with_one_model_says_why_it_cannot_unload_it(rig: Rig):
    with LlamaCpp(is_router=False) as server:
        rig.models = ModelsSettings(llama_cpp=server.address)
        rig.check(minutes=240)
        assert "only its router mode" in rig.hive.machine.view().trouble["llama.cpp"]
        with pytest.raises(ModelServerFailed, match="only its router mode"):
            rig.hive.machine.unload_model("qwen", YOU)
        assert server.posted() == []


@pytest.mark.parametrize("is_old", [False, True])
def test_llama_swap_unloads_what_no_request_has_come_for(rig: Rig, is_old: bool):
    with LlamaSwap(is_old=is_old) as server:
        rig.models = ModelsSettings(llama_swap=server.address)
        rig.check()
        rig.check(minutes=125)
        if is_old:
            assert reason(rig, "llama-swap/qwen") == "its server does not tell when it was used"
            server.running["other"] = "ready"
            with pytest.raises(ModelServerFailed):
                rig.hive.machine.unload_model("qwen", YOU)
            assert len(server.running) == 2, "all or nothing is not what was asked for"
            del server.running["other"]
            rig.hive.machine.unload_model("qwen", YOU)
        assert server.running == {}


def test_an_answer_that_never_ends_is_given_up_at_its_deadline():
    trickle = Trickle()
    with pytest.raises(HttpFailed, match=r"did not answer within 0\.3 s"):
        JsonHttp(trickle.address, timeout_s=0.3).ask("GET", "/")
    trickle.close()


def test_an_answer_of_another_kind_of_server_is_no_list_of_models():
    with Ollama() as other:
        other.answer = lambda *_: (200, {"hello": "world"})  # type: ignore[method-assign]
        client = LlamaCppClient(other.address, timeout_s=2.0, load_timeout_s=2.0)
        with pytest.raises(ModelServerFailed, match="cannot be read"):
            client.loaded()
