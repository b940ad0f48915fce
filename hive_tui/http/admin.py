"""The routes of services and models beside the agents."""

from __future__ import annotations

from hive_tui.http.desk import Desk
from hive_tui.http.messages import Call, Reply, json_reply


async def idle_status(desk: Desk, call: Call) -> Reply:
    """What sleeps when."""
    return json_reply(await desk.run_long(desk.hive.machine.idle_status))


async def sleep_service(desk: Desk, call: Call) -> Reply:
    """Stop a service now; how things stand afterwards."""
    await desk.run_long(desk.hive.machine.sleep_service, call.path["name"], call.actor)
    return await idle_status(desk, call)


async def unload_model(desk: Desk, call: Call) -> Reply:
    """Take a model out of memory now; how things stand afterwards."""
    await desk.run_long(desk.hive.machine.unload_model, call.path["name"], call.actor)
    return await idle_status(desk, call)


async def change_settings(desk: Desk, call: Call) -> Reply:
    """Take over settings; how things stand afterwards."""
    if call.said:
        await desk.run_long(desk.hive.machine.change_settings, call.actor, **call.said)
    return await idle_status(desk, call)
