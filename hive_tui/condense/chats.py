"""Transcripts of other agents: rows with a role and a text, and perhaps calls, in the forms that are about."""

from collections.abc import Iterator, Mapping
from typing import Any

from hive_tui.condense.records import Reading, Record, Says
from hive_tui.condense.values import arguments_of, exit_code_of, text_of, time_of

ROLES = {
    "user": Says.USER,
    "human": Says.USER,
    "assistant": Says.AGENT,
    "agent": Says.AGENT,
    "gemini": Says.AGENT,
    "model": Says.AGENT,
    "tool": Says.RESULT,
    "toolResult": Says.RESULT,
    "tool_result": Says.RESULT,
    "function": Says.RESULT,
}
TEXTS = ("text", "content", "parts", "message", "output")
TIMES = ("timestamp", "at", "time", "created_at")
CALLS = ("tool_calls", "toolCalls")
PART_TEXT = ("text", "input_text", "output_text", None)


class ChatReader:
    """Turns rows with roles into records."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._cwd = ""

    def records(self, line: int, row: Mapping[str, Any]) -> Iterator[Record]:
        """The records of one row; one without a known role is counted."""
        inner = row.get("message")
        message: Mapping[str, Any] = inner if isinstance(inner, Mapping) else row
        says = ROLES.get(str(message.get("role") or row.get("role") or row.get("type")))
        at = next((time for time in (time_of(row.get(key)) for key in TIMES) if time), None)
        cwd = row.get("cwd")
        if isinstance(cwd, str) and cwd and cwd != self._cwd:
            self._cwd = cwd
            yield Record(Says.PLACE, "", line, at, arguments={"cwd": cwd, "branch": ""})
        if says is None:
            self._reading.skip(f"a record of type {str(row.get('type') or row.get('role'))[:40]!r}")
            return
        text = self._text(message)
        if text:
            code = exit_code_of(text) if says is Says.RESULT else None
            call_id = str(message.get("tool_call_id") or message.get("toolCallId") or "")
            failed = bool(message.get("isError")) or bool(code)
            yield Record(says, text, line, at, call_id=call_id, exit_code=code, failed=failed)
        yield from self._calls(line, message, at)

    def _text(self, message: Mapping[str, Any]) -> str:
        value = next((message[key] for key in TEXTS if message.get(key)), "")
        if isinstance(value, list):
            value = [part for part in value if not isinstance(part, Mapping) or part.get("type") in PART_TEXT]
        return text_of(value).strip()

    def _calls(self, line: int, message: Mapping[str, Any], at: Any) -> Iterator[Record]:
        listed: list[Any] = next((message[key] for key in CALLS if isinstance(message.get(key), list)), [])
        content = message.get("content")
        parts = content if isinstance(content, list) else []
        listed = [*listed, *(part for part in parts if isinstance(part, Mapping) and "name" in part)]
        for call in listed:
            if isinstance(call, Mapping):
                function = call.get("function")
                named: Mapping[str, Any] = function if isinstance(function, Mapping) else call
                given: Any = next((named[key] for key in ("arguments", "args", "input") if named.get(key)), {})
                yield Record(
                    Says.CALL,
                    "",
                    line,
                    at,
                    tool=str(named.get("name") or ""),
                    call_id=str(call.get("id") or ""),
                    arguments=arguments_of(given),
                )
