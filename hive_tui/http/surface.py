"""Answers requests: who may ask, what for, and what went wrong."""

from __future__ import annotations

import asyncio
import sys
import traceback
from http import HTTPStatus

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor, ActorKind, Event, EventKind, Severity
from hive_tui.http.desk import Desk
from hive_tui.http.doorkeeper import Doorkeeper
from hive_tui.http.messages import JSON, Call, Head, Reply, Stream
from hive_tui.http.problems import Problem, bad_request, problem_of, problem_reply
from hive_tui.http.routes import SHORT_BODY_BYTES, Access, Route, matched
from hive_tui.http.schema import from_query, parsed
from hive_tui.http.webhooks import check_signature
from hive_tui.http.wire import ClientGone, Wire, declared_length, too_large

KILOBYTE = 1_000
REFUSAL_EVERY_S = 60.0
STRANGE = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.MISDIRECTED_REQUEST, HTTPStatus.TOO_MANY_REQUESTS)
"""Refusals that the owner should hear of."""
BODIES_AT_ONCE = 16
"""Bodies of webhooks that are read at once: until one is read nobody knows whether it is signed."""
SURFACE = Actor(ActorKind.API, "http")


class Surface:
    """All connections."""

    def __init__(self, desk: Desk, doorkeeper: Doorkeeper) -> None:
        self._desk = desk
        self._door = doorkeeper
        self._reading = asyncio.Semaphore(BODIES_AT_ONCE)
        self._refused = 0
        self._told_at = float("-inf")

    async def serve(self, wire: Wire) -> None:
        """One connection, to its end."""
        try:
            while await self._serve_one(wire):
                pass
        except ClientGone:
            pass
        except Exception as error:
            await self._failed(error)
        await wire.close()

    async def _serve_one(self, wire: Wire) -> bool:
        """One request; whether there may be another one."""
        try:
            head = await wire.head()
        except Problem as problem:
            if wire.may_answer:
                await wire.send(problem_reply(problem))
            return False
        reply = await self._answered(wire, head)
        if isinstance(reply, Stream):
            await self._stream(wire, reply)
            return False
        await wire.send(reply, with_body=head.method != "HEAD")
        return wire.goes_on() and not self._desk.stopping.is_set()

    async def _stream(self, wire: Wire, stream: Stream) -> None:
        try:
            await wire.stream(stream)
        except HiveError as error:
            # Its headers are long sent; that it ends in the middle tells the reader to come again.
            raise ClientGone from error

    async def _answered(self, wire: Wire, head: Head) -> Reply | Stream:
        try:
            return await self._asked(wire, head)
        except HiveError as error:
            problem = problem_of(error)
            await self._note_refusal(problem)
            return problem_reply(problem)
        except (ClientGone, asyncio.CancelledError):
            raise
        except Exception as error:
            return problem_reply(await self._failed(error))

    async def _asked(self, wire: Wire, head: Head) -> Reply | Stream:
        try:
            self._door.check_place(head)
            self._door.check_query(head.target)
            route, path, query = matched(head.method, head.target)
            client = self._let_in(route, head, path)
        except Problem:
            self._door.count_stranger()
            raise
        if route.access is Access.SIGNATURE:
            body = await self._signed_body(wire, head, path["source"])
        else:
            self._door.count(client)
            body = await self._body(wire, head, SHORT_BODY_BYTES)
        call = Call(
            head,
            client,
            path,
            from_query(query, route.query),
            body,
            {} if route.access is Access.SIGNATURE else _said(route, head, body),
        )
        return await route.answer(self._desk, call)

    def _let_in(self, route: Route, head: Head, path: dict[str, str]) -> str:
        """The client's name."""
        if route.access is Access.TOKEN:
            return self._door.check_token(head)
        if route.access is Access.NOTHING:
            return "anybody"
        source = path["source"]
        if source not in self._desk.hive.settings.webhooks:
            hint = "Webhooks are named in the settings: [webhooks.NAME]."
            raise Problem(HTTPStatus.NOT_FOUND, f"There is no webhook {source[:40]!r}.", hint=hint)
        return f"webhook-{source}"

    async def _signed_body(self, wire: Wire, head: Head, source: str) -> bytes:
        settings = self._desk.hive.settings
        if self._reading.locked():
            what = "Too many webhooks come at once."
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, what, hint="Send it again.", headers={"Retry-After": "5"})
        async with self._reading:
            body = await self._body(wire, head, settings.http.body_limit_kb * KILOBYTE)
        now_s = self._desk.hive.clock.now().timestamp()
        try:
            await self._desk.run_short(check_signature, settings.webhooks[source], head, body, now_s)
        except Problem:
            self._door.count_stranger()
            raise
        self._door.count(f"webhook-{source}")
        return body

    async def _body(self, wire: Wire, head: Head, limit_bytes: int) -> bytes:
        if declared_length(head) > limit_bytes:
            raise too_large(limit_bytes)
        return await wire.body(limit_bytes)

    async def _note_refusal(self, problem: Problem) -> None:
        """Told at once, and then once a minute: whoever tries again and again must not fill the log."""
        if problem.status not in STRANGE:
            return
        self._refused += 1
        now = self._desk.hive.clock.monotonic()
        if now - self._told_at < REFUSAL_EVERY_S:
            return
        count, self._refused, self._told_at = self._refused, 0, now
        times = "A request" if count == 1 else f"{count} requests"
        text = f"{times} by HTTP {'was' if count == 1 else 'were'} refused: {problem.what}"
        payload = {"count": count, "code": problem.code}
        await self._desk.log(Event(EventKind.HTTP_REFUSED, text, None, SURFACE, Severity.WARNING, payload))

    async def _failed(self, error: Exception) -> Problem:
        """A mistake of our own: the client is told no more than that."""
        traceback.print_exception(error, file=sys.stderr)
        text = f"hive-tui made a mistake with a request by HTTP: {type(error).__name__}: {error}"
        await self._desk.log(Event(EventKind.HTTP_FAILED, text, None, SURFACE, Severity.FAILURE))
        what = "hive-tui made a mistake with this request."
        return Problem(HTTPStatus.INTERNAL_SERVER_ERROR, what, hint="Its log says more; please report it.")


def _said(route: Route, head: Head, body: bytes) -> dict[str, object]:
    """The body, where the route takes one; a form of a web page cannot send JSON unasked."""
    if not body.strip():
        return {}
    if route.takes is None:
        if body.strip() == b"{}":
            return {}
        raise bad_request("Nothing is taken here.", "Send the request without a body.")
    if head.get("content-type").partition(";")[0].strip().lower() != JSON:
        what = "The body of the request is not said to be JSON."
        raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, what, hint=f"Send `Content-Type: {JSON}`.")
    return parsed(body, route.takes)
