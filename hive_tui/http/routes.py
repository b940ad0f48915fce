"""The table of routes: what is asked is looked up in it, and the OpenAPI document is made from it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from urllib.parse import parse_qsl, unquote_to_bytes

from hive_tui.http import admin, agents, checkpoints, events, pages, queue, schemas, webhooks
from hive_tui.http.desk import Desk
from hive_tui.http.messages import EVENTS, HTML, JSON, METRICS, Call, Reply, Stream
from hive_tui.http.problems import Problem, bad_request
from hive_tui.http.schema import Schema
from hive_tui.http.schemas import list_of, reference

Answerer = Callable[[Desk, Call], Awaitable[Reply | Stream]]
LONGEST_PART = 200
LONGEST_QUERY = 2_000
SHORT_BODY_BYTES = 65_536


class Access(StrEnum):
    """What a client has to show."""

    TOKEN = "token"
    SIGNATURE = "signature"
    """Of a webhook: that of its source."""
    NOTHING = "nothing"
    """It tells nothing about the agents."""


@dataclass(frozen=True, slots=True)
class Route:
    """One thing that can be asked for."""

    method: str
    path: str
    """With names in braces for its parts."""
    answer: Answerer
    summary: str
    gives: Schema | None
    """The JSON of the answer; None for what is no JSON."""
    status: HTTPStatus = HTTPStatus.OK
    also: Mapping[HTTPStatus, Schema] = field(default_factory=dict)
    """Other answers that are no errors."""
    kind: str = JSON
    access: Access = Access.TOKEN
    takes: Schema | None = None
    """The JSON of the body; None where there is none."""
    query: Mapping[str, Schema] = field(default_factory=dict)
    headers: Mapping[str, Schema] = field(default_factory=dict)
    """Headers of its own that it takes, for the OpenAPI document."""
    problems: tuple[HTTPStatus, ...] = ()
    """Errors beside those that every route may give."""

    @property
    def name(self) -> str:
        """For the OpenAPI document."""
        words = re.findall(r"[a-z]+", re.sub(r"\{\w+\}", "one", self.path.lower()))
        return "_".join([self.method.lower(), *words])

    @property
    def parameters(self) -> list[str]:
        """Names of the parts in braces."""
        return re.findall(r"\{(\w+)\}", self.path)


NOT_FOUND, CONFLICT, TOO_LARGE = HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT, HTTPStatus.REQUEST_ENTITY_TOO_LARGE

ROUTES: tuple[Route, ...] = (
    Route("GET", "/agents", agents.agents, "List the agents", list_of("Agent")),
    Route(
        "POST",
        "/agents/{id}/sleep",
        agents.sleep,
        "Checkpoint an agent, verify that, and end its process",
        reference("NapResult"),
        takes=schemas.NAP,
        problems=(NOT_FOUND, CONFLICT),
    ),
    Route(
        "POST",
        "/agents/{id}/wake",
        agents.wake,
        "Ask for an agent to be brought back",
        reference("Wakeup"),
        HTTPStatus.ACCEPTED,
        also={HTTPStatus.OK: reference("WakeResult")},
        takes=schemas.WAKE,
        headers=schemas.WAKE_HEADERS,
        problems=(NOT_FOUND, CONFLICT),
    ),
    Route(
        "GET", "/checkpoints/{id}", checkpoints.checkpoint, "Show a checkpoint", reference("Checkpoint"),
        problems=(NOT_FOUND,),
    ),
    Route(
        "POST",
        "/checkpoints/{id}/validate",
        checkpoints.validate,
        "Read a checkpoint back, and verify it",
        reference("Checkpoint"),
        takes=schemas.VALIDATE,
        problems=(NOT_FOUND, CONFLICT),
    ),
    Route("GET", "/queue", queue.queue, "List the wakeup queue", list_of("Wakeup"), query=schemas.QUEUE_QUERY),
    Route(
        "GET", "/admin/idle-status", admin.idle_status, "Show what sleeps when", reference("IdleStatus"),
    ),
    Route(
        "POST",
        "/admin/services/{name}/idle-sleep",
        admin.sleep_service,
        "Stop a service",
        reference("IdleStatus"),
        problems=(NOT_FOUND, CONFLICT),
    ),
    Route(
        "POST",
        "/admin/models/{name}/unload",
        admin.unload_model,
        "Take a model out of memory",
        reference("IdleStatus"),
        problems=(NOT_FOUND, CONFLICT),
    ),
    Route(
        "POST",
        "/admin/settings",
        admin.change_settings,
        "Change the settings of idle sleep",
        reference("IdleStatus"),
        takes=schemas.SETTINGS,
        problems=(CONFLICT,),
    ),
    Route("GET", "/metrics", pages.metrics, "Figures for Prometheus", None, kind=METRICS),
    Route(
        "GET", "/healthz", pages.healthz, "Whether it answers", reference("Health"), access=Access.NOTHING,
    ),
    Route(
        "GET",
        "/events",
        events.events,
        "Follow the events; goes on after Last-Event-ID, and says by an event `gap` what is no longer kept",
        None,
        kind=EVENTS,
        query=schemas.EVENTS_QUERY,
        headers=schemas.EVENTS_HEADERS,
        problems=(NOT_FOUND,),
    ),
    Route(
        "POST",
        "/hooks/{source}",
        webhooks.receive,
        "Wake agents by a signed webhook",
        reference("WebhookResult"),
        HTTPStatus.ACCEPTED,
        access=Access.SIGNATURE,
        problems=(NOT_FOUND, TOO_LARGE),
    ),
    Route("GET", "/openapi.json", pages.openapi, "This document", {"type": "object"}, access=Access.NOTHING),
    Route("GET", "/docs", pages.docs, "This document, to be read", None, kind=HTML, access=Access.NOTHING),
)  # fmt: skip


def matched(method: str, target: str) -> tuple[Route, dict[str, str], dict[str, str]]:
    """The route, the parts of its path in braces, and what stands behind the question mark.

    Raises:
        Problem: There is no such route, not with that method, or the address is none.
    """
    path, _, query = target.partition("?")
    parts = _parts(path)
    fitting = [(route, found) for route in ROUTES if (found := _fitted(route, parts)) is not None]
    if not fitting:
        raise Problem(HTTPStatus.NOT_FOUND, "There is nothing at that address.", hint="/docs shows what there is.")
    for route, found in fitting:
        if method in (route.method, "HEAD" if route.method == "GET" and route.kind != EVENTS else ""):
            return route, found, _query(query)
    allowed = ", ".join(route.method for route, _ in fitting)
    what = f"{method[:20]} is not for that address."
    raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, what, hint=f"Use {allowed}.", headers={"Allow": allowed})


def _parts(path: str) -> list[str]:
    """Split first and decoded then: an encoded slash is part of a name."""
    if not path.startswith("/"):
        raise bad_request("The address does not begin with a slash.")
    try:
        parts = [unquote_to_bytes(part).decode() for part in path[1:].split("/")]
    except UnicodeDecodeError as error:
        raise bad_request("The address is no text in UTF-8.") from error
    if any(len(part) > LONGEST_PART or not part.isprintable() for part in parts):
        raise bad_request(f"A part of the address has more than {LONGEST_PART} characters, or invisible ones.")
    return parts


def _fitted(route: Route, parts: list[str]) -> dict[str, str] | None:
    wanted = route.path[1:].split("/")
    if len(wanted) != len(parts):
        return None
    found: dict[str, str] = {}
    for pattern, part in zip(wanted, parts, strict=True):
        if pattern.startswith("{") and part:
            found[pattern[1:-1]] = part
        elif pattern != part:
            return None
    return found


def _query(query: str) -> dict[str, str]:
    if len(query) > LONGEST_QUERY:
        raise bad_request(f"There are more than {LONGEST_QUERY} characters behind the question mark.")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, errors="strict", max_num_fields=20)
    except ValueError as error:
        raise bad_request("What stands behind the question mark cannot be read.") from error
    if len(dict(pairs)) != len(pairs):
        raise bad_request("Something stands twice behind the question mark.")
    return dict(pairs)
