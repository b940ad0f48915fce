"""TOML tables as structs; what is wrong is said with its line, which `tomllib` does not tell."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Struct

from hive_tui.domain.errors import ConfigError

T = TypeVar("T")

NAMED_TABLES = ("agents", "services", "webhooks")
"""Tables of tables, [agents.NAME], which are read one by one."""
DEFAULT_HINT = "Correct that line, or take it out to have the default."


def _meant(key: str, hints: Mapping[str, object], path: tuple[str, ...]) -> str:
    """What can stand there, and what may have been meant."""
    from difflib import get_close_matches

    near = get_close_matches(key, list(hints), 1)
    shown = [f"[{name}.NAME]" if not path and name in NAMED_TABLES else name for name in sorted(hints)]
    return f"Known here: {', '.join(shown)}.{f' Did you mean {near[0]}?' if near else ''}"


class TomlReader:
    """Turns tables into structs, and knows on which line each key stands."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._lines = lines_of_keys(text)

    def error(self, path: tuple[str, ...], what: str, hint: str = "") -> ConfigError:
        """What is wrong with a key, with its line."""
        line = next((self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), None)
        where = f"{self._file}:{line}" if line else str(self._file)
        return ConfigError(f"{where}: {'.'.join(path)} {what}.", hint=hint or DEFAULT_HINT)

    def table(self, form: type[T], value: Any, path: tuple[str, ...]) -> T:
        """A struct from a table; raises ConfigError."""
        if not isinstance(value, dict):
            raise self.error(path, "must be a table", hint=f"Write it as [{'.'.join(path)}].")
        hints = get_type_hints(form)
        # Tables with names of their own, as [agents.NAME], are read by those who know them.
        known = {name for name, kind in hints.items() if get_origin(kind) is not Mapping}
        read: dict[str, Any] = {}
        for key, item in value.items():
            if key not in known:
                raise self.error((*path, key), "is not a setting", hint=_meant(key, hints, path))
            read[key] = self._value(hints[key], item, (*path, key))
        return form(**read)

    def named(self, form: type[T], value: Any, path: str) -> dict[str, T]:
        """A dataclass from each table below `path`, by name; raises ConfigError."""
        if not isinstance(value, dict):
            raise self.error((path,), f"must be tables like [{path}.NAME]")
        return {name: self.table(form, table, (path, name)) for name, table in value.items()}

    def _value(self, kind: Any, item: Any, path: tuple[str, ...]) -> Any:
        if isinstance(kind, type) and issubclass(kind, Struct):
            return self.table(kind, item, path)
        if kind in (bool, bool | None) and isinstance(item, bool):
            return item
        if (
            kind in (float, float | None)
            and isinstance(item, int | float)
            and not isinstance(item, bool)
            and abs(item) < 1e300
        ):
            return float(item)
        if kind is int and isinstance(item, int) and not isinstance(item, bool):
            return item
        if kind is str and isinstance(item, str):
            return item
        if get_origin(kind) is tuple and isinstance(item, list):
            return tuple(self._value(get_args(kind)[0], one, path) for one in item)
        words: dict[Any, str] = {
            bool: "true or false",
            float: "a number",
            int: "a whole number",
            str: "a text in quotes",
        }
        words |= {tuple[str, ...]: "a list of texts", float | None: "a number", bool | None: "true or false"}
        raise self.error(
            path,
            f"is {item!r}, but must be {words.get(kind, 'a list of numbers')}",
        )


def line_of(error: ValueError, text: str) -> int:
    """The line that `tomllib` names in its message; the last one where it says "at end of document"."""
    named = re.search(r"at line (\d+)", str(error))
    return int(named[1]) if named else max(1, len(text.splitlines()))


def lines_of_keys(text: str) -> dict[tuple[str, ...], int]:
    """Line numbers of tables and keys."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line):
            table = _parts(header[1])
            found.setdefault(table, number)
        elif key := re.match(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=", line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
