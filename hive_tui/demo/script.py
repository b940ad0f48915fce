"""Reads the script of the demo, `story.toml`: who plays, in which folders, and what happens step by step."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path
from typing import Any, TypeVar

from hive_tui.domain.agents import Activity, Hosting, Lifecycle
from hive_tui.domain.errors import ConfigError
from hive_tui.domain.events import EventKind

T = TypeVar("T")

PACKAGED = "story.toml"


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit of an agent's repository."""

    subject: str
    files: Mapping[str, str]
    """Text by path."""


@dataclass(frozen=True, slots=True)
class Player:
    """An agent, with the repository that it works in."""

    name: str
    hosting: Hosting
    commits: tuple[Commit, ...]
    changed: Mapping[str, str]
    """Text by path: what is changed since the last commit."""
    untracked: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that a step does: the name of a method of `Deeds`, and what it is given."""

    name: str
    agent: str
    details: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Something that a step waits for: a state of an agent, or an event of it."""

    agent: str
    state: str = ""
    """A lifecycle, or the activity of an awake agent."""
    event: str = ""
    ever: bool = False
    """Whether an event counts that happened before the step began."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story."""

    guide: str
    """Said from the beginning of the step."""
    deeds: tuple[Deed, ...]
    until: tuple[Wanted, ...]
    then: str
    """Said once all that is waited for has come true."""
    more: str
    """Said behind `then` where there is room."""
    pause_s: float
    """How long `then` stays before the next step."""
    limit_s: float
    """How long deeds and waiting may take before the story goes on without them."""


@dataclass(frozen=True, slots=True)
class Script:
    """The whole demo as data."""

    opening: str
    late: str
    """Said where a step took too long."""
    ending: str
    ending_more: str
    settings: str
    """Text of the settings file of the demo's hive."""
    players: tuple[Player, ...]
    prompts: Mapping[str, Mapping[str, str]]
    """What the scripted agents do when they are told something: `does` and `says`."""
    steps: tuple[Step, ...]


def load(file: Path | None = None) -> Script:
    """The script from a file; None for the one that is packaged.

    Raises:
        ConfigError: It cannot be read, or something in it is wrong.
    """
    try:
        text = file.read_text() if file else files("hive_tui.demo").joinpath(PACKAGED).read_text()
        value = tomllib.loads(text)
        return _script(value)
    except OSError as error:
        raise ConfigError(f"The story {file} cannot be read: {error.strerror}.") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"The story {file or PACKAGED} is no TOML: {error}.") from error
    except KeyError as error:
        raise ConfigError(f"The story {file or PACKAGED} lacks {error.args[0]!r}.") from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"The story {file or PACKAGED} is wrong: {error}.") from error


def _script(value: Mapping[str, Any]) -> Script:
    texts = {name: str(value[name]) for name in ("opening", "late", "ending", "ending_more", "settings")}
    players = tuple(map(_player, value["agents"]))
    steps = tuple(map(_step, value["steps"]))
    named = {player.name for player in players}
    acting = {deed.agent for step in steps for deed in step.deeds}
    awaited = {one.agent for step in steps for one in step.until}
    if unknown := (acting | awaited) - named:
        raise ValueError(f"nobody is called {', '.join(sorted(unknown))}")
    return Script(**texts, players=players, prompts=dict(value["prompts"]), steps=steps)


def _player(value: Mapping[str, Any]) -> Player:
    commits = tuple(_made(Commit, one) for one in value["commits"])
    return Player(
        value["name"], Hosting(value["hosting"]), commits, value.get("changed", {}), value.get("untracked", {})
    )


def _step(value: Mapping[str, Any]) -> Step:
    deeds = tuple(
        Deed(one["deed"], one["agent"], {key: item for key, item in one.items() if key not in ("deed", "agent")})
        for one in value["do"]
    )
    return Step(
        guide=value["guide"],
        deeds=deeds,
        until=_all_wanted(value["until"]),
        then=value["then"],
        more=value.get("more", ""),
        pause_s=float(value["pause_s"]),
        limit_s=float(value["limit_s"]),
    )


def _all_wanted(values: Sequence[Mapping[str, Any]]) -> tuple[Wanted, ...]:
    found = tuple(_made(Wanted, {"state" if key == "is" else key: item for key, item in one.items()}) for one in values)
    for one in found:
        if one.event:
            EventKind(one.event)
        elif one.state not in (*Lifecycle, *Activity):
            raise ValueError(f"{one.state!r} is no state of an agent")
    return found


def _made(form: type[T], value: Mapping[str, Any]) -> T:
    known = {field.name for field in fields(form)}  # type: ignore[arg-type]
    if unknown := set(value) - known:
        raise ValueError(f"{', '.join(sorted(unknown))} is unknown in {form.__name__}")
    return form(**value)
