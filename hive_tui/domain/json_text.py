"""Edits JSON as text: what is put in or taken out is all that changes. Comments and trailing commas are understood."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

BLANK = re.compile(r"(?:[ \t\r\n\ufeff]+|//[^\n]*|/\*.*?\*/)*", re.DOTALL)
STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
WORD = re.compile(r"-?[0-9][0-9.eE+-]*|true|false|null")
STEP = "  "


class NotJson(ValueError):
    """The text is no JSON; says on which line."""


@dataclass(slots=True)
class Node:
    """A value and where it stands in the text."""

    start: int
    end: int
    value: Any = None
    """Of a text, number or word."""
    keys: list[tuple[str, int]] = field(default_factory=list)
    """Of an object: each name with its place, in the order of `parts`."""
    parts: list["Node"] = field(default_factory=list)
    opens: str = ""
    """`{` or `[`; empty for a single value."""

    def get(self, key: str) -> "Node | None":
        """The member of an object; the last one, as all readers have it."""
        return next(
            (part for (name, _), part in reversed(list(zip(self.keys, self.parts, strict=True))) if name == key), None
        )

    def plain(self) -> Any:
        """The value as Python has it."""
        if self.opens == "{":
            return {name: part.plain() for (name, _), part in zip(self.keys, self.parts, strict=True)}
        return [part.plain() for part in self.parts] if self.opens else self.value

    def begin_of(self, index: int) -> int:
        """Where a member or item begins, with its name."""
        return self.keys[index][1] if self.opens == "{" else self.parts[index].start


def scan(text: str) -> Node:
    """The tree of a JSON text.

    Raises:
        NotJson: It is none.
    """
    try:
        node = _value(text, _skip(text, 0))
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    end = _skip(text, node.end)
    if end != len(text):
        raise _wrong(text, end)
    return node


def _skip(text: str, at: int) -> int:
    found = BLANK.match(text, at)
    return found.end() if found else at


def _value(text: str, at: int) -> Node:
    if text[at : at + 1] in ("{", "["):
        return _parts(text, at)
    found = STRING.match(text, at) or WORD.match(text, at)
    if found is None:
        raise _wrong(text, at)
    try:
        return Node(at, found.end(), json.loads(found.group()))
    except ValueError:
        raise _wrong(text, at) from None


def _parts(text: str, start: int) -> Node:
    node = Node(start, start, opens=text[start])
    closes = "}" if node.opens == "{" else "]"
    at = _skip(text, start + 1)
    while text[at : at + 1] != closes:
        if node.opens == "{":
            name = STRING.match(text, at)
            if name is None:
                raise _wrong(text, at)
            node.keys.append((json.loads(name.group()), at))
            at = _skip(text, name.end())
            if text[at : at + 1] != ":":
                raise _wrong(text, at)
            at = _skip(text, at + 1)
        node.parts.append(_value(text, at))
        at = _skip(text, node.parts[-1].end)
        if text[at : at + 1] == ",":
            at = _skip(text, at + 1)
        elif text[at : at + 1] != closes:
            raise _wrong(text, at)
    node.end = at + 1
    return node


def _wrong(text: str, at: int) -> NotJson:
    return NotJson(f"line {text.count(chr(10), 0, at) + 1} is no JSON")


def put(text: str, node: Node, value: Any, *, key: str | None = None) -> tuple[str, str]:
    """The text with a value as the last part of an object or array; and what was put in.

    Args:
        text: The whole text.
        node: The object or array in it.
        value: Anything that JSON knows.
        key: The name in an object.
    """
    outer = _indent(text, node.start)
    is_flat = bool(node.parts) and "\n" not in text[node.start : node.begin_of(0)]
    inner = _indent(text, node.begin_of(0)) if node.parts and not is_flat else outer + STEP
    body = json.dumps(value, indent=None if is_flat else len(STEP), ensure_ascii=False).replace("\n", f"\n{inner}")
    if key is not None:
        body = f"{json.dumps(key)}: {body}"
    if not node.parts:
        at, added = node.start + 1, f"\n{inner}{body}\n{outer}"
        if "\n" in text[at : node.end]:
            added = added[: -len(f"\n{outer}")]
    else:
        at = node.parts[-1].end
        added = f", {body}" if is_flat else f",\n{inner}{body}"
    return text[:at] + added + text[at:], added


def cut(text: str, node: Node, index: int) -> str:
    """The text without one part of an object or array, and without the comma that divided it from its neighbour."""
    begin, end = node.begin_of(index), node.parts[index].end
    if index > 0:
        before = node.parts[index - 1].end
        comma = _skip(text, before)
        return text[:comma] + text[comma + 1 : begin].rstrip(" \t\r\n") + text[end:]
    after = _skip(text, end)
    if text[after : after + 1] == ",":
        return text[:begin] + text[_skip(text, after + 1) :]
    if not text[node.start + 1 : begin].strip() and not text[end : node.end - 1].strip():
        return text[: node.start + 1] + text[node.end - 1 :]
    return text[:begin] + text[end:]


def _indent(text: str, at: int) -> str:
    """The blanks before the first sign of the line."""
    line = text[text.rfind("\n", 0, at) + 1 : at]
    return line[: len(line) - len(line.lstrip(" \t"))]
