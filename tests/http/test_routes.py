"""Every route gives what its own document says, and what the command line gives."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from prometheus_client.parser import text_string_to_metric_families

from hive_tui.domain.events import Actor, ActorKind, EventKind
from hive_tui.domain.services import Actual
from hive_tui.domain.wakeups import messages_of
from hive_tui.hive import Hive
from hive_tui.http.openapi import document
from hive_tui.http.routes import ROUTES
from hive_tui.http.server import HttpServer
from hive_tui.store import journal, wakeups
from tests.http.client import Answer, Client
from tests.machine.servers import Ollama
from tests.store.builders import a_checkpoint, enter

DOCUMENT = document(ROUTES)


def fits(answer: Answer, path: str, method: str = "get") -> Any:
    """What came, if the document foresees it."""
    foreseen = DOCUMENT["paths"][path][method]["responses"][str(answer.status)]["content"]
    schema = foreseen[answer.headers["content-type"].partition(";")[0]]["schema"]
    jsonschema.validate(answer.json, {**schema, "components": DOCUMENT["components"]})
    return answer.json


def test_the_document_is_openapi_and_has_exactly_the_routes_that_there_are(client: Client):
    found = client.ask("GET", "/openapi.json", headers={"Authorization": ""}).json
    OpenAPIV31SpecValidator(found).validate()
    assert {(method.upper(), path) for path, methods in found["paths"].items() for method in methods} == {
        (route.method, route.path) for route in ROUTES
    }
    page = client.ask("GET", "/docs", headers={"Authorization": ""})
    text = page.body.decode()
    assert all(route.path in text for route in ROUTES)
    assert "<script" not in text and "src=" not in text and "//" not in text.replace("</", ""), "nothing from outside"


def test_agents_and_the_queue_are_given_as_on_the_command_line(client: Client, hive: Hive):
    agents = fits(client.get("/agents"), "/agents")
    assert [(one["name"], one["lifecycle"]) for one in agents] == [("ada", "asleep"), ("bob", "asleep")]
    said = {"message": "go on", "priority": 90, "idempotency_key": "k1", "in_seconds": 3600}
    asked = client.post("/agents/ada/wake", said, **{"X-Hive-Client": "phone"})
    assert asked.status == 202
    wakeup = fits(asked, "/agents/{id}/wake", "post")
    assert client.post("/agents/id-of-ada/wake", said).json["id"] == wakeup["id"], "the same key, the same wakeup"
    [row] = fits(client.get("/queue?status=pending&limit=5"), "/queue")
    assert (row["id"], row["agent"], row["priority"], row["attempt_log"]) == (wakeup["id"], "ada", 90, [])
    assert messages_of(hive.database.read(wakeups.get, wakeup["id"]).context) == ("go on",)
    logged = hive.database.read(journal.events, kinds=(EventKind.WAKEUP_SCHEDULED,))[0].event
    assert (logged.actor.kind, logged.actor.name) == (ActorKind.API, "http:phone")
    assert client.get("/queue?status=failed").json == []


def test_the_idempotency_key_may_stand_in_its_header(client: Client):
    said = {"in_seconds": 3600}
    first = client.post("/agents/ada/wake", said, **{"Idempotency-Key": '"deploy-7"'}).json
    assert first["idempotency_key"] == "deploy-7"
    assert client.post("/agents/ada/wake", {**said, "idempotency_key": "deploy-7"}).json["id"] == first["id"]
    both = client.post("/agents/ada/wake", {**said, "idempotency_key": "a"}, **{"Idempotency-Key": "b"})
    assert both.status == 422 and "differ" in both.json["detail"]
    assert client.post("/agents/ada/wake", said, **{"Idempotency-Key": "x" * 201}).status == 422


def test_a_checkpoint_is_shown_and_read_back(client: Client, hive: Hive, tmp_path: Path):
    file = tmp_path / "damaged.tar.zst"
    file.write_bytes(b"this is no checkpoint")
    enter(hive.database, a_checkpoint("c1", path=str(file)))
    shown = fits(client.get("/checkpoints/c1"), "/checkpoints/{id}")
    assert shown["agent"] == "ada" and shown["is_valid"] and "left_out" in shown
    path = "/checkpoints/{id}/validate"
    checked = fits(client.post("/checkpoints/c1/validate", {"deep": True}), path, "post")
    assert not checked["is_valid"] and checked["validation_errors"]
    [told] = hive.database.read(journal.events, kinds=(EventKind.CHECKPOINT_INVALID,))
    assert told.event.actor.kind is ActorKind.API


def test_a_service_is_stopped_and_one_that_works_is_not(machine_client: Client, machine_hive: Hive):
    machine, client = machine_hive.machine, machine_client
    for name in ("web", "works"):
        machine.start_service(name, Actor.person())
    shown = fits(client.get("/admin/idle-status"), "/admin/idle-status")["services"]
    assert {name: one["actual"] for name, one in shown.items()} == {"web": "running", "works": "running"}
    path = "/admin/services/{name}/idle-sleep"
    stopped = fits(client.post("/admin/services/web/idle-sleep"), path, "post")["services"]
    assert {name: one["actual"] for name, one in stopped.items()} == {"web": "stopped", "works": "running"}
    assert machine.keeper.look(machine.services["web"]).actual is Actual.STOPPED
    refused = client.post("/admin/services/works/idle-sleep")
    assert (refused.status, refused.code) == (409, "service-refused") and "busy" in refused.json["detail"]
    assert client.post("/admin/services/nothing/idle-sleep").code == "not-found"
    logged = machine_hive.database.read(journal.events, kinds=(EventKind.SERVICE_STOPPED,))
    assert [(one.event.actor.kind, one.event.payload["service"]) for one in logged] == [(ActorKind.API, "web")]


def test_a_model_is_unloaded_and_settings_hold_from_then_on(machine_client: Client, machine_hive: Hive, ollama: Ollama):
    client = machine_client
    shown = fits(client.get("/admin/idle-status"), "/admin/idle-status")
    assert list(shown["models"]) == ["llama3:8b"] and shown["models"]["llama3:8b"]["provider"] == "ollama"
    assert fits(client.post("/admin/models/llama3%3A8b/unload"), "/admin/models/{name}/unload", "post")["models"] == {}
    assert ollama.loaded == {}
    assert client.post("/admin/models/llama3%3A8b/unload").code == "not-found"
    said = {"idleTimeout": 90, "idleSleepEnabled": True, "modelKeepAlive": 0.5, "idleCheckInterval": 2}
    changed = fits(client.post("/admin/settings", said), "/admin/settings", "post")
    assert (changed["idle_timeout_minutes"], changed["idle_sleep_enabled"]) == (90, True)
    policy = machine_hive.machine.policy()
    assert (policy.enabled, policy.idle_minutes, policy.model_keep_alive_hours, policy.check_minutes) == (
        True,
        90,
        0.5,
        2,
    )
    beyond = client.post("/admin/settings", {"modelKeepAlive": 169, "idleCheckInterval": 61})
    assert beyond.status == 422 and "'idleCheckInterval' must be from 0.5 to 60" in beyond.json["detail"]
    assert machine_hive.machine.policy() == policy, "nothing of it was taken over"


def test_a_model_server_that_hangs_holds_up_nobody_for_long(machine_client: Client, machine_hive: Hive, ollama: Ollama):
    ollama.hangs.set()
    begun = machine_hive.clock.monotonic()
    assert fits(machine_client.get("/admin/idle-status"), "/admin/idle-status")["models"] == {}
    assert machine_client.get("/healthz").status == 200
    assert machine_hive.clock.monotonic() - begun < 15


def test_many_who_ask_how_things_stand_cause_one_look(machine_client: Client, machine_hive: Hive, ollama: Ollama):
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: machine_client.get("/admin/idle-status"), range(8)))
    assert {one.status for one in answers} == {200}
    assert all(list(one.json["models"]) == ["llama3:8b"] for one in answers)
    assert len([path for _, path, _ in ollama.asked if path == "/api/ps"]) == 1


def test_the_figures_are_those_of_the_command_line(client: Client, hive: Hive):
    metrics = client.get("/metrics")
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    families = {one.name: one for one in text_string_to_metric_families(metrics.body.decode())}
    asleep = {sample.labels["agent"]: sample.value for sample in families["hive_agent_asleep"].samples}
    assert asleep == {"ada": 1, "bob": 1}
    assert set(families) == {one.name for one in text_string_to_metric_families(hive.measuring.prometheus())}


@pytest.mark.parametrize(
    ("path", "body", "what"),
    [
        ("/agents/ada/wake", {"message": "/quit"}, "take for a command"),
        ("/agents/ada/wake", {"priority": 101}, "'priority' must be from 0 to 100"),
        ("/agents/ada/wake", {"priority": True}, "'priority' must be a whole number"),
        ("/agents/ada/wake", {"at": "tomorrow-ish"}, "tomorrow-ish"),
        ("/agents/ada/wake", {"at": "9999-12-31T23:59:59Z"}, "out of reach"),
        ("/agents/ada/wake", {"wait_seconds": float("nan")}, "no JSON"),
        ("/agents/ada/wake", {"mesage": "x", "priority": "5"}, "'mesage' is not known. 'priority' must be"),
        ("/agents/ada/wake", {"message": "\ud800"}, "surrogate"),
        ("/agents/ada/wake", [], "no JSON object"),
        ("/agents/ada/sleep", b"[" * 50_000, "no JSON"),
        ("/agents/ada/sleep", b"\xff", "no JSON"),
        ("/queue", {"x": 1}, "POST is not for that address"),
        ("/admin/models/x/unload", {"x": 1}, "Nothing is taken here"),
    ],
)
def test_what_does_not_fit_is_named(client: Client, path: str, body: Any, what: str):
    answer = client.post(path, body, **{"Content-Type": "application/json"})
    assert 400 <= answer.status < 500 and answer.code
    assert what in answer.json["detail"]
    assert client.get("/queue").json == [], "nothing was done"


def test_a_wake_that_is_waited_for_answers_when_it_is_over_or_time_is(client: Client, hive: Hive):
    begun = hive.clock.monotonic()
    waited = client.post("/agents/ada/wake", {"wait_seconds": 0.2})
    assert waited.status == 202 and waited.json["status"] == "pending"
    assert hive.clock.monotonic() - begun >= 0.2
    wakeup = hive.database.read(wakeups.get, waited.json["id"])
    hive.database.write(wakeups.cancel, wakeup.id, now=hive.clock.now())


def test_a_socket_in_the_file_system_is_for_its_owner_alone_and_goes_with_the_server(
    hive: Hive, serving: Callable[..., HttpServer], tmp_path: Path
):
    path = tmp_path / "s"
    server = serving(hive, f"unix:{path}")
    assert path.stat().st_mode & 0o777 == 0o600
    client = Client(server)
    assert [one["name"] for one in client.get("/agents").json] == ["ada", "bob"]
    assert client.get("/agents", Authorization="").code == "no-token"
    assert client.get("/agents", Host="evil.example").code == "foreign-host"
    server.stop()
    assert not path.exists()
