"""The route of webhooks: signed by somebody who knows the secret, fresh, and counted once."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from hive_tui.domain.errors import ConfigError, HiveError, NotFound
from hive_tui.domain.signals import Asked, asked_by_text
from hive_tui.http.desk import Desk
from hive_tui.http.messages import Call, Head, Reply, json_reply
from hive_tui.http.problems import Problem, bad_request
from hive_tui.services.messages import checked
from hive_tui.services.sources.webhook import webhook
from hive_tui.settings.http import EVENT, WebhookSettings
from hive_tui.store import agents as agent_store

DELIVERY_ID = re.compile(r"[!-~]{1,128}", re.ASCII)
SIGNATURE = re.compile(r"sha256=([0-9a-fA-F]{64})", re.ASCII)
SECRET_BYTES = (16, 4_000)
PING = "ping"


@dataclass(frozen=True, slots=True)
class Sent:
    """What a webhook says that was signed as it should be."""

    delivery_id: str
    asked: Asked
    event: str = ""
    proof: str = ""
    """Another mark of the same delivery, where the signature does not cover its id; empty where it does."""


def check_signature(source: WebhookSettings, head: Head, body: bytes, now_s: float) -> None:
    """Whether the sender knows the secret, and signed just now. How long the answer takes tells nothing of it.

    Raises:
        Problem: It does not, or the signature is too old.
        ConfigError: The secret cannot be read.
    """
    signed, header = body, "x-hub-signature-256"
    if source.signature == "hive":
        stamp, header = head.get("x-hive-timestamp"), "x-hive-signature"
        signed = f"{stamp}.{head.get('x-hive-delivery')}.".encode("utf-8", "replace") + body
    said = SIGNATURE.fullmatch(head.get(header))
    proof = hmac.new(_secret(source), signed, hashlib.sha256).digest()
    if said is None or not hmac.compare_digest(bytes.fromhex(said[1]), proof):
        hint = f"Sign it with the secret, and send `{header}: sha256=HEX`."
        raise Problem(HTTPStatus.UNAUTHORIZED, "The signature is missing or wrong.", hint=hint, code="wrong-signature")
    if source.signature == "hive" and not _is_fresh(stamp, now_s, source.tolerance_s):
        what = "The webhook was signed too long ago, or with another clock."
        raise Problem(HTTPStatus.UNAUTHORIZED, what, hint="Set the clock, and sign it anew.", code="stale-signature")


def _is_fresh(stamp: str, now_s: float, tolerance_s: float) -> bool:
    return stamp.isascii() and stamp.isdecimal() and len(stamp) < 16 and abs(now_s - int(stamp)) <= tolerance_s


def _secret(source: WebhookSettings) -> bytes:
    path = Path(source.secret_file).expanduser()
    try:
        with path.open("rb") as file:
            secret = file.read(SECRET_BYTES[1] + 1).strip()
    except OSError as error:
        what = f"The secret {path} of a webhook cannot be read: {error.strerror or error}."
        raise ConfigError(what, hint="Write it there, readable for you alone.") from error
    if not SECRET_BYTES[0] <= len(secret) <= SECRET_BYTES[1]:
        what = f"The secret {path} of a webhook has {len(secret)} bytes."
        raise ConfigError(what, hint=f"It needs {SECRET_BYTES[0]} or more: `openssl rand -hex 32` makes one.")
    return secret


def check_secrets(webhooks: Mapping[str, WebhookSettings]) -> None:
    """At the start, while somebody looks: can all secrets be read?

    Raises:
        ConfigError: One cannot.
    """
    for source in webhooks.values():
        _secret(source)


def sent(source: WebhookSettings, head: Head, body: bytes) -> Sent | None:
    """What was sent; None for what is none of our business, as an event that wakes nobody.

    Raises:
        Problem: It has no delivery id, or asks for nothing that is known.
    """
    is_github = source.signature == "github"
    delivery_id = head.get("x-github-delivery" if is_github else "x-hive-delivery")
    if not DELIVERY_ID.fullmatch(delivery_id):
        raise bad_request("The webhook has no delivery id of 1 to 128 visible characters.")
    return _by_github(source, delivery_id, head, body) if is_github else _by_anybody(source, delivery_id, body)


def _by_github(source: WebhookSettings, delivery_id: str, head: Head, body: bytes) -> Sent | None:
    """What strangers wrote on GitHub is not handed to an agent; it can look for itself.

    The id is not signed: whoever has seen one delivery could send it again under another id.
    """
    event = head.get("x-github-event")
    if not re.fullmatch(EVENT, event):
        raise bad_request("The webhook has no X-GitHub-Event.")
    if event == PING or (source.events and event not in source.events):
        return None
    return Sent(delivery_id, Asked(source.message), f"github {event}", f"body:{hashlib.sha256(body).hexdigest()}")


def _by_anybody(source: WebhookSettings, delivery_id: str, body: bytes) -> Sent:
    try:
        asked = asked_by_text(body)
        checked(asked.message)
    except HiveError as error:
        hint = error.hint or "Send text, or a JSON object."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.what, hint=hint) from error
    return Sent(delivery_id, Asked(asked.message or source.message, asked.priority, asked.key), "webhook")


async def receive(desk: Desk, call: Call) -> Reply:
    """Ask for the wakes of a webhook whose signature was checked; the same one again asks for nothing."""
    name = call.path["source"]
    source = desk.hive.settings.webhooks[name]
    found = sent(source, call.head, call.body)
    if found is None:
        return json_reply({"source": name, "delivery": None, "duplicate": False, "agents": []}, HTTPStatus.ACCEPTED)
    taken = [await desk.run_short(_taken, desk, name, agent, found) for agent in source.agents]
    shape = {
        "source": name,
        "delivery": found.delivery_id,
        "duplicate": not any(one["is_new"] for one in taken),
        "agents": taken,
    }
    return json_reply(shape, HTTPStatus.ACCEPTED)


def _taken(desk: Desk, name: str, agent: str, found: Sent) -> dict[str, Any]:
    """Each agent's wake is a delivery of its own: what failed in the middle is made up for when it is sent again."""
    place = f"{name}:{agent}:"
    others = (place + found.proof,) if found.proof else ()
    delivery = webhook(agent, f"{place}{found.delivery_id}", found.asked, found.event, other_ids=others)
    is_new = desk.hive.listening.intake.take(delivery)
    try:
        desk.hive.database.read(agent_store.find, agent)
    except NotFound as error:
        # It was set aside, with an event; sending it again does not help.
        return {"agent": agent, "is_new": False, "error": error.what}
    return {"agent": agent, "is_new": is_new, "error": None}
