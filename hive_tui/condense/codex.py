"""Rollouts of Codex: what went to and from the model are `response_item`s; events tell most of it once more."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from hive_tui.condense.records import Reading, Record, Says
from hive_tui.condense.values import arguments_of, exit_code_of, text_of, time_of

INSERTED = re.compile(r"\s*(<[a-z_]{4,40}[> ]|# AGENTS\.md instructions|# Context from my IDE setup)")
WRAPPED = re.compile(r"\A(?:(?:[^\n]{0,120}\n){1,7}?Output:\n){1,2}")
"""What Codex writes above the output of a command."""
CALLS = ("function_call", "custom_tool_call", "local_shell_call", "web_search_call", "mcp_tool_call")
REMEMBERED = 100_000


class CodexReader:
    """Turns the rows of one rollout into records."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._place: tuple[str, str] = ("", "")
        self._seen: dict[str, None] = {}

    def records(self, line: int, row: Mapping[str, Any]) -> Iterator[Record]:
        """The records of one row; those that tell nothing are counted."""
        payload = row.get("payload")
        at = time_of(row.get("timestamp"))
        kind = row.get("type")
        if kind in ("session_meta", "turn_context") and isinstance(payload, Mapping):
            yield from self._moved(line, payload)
        elif kind == "response_item" and isinstance(payload, Mapping):
            yield from self._item(line, payload, at)
        elif kind == "compacted":
            self._reading.skip("a summary of what stands above")
        elif kind in ("message", "function_call", "function_call_output", "reasoning"):
            yield from self._item(line, row, at)  # rollouts of older versions
        else:
            inner = payload.get("type") if isinstance(payload, Mapping) else None
            self._reading.skip(f"a record of type {str(inner or kind)[:40]!r}")

    def _moved(self, line: int, payload: Mapping[str, Any]) -> Iterator[Record]:
        git = payload.get("git")
        branch = str(git.get("branch") or "") if isinstance(git, Mapping) else ""
        place = (str(payload.get("cwd") or self._place[0]), branch or self._place[1])
        if any(place) and place != self._place:
            self._place = place
            yield Record(Says.PLACE, "", line, arguments={"cwd": place[0], "branch": place[1]})

    def _item(self, line: int, item: Mapping[str, Any], at: datetime | None) -> Iterator[Record]:
        kind = str(item.get("type"))
        if kind == "message":
            yield from self._message(line, item, at)
        elif kind in CALLS:
            yield from self._call(line, item, at)
        elif kind.endswith("_output"):
            yield self._result(line, item, at)
        else:
            self._reading.skip(f"a record of type {kind[:40]!r}")

    def _message(self, line: int, item: Mapping[str, Any], at: datetime | None) -> Iterator[Record]:
        role, text = item.get("role"), text_of(item.get("content")).strip()
        if role not in ("user", "assistant") or not text:
            self._reading.skip(f"a message of the role {str(role)[:20]!r}" if text else "a message without content")
        elif role == "user" and INSERTED.match(text):
            self._reading.skip("inserted by the program, not by a person")
        elif not self._is_copy(item):
            yield Record(Says.USER if role == "user" else Says.AGENT, text, line, at)

    def _is_copy(self, item: Mapping[str, Any]) -> bool:
        key = str(item.get("id") or item.get("call_id") or "")
        if key and key in self._seen:
            self._reading.skip("a copy of an earlier line")
            return True
        if key:
            self._seen[key] = None
            if len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]
        return False

    def _call(self, line: int, item: Mapping[str, Any], at: datetime | None) -> Iterator[Record]:
        if self._is_copy(item):
            return
        action = item.get("action")
        given: Any = next((item[key] for key in ("arguments", "input", "action") if item.get(key)), {})
        name = str(item.get("name") or item.get("type"))
        arguments = arguments_of(action if isinstance(action, Mapping) else given)
        yield Record(Says.CALL, "", line, at, tool=name, call_id=str(item.get("call_id") or ""), arguments=arguments)

    def _result(self, line: int, item: Mapping[str, Any], at: datetime | None) -> Record:
        output = item.get("output")
        given = arguments_of(output) if isinstance(output, str) and output.startswith("{") else output
        code: int | None = None
        if isinstance(given, Mapping) and "input" not in given:
            told = given.get("metadata")
            found = told.get("exit_code") if isinstance(told, Mapping) else given.get("exit_code")
            code = found if isinstance(found, int) else None
            text = text_of(given.get("output") or given.get("content"))
        else:
            text = text_of(output)
        if code is None:
            code = exit_code_of(text)
        failed = bool(code) or (isinstance(given, Mapping) and given.get("success") is False)
        call_id = str(item.get("call_id") or "")
        return Record(Says.RESULT, WRAPPED.sub("", text), line, at, call_id=call_id, exit_code=code, failed=failed)
