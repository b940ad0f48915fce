"""What is asked and what is answered."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from hive_tui.domain.events import Actor, ActorKind
from hive_tui.services.shapes import as_text

JSON, PROBLEM, HTML = "application/json", "application/problem+json", "text/html; charset=utf-8"
EVENTS, METRICS = "text/event-stream; charset=utf-8", "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Head:
    """The first lines of a request, with the names of headers in small letters."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]

    def all(self, name: str) -> list[str]:
        """Every value of a header, in order."""
        return [value for key, value in self.headers if key == name]

    def get(self, name: str) -> str:
        """The value of a header; empty if there is none, or more than one."""
        found = self.all(name)
        return found[0] if len(found) == 1 else ""


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was let in, with all its parts checked."""

    head: Head
    client: str
    """Who asks, for the log."""
    path: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    said: Mapping[str, Any] = field(default_factory=dict)
    """The body as JSON, where the route takes that."""

    @property
    def actor(self) -> Actor:
        """For events."""
        return Actor(ActorKind.API, f"http:{self.client}")


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes
    kind: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer that goes on until somebody ends it."""

    chunks: AsyncGenerator[bytes]
    kind: str = EVENTS


def json_reply(value: Any, status: int = HTTPStatus.OK) -> Reply:
    """A JSON document. A path that is no UTF-8 is escaped as on the command line."""
    return Reply(status, as_text(value).encode("utf-8", "backslashreplace"))
