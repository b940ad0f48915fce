"""A queue with a past, for pictures: each class of error once, and a wakeup that the gate puts off again and again."""

import sqlite3
from datetime import datetime, timedelta
from itertools import count

from hive_tui.domain.errors import ErrorClass
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.store import agents, claims, wakeups

VERDICT = "wake: due: asked for by webhook"
GIVEN_UP = (
    ("mill", ErrorClass.PERMANENT, "generation 0 has no transcript in it. Try another generation."),
    ("shop", ErrorClass.NEEDS_PERSON, "it waits at a dialog: Do you trust the files in this folder?"),
)
PUT_OFF = (
    (29.9, 28, "debounce: more of the same may follow at once"),
    (20, 12, "held: only a person wakes this agent"),
    (6, -9, "breaker: 5 attempts in a row have failed; one more is made at 12:09:00 UTC"),
)


def give_the_queue_a_past(db: sqlite3.Connection, now: datetime) -> None:
    """Enqueue, claim and end wakeups, at times before `now`."""
    ids = {name: agent_id for agent_id, name in agents.names(db).items()}
    numbers = count(1)

    def at(minutes_ago: float) -> datetime:
        return now - timedelta(minutes=minutes_ago)

    def ask(name: str, trigger: Trigger, minutes_ago: float) -> str:
        new = NewWakeup(ids[name], trigger, at(minutes_ago), context={"payload": {"build": 7}}, max_attempts=2)
        wakeup_id = f"40000000-0000-4000-8000-{next(numbers):012d}"
        return wakeups.enqueue(db, new, wakeup_id, now=at(minutes_ago)).wakeup.id

    def claim(wakeup_id: str, minutes_ago: float) -> Wakeup:
        claimed = claims.claim_one(db, wakeup_id, by="picture", now=at(minutes_ago))
        assert claimed is not None
        return claimed

    for name, kind, said in GIVEN_UP:
        claimed = claim(ask(name, Trigger.WEBHOOK, 50), 50)
        claims.fail(db, claimed, now=at(49.9), error=said, next_at=None, verdict=VERDICT, error_class=kind)
    twice = ask("harbour", Trigger.SCHEDULE, 40)
    for minutes_ago, next_at in ((40, at(37.5)), (37.5, None)):
        claimed = claim(twice, minutes_ago)
        claims.fail(
            db, claimed, now=at(minutes_ago - 0.1), error="tmux did not answer.", next_at=next_at, verdict=VERDICT
        )
    put_off = ask("garden", Trigger.WEBHOOK, 30)
    for minutes_ago, until, said in PUT_OFF:
        claimed = claim(put_off, minutes_ago)
        claims.defer(db, claimed, now=at(minutes_ago), until=at(until), verdict=f"defer: {said}", reason=said)
