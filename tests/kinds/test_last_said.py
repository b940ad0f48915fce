"""What an agent said last, by its kind's own files."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hive_tui.kinds.catalog import Kinds
from tests.builders import an_agent

KINDS = Kinds(None)
CLAUDE = [
    {"type": "user", "message": {"role": "user", "content": "look"}},
    {"type": "assistant", "message": {"role": "assistant", "content": [{"type": "text", "text": "I look now."}]}},
    {"type": "assistant", "message": {"role": "assistant", "content": [{"type": "tool_use", "input": {"text": "rm"}}]}},
    {
        "type": "assistant",
        "isSidechain": True,
        "message": {"role": "assistant", "content": [{"type": "text", "text": "helper"}]},
    },
    {"type": "user", "message": {"role": "user", "content": [{"type": "tool_result", "content": "a result"}]}},
]
CODEX = [
    {"type": "session_meta", "payload": {"id": "x"}},
    {
        "type": "response_item",
        "payload": {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "I look now."}],
        },
    },
    {"type": "response_item", "payload": {"type": "function_call", "arguments": "{}"}},
    {"type": "event_msg", "payload": {"type": "task_complete", "last_agent_message": None}},
]
GEMINI = [
    {"sessionId": "x"},
    {"type": "user", "content": "look"},
    {"$set": {"messages": [{"type": "gemini", "content": "I look now."}, {"type": "user", "content": "and?"}]}},
]
SCRIPTED = [
    {"type": "user", "text": "look"},
    {"type": "assistant", "text": "I look now."},
    {"type": "user", "text": "y"},
]


@pytest.mark.parametrize(
    ("kind", "records"), [("claude", CLAUDE), ("codex", CODEX), ("gemini", GEMINI), ("scripted", SCRIPTED)]
)
def test_of_a_transcript_in_lines(tmp_path: Path, kind: str, records: list[Mapping[str, Any]]):
    path = tmp_path / "transcript.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + '{"type": "assistant", "mess')
    assert KINDS.get(kind).last_said(an_agent(kind=kind, transcript=str(path))) == "I look now."


def test_of_a_history_in_text(tmp_path: Path):
    path = tmp_path / ".aider.chat.history.md"
    path.write_text("# aider chat started at 2026\n\n#### look\n\nI look now.\n\n> Tokens: 1k sent\n")
    assert KINDS.get("aider").last_said(an_agent(kind="aider", transcript=str(path))) == "I look now."


def test_of_a_database(tmp_path: Path):
    path = tmp_path / "opencode.db"
    message = {"role": "assistant", "time": {"completed": 1}}
    with closing(sqlite3.connect(path)) as database, database:
        database.executescript(
            "CREATE TABLE message (id, session_id, data, time_created); CREATE TABLE part (id, message_id, data);"
        )
        database.execute("INSERT INTO message VALUES ('m', 's', ?, 1)", (json.dumps(message),))
        database.execute(
            "INSERT INTO part VALUES ('p', 'm', ?)", (json.dumps({"type": "text", "text": "I look now."}),)
        )
    opencode = KINDS.get("opencode")
    assert opencode.last_said(an_agent(kind="opencode", transcript=str(path), session_id="s")) == "I look now."
    assert opencode.last_said(an_agent(kind="opencode", transcript=str(path), session_id="other")) == ""


@pytest.mark.parametrize("kind", ["claude", "codex", "gemini", "aider", "opencode", "generic"])
def test_nothing_where_there_is_no_file(tmp_path: Path, kind: str):
    assert KINDS.get(kind).last_said(an_agent(kind=kind, transcript=str(tmp_path / "gone"))) == ""
    assert KINDS.get(kind).last_said(an_agent(kind=kind, transcript=None)) == ""
