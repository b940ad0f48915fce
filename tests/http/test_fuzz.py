"""Requests made from our own OpenAPI document, and bent in all directions: no answer is a mistake of ours."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_tui.hive import Hive
from hive_tui.http.openapi import document
from hive_tui.http.routes import ROUTES
from tests.http.client import Client
from tests.store.builders import a_checkpoint, enter

DOCUMENT = document(ROUTES)
OPERATIONS = [
    (method, path, operation)
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
    if path != "/events"
]
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
KNOWN = st.sampled_from(["ada", "bob", "id-of-ada", "c1", "web", "llama3:8b", "ci", "github"])


def from_schema(schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Values that fit a schema of the document."""
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    kind = schema.get("type")
    if kind == "boolean":
        return st.booleans()
    if kind == "integer":
        return st.integers(schema.get("minimum", 0), schema.get("maximum", 2**40))
    if kind == "number":
        return st.floats(schema["minimum"], schema["maximum"], allow_nan=False)
    if kind == "object":
        properties = {name: from_schema(one) for name, one in schema["properties"].items()}
        return st.fixed_dictionaries({}, optional=properties)
    return st.text(min_size=schema.get("minLength", 0), max_size=min(40, schema.get("maxLength", 40)))


def body_of(operation: Mapping[str, Any]) -> st.SearchStrategy[bytes | None]:
    """What fits, what nearly fits, and what does not at all."""
    wrong = st.none() | st.binary(max_size=200) | ANYTHING.map(lambda value: json.dumps(value).encode())
    if "requestBody" not in operation:
        return wrong
    schema = next(iter(operation["requestBody"]["content"].values()))["schema"]
    if "properties" not in schema:
        return wrong
    fitting = from_schema(schema)
    bent = st.tuples(fitting, st.sampled_from(sorted(schema["properties"])), ANYTHING).map(
        lambda t: {**t[0], t[1]: t[2]}
    )
    return (fitting | bent).map(lambda value: json.dumps(value).encode()) | wrong


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, str, bytes | None, dict[str, str]]:
    method, path, operation = draw(st.sampled_from(OPERATIONS))
    target, query = path, {}
    for one in operation["parameters"]:
        if one["in"] == "path":
            value = draw(KNOWN | from_schema(one["schema"]))
            target = target.replace(f"{{{one['name']}}}", quote(value.encode("utf-8", "surrogatepass"), safe=""))
        elif one["in"] == "query" and draw(st.booleans()):
            query[one["name"]] = draw(from_schema(one["schema"]) | st.text(max_size=10))
    if query:
        target += "?" + urlencode(query, errors="surrogatepass")
    kind = draw(st.sampled_from(["application/json", "application/json; charset=utf-8", "text/plain", ""]))
    verb = draw(st.sampled_from([method.upper()] * 8 + ["PUT", "DELETE", "OPTIONS", "PATCH"]))
    return path, verb, target, draw(body_of(operation)), {"Content-Type": kind} if kind else {}


@pytest.fixture
def fuzzed(machine_client: Client, machine_hive: Hive) -> Client:
    enter(machine_hive.database, a_checkpoint("c1"))
    return machine_client


def check(client: Client, link: http.client.HTTPConnection, request: tuple[str, str, str, bytes | None, Any]) -> None:
    """Send it; the answer is one that the document foresees."""
    path, verb, target, body, headers = request
    if body and b"wait_seconds" in body:
        headers = {**headers, "Content-Type": "text/plain"}  # nobody needs to wait for anything here
    link.request(verb, target, body, {**headers, "Authorization": f"Bearer {client.token}"})
    answer = link.getresponse()
    content = answer.read()
    kind = answer.getheader("Content-Type", "").partition(";")[0]
    assert answer.status < 500, (request, content)
    if answer.status >= 400:
        assert kind == "application/problem+json", (request, kind)
        jsonschema.validate(json.loads(content), DOCUMENT["components"]["schemas"]["Problem"])
    if verb.lower() in DOCUMENT["paths"][path] and answer.status != 404:
        responses = DOCUMENT["paths"][path][verb.lower()]["responses"]
        assert str(answer.status) in responses, f"{verb} {target} gave {answer.status}, which nobody foresees"
        assert kind in responses[str(answer.status)]["content"]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(request=requests())
def test_no_request_makes_us_stumble(fuzzed: Client, request: tuple[str, str, str, bytes | None, Any]):
    link = fuzzed.connection()
    try:
        check(fuzzed, link, request)
    finally:
        link.close()


@pytest.mark.faults
@pytest.mark.timeout(900)
@settings(max_examples=3_000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(request=requests())
def test_no_request_of_thousands_makes_us_stumble(fuzzed: Client, request: tuple[str, str, str, bytes | None, Any]):
    link = fuzzed.connection()
    try:
        check(fuzzed, link, request)
    finally:
        link.close()
