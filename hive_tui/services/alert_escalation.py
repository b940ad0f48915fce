"""A second channel for what nobody has reacted to."""

import sqlite3
from datetime import datetime, timedelta, tzinfo
from uuid import uuid4

from hive_tui.domain.alert_words import NEEDS_YOU
from hive_tui.domain.alerts import AlertPolicy, escalated
from hive_tui.services.alert_delivery import still_waits
from hive_tui.store import alerts as outbox
from hive_tui.store.alerts import Alert

LOOK_BACK = timedelta(days=1)


def escalate(db: sqlite3.Connection, policy: AlertPolicy, local: tzinfo, *, now: datetime) -> int:
    """Enter an alert for the second channel for each that is old enough and still matters; how many.

    A person reacts by doing something with the agent, by acknowledging the alert, or by answering the agent; what is
    not about an agent, by doing anything. What has a reaction is not looked at again.
    """
    if policy.escalate_after is None:
        return 0
    before = now - policy.escalate_after
    unanswered = outbox.unanswered(db, before=before, since=now - LOOK_BACK)
    # What cannot be told was tried from the end of the quiet hours on, and nobody could react before.
    found = [one for one in unanswered if policy.due_at(one.message.class_, one.message.at, local) <= before]
    settled = [one for one in found if not _matters(db, one)]
    outbox.acknowledge(db, [one.seq for one in settled], now=now)
    minutes = policy.escalate_after.total_seconds() / 60
    entered = 0
    for one in found:
        if one in settled:
            continue
        message = escalated(one.message, str(uuid4()), minutes, policy.escalate_to, details=policy.details)
        due_at = policy.due_at(message.class_, now, local)
        entered += outbox.add(
            db, message, seq=one.seq, channel=policy.escalate_to, agent_id=one.agent_id, due_at=due_at
        )
    return entered


def _matters(db: sqlite3.Connection, alert: Alert) -> bool:
    if alert.message.class_ == NEEDS_YOU and alert.agent_id is not None and not still_waits(db, alert):
        return False
    return not outbox.has_reaction(db, alert)
