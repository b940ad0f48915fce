"""The routes that are about the surface itself, and the figures for monitoring."""

from __future__ import annotations

from http import HTTPStatus

from hive_tui.http.desk import Desk
from hive_tui.http.messages import HTML, METRICS, Call, Reply, json_reply


async def healthz(desk: Desk, call: Call) -> Reply:
    """That it answers: neither who is there nor which version."""
    return json_reply({"status": "ok"})


async def metrics(desk: Desk, call: Call) -> Reply:
    """Figures in the text format of Prometheus."""
    text = await desk.run_short(desk.hive.measuring.prometheus)
    return Reply(HTTPStatus.OK, text.encode("utf-8", "replace"), METRICS)


async def openapi(desk: Desk, call: Call) -> Reply:
    """What can be asked for, for programs."""
    from hive_tui.http.openapi import document
    from hive_tui.http.routes import ROUTES

    return json_reply(document(ROUTES))


async def docs(desk: Desk, call: Call) -> Reply:
    """What can be asked for, for people."""
    from hive_tui.http.openapi import page
    from hive_tui.http.routes import ROUTES

    return Reply(HTTPStatus.OK, page(ROUTES).encode(), HTML)
