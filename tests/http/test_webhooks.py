"""Webhooks: signed, fresh, and one wake however often they come."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from hive_tui.domain.errors import ConfigError
from hive_tui.domain.wakeups import Trigger, Wakeup, messages_of
from hive_tui.hive import Hive
from hive_tui.http.server import HttpServer
from hive_tui.settings import Settings
from hive_tui.settings.http import WebhookSettings
from hive_tui.store import agents, wakeups
from tests.http.client import Answer, Client
from tests.http.conftest import SECRET
from tests.migrated import home_with_database


def hexed(content: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), content, hashlib.sha256).hexdigest()}"


def by_github(body: bytes, delivery: str = "d-1", event: str = "push", secret: str = SECRET) -> dict[str, str]:
    return {"X-Hub-Signature-256": hexed(body, secret), "X-GitHub-Delivery": delivery, "X-GitHub-Event": event}


def by_anybody(body: bytes, at: float, delivery: str = "d-1") -> dict[str, str]:
    stamp = str(int(at))
    signed = f"{stamp}.{delivery}.".encode() + body
    return {"X-Hive-Signature": hexed(signed), "X-Hive-Timestamp": stamp, "X-Hive-Delivery": delivery}


def send(client: Client, source: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    return client.ask("POST", f"/hooks/{source}", body, {"Authorization": "", **headers})


def waiting(hive: Hive, agent: str = "ada") -> list[Wakeup]:
    return hive.database.read(wakeups.unfinished_wakes, f"id-of-{agent}")


def cancel(hive: Hive) -> None:
    for one in waiting(hive):
        hive.database.write(wakeups.cancel, one.id, now=hive.clock.now())


def test_a_push_on_github_wakes_the_agents_of_its_source_with_our_words(client: Client, hive: Hive):
    body = json.dumps({"head_commit": {"message": "/quit now"}}).encode()
    answer = send(client, "github", body, by_github(body))
    assert answer.status == 202
    assert answer.json == {
        "source": "github",
        "delivery": "d-1",
        "duplicate": False,
        "agents": [{"agent": "ada", "is_new": True, "error": None}],
    }
    [wake] = waiting(hive)
    assert (wake.trigger, wake.priority, wake.context["event"]) == (Trigger.WEBHOOK, 60, "github push")
    assert messages_of(wake.context) == ("Something was pushed.",), "nothing of what a stranger wrote"
    assert waiting(hive, "bob") == []


def test_what_many_deliveries_say_alike_is_said_once(client: Client, hive: Hive):
    at = hive.clock.now().timestamp()
    for number in range(20):
        body = json.dumps({"message": "the build is red" if number % 2 else "look at the build"}).encode()
        send(client, "ci", body, by_anybody(body, at, f"d-{number}"))
    [wake] = waiting(hive)
    assert messages_of(wake.context) == ("look at the build", "the build is red")


def test_events_that_nobody_wants_wake_nobody(client: Client, hive: Hive):
    for event in ("ping", "issues"):
        answer = send(client, "github", b"{}", by_github(b"{}", event=event))
        assert (answer.status, answer.json["agents"]) == (202, [])
    assert waiting(hive) == []


def test_anybody_with_the_secret_can_say_what_is_to_be_done(client: Client, hive: Hive):
    body = json.dumps({"message": "look at the build", "priority": 70}).encode()
    answer = send(client, "ci", body, by_anybody(body, hive.clock.now().timestamp()))
    assert [one["is_new"] for one in answer.json["agents"]] == [True, True]
    for name in ("ada", "bob"):
        [wake] = waiting(hive, name)
        assert (messages_of(wake.context), wake.priority) == (("look at the build",), 70)
    told = send(client, "ci", b"", by_anybody(b"", hive.clock.now().timestamp(), "d-2"))
    assert told.status == 202
    assert "The build is done." in messages_of(waiting(hive)[0].context)


def test_the_same_delivery_again_asks_for_nothing_also_when_its_wake_is_done(client: Client, hive: Hive):
    body = b'{"message": "once"}'
    headers = by_anybody(body, hive.clock.now().timestamp())
    assert not send(client, "ci", body, headers).json["duplicate"]
    cancel(hive)
    for again in (body, b'{"message": "twice"}'):
        answer = send(client, "ci", again, by_anybody(again, hive.clock.now().timestamp()))
        assert answer.status == 202 and answer.json["duplicate"]
    assert waiting(hive) == []


def test_a_captured_delivery_of_github_is_of_no_use_under_another_id(client: Client, hive: Hive):
    """GitHub signs the body and not the id."""
    body = b'{"after": "0123abc"}'
    assert not send(client, "github", body, by_github(body)).json["duplicate"]
    cancel(hive)
    assert send(client, "github", body, by_github(body, "another-id")).json["duplicate"]
    other = b'{"after": "4567def"}'
    assert send(client, "github", other, by_github(other)).json["duplicate"], "nor is its id with another body"
    assert waiting(hive) == []
    assert not send(client, "github", other, by_github(other, "third-id")).json["duplicate"]


def test_what_failed_in_the_middle_is_made_up_for_when_it_is_sent_again(client: Client, hive: Hive):
    """One agent's wake was stored before the machine died; the sender got no answer."""
    from hive_tui.domain.signals import Asked
    from hive_tui.services.sources.webhook import webhook

    hive.listening.intake.take(webhook("ada", "ci:ada:d-1", Asked("The build is done.")))
    answer = send(client, "ci", b"", by_anybody(b"", hive.clock.now().timestamp()))
    assert [one["is_new"] for one in answer.json["agents"]] == [False, True]
    assert len(waiting(hive)) == len(waiting(hive, "bob")) == 1


@pytest.mark.parametrize(
    "case", ["none", "other body", "other secret", "cut", "sha1", "old", "ahead", "other id", "no id"]
)
def test_what_is_not_signed_by_the_secret_and_just_now_is_refused(client: Client, hive: Hive, case: str):
    now, body = hive.clock.now().timestamp(), b"{}"
    headers = by_anybody(body, now + {"old": -301, "ahead": 301}.get(case, 0), "" if case == "no id" else "d-1")
    signature = headers["X-Hive-Signature"]
    headers |= {
        "none": {"X-Hive-Signature": ""},
        "other secret": {"X-Hive-Signature": hexed(body, "guess")},
        "cut": {"X-Hive-Signature": signature[:-2]},
        "sha1": {"X-Hive-Signature": signature.replace("sha256", "sha1")},
        "other id": {"X-Hive-Delivery": "d-2"},
    }.get(case, {})
    answer = send(client, "ci", b"{ }" if case == "other body" else body, headers)
    assert answer.status == (400 if case == "no id" else 401) and answer.code
    assert waiting(hive) == []


def test_the_token_does_not_stand_in_for_a_signature_nor_one_source_for_another(client: Client, hive: Hive):
    assert client.post("/hooks/github", b"{}").status == 401
    assert client.post("/hooks/unknown", b"{}").code == "not-found"
    headers = by_anybody(b"{}", hive.clock.now().timestamp())
    assert send(client, "github", b"{}", headers).status == 401
    assert waiting(hive) == []


def test_what_no_agent_could_be_told_and_an_agent_that_is_gone_are_said(client: Client, hive: Hive):
    now = hive.clock.now()
    answer = send(client, "ci", b"/quit", by_anybody(b"/quit", now.timestamp()))
    assert answer.status == 422 and answer.code and waiting(hive) == []
    hive.database.write(agents.forget, "id-of-bob", now=now)
    found = send(client, "ci", b"", by_anybody(b"", now.timestamp())).json["agents"]
    assert [one["is_new"] for one in found] == [True, False]
    assert "'bob'" in found[1]["error"]


def test_a_webhook_may_be_longer_than_other_requests_but_not_endless(client: Client, hive: Hive):
    body = json.dumps({"pad": "x" * 900_000}).encode()
    assert send(client, "github", body, by_github(body)).status == 202
    body = b"x" * 1_100_000
    assert send(client, "github", body, by_github(body)).code == "body-too-large"


def test_a_secret_that_is_missing_or_a_joke_is_told_at_the_start(tmp_path: Path):
    for content in (None, "short"):
        secret = tmp_path / "secret"
        if content:
            secret.write_text(content)
        settings = Settings(webhooks={"ci": WebhookSettings(str(secret), ("ada",))})
        hive = Hive(home_with_database(tmp_path / "home"), settings, str(tmp_path / "no-server"))
        with pytest.raises(ConfigError, match="secret"):
            HttpServer(hive, "127.0.0.1:0").start()
        hive.close()


@pytest.mark.faults
def test_ten_thousand_replays_of_one_webhook_are_one_wake(client: Client, hive: Hive):
    body = b'{"after": "0123abc"}'
    link = client.connection()
    answers = []
    for number in range(10_000):
        link.request("POST", "/hooks/github", body, by_github(body, f"d-{number % 7}"))
        answer = link.getresponse()
        answers.append((answer.status, json.loads(answer.read())["duplicate"]))
        if number == 5_000:
            cancel(hive)
    link.close()
    assert answers == [(202, False)] + [(202, True)] * 9_999
    assert waiting(hive) == []
    rows = hive.database.read(wakeups.recent, limit=10_000)
    assert len(rows) == 1
