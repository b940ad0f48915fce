"""Reads manifests: those that come with the program, and what a person adds to them or beside them."""

import re
import tomllib
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from hive_tui.domain.agents import Activity
from hive_tui.domain.errors import ConfigError
from hive_tui.kinds.manifest import Manifest
from hive_tui.kinds.toml_lines import Place, TomlLines

KIND_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
PATTERNS = frozenset({"shared", "session_said", "ready", "loading", "hint", "dialogs", "failures", "pattern", "id"})
"""Keys whose texts are regular expressions."""
STANDS_FOR = {"status_file": "{pid}", "transcripts": "{session_id}", "arguments": "{session_id}"}
"""Keys whose texts are filled in, and the one thing in braces that is known there."""
KEEP = "keep"
"""In place of an activity: what covers the screen says nothing, and what was known before is kept."""


def read(name: str) -> Manifest:
    """The manifest that comes with the program.

    Raises:
        ConfigError: It is wrong; the sentence names file, line and key.
    """
    return parse(_shipped(name), f"{name}.toml")


def parse(text: str, source: str) -> Manifest:
    """A manifest from TOML text.

    Raises:
        ConfigError: It is wrong; the sentence names file, line and key.
    """
    return _Reader(source, text).manifest(_table(text, source))


def changed(name: str, text: str, source: str) -> Manifest:
    """The manifest of a known kind with a person's changes to it.

    A key that is given replaces the known one. Rules are put before the known ones, so that they count first.

    Raises:
        ConfigError: It is wrong; the sentence names file, line and key.
    """
    ours, theirs = _table(_shipped(name), f"{name}.toml"), _table(text, source)
    reader = _Reader(source, text)
    reader.check(Manifest, theirs, ())
    if theirs.get("name", name) != name:
        raise reader.error(("name",), f"is {theirs['name']!r}, but the file is called {name}.toml")
    return reader.manifest(_merged(ours, theirs))


def read_folder(folder: Path, known: frozenset[str]) -> dict[str, Manifest]:
    """The manifests in a person's folder, by the name of their kind.

    Args:
        folder: It need not exist.
        known: Kinds that come with the program.

    Raises:
        ConfigError: One cannot be read or is wrong; the sentence names file, line and key.
    """
    found: dict[str, Manifest] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"The manifest {path} cannot be read: {error}.") from error
        found[path.stem] = changed(path.stem, text, str(path)) if path.stem in known else parse(text, str(path))
        if found[path.stem].name != path.stem or not KIND_NAME.fullmatch(path.stem):
            what = f"is {found[path.stem].name!r}, which must be that of the file, of a-z, 0-9 and '-'"
            hint = f"Write name = {path.stem!r}, or rename the file."
            raise _Reader(str(path), text).error(("name",), what, hint)
    return found


@cache
def _shipped(name: str) -> str:
    return files("hive_tui.kinds").joinpath(f"{name}.toml").read_text(encoding="utf-8")


def _table(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"at line (\d+)", str(error))
        where = f"{source}:{at[1]}" if at else source
        raise ConfigError(
            f"{where} is not valid TOML: {error}.", hint="A manifest is `key = value` below `[table]`."
        ) from error


def _merged(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> dict[str, Any]:
    merged = deepcopy(dict(ours))
    for key, value in theirs.items():
        before = merged.get(key)
        if isinstance(value, dict) and isinstance(before, dict):
            merged[key] = _merged(before, value)
        elif isinstance(before, list) and before and isinstance(before[0], dict):
            merged[key] = [*value, *before]
        else:
            merged[key] = value
    return merged


class _Reader:
    """Turns tables into dataclasses, and knows on which line each key stands."""

    def __init__(self, source: str, text: str) -> None:
        self._source = source
        self._text_of_file = text

    def manifest(self, value: Mapping[str, Any]) -> Manifest:
        manifest: Manifest = self._filled(Manifest, value, ())
        for key in ("name", "title"):
            if not getattr(manifest, key):
                raise self.error((key,), "is empty")
        if manifest.quit.method not in ("signal", "keys"):
            raise self.error(("quit", "method"), f"is {manifest.quit.method!r}, but must be signal or keys")
        return manifest

    def check(self, form: Any, value: Mapping[str, Any], place: Place) -> None:
        """Check what is there, and not that all is there that must be."""
        hints = _hints(form)
        self._check_keys(hints, value, place)
        for key, item in value.items():
            if is_dataclass(hints[key]) and isinstance(item, dict):
                self.check(hints[key], item, (*place, key))
            else:
                self._value(hints[key], item, (*place, key))

    def _check_keys(self, hints: Mapping[str, Any], value: Mapping[str, Any], place: Place) -> None:
        for key in value:
            if key not in hints:
                known = ", ".join(hints)
                raise self.error((*place, key), "is not a key of a manifest", hint=f"Known here: {known}.")

    def error(self, place: Place, what: str, hint: str = "") -> ConfigError:
        line = TomlLines(self._text_of_file).of(place)
        where = f"{self._source}:{line}" if line else self._source
        name = ".".join(str(part) for part in place if isinstance(part, str))
        return ConfigError(f"{where}: {name} {what}.", hint=hint or "Correct that line, or take it out.")

    def _filled(self, form: Any, value: Any, place: Place) -> Any:
        if not isinstance(value, dict):
            raise self.error(place, "must be a table", hint=f"Write it as [{'.'.join(map(str, place))}].")
        hints = _hints(form)
        self._check_keys(hints, value, place)
        for one in fields(form):
            if one.name not in value and one.default is MISSING and one.default_factory is MISSING:
                if is_dataclass(hints[one.name]):
                    continue
                raise self.error((*place, one.name), "is missing")
        filled = {key: self._value(hints[key], item, (*place, key)) for key, item in value.items()}
        missing = {key: hint() for key, hint in hints.items() if key not in filled and _is_optional_table(form, key)}
        return form(**{**missing, **filled})

    def _value(self, kind: Any, item: Any, place: Place) -> Any:
        if is_dataclass(kind):
            return self._filled(kind, item, place)
        if kind is Activity or Activity in get_args(kind):
            return self._activity(kind, item, place)
        if get_origin(kind) is tuple:
            return self._tuple(get_args(kind)[0], item, place)
        if kind is str and isinstance(item, str):
            return self._checked_pattern(item, place)
        if re.Pattern in (kind, get_origin(kind)) or any(get_origin(one) is re.Pattern for one in get_args(kind)):
            return re.compile(self._checked_pattern(self._text(item, place), place, is_pattern=True))
        if kind is bool and isinstance(item, bool):
            return item
        if kind in (int, float) and isinstance(item, int | float) and not isinstance(item, bool) and item > 0:
            return kind(item)
        words = {str: "a text", bool: "true or false", int: "a number above 0", float: "a number above 0"}
        raise self.error(place, f"is {item!r}, but must be {words.get(kind, 'something else')}")

    def _activity(self, kind: Any, item: Any, place: Place) -> Any:
        if isinstance(item, dict) and get_origin(kind) is not None:
            return {str(key): self._activity(Activity, value, (*place, key)) for key, value in item.items()}
        if item == KEEP and kind is not Activity:
            return None
        if item not in set(Activity):
            raise self.error(place, f"is {item!r}, but must be one of {', '.join(Activity)}")
        return Activity(item)

    def _tuple(self, kind: Any, item: Any, place: Place) -> Any:
        what = "a list of texts" if kind is str else f"tables like [[{'.'.join(map(str, place))}]]"
        if not isinstance(item, list) or (kind is str and not all(isinstance(one, str) for one in item)):
            raise self.error(place, f"is {item!r}, but must be {what}")
        if kind is str:
            return tuple(self._checked_pattern(one, place) for one in item)
        if not all(isinstance(one, dict) for one in item):
            raise self.error(place, f"must be {what}")
        return tuple(self._value(kind, one, (*place, at)) for at, one in enumerate(item))

    def _text(self, item: Any, place: Place) -> str:
        if not isinstance(item, str):
            raise self.error(place, f"is {item!r}, but must be a text")
        return item

    def _checked_pattern(self, text: str, place: Place, *, is_pattern: bool = False) -> str:
        if is_pattern or place[-1] in PATTERNS:
            try:
                re.compile(text)
            except re.error as error:
                raise self.error(place, f"is {text!r}, which is no pattern: {error}") from error
        known = STANDS_FOR.get(str(place[-1]))
        if known is not None and re.search("[{}]", text.replace(known, "")):
            raise self.error(place, f"is {text!r}, but in braces only {known} is known there")
        return text


@cache
def _hints(form: Any) -> dict[str, Any]:
    return get_type_hints(form)


def _is_optional_table(form: Any, key: str) -> bool:
    one = next(one for one in fields(form) if one.name == key)
    return one.default is MISSING and one.default_factory is MISSING and is_dataclass(_hints(form)[key])
