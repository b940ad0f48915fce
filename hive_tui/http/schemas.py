"""The shapes of what comes and goes, as JSON Schema. Answers may have more fields than are named here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hive_tui.domain.handoffs import ContextMode
from hive_tui.domain.idle_sleep import BOUNDS
from hive_tui.http.queue import LIMIT, PARTS
from hive_tui.http.schema import Schema, flag, form, number, text

NAP = form(
    force=flag("Pass what speaks against it; never the checkpoint."),
    reason=text(200, "Why, for lists and logs."),
)
WAKE = form(
    message=text(20_000, "What to say to the agent once it is awake; it must not begin with / or !."),
    priority=number(0, 100, "Higher goes first; 80 if nothing is said.", kind="integer"),
    idempotency_key=text(200, "The same key again is the same request, while that is unfinished.", least=1),
    at=text(40, "When: ISO 8601, or 14:30 in the zone of this machine."),
    in_seconds=number(0, 31_536_000, "When: so many seconds from now."),
    context=text(10, "Go on with the conversation, or begin a new one.", enum=[str(mode) for mode in ContextMode]),
    confirmed=flag("Wake it also where only the vendor's transcript is left."),
    wait_seconds=number(0, 90, "Answer only when the next attempt has ended, or after so many seconds."),
)
WAKE_HEADERS: Mapping[str, Schema] = {
    "Idempotency-Key": text(200, "The same as `idempotency_key`, for clients that send it as a header."),
}
VALIDATE = form(deep=flag("Beyond the hashes, read transcripts and git bundles."))
SETTINGS = form(
    idleSleepEnabled={"type": "boolean", "description": "Whether services and models are put to sleep."},
    idleTimeout=number(*BOUNDS["idle_minutes"], "Minutes without use after which a service sleeps."),
    modelKeepAlive=number(*BOUNDS["model_keep_alive_hours"], "Hours for which a model stays in memory."),
    idleCheckInterval=number(*BOUNDS["check_minutes"], "Minutes between two checks."),
)
QUEUE_QUERY: Mapping[str, Schema] = {
    "status": text(20, "Only this part.", enum=sorted(PARTS)),
    "limit": number(1, 1_000, f"So many at most; {LIMIT} if nothing is said.", kind="integer"),
}
EVENTS_HEADERS: Mapping[str, Schema] = {"Last-Event-ID": {"type": "integer", "minimum": 0}}
EVENTS_QUERY: Mapping[str, Schema] = {
    "after": number(0, 10**15, "Go on after the event with this number.", kind="integer"),
    "agent": text(64, "Only of this agent: name or id.", least=1),
    "kind": text(400, "Only of these kinds: `wakeup.*,agent.needs_you`."),
}

WORD: Schema = {"type": "string"}
MAYBE_WORD: Schema = {"type": ["string", "null"]}
MAYBE_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
TIME: Schema = {"type": "string", "format": "date-time"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MAYBE_COUNT: Schema = {"type": ["integer", "null"], "minimum": 0}
MAYBE_NUMBER: Schema = {"type": ["number", "null"]}
YES_OR_NO: Schema = {"type": "boolean"}


def answer(**properties: Schema) -> Schema:
    """An object that has all of these fields, and maybe more."""
    return {"type": "object", "properties": properties, "required": list(properties)}


def list_of(name: str) -> Schema:
    """An array of what is described under that name."""
    return {"type": "array", "items": reference(name)}


def reference(name: str) -> Schema:
    """What is described under that name."""
    return {"$ref": f"#/components/schemas/{name}"}


def by_name(item: Schema) -> Schema:
    """An object with a name for each."""
    return {"type": "object", "additionalProperties": item}


SERVICE = answer(
    last_used=MAYBE_TIME,
    idle_for_minutes=MAYBE_NUMBER,
    idle_sleep_enabled=YES_OR_NO,
    desired=WORD,
    actual=WORD,
    will_sleep_in_minutes=MAYBE_NUMBER,
)
MODEL = answer(last_used=MAYBE_TIME, keep_alive_until=MAYBE_TIME, will_unload_in_minutes=MAYBE_NUMBER, provider=WORD)
IDLE_STATUS = answer(
    idle_sleep_enabled=YES_OR_NO,
    idle_timeout_minutes={"type": "number"},
    model_keep_alive_hours={"type": "number"},
    services=by_name(SERVICE),
    models=by_name(MODEL),
    monitor_task_running=YES_OR_NO,
)
COMPONENTS: Mapping[str, Any] = {
    "Agent": answer(
        name=WORD,
        kind=WORD,
        lifecycle=WORD,
        activity=WORD,
        reason=WORD,
        pane_id=MAYBE_WORD,
        session_id=MAYBE_WORD,
        cwd=WORD,
        pid=MAYBE_COUNT,
        memory_bytes=COUNT,
        tokens_today=MAYBE_COUNT,
        last_checkpoint_at=MAYBE_TIME,
        next_wake_at=MAYBE_TIME,
    ),
    "Checkpoint": answer(
        id=WORD,
        agent=WORD,
        generation=COUNT,
        created_at=TIME,
        path=WORD,
        sha256=WORD,
        size_bytes=COUNT,
        is_valid=YES_OR_NO,
        validation_errors={"type": "array", "items": {"type": "object"}},
    ),
    "Wakeup": answer(
        id=WORD,
        agent=WORD,
        action=WORD,
        trigger=WORD,
        priority=COUNT,
        status=WORD,
        scheduled_for=TIME,
        attempts=COUNT,
        max_attempts=COUNT,
        last_error=MAYBE_WORD,
        idempotency_key=MAYBE_WORD,
    ),
    "NapResult": answer(agent=WORD, checkpoint_id=WORD, freed_bytes=COUNT, processes_ended=COUNT),
    "WakeResult": answer(
        wakeup_id=WORD,
        agent=WORD,
        generation=MAYBE_COUNT,
        session_id=MAYBE_WORD,
        resumed=YES_OR_NO,
        fallbacks=COUNT,
    ),
    "IdleStatus": IDLE_STATUS,
    "WebhookResult": answer(
        source=WORD,
        delivery=MAYBE_WORD,
        duplicate=YES_OR_NO,
        agents={"type": "array", "items": answer(agent=WORD, is_new=YES_OR_NO, error=MAYBE_WORD)},
    ),
    "Health": answer(status={"const": "ok"}),
    "Problem": answer(type=WORD, title=WORD, status=COUNT, detail=WORD, hint=WORD, code=WORD),
}
