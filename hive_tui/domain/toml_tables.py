"""TOML tables as dataclasses; what is wrong is said with its line, which `tomllib` does not tell."""

import re
import tomllib
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from hive_tui.domain.errors import ConfigError

T = TypeVar("T")

DEFAULT_HINT = "Correct that line, or take it out to have the default."


class TomlReader:
    """Turns tables into dataclasses, and knows on which line each key stands."""

    def __init__(self, file: Path, text: str) -> None:
        self._file = file
        self._lines = lines_of_keys(text)

    def error(self, path: tuple[str, ...], what: str, hint: str = "") -> ConfigError:
        """What is wrong with a key, with its line."""
        line = next((self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), None)
        where = f"{self._file}:{line}" if line else str(self._file)
        return ConfigError(f"{where}: {'.'.join(path)} {what}.", hint=hint or DEFAULT_HINT)

    def table(self, form: type[T], value: Any, path: tuple[str, ...]) -> T:
        """A dataclass from a table; raises ConfigError."""
        if not isinstance(value, dict):
            raise self.error(path, "must be a table", hint=f"Write it as [{'.'.join(path)}].")
        hints = get_type_hints(form)
        known = {name for name in hints if name != "agents"}
        read: dict[str, Any] = {}
        for key, item in value.items():
            if key not in known:
                raise self.error((*path, key), "is not a setting", hint=f"Known here: {', '.join(sorted(known))}.")
            read[key] = self._value(hints[key], item, (*path, key))
        return form(**read)

    def _value(self, kind: Any, item: Any, path: tuple[str, ...]) -> Any:
        if is_dataclass(kind):
            return self.table(kind, item, path)  # type: ignore[arg-type]
        if kind is bool and isinstance(item, bool):
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
        if kind == tuple[float, ...] and isinstance(item, list):
            return tuple(self._value(float, one, path) for one in item)
        if kind == tuple[str, ...] and isinstance(item, list):
            return tuple(self._value(str, one, path) for one in item)
        words: dict[Any, str] = {
            bool: "true or false",
            float: "a number",
            int: "a whole number",
            str: "a text in quotes",
        }
        words |= {tuple[str, ...]: "a list of texts", float | None: "a number"}
        raise self.error(
            path,
            f"is {item!r}, but must be {words.get(kind, 'a list of numbers')}",
        )


def line_of(error: tomllib.TOMLDecodeError, text: str) -> int:
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
