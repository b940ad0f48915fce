"""The routes of checkpoints."""

from __future__ import annotations

from typing import Any

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.http.desk import Desk
from hive_tui.http.messages import Call, Reply, json_reply
from hive_tui.services.described import everything_left_out
from hive_tui.services.shapes import checkpoint_json
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as store
from hive_tui.store import offsite


async def checkpoint(desk: Desk, call: Call) -> Reply:
    """One entry of the catalog, as `hive-tui checkpoints ID --json` gives it."""
    one = await desk.run_short(desk.hive.database.read, store.get, call.path["id"])
    return json_reply(
        await desk.run_short(_shape, desk, one) | {"left_out": await desk.run_long(everything_left_out, one)}
    )


async def validate(desk: Desk, call: Call) -> Reply:
    """Read it back to its end; `is_valid` and `validation_errors` say what was found."""
    one = await desk.run_short(desk.hive.database.read, store.get, call.path["id"])
    deep = call.said.get("deep", False)
    await desk.run_long(desk.hive.validator.check, one, deep=deep, actor=call.actor)
    return json_reply(await desk.run_short(_checked, desk, one.id))


def _checked(desk: Desk, checkpoint_id: str) -> dict[str, Any]:
    return _shape(desk, desk.hive.database.read(store.get, checkpoint_id))


def _shape(desk: Desk, one: Checkpoint) -> dict[str, Any]:
    database = desk.hive.database
    names = {agent.id: agent.name for agent in database.read(agent_store.everyone)}
    return checkpoint_json(one, names.get(one.agent_id, one.agent_id), database.read(offsite.by_checkpoint).get(one.id))
