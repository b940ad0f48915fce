"""The OpenAPI 3.1 document, made from the table of routes; and a page that shows it without any script."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hive_tui import __version__
from hive_tui.http.messages import JSON, PROBLEM
from hive_tui.http.schemas import COMPONENTS, reference

if TYPE_CHECKING:
    from hive_tui.http.routes import Route

EVERYWHERE = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.MISDIRECTED_REQUEST,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.INSUFFICIENT_STORAGE,
)
TAKING = (HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
DESCRIPTION = (
    "See, nap, wake and recover coding agents in tmux. It listens to this machine alone. Programs show the token"
    " that `hive-tui http token` prints, and may name themselves in `X-Hive-Client`."
)
SIGNED = (
    "From GitHub, `X-Hub-Signature-256` with `X-GitHub-Delivery` and `X-GitHub-Event`. From others, `X-Hive-Signature:"
    " sha256=HEX` with `X-Hive-Delivery` (an id) and `X-Hive-Timestamp` (Unix seconds): HEX is the HMAC-SHA256 of"
    " timestamp, a dot, delivery id, a dot and the body."
)


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hive-tui", "version": __version__, "description": DESCRIPTION},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(COMPONENTS),
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "signature": {
                    "type": "apiKey",
                    "in": "header",
                    "name": "X-Hive-Signature",
                    "description": SIGNED,
                },
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": _parameters(route),
        "responses": _responses(route),
        "security": [{str(route.access): []}] if route.access != "nothing" else [],
    }
    if route.takes is not None:
        made["requestBody"] = {"required": False, "content": {JSON: {"schema": route.takes}}}
    elif route.access == "signature":
        made["requestBody"] = {"required": False, "content": {"*/*": {"schema": {}}}}
        made["description"] = SIGNED
    return made


def _parameters(route: Route) -> list[dict[str, Any]]:
    part = {"type": "string", "minLength": 1, "maxLength": 200}
    in_path = [{"name": name, "in": "path", "required": True, "schema": part} for name in route.parameters]
    in_query = [{"name": name, "in": "query", "schema": schema} for name, schema in route.query.items()]
    in_header = [{"name": name, "in": "header", "schema": schema} for name, schema in route.headers.items()]
    return [*in_path, *in_query, *in_header]


def _responses(route: Route) -> dict[str, Any]:
    schema = {"type": "string"} if route.gives is None else route.gives
    good = {route.status: (route.kind, schema)} | {status: (JSON, other) for status, other in route.also.items()}
    problems = {*EVERYWHERE, *route.problems}
    if route.access != "nothing":
        problems.add(HTTPStatus.UNAUTHORIZED)
    if route.takes is not None or route.access == "signature":
        problems |= set(TAKING)
    answers = good | {status: (PROBLEM, reference("Problem")) for status in problems}
    return {
        str(int(status)): {"description": status.phrase, "content": {kind.partition(";")[0]: {"schema": shape}}}
        for status, (kind, shape) in sorted(answers.items())
    }


STYLE = (
    ":root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:52rem;margin:2rem auto;"
    "padding:0 1rem}code,pre{font-family:ui-monospace,monospace}h2{margin:2rem 0 .2rem;font-size:1.1rem}"
    "table{border-collapse:collapse;width:100%}td{padding:.15rem 1rem .15rem 0;vertical-align:top}"
    "td:first-child{white-space:nowrap}p{margin:.2rem 0}"
)


def page(routes: Sequence[Route]) -> str:
    """The same to be read by a person: one file, with no script and nothing from any network."""
    sections = "".join(map(_section, routes))
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>hive-tui</title>'
        '<meta name="viewport" content="width=device-width">'
        f"<style>{STYLE}</style><h1>hive-tui {escape(__version__)}</h1><p>{_marked(DESCRIPTION)}</p>"
        '<p>For programs: <a href="/openapi.json">openapi.json</a>. Errors are application/problem+json (RFC 9457) with'
        f" <code>detail</code>, <code>hint</code> and <code>code</code>.</p>{sections}</html>"
    )


def _section(route: Route) -> str:
    needs = {"token": "needs the token", "signature": _marked(SIGNED), "nothing": "open"}[route.access]
    properties = {**route.query, **(route.takes or {}).get("properties", {})}
    rows = "".join(
        f"<tr><td><code>{escape(name)}</code><td>{escape(_form(one))}<td>{_marked(one.get('description', ''))}"
        for name, one in properties.items()
    )
    where = "in the address" if route.query else "as JSON"
    table = f"<p>Takes, {where}:</p><table>{rows}</table>" if rows else ""
    gives = f", {int(route.status)} with {escape(route.kind.partition(';')[0])}"
    heading = f"<h2><code>{route.method} {escape(route.path)}</code></h2>"
    return f"{heading}<p>{escape(route.summary)} ({needs}{gives})</p>{table}"


def _form(schema: Any) -> str:
    if "enum" in schema:
        return " | ".join(schema["enum"])
    span = f" {schema['minimum']:,} to {schema['maximum']:,}" if "minimum" in schema else ""
    return f"{schema['type']}{span}"


def _marked(text: str) -> str:
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if at % 2 else piece for at, piece in enumerate(pieces))
