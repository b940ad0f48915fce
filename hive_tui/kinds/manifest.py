"""Manifests: what is known about a kind of agent, as data, checked when it is read."""

import re
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, TypeVar, get_type_hints

from hive_tui.domain.agents import Activity
from hive_tui.domain.errors import ConfigError
from hive_tui.kinds.screen import ScreenRule

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProcessRules:
    """How a process of this kind is known."""

    programs: tuple[str, ...] = ()
    """Names of the program, or of the script that an interpreter runs, without folder and ending."""
    scripts: tuple[str, ...] = ()
    """Ends of paths of scripts whose names alone say nothing."""
    modules: tuple[str, ...] = ()
    """Modules, as in `python -m MODULE`."""
    not_commands: tuple[str, ...] = ()
    """Subcommands that are no conversation in a terminal."""
    not_options: tuple[str, ...] = ()
    """Options that make it run without a terminal."""
    shared: tuple[str, ...] = ()
    """Patterns of command lines of processes below it that other panes use too; never ended."""


@dataclass(frozen=True, slots=True)
class ConfigRules:
    """Where the kind keeps its files."""

    variable: str = ""
    """The environment variable that names the folder."""
    folder: str = ""
    """The folder below HOME without it."""
    keep_env: tuple[str, ...] = ()
    """Environment variables, beside the common ones, that belong into a checkpoint. Never secrets."""


@dataclass(frozen=True, slots=True)
class ResumeRules:
    """How a conversation is resumed, and which of the first command's arguments are kept."""

    arguments: tuple[str, ...] = ()
    """`{session_id}` stands for the id."""
    drop: tuple[str, ...] = ()
    drop_with_value: tuple[str, ...] = ()
    with_value: tuple[str, ...] = ()
    """Options whose next argument is their value."""
    with_values: tuple[str, ...] = ()
    """Options that take all arguments up to the next option."""


@dataclass(frozen=True, slots=True)
class QuitRules:
    """How the agent is asked to exit."""

    method: str = "signal"
    """`signal` (SIGTERM to its topmost process) or `keys`."""
    keys: tuple[str, ...] = ()
    """For `keys`: each is typed literally or, if in angle brackets, pressed: `<Enter>`."""
    patience_s: float = 15.0
    """How long a graceful exit may take."""
    session_said: str = ""
    """Pattern whose group 1 is the session id that the agent prints when it exits."""


@dataclass(frozen=True, slots=True)
class StartRules:
    """What stands between a start and the first prompt."""

    patience_s: float = 60.0
    ready: str = ""
    """Pattern of a line that shows the prompt."""
    dialogs: tuple[str, ...] = ()
    """Patterns of questions that a person has to answer."""
    failures: tuple[str, ...] = ()
    """Patterns of lines that say that the start failed."""


@dataclass(frozen=True, slots=True)
class ScreenRules:
    """What the screen shows."""

    prompt: str = ""
    """Glyph at the beginning of the input line."""
    rules: tuple[ScreenRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """All that is known about a kind as data."""

    name: str
    title: str
    process: ProcessRules
    config: ConfigRules
    resume: ResumeRules
    quit: QuitRules
    start: StartRules
    screen: ScreenRules


def read(name: str) -> Manifest:
    """The manifest that comes with the program.

    Raises:
        ConfigError: It is wrong; the sentence names file and key.
    """
    file = files("hive_tui.kinds").joinpath(f"{name}.toml")
    return parse(file.read_text(encoding="utf-8"), f"{name}.toml")


def parse(text: str, source: str) -> Manifest:
    """A manifest from TOML text.

    Raises:
        ConfigError: It is wrong; the sentence names file and key.
    """
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not valid TOML: {error}.") from error
    _check_keys(value, {"name", "title", "screen", *TABLES}, f"{source}: ")
    screen = _table_of(value, "screen", source)
    _check_keys(screen, {"prompt", "rules"}, f"{source}: screen.")
    rules = screen.get("rules", [])
    if not isinstance(rules, list):
        raise ConfigError(f"{source}: screen.rules must be tables like [[screen.rules]].")
    manifest = Manifest(
        name=_text(value, "name", source),
        title=_text(value, "title", source),
        screen=ScreenRules(str(screen.get("prompt", "")), tuple(_rule(rule, source) for rule in rules)),
        **{name: _filled(form, _table_of(value, name, source), f"{source}: {name}") for name, form in TABLES.items()},
    )
    _check_values(manifest, source)
    return manifest


TABLES: Mapping[str, type[Any]] = {
    "process": ProcessRules,
    "config": ConfigRules,
    "resume": ResumeRules,
    "quit": QuitRules,
    "start": StartRules,
}


def _check_keys(value: Mapping[str, Any], known: Collection[str], where: str) -> None:
    for key in value.keys() - known:
        raise ConfigError(f"{where}{key} is not a key of a manifest.", hint=f"Known are {', '.join(sorted(known))}.")


def _text(value: Mapping[str, Any], key: str, source: str) -> str:
    text = value.get(key)
    if not isinstance(text, str) or not text:
        raise ConfigError(f"{source}: {key} must be a text.", hint=f'Write it like {key} = "claude".')
    return text


def _table_of(value: Mapping[str, Any], key: str, source: str) -> Mapping[str, Any]:
    table = value.get(key, {})
    if not isinstance(table, dict):
        raise ConfigError(f"{source}: {key} must be a table.", hint=f"Write it as [{key}].")
    return table


def _filled(form: type[T], value: Mapping[str, Any], where: str) -> T:
    hints = get_type_hints(form)
    _check_keys(value, hints.keys(), f"{where}.")
    return form(**{key: _value(hints[key], item, f"{where}.{key}") for key, item in value.items()})


def _value(kind: Any, item: Any, where: str) -> Any:
    if kind is str and isinstance(item, str):
        return item
    if kind is float and isinstance(item, int | float) and not isinstance(item, bool) and item > 0:
        return float(item)
    if kind == tuple[str, ...] and isinstance(item, list) and all(isinstance(one, str) for one in item):
        return tuple(item)
    words = {str: "a text", float: "a number above 0"}
    raise ConfigError(f"{where} is {item!r}, but must be {words.get(kind, 'a list of texts')}.")


def _check_values(manifest: Manifest, source: str) -> None:
    if manifest.quit.method not in ("signal", "keys"):
        raise ConfigError(f"{source}: quit.method is {manifest.quit.method!r}, but must be signal or keys.")
    patterns = {
        "process.shared": manifest.process.shared,
        "quit.session_said": (manifest.quit.session_said,),
        "start.ready": (manifest.start.ready,),
        "start.dialogs": manifest.start.dialogs,
        "start.failures": manifest.start.failures,
    }
    for key, texts in patterns.items():
        for text in texts:
            try:
                re.compile(text)
            except re.error as error:
                raise ConfigError(f"{source}: {key} is {text!r}, which is no pattern: {error}.") from error


def _rule(value: Any, source: str) -> ScreenRule:
    known = {"activity", "pattern", "lines", "why", "also", "last_turn"}
    if not isinstance(value, dict):
        raise ConfigError(f"{source}: screen.rules must be tables like [[screen.rules]].")
    _check_keys(value, known, f"{source}: screen.rules.")
    try:
        return ScreenRule(
            Activity(value["activity"]),
            re.compile(value["pattern"]),
            int(value.get("lines", 12)),
            str(value["why"]),
            re.compile(value["also"]) if "also" in value else None,
            bool(value.get("last_turn", False)),
        )
    except KeyError as error:
        raise ConfigError(f"{source}: a screen rule lacks {error.args[0]}.") from error
    except (TypeError, ValueError, re.error) as error:
        raise ConfigError(f"{source}: a screen rule is wrong: {error}.") from error
