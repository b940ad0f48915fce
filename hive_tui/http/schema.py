"""JSON Schema, as much of it as our requests need: one description for the check and for the OpenAPI document."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from hive_tui.http.problems import Problem, bad_request

Schema = Mapping[str, Any]
IS_TYPE: Mapping[str, Any] = {
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value),
}
NAMES = {"string": "a text", "boolean": "true or false", "integer": "a whole number", "number": "a number"}
SHOWN_LETTERS = 60
SAID_LETTERS = 200


def text(longest: int, note: str, *, least: int = 0, **more: Any) -> Schema:
    """A string of so many characters."""
    return {"type": "string", "minLength": least, "maxLength": longest, "description": note, **more}


def number(least: float, most: float, note: str, *, kind: str = "number", **more: Any) -> Schema:
    """A number between these two, both included; `integer` for a whole one."""
    return {"type": kind, "minimum": least, "maximum": most, "description": note, **more}


def flag(note: str) -> Schema:
    """True or false; false where nothing is said."""
    return {"type": "boolean", "default": False, "description": note}


def form(**properties: Schema) -> Schema:
    """An object of which every part may be left out, and which has no other parts."""
    return {"type": "object", "properties": properties, "additionalProperties": False}


def parsed(body: bytes, schema: Schema) -> dict[str, Any]:
    """The body of a request that fits the schema of a form; an empty one is an empty object.

    Raises:
        Problem: It is no JSON, or does not fit.
    """
    if not body.strip():
        return {}
    try:
        said = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise bad_request("The body of the request is no JSON.", f"{error}"[:SAID_LETTERS]) from error
    if not isinstance(said, dict):
        raise bad_request("The body of the request is no JSON object.", "Write it as {...}.")
    return checked(said, schema["properties"])


def checked(said: Mapping[str, Any], properties: Mapping[str, Schema]) -> dict[str, Any]:
    """What was said, if all of it is known and fits.

    Raises:
        Problem: Something does not; all of it is named.
    """
    wrong = list(_mistakes(said, properties))
    if wrong:
        known = f"Known here: {', '.join(properties)}." if properties else "Nothing is taken here."
        raise _unprocessable(" ".join(wrong), known)
    return dict(said)


def from_query(said: Mapping[str, str], properties: Mapping[str, Schema]) -> dict[str, Any]:
    """Parts of an address, with numbers as such.

    Raises:
        Problem: Something is not known, or does not fit.
    """
    read: dict[str, Any] = {}
    for name, value in said.items():
        is_whole = properties.get(name, {}).get("type") == "integer"
        read[name] = int(value) if is_whole and value.isascii() and value.isdecimal() and len(value) < 19 else value
    return checked(read, properties)


def _mistakes(said: Mapping[str, Any], properties: Mapping[str, Schema]) -> Iterator[str]:
    for name, value in said.items():
        shown = repr(name)[:SHOWN_LETTERS]
        if name not in properties:
            yield f"{shown} is not known."
        elif what := _mistake(value, properties[name]):
            yield f"{shown} {what}."


def _mistake(value: Any, schema: Schema) -> str:
    if not IS_TYPE[schema["type"]](value):
        return f"must be {NAMES[schema['type']]}"
    if isinstance(value, str):
        return _mistake_of_text(value, schema)
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(map(str, schema['enum']))}"
    if not schema.get("minimum", value) <= value <= schema.get("maximum", value):
        least, most = (f"{schema[bound]:,}".removesuffix(".0") for bound in ("minimum", "maximum"))
        return f"must be from {least} to {most}"
    return ""


def _mistake_of_text(value: str, schema: Schema) -> str:
    if "enum" in schema and value not in schema["enum"]:
        return f"must be one of {', '.join(schema['enum'])}"
    if not schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value)):
        return f"must have {schema.get('minLength', 0)} to {schema['maxLength']} characters"
    try:
        value.encode()
    except UnicodeEncodeError:
        return "has half of a surrogate pair in it, which is no character"
    return "has a character with the number 0 in it" if "\0" in value else ""


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _unprocessable(what: str, hint: str) -> Problem:
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, what, hint=hint)
