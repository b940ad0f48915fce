"""Manifests: what is known about a kind of agent, as data, checked when it is read."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.resources import files
from typing import Any, TypeVar

from hive_tui.domain.agents import Activity
from hive_tui.domain.errors import ConfigError
from hive_tui.kinds.screen import ScreenRule

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ProcessRules:
    """How a process of this kind is known."""

    programs: tuple[str, ...] = ()
    """Names of the program, or of the script that an interpreter runs, without folder and ending."""
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
    screen = dict(value.pop("screen", {}))
    rules = tuple(_rule(rule, source) for rule in screen.pop("rules", ()))
    known = {"name", "title", "process", "config", "resume", "quit", "start"}
    for key in value.keys() - known:
        raise ConfigError(f"{source}: {key} is not a key of a manifest.", hint=f"Known are {', '.join(sorted(known))}.")
    return Manifest(
        name=str(value["name"]),
        title=str(value["title"]),
        process=_table(ProcessRules, value.get("process", {}), f"{source}: process"),
        config=_table(ConfigRules, value.get("config", {}), f"{source}: config"),
        resume=_table(ResumeRules, value.get("resume", {}), f"{source}: resume"),
        quit=_table(QuitRules, value.get("quit", {}), f"{source}: quit"),
        start=_table(StartRules, value.get("start", {}), f"{source}: start"),
        screen=ScreenRules(str(screen.get("prompt", "")), rules),
    )


def _table(form: type[T], value: Mapping[str, Any], where: str) -> T:
    known = {field.name for field in fields(form)}  # type: ignore[arg-type]
    for key in value.keys() - known:
        raise ConfigError(f"{where}.{key} is not a key of a manifest.", hint=f"Known are {', '.join(sorted(known))}.")
    return form(**{key: tuple(item) if isinstance(item, list) else item for key, item in value.items()})


def _rule(value: Mapping[str, Any], source: str) -> ScreenRule:
    try:
        return ScreenRule(
            Activity(value["activity"]),
            re.compile(value["pattern"]),
            int(value.get("lines", 12)),
            str(value["why"]),
            re.compile(value["also"]) if "also" in value else None,
        )
    except (KeyError, ValueError, re.error) as error:
        raise ConfigError(f"{source}: a screen rule is wrong: {error}.") from error
