"""Alerts by HTTP: to a topic of ntfy, and to any webhook."""

import hashlib
import hmac
import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.parse import urlsplit

from hive_tui.adapters.notify.notice import NotDelivered
from hive_tui.domain.alert_words import FAILURE, NEEDS_YOU, NTFY, WEBHOOK
from hive_tui.domain.alerts import Message, Refused

TRIED_AGAIN = frozenset({408, 409, 425, 429})
PRIORITIES: Mapping[str, int] = {FAILURE: 4, NEEDS_YOU: 4}
"""As ntfy counts them: 3 is the default, 5 the most urgent."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Another address is another receiver, whom nobody has named."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


class Ntfy:
    """A topic, as `https://ntfy.sh/TOPIC`. Source of the format: ntfy's documentation, "Publish as JSON".

    A repetition has the same `sequence_id`, so that servers from 2.16 on show it once.
    """

    name = NTFY

    def __init__(self, address: str, token: str, *, timeout_s: float) -> None:
        parts = urlsplit(address)
        self._server = f"{parts.scheme}://{parts.netloc}/"
        self._topic = parts.path.strip("/")
        self._token = token
        self._timeout_s = timeout_s

    def send(self, message: Message) -> str:
        """Publish it; how it was taken.

        Raises:
            NotDelivered: No answer, or one that means "later".
            Refused: The server does not take it.
        """
        urgency = 1 if message.is_escalation else 0
        body = {
            "topic": self._topic,
            "title": message.title,
            "message": message.body,
            "priority": PRIORITIES.get(message.class_, 3) + urgency,
            "tags": ["warning" if message.class_ == FAILURE else "bell"],
            "sequence_id": message.id.replace("-", ""),
        }
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        return _post("ntfy", self._server, json.dumps(body).encode(), headers, self._timeout_s)


class Webhook:
    """Any address. The header `Idempotency-Key`, and `id` in the body, are the same at each attempt."""

    name = WEBHOOK

    def __init__(self, address: str, secret: str, *, timeout_s: float) -> None:
        self._address = address
        self._secret = secret
        self._timeout_s = timeout_s

    def send(self, message: Message) -> str:
        """Post it; how it was taken.

        Raises:
            NotDelivered: No answer, or one that means "later".
            Refused: The address does not take it.
        """
        body = json.dumps(
            {
                "id": message.id,
                "at": message.at.isoformat().replace("+00:00", "Z"),
                "class": message.class_,
                "kind": message.kind,
                "agent": message.agent or None,
                "title": message.title,
                "text": message.body,
                "escalation": message.is_escalation,
            }
        ).encode()
        headers = {"Idempotency-Key": message.id}
        if self._secret:
            digest = hmac.new(self._secret.encode(), body, hashlib.sha256).hexdigest()
            headers["X-Hive-Signature"] = f"sha256={digest}"
        return _post("webhook", self._address, body, headers, self._timeout_s)


def _post(what: str, address: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> str:
    """Errors name no more of the address than its host: the rest may be a secret."""
    host = urlsplit(address).hostname or "?"
    request = urllib.request.Request(address, body, {"Content-Type": "application/json", **headers}, method="POST")
    try:
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=timeout_s) as response:
            return f"{what}: {host} has taken it ({response.status})"
    except urllib.error.HTTPError as error:
        error.close()
        said = f"{what}: {host} answered {error.code}."
        if error.code >= 500 or error.code in TRIED_AGAIN:
            raise NotDelivered(said, hint="It is tried again.") from error
        raise Refused(said, hint="Check its address, and its token or secret, in `[alerts]`.") from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise NotDelivered(f"{what}: {host} gave no answer: {reason}.", hint="It is tried again.") from error
