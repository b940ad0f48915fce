"""What an agent's call does: runs a command, changes files, keeps a list of things to do, asks the user."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from hive_tui.condense.records import Record

COMMAND_KEYS = ("command", "cmd", "script", "code", "shell_command")
PATH_KEYS = ("file_path", "filePath", "path", "absolute_path", "notebook_path", "target_file", "filename", "file")
NEW_KEYS = ("new_string", "newString", "new_str", "replacement", "new_text", "new_source", "insert_text")
OLD_KEYS = ("old_string", "oldString", "old_str", "old_text")
CONTENT_KEYS = ("content", "file_text", "contents", "text")
# What tools call the same things that nobody has listed above; with a path among them, and a tool that changes files.
LIKE_PATH = re.compile(
    r"(?:(?:abs|rel|absolute|relative|target|source|full|notebook)_?)?(?:file|path|document|uri)_?(?:path|name|uri)?",
    re.I,
)
LIKE_OLD = re.compile(r"(?:^|_)(?:old|search|find|before|from|original|previous|remove)", re.I)
LIKE_NEW = re.compile(r"(?:^|_)(?:new|replace|replacement|with|after|to|updated|insert|add)(?:_|$)", re.I)
LIKE_CONTENT = re.compile(r"(?:^|_)(?:content|text|code|edit|body|diff|data|source)s?(?:_|$)", re.I)
BLOCK = re.compile(r"^<{5,} ?SEARCH.*?\n(?P<gone>.*?)^={5,}\n(?P<come>.*?)^>{5,} ?REPLACE", re.MULTILINE | re.DOTALL)
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
LIST_KEYS = ("todos", "plan", "tasks", "items", "steps")
ITEM_KEYS = ("content", "step", "subject", "title", "description", "text", "name")
SHELL = re.compile(r"bash|shell|exec|command|terminal|run|process", re.IGNORECASE)
CHANGING = re.compile(r"edit|write|create|patch|replace|insert|update|notebook|modif|append|apply|save", re.IGNORECASE)
SEARCHING = re.compile(r"grep|glob|search|find|list|ls\b", re.IGNORECASE)
PATCH_FILE = re.compile(r"^\*\*\* (Add|Update|Delete) File: (.+)$|^\+\+\+ (?:b/)?(\S+)", re.MULTILINE)
LOOKS = re.compile(
    r"(?:\w+=\S+\s+)*(?:sudo\s+)?(?:cd\s+\S+\s*(?:&&|;)\s*)?(?:ls|cat|head|tail|grep|rg|ag|find|fd|tree|pwd|wc"
    r"|echo|which|type|file|stat|du|df"
    r"|ps|env|printenv|less|more|sed -n|awk|sort|uniq|nl|diff|jq|date|whoami|git\s+(?:-\S+\s+)*(?:log|status"
    r"|diff|show|branch|blame|grep|ls-files"
    r"|rev-parse|remote|stash list|describe))\b",
)
VERB = re.compile(r"view|create|str_replace|insert|undo_edit|write|read|replace|delete|open")
"""What an editor does that is told so in its `command`."""
PATCHES = re.compile(r"\s*(?:cd\s+\S+\s*&&\s*)?(?:apply_?patch\b|\*\*\* Begin Patch)")
SYMBOL = re.compile(
    r"^[ \t]*(?:export\s+)?(?:default\s+)?(?:pub\s+)?(?:async\s+)?(?:def|class|func|function|fn|interface|struct"
    r"|enum|trait|impl|type|const)\s+(\w+)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one file."""

    path: str
    gone: str
    come: str
    is_new: bool = False
    is_deleted: bool = False


def command_of(call: Record) -> str:
    """The shell command of a call; empty where it runs none."""
    given = call.arguments
    for key in COMMAND_KEYS:
        value = given.get(key)
        if isinstance(value, str) and VERB.fullmatch(value.strip()) and _like(given, LIKE_PATH.fullmatch):
            continue
        if isinstance(value, list):
            words = [str(word) for word in value]
            return words[-1] if len(words) == 3 and words[1].startswith("-") else " ".join(words)
        if isinstance(value, str) and value.strip() and (key != "code" or SHELL.search(call.tool)):
            return value.strip()
    inner = given.get("input")
    return inner.strip() if isinstance(inner, str) and SHELL.search(call.tool) and "***" not in inner else ""


def only_looks(command: str) -> bool:
    """Whether the command only shows something; a redirection makes it one that changes."""
    return LOOKS.match(command) is not None and not re.search(r"(?<![0-9&])>{1,2}\s*(?!/dev/null|&)\S|\btee\b", command)


def changes_of(call: Record) -> list[Change]:
    """The files that a call changes, and how."""
    patch = _patch(call)
    if patch:
        return list(_patched(patch))
    if not CHANGING.search(call.tool):
        return []
    path = _first(call.arguments, PATH_KEYS) or _like(call.arguments, LIKE_PATH.fullmatch)
    edits = call.arguments.get("edits")
    if path and isinstance(edits, list):
        pairs = [(_first(edit, OLD_KEYS), _first(edit, NEW_KEYS)) for edit in edits if isinstance(edit, Mapping)]
        return [Change(path, old, new) for old, new in pairs]
    new, old = _first(call.arguments, NEW_KEYS), _first(call.arguments, OLD_KEYS)
    if path and (new or old):
        return [Change(path, old, new)]
    if path and (blocks := [block for value in call.arguments.values() for block in _blocks(value)]):
        return [Change(path, block["gone"], block["come"]) for block in blocks]
    content = _first(call.arguments, CONTENT_KEYS)
    if path and content:
        return [Change(path, "", content, is_new=True)]
    return _named_otherwise(path, {key: one for key, one in call.arguments.items() if one != path}) if path else []


def _blocks(value: Any) -> Iterator[re.Match[str]]:
    return BLOCK.finditer(value) if isinstance(value, str) else iter(())


def _named_otherwise(path: str, given: Mapping[str, Any]) -> list[Change]:
    """What an editing tool of unknown make does: its arguments say by their names what goes and what comes."""
    old, new = _like(given, LIKE_OLD.search), _like(given, LIKE_NEW.search)
    if old or new:
        return [Change(path, old, new)]
    content = _like(given, LIKE_CONTENT.search)
    return [Change(path, "", content)] if content else []


def _like(given: Mapping[str, Any], fits: Callable[[str], object]) -> str:
    named = ((CAMEL.sub("_", key), value) for key, value in given.items())
    return next((value for key, value in named if isinstance(value, str) and value.strip() and fits(key)), "")


def _patch(call: Record) -> str:
    for value in (*call.arguments.values(), command_of(call)):
        text = "\n".join(map(str, value)) if isinstance(value, list) else value
        if isinstance(text, str) and ("*** Begin Patch" in text or text.startswith(("--- ", "diff --git"))):
            return text
    return ""


def is_patch(command: str) -> bool:
    """Whether the command only applies a patch that stands in it: what it changed is told with the files."""
    _, end, behind = command.rpartition("*** End Patch")
    return PATCHES.match(command) is not None and bool(end) and len(behind.split()) <= 1


def _patched(patch: str) -> Iterator[Change]:
    found = list(PATCH_FILE.finditer(patch))
    for number, head in enumerate(found):
        end = found[number + 1].start() if number + 1 < len(found) else len(patch)
        lines = patch[head.end() : end].splitlines()
        come = "\n".join(line[1:] for line in lines if line.startswith("+") and not line.startswith("+++"))
        gone = "\n".join(line[1:] for line in lines if line.startswith("-") and not line.startswith("---"))
        verb = head[1] or "Update"
        yield Change((head[2] or head[3]).strip(), gone, come, is_new=verb == "Add", is_deleted=verb == "Delete")


def todos_of(call: Record) -> list[tuple[str, str]] | None:
    """Text and status of each item, where the call writes the whole list of things to do."""
    for key in LIST_KEYS:
        listed = call.arguments.get(key)
        if not isinstance(listed, list) or not all(isinstance(item, Mapping) and "status" in item for item in listed):
            continue
        return [(_first(item, ITEM_KEYS), str(item["status"])) for item in listed if _first(item, ITEM_KEYS)]
    return None


def searched_for(call: Record) -> str:
    """What a search looked for; empty where the call is none."""
    command = command_of(call)
    if command:
        return command if re.match(r"(?:\S+ && )?(?:git )?(?:grep|rg|ag|find|fd)\b", command) else ""
    if not SEARCHING.search(call.tool):
        return ""
    return _first(call.arguments, ("pattern", "query", "regex", "glob"))


def signature(call: Record) -> str:
    """A call of a tool that is no shell, in one line."""
    given = ", ".join(f"{key}={value}" for key, value in call.arguments.items() if isinstance(value, str | int | float))
    return f"{call.tool}({' '.join(given.split())[:240]})"


def added_lines(change: Change) -> list[str]:
    """The lines that came with a change and tell something."""
    old = {line.strip() for line in change.gone.splitlines()}
    lines = [line.strip() for line in change.come.splitlines()]
    return [line for line in lines if len(line) > 3 and line not in old and not line.startswith(("#", "//", "*", "/*"))]


def _first(given: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    return next((value for key in keys if isinstance(value := given.get(key), str) and value.strip()), "")
