"""The routes of agents: who is there, naps and wakes."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.durations import parse_time
from hive_tui.domain.errors import HiveError
from hive_tui.domain.handoffs import CONTEXT
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import MESSAGE, NewWakeup, Trigger, Wakeup, WakeupStatus
from hive_tui.http.desk import Desk
from hive_tui.http.messages import Call, Reply, json_reply
from hive_tui.http.problems import Problem
from hive_tui.services.foreground import has_ended
from hive_tui.services.listed_agents import listed
from hive_tui.services.messages import checked
from hive_tui.services.nap import NapRequest
from hive_tui.services.observer import Observation
from hive_tui.services.shapes import nap_json, wake_json, wakeup_json
from hive_tui.store import wakeups

LOOK_AGAIN_S = 1.0
KEY_HEADER = "idempotency-key"
LONGEST_KEY = 200


async def agents(desk: Desk, call: Call) -> Reply:
    """All agents, as `hive-tui agents --json` gives them."""
    return json_reply(await desk.run_short(_listed, desk, await desk.look()))


def _listed(desk: Desk, observation: Observation) -> list[dict[str, Any]]:
    hive = desk.hive
    return listed(hive.database, observation, hive.spending.ledger.today(), now=hive.clock.now())


async def sleep(desk: Desk, call: Call) -> Reply:
    """A nap, to its end."""
    agent = await desk.agent(call.path["id"])
    reason = call.said.get("reason") or "a program asked for it"
    request = NapRequest(reason, call.actor, force=call.said.get("force", False))
    return json_reply(nap_json(await desk.run_long(desk.hive.napper.nap, agent.id, request, Unwatched())))


async def wake(desk: Desk, call: Call) -> Reply:
    """A row of the queue; with `wait_seconds`, what its next attempt gave."""
    wait_s = call.said.get("wait_seconds", 0)
    agent = await desk.agent(call.path["id"])
    new = _wanted(desk, agent, call)
    enqueued = await desk.run_short(desk.hive.queue.enqueue, new, call.actor)
    wakeup = enqueued.wakeup
    if wait_s and not wakeup.is_finished:
        wakeup = await _attempted(desk, wakeup, wait_s)
        if wakeup.status is WakeupStatus.COMPLETED:
            return json_reply(wake_json(wakeup))
        if wakeup.last_error and wakeup.attempts > enqueued.wakeup.attempts:
            hint = "It is tried again by itself." if not wakeup.is_finished else ""
            raise Problem(HTTPStatus.CONFLICT, wakeup.last_error, hint=hint, code="wake-failed")
    shape = {"wakeup_id": wakeup.id, **wakeup_json(wakeup, agent.name), "note": enqueued.note}
    return json_reply(shape, HTTPStatus.ACCEPTED)


def _wanted(desk: Desk, agent: Agent, call: Call) -> NewWakeup:
    said = call.said
    now = desk.hive.clock.now()
    due_at = now + timedelta(seconds=said.get("in_seconds", 0))
    context: dict[str, Any] = {}
    try:
        if said.get("at"):
            due_at = _time(said["at"], now)
        if said.get("message"):
            context[MESSAGE] = checked(said["message"])
    except HiveError as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, error.what, hint=error.hint) from error
    if said.get("context"):
        context[CONTEXT] = said["context"]
    if said.get("confirmed"):
        context["confirmed"] = True
    return NewWakeup(
        agent.id,
        Trigger.MANUAL,
        due_at,
        priority=said.get("priority"),
        idempotency_key=_key(call),
        max_attempts=desk.hive.retry_policy.max_attempts,
        context=context,
    )


def _key(call: Call) -> str | None:
    """The idempotency key, of the body or of the header, where quotes may stand around it."""
    header, body = call.head.get(KEY_HEADER).strip(), call.said.get("idempotency_key")
    if len(call.head.all(KEY_HEADER)) > 1 or len(header) > LONGEST_KEY or not header.isprintable():
        what = f"The header Idempotency-Key stands there twice, or has more than {LONGEST_KEY} characters."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, what)
    key = header[1:-1] if len(header) > 2 and header[0] == header[-1] == '"' else header
    if key and body and key != body:
        what = "The header Idempotency-Key and `idempotency_key` differ."
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, what, hint="Send one of them.")
    return key or body


def _time(said: str, now: datetime) -> datetime:
    """A time that is ours to choose: nobody waits for longer than ten years."""
    at = parse_time(said, now.astimezone())
    if not now - timedelta(days=1) <= at <= now + timedelta(days=3660):
        raise HiveError(f"The time {said} is out of reach.", hint="Name one within the next ten years.")
    return at


async def _attempted(desk: Desk, asked: Wakeup, wait_s: float) -> Wakeup:
    """The wakeup after its next attempt, or as it is when the time is over."""
    clock = desk.hive.clock
    deadline = clock.monotonic() + wait_s
    with desk.feed.reading():
        while True:
            news = desk.feed.news()
            found: Wakeup = await desk.run_short(desk.hive.database.read, wakeups.standing_for, asked.id)
            left_s = deadline - clock.monotonic()
            if has_ended(found, asked.attempts) or left_s <= 0 or desk.stopping.is_set():
                return found
            waits = [asyncio.ensure_future(one.wait()) for one in (news, desk.stopping)]
            await asyncio.wait(waits, timeout=min(left_s, LOOK_AGAIN_S), return_when=asyncio.FIRST_COMPLETED)
            for one in waits:
                one.cancel()
