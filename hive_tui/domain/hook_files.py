"""What has to stand in the files of agents so that they tell the hive what they do, and how it gets in and out."""

import json
import re
import shlex
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hive_tui.domain.json_text import Node, NotJson, cut, put, scan

EVENTS: Mapping[str, tuple[str, ...]] = {
    "claude": tuple(
        "SessionStart SessionEnd UserPromptSubmit PostToolUse PermissionRequest Notification Stop StopFailure"
        " PreCompact PostCompact".split()
    ),
    "codex": ("SessionStart", "UserPromptSubmit", "PermissionRequest", "PostToolUse", "Stop"),
    "gemini": ("SessionStart", "SessionEnd", "BeforeAgent", "BeforeTool", "AfterTool", "AfterAgent", "Notification"),
}
"""Few on purpose: an agent waits for each of them."""
BEGIN = "# >>> hive-tui: tells the hive what this agent does; `hive-tui uninstall hooks` removes these lines\n"
END = "# <<< hive-tui\n"
ENTRY = re.compile(
    r"^\[\[hooks\.(\w+)\]\]\n\[\[hooks\.\1\.hooks\]\]\ntype = \"command\"\ncommand = (?P<command>\"[^\n]*\")\n",
    re.MULTILINE,
)
"""One hook of ours in Codex's settings."""
PATIENCE_S = 5
"""So long an agent that can be told so waits for the command, which ends by itself before."""

PLUGIN = """\
// hive-tui: tells the hive what this agent does. `hive-tui uninstall hooks` removes this file.
import { spawn } from "node:child_process"

const COMMAND = %s
const TOLD = new Set([
  "session.created", "session.status", "session.idle", "session.error", "permission.asked", "permission.replied",
  "question.asked", "question.replied", "question.rejected",
])
const children = new Set()
let last = Promise.resolve()

// One after the other, so that they arrive in order; the agent waits for none of them.
const tell = (event) => {
  last = last.then(() => new Promise((done) => {
    try {
      const hook = spawn(COMMAND[0], COMMAND.slice(1), { stdio: ["pipe", "ignore", "ignore"] })
      hook.on("error", done)
      hook.on("close", done)
      hook.stdin.on("error", () => {})
      hook.stdin.end(JSON.stringify(event))
    } catch {
      done()
    }
  }))
}

export const HiveTui = async ({ directory }) => ({
  event: async ({ event }) => {
    const told = event.properties ?? {}
    const session = event.type.startsWith("session.") ? told.info ?? {} : {}
    const id = told.sessionID ?? session.id
    if (session.parentID && session.id) children.add(session.id)
    if (!TOLD.has(event.type) || !id) return
    const parent = children.has(id) ? "another session" : undefined
    tell({ hook_event_name: event.type, session_id: id, cwd: directory, status: told.status?.type, parent_id: parent })
  },
})
"""


class Unfit(ValueError):
    """The file is not such that something can be added to it; says why."""


@dataclass(frozen=True, slots=True)
class Edited:
    """A text that was added to."""

    text: str
    inserted: tuple[str, ...]
    """Each piece that was put in, in order."""


def is_ours(kind: str, command: object) -> bool:
    """Whether a command in a file is one that was put there by hive-tui."""
    return bool(re.search(rf"hive[-_]tui['\"]? hook {kind}( |\"|$)", str(command)))


def added(kind: str, text: str, command: Sequence[str]) -> Edited:
    """The file with the hooks, of which it holds none yet.

    Raises:
        Unfit: It cannot hold them.
    """
    if kind == "opencode":
        if text.strip():
            raise Unfit("it holds something else")
        plugin = PLUGIN % json.dumps(list(command))
        return Edited(plugin, (plugin,))
    line = shlex.join(command)
    return _added_to_toml(text, line) if kind == "codex" else _added_to_json(kind, text, line)


def removed(kind: str, text: str, inserted: Sequence[str] = ()) -> str:
    """The file without the hooks, exactly as it was where nobody has edited them.

    Raises:
        Unfit: They cannot be told from the rest.
    """
    if kind == "opencode":
        return "" if text.startswith(PLUGIN.partition("\n")[0]) else text
    found = text
    for piece in reversed(inserted):
        if found.count(piece) == 1:
            found = found.replace(piece, "")
    if kind == "codex":
        return _without_lines(found)
    if not found.strip():
        return found
    return _without(kind, found)


def _added_to_toml(text: str, command: str) -> Edited:
    before = _toml(text)
    entries = "".join(
        f'[[hooks.{event}]]\n[[hooks.{event}.hooks]]\ntype = "command"\ncommand = {json.dumps(command)}\n'
        for event in EVENTS["codex"]
    )
    piece = f"{'' if not text or text.endswith(chr(10)) else chr(10)}\n{BEGIN}{entries}{END}"
    try:
        after = tomllib.loads(text + piece)
        for event in EVENTS["codex"]:
            after["hooks"][event].pop()
            if not after["hooks"][event]:
                del after["hooks"][event]
        if not after["hooks"]:
            del after["hooks"]
        if after != before:
            raise Unfit("its hooks are written so that none can be added behind them")
    except tomllib.TOMLDecodeError as error:
        raise Unfit("its hooks are written so that none can be added behind them") from error
    return Edited(text + piece, (piece,))


def _without_lines(text: str) -> str:
    """Without our own lines and no other: Codex writes tables of its own in between."""
    found = re.sub(rf"\n?{re.escape(BEGIN)}", "", text)
    found = re.sub(rf"^{re.escape(END)}", "", found, flags=re.MULTILINE)
    found = ENTRY.sub(lambda entry: "" if is_ours("codex", entry["command"]) else entry[0], found)
    hooks = _toml(found).get("hooks", {})
    left = [hook for entries in hooks.values() if isinstance(entries, list) for hook in _hooks_of(entries)]
    if any(is_ours("codex", hook.get("command")) for hook in left):
        raise Unfit("its lines of hive-tui were rewritten, so that they cannot be told from yours")
    return found


def _hooks_of(entries: list[Any]) -> list[dict[str, Any]]:
    inner = [entry.get("hooks", []) for entry in entries if isinstance(entry, dict)]
    return [hook for hooks in inner for hook in hooks if isinstance(hook, dict)]


def _toml(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Unfit(f"it is no TOML: {error}") from error


def _tree(text: str) -> Node:
    try:
        root = scan(text)
    except NotJson as error:
        raise Unfit(str(error)) from error
    hooks = root.get("hooks")
    if root.opens != "{" or (hooks is not None and hooks.opens != "{"):
        raise Unfit("it is no JSON object, or its `hooks` are none")
    if hooks is not None and any(part.opens != "[" for part in hooks.parts):
        raise Unfit("one of its `hooks` is no list")
    return root


def _added_to_json(kind: str, text: str, command: str) -> Edited:
    hook: dict[str, Any] = {"type": "command", "command": command}
    if kind == "claude":
        hook["timeout"] = PATIENCE_S
    entry = {"hooks": [hook]}
    if not text.strip():
        made = json.dumps({"hooks": {event: [entry] for event in EVENTS[kind]}}, indent=2) + "\n"
        return Edited(made, (made,))
    root = _tree(text)
    if root.get("hooks") is None:
        after, piece = put(text, root, {event: [entry] for event in EVENTS[kind]}, key="hooks")
        return Edited(after, (piece,))
    pieces: list[str] = []
    for event in EVENTS[kind]:
        hooks = _tree(text).get("hooks")
        assert hooks is not None
        listed = hooks.get(event)
        if listed is None:
            text, piece = put(text, hooks, [entry], key=event)
        else:
            text, piece = put(text, listed, entry)
        pieces.append(piece)
    return Edited(text, tuple(pieces))


def _without(kind: str, text: str) -> str:
    """Without each hook of ours, and without what only held such hooks."""
    while True:
        root = _tree(text)
        hooks = root.get("hooks")
        found = _first_of_ours(kind, hooks) if hooks is not None else None
        if hooks is None or found is None:
            return text
        event, entry, inner = found
        listed = hooks.parts[event]
        inners = listed.parts[entry].get("hooks")
        if inners is not None and len(inners.parts) > 1:
            text = cut(text, inners, inner)
        elif len(listed.parts) > 1:
            text = cut(text, listed, entry)
        elif len(hooks.parts) > 1:
            text = cut(text, hooks, event)
        else:
            text = cut(text, root, next(at for at, (name, _) in enumerate(root.keys) if name == "hooks"))


def _first_of_ours(kind: str, hooks: Node) -> tuple[int, int, int] | None:
    for at_event, listed in enumerate(hooks.parts):
        for at_entry, entry in enumerate(listed.parts):
            inners = entry.get("hooks") if entry.opens == "{" else None
            for at_inner, inner in enumerate(inners.parts if inners is not None else ()):
                command = inner.get("command") if inner.opens == "{" else None
                if command is not None and is_ours(kind, command.value):
                    return at_event, at_entry, at_inner
    return None
