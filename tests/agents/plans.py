"""What the pretended model does with a request: told by the last thing that the user said."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

DIRECTIVE = re.compile(r"mock:(slow|run|ask|limit)(?: (\d+))?")
TOOLS = {
    "run": ("Bash", "exec_command", "shell_command", "bash", "run_shell_command"),
    "ask": ("AskUserQuestion", "question", "ask_user", "request_user_input"),
}
PASTED = "<pasted_content"
"""What some programs write around a long text that was pasted."""
COMMAND = "touch made.txt"


@dataclass(frozen=True, slots=True)
class Plan:
    """One answer."""

    text: str
    tool: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    """How long the text takes."""
    limit_for_s: int = 0
    """The usage limit is reached, for so long."""

    @property
    def pieces(self) -> Sequence[str]:
        """The text, word by word."""
        return re.findall(r"\S+\s*", self.text)


def plan_for(users: Sequence[str], tools: Sequence[str], *, is_after_tool: bool) -> Plan:
    """The answer to a request.

    Args:
        users: What the user has said, oldest first.
        tools: Names of the tools that are offered. Requests for titles and summaries offer none.
        is_after_tool: Whether the last message is a tool's result.
    """
    answer = Plan(f"I see {len(users)} messages.")
    found = DIRECTIVE.findall(users[-1]) if users else []
    if not found or is_after_tool:
        return answer
    what, number = found[-1][0], int(found[-1][1] or 0)
    if what == "limit":
        return Plan("", limit_for_s=number or 5400)
    if what == "slow":
        words = " ".join(f"word{at}" for at in range(number * 5))
        return Plan(words, seconds=float(number))
    name = next((name for name in TOOLS[what] if name in tools), "")
    return Plan("I call a tool.", name, _arguments(name)) if name else answer


def _arguments(name: str) -> Mapping[str, Any]:
    if name in TOOLS["ask"]:
        options = [{"label": word, "description": f"the {word.lower()} one"} for word in ("Red", "Blue")]
        asked = {"question": "Which colour?", "header": "Colour", "id": "colour", "type": "choice", "options": options}
        return {"questions": [{**asked, "multiSelect": False, "multiple": False}]}
    if name == "exec_command":
        return {"cmd": COMMAND, "sandbox_permissions": "require_escalated", "justification": "to see the question"}
    return {"command": COMMAND, "description": "make a file"}


def said_by_user(content: Any) -> list[str]:
    """The texts of one message of a user; without what programs add in angle brackets."""
    if isinstance(content, str):
        content = [{"text": content}]
    texts = [str(part.get("text") or "") for part in content or () if isinstance(part, dict)]
    return [text for text in texts if text and (text.lstrip().startswith(PASTED) or not text.lstrip().startswith("<"))]


def as_json(value: object) -> str:
    """Without blanks, as servers send it."""
    return json.dumps(value, separators=(",", ":"))
