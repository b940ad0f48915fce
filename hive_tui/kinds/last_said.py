"""The last thing that an agent said, from a transcript in JSON lines of any kind."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from hive_tui.kinds import conversations

AGENTS = frozenset({"assistant", "gemini", "model", "agent"})
"""What kinds call the agent's side."""


def in_lines(path: Path) -> str:
    """The text of the agent's last message; empty if the file has none in its last part, or cannot be read."""
    _, records = conversations.tail(path)
    return next((text for one in reversed(records) if (text := _said(one))), "")


def in_history(lines: Sequence[str]) -> str:
    """The same of aider's history: what stands below the last message, without its own remarks."""
    begin = max((at for at, line in enumerate(lines) if line.startswith("#### ")), default=-1)
    if begin < 0:
        return ""
    return "\n".join(line for line in lines[begin + 1 :] if not line.startswith(">")).strip()


def _said(record: Mapping[str, Any]) -> str:
    changed = record.get("$set")
    messages = changed.get("messages") if isinstance(changed, dict) else None
    if isinstance(messages, list):
        return next((text for one in reversed(messages) if isinstance(one, dict) and (text := _said(one))), "")
    if record.get("isSidechain"):
        return ""  # a helper of the agent
    for message in _layers(record):
        if message.get("role", message.get("type")) in AGENTS:
            return "\n".join(text for text in conversations.texts_of(message) if text.strip())
    return ""


def _layers(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """The record, and what it wraps."""
    for key in ("payload", "message"):
        inner = record.get(key)
        if isinstance(inner, dict):
            yield inner
    yield record
