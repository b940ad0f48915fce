"""Changes single settings in the text of a settings file; comments, order and everything else stay as they are."""

import tomllib
from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

import tomlkit
from tomlkit.container import OutOfOrderTableProxy
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import Table

from hive_tui.domain.errors import ConfigError

Address = tuple[str, ...]
UNSET = object()
"""Takes a setting out, so that its default holds."""
BY_HAND = "Change it by hand; `hive-tui config check` says whether it is right."


def changed_text(text: str, values: Mapping[Address, Any]) -> str:
    """The text with these values.

    The result is read again and compared: whatever the editing of the text makes of an unusual file, nothing but
    these values differs, or the file is refused.

    Raises:
        ConfigError: The text is no TOML, or cannot be changed like that.
    """
    wanted = deepcopy(tomllib.loads(text))
    tables = [one for one, value in values.items() if value is UNSET and isinstance(_at(wanted, one), dict)]
    for table in tables:
        text = _without_lines_of(text, table)
    try:
        document = tomlkit.parse(_with_room_for(text, values))
        for address, value in values.items():
            _apply(document, wanted, address, value)
        after = document.as_string()
        read = tomllib.loads(after)
        is_right = _without_empty(read) == _without_empty(wanted) and all(_at(read, one) is None for one in tables)
    except (TOMLKitError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConfigError("The settings file is written in a way that cannot be changed here.", hint=BY_HAND) from error
    if not is_right:
        raise ConfigError("The settings file is written in a way that cannot be changed here.", hint=BY_HAND)
    return after


def _with_room_for(text: str, values: Mapping[Address, Any]) -> str:
    """The text with empty tables at its end, where those beside a new one stand apart from each other."""
    document = tomlkit.parse(text)
    for address, value in values.items():
        beside = document.get(address[0])
        is_new = value is not UNSET and len(address) > 2 and beside is not None and address[1] not in beside
        if is_new and isinstance(beside, OutOfOrderTableProxy):
            text = f"{text}{'' if text.endswith(chr(10)) else chr(10)}\n[{tomlkit.key(address[:2]).as_string()}]\n"
            document = tomlkit.parse(text)
    return text


def _at(value: Any, address: Address) -> Any:
    for part in address:
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _without_lines_of(text: str, table: Address) -> str:
    """The text without that table, as far as it stands below a header of its own.

    The lines above the next header that say nothing stay: a comment there belongs to what follows.
    """
    lines = text.splitlines(keepends=True)
    heads = [(at, found) for at, line in enumerate(lines) if (found := _header(line)) is not None]
    for number, (at, found) in reversed(list(enumerate(heads))):
        if found == table:
            end = heads[number + 1][0] if number + 1 < len(heads) else len(lines)
            while end > at + 1 and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
                end -= 1
            del lines[at:end]
            while at < len(lines) and at > 0 and not lines[at].strip() and not lines[at - 1].strip():
                del lines[at]
    return "".join(lines)


def _header(line: str) -> Address | None:
    """The table that a line begins; empty for an array of tables, None for no header."""
    if not line.lstrip().startswith("["):
        return None
    try:
        value: Any = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return None  # a part of a list that goes over several lines
    parts = []
    while isinstance(value, dict) and len(value) == 1:
        [(part, value)] = value.items()
        parts.append(part)
    return tuple(parts) if value == {} else ()


def addresses_in(text: str) -> frozenset[Address]:
    """Every key of a text that is TOML, wherever it stands."""
    found: set[Address] = set()

    def walk(table: Mapping[str, Any], above: Address) -> None:
        for key, value in table.items():
            if isinstance(value, dict):
                walk(value, (*above, key))
            else:
                found.add((*above, key))

    walk(tomllib.loads(text), ())
    return frozenset(found)


def _apply(document: Any, wanted: dict[str, Any], address: Address, value: Any) -> None:
    if value is UNSET:
        _take_out(document, address)
        _take_out(wanted, address)
        return
    _put(document, address, value)
    for part in address[:-1]:
        wanted = wanted.setdefault(part, {})
    wanted[address[-1]] = value


def _put(document: Any, address: Address, value: Any) -> None:
    table = document
    for depth, part in enumerate(address[:-1]):
        if part not in table:
            # Of a new [agents.shop] there is no line [agents] above it.
            is_above = depth < len(address) - 2
            # A table whose parts stand apart in the file has no `append`.
            table[part] = tomlkit.table(is_super_table=is_above)
        table = table[part]
    if address[-1] not in table and isinstance(table, Table):
        _append(table, address[-1], value)
    else:
        table[address[-1]] = value


def _append(table: Table, key: str, value: Any) -> None:
    """Behind the last key, and before the comment above the next table, which counts as this one's end."""
    body = table.value.body
    tail = []
    while body and body[-1][0] is None:
        tail.append(body.pop())
    table.append(key, value)
    body.extend(reversed(tail))


def _take_out(document: Any, address: Address) -> None:
    tables = [document]
    for part in address[:-1]:
        if part not in tables[-1]:
            return
        tables.append(tables[-1][part])
    if address[-1] not in tables[-1]:
        return
    del tables[-1][address[-1]]
    for table, above, part in zip(tables[:0:-1], tables[-2::-1], address[-2::-1], strict=True):
        if len(table) or _has_comments(table):
            return
        del above[part]


def _has_comments(table: Any) -> bool:
    return isinstance(table, Table) and "#" in table.as_string()


def _without_empty(value: Any) -> Any:
    """Empty tables say nothing."""
    if not isinstance(value, dict):
        return value
    kept = {key: _without_empty(one) for key, one in value.items()}
    return cast("dict[str, Any]", {key: one for key, one in kept.items() if one != {}})
