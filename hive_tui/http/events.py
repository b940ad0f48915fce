"""The route of events: a stream that goes on where the reader left off."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from http import HTTPStatus

from hive_tui.http.desk import MOST_STREAMS, Desk
from hive_tui.http.messages import Call, Stream
from hive_tui.http.problems import Problem, bad_request
from hive_tui.services.shapes import as_text
from hive_tui.services.subscription import Subscription
from hive_tui.store import journal
from hive_tui.store.journal import LoggedEvent, Wanted

AT_ONCE = 100
"""Events that are read, and kept in memory, for one reader."""
RETRY_MS = 2_000
LAST_ID = "last-event-id"
GAP = "gap"


async def events(desk: Desk, call: Call) -> Stream:
    """Every event from now on, or after the one that `Last-Event-ID` or `after` names."""
    if desk.streams >= MOST_STREAMS:
        what = f"{MOST_STREAMS} programs listen already."
        raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, what, hint="Close one.", headers={"Retry-After": "30"})
    kinds = tuple(filter(None, call.query.get("kind", "").split(",")))
    agent_id = (await desk.agent(call.query["agent"])).id if "agent" in call.query else None
    log = desk.hive.listening.event_log
    after = _after(call)
    subscription = await desk.run_short(log.subscribe, after, Wanted(agent_id, kinds))
    return Stream(_told(desk, subscription, await desk.run_short(_gap, desk, after) if after else b""))


def _after(call: Call) -> int | None:
    """The number after which to go on; what a browser says when it connects again counts more than the address."""
    said = call.head.get(LAST_ID)
    if said and not (said.isascii() and said.isdecimal() and len(said) < 19):
        raise bad_request(f"The Last-Event-ID {said[:40]!r} is no number of an event.")
    if said:
        return int(said)
    after: int | None = call.query.get("after")
    return after


def _gap(desk: Desk, after: int) -> bytes:
    """An event that says which ones the reader cannot have any more, or that it knows more than the log; or nothing."""
    first, newest = desk.hive.database.read(journal.first_seq), desk.hive.database.read(journal.last_seq)
    if first - 1 <= after <= newest:
        return b""
    # The reader goes on from what is left, and from the end where the log was set back.
    upto = first - 1 if after < first else newest
    said = {"after": after, "goes_on_after": upto, "lost": max(0, upto - after)}
    return f"id: {upto}\nevent: {GAP}\ndata: {as_text(said)}\n\n".encode()


async def _told(desk: Desk, subscription: Subscription, gap: bytes) -> AsyncGenerator[bytes]:
    desk.streams += 1
    try:
        with desk.feed.reading():
            yield f"retry: {RETRY_MS}\n\n".encode() + gap
            while not desk.stopping.is_set():
                news = desk.feed.news()
                if found := await desk.run_short(subscription.read, AT_ONCE):
                    yield b"".join(map(_written, found))
                elif not await _waited(desk, news):
                    yield b": nothing happens\n\n"
    finally:
        desk.streams -= 1


async def _waited(desk: Desk, news: asyncio.Event) -> bool:
    """Whether something happened, before it was quiet for too long."""
    waits = [asyncio.ensure_future(one.wait()) for one in (news, desk.stopping)]
    try:
        done, _ = await asyncio.wait(waits, timeout=desk.quiet_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()
    return bool(done)


def _written(one: LoggedEvent) -> bytes:
    """One line of data: JSON has no line breaks in it."""
    return f"id: {one.seq}\nevent: {one.event.kind}\ndata: {as_text(one.to_json())}\n\n".encode("utf-8", "replace")
