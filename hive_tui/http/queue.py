"""The route of the wakeup queue."""

from __future__ import annotations

from typing import Any

from hive_tui.http.desk import Desk
from hive_tui.http.messages import Call, Reply, json_reply
from hive_tui.services.shapes import wakeup_json
from hive_tui.store import agents as agent_store
from hive_tui.store import queue_lists
from hive_tui.store.queue_lists import Section

PARTS = {**{str(one): one for one in Section}, "processing": Section.RUNNING}
LIMIT = 50


async def queue(desk: Desk, call: Call) -> Reply:
    """Part of the queue, as `hive-tui queue list --json` gives it."""
    section = PARTS[call.query.get("status", "all")]
    return json_reply(await desk.run_short(_listed, desk, section, call.query.get("limit", LIMIT)))


def _listed(desk: Desk, section: Section, limit: int) -> list[dict[str, Any]]:
    database = desk.hive.database
    names = database.read(agent_store.names)
    found = database.read(queue_lists.listed, section, now=desk.hive.clock.now(), limit=limit)
    attempts = database.read(queue_lists.attempts, found)
    return [wakeup_json(one, names.get(one.agent_id, one.agent_id), list(attempts.get(one.id, ()))) for one in found]
