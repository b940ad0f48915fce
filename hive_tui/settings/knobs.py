"""Every setting by its path, with unit, default and description: for the settings screen and `hive-tui config`.

The description is the docstring below the attribute, read from the source; so there is one text of each, beside what
it is about. Nothing imports this before somebody asks for it.
"""

import ast
import sys
import tomllib
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, get_type_hints

from msgspec import NODEFAULT, Struct, structs

from hive_tui.domain.errors import ConfigError
from hive_tui.domain.toml_tables import NAMED_TABLES
from hive_tui.settings import AgentSettings, Settings
from hive_tui.settings.http import WebhookSettings
from hive_tui.settings.machine import ServiceSettings
from hive_tui.settings.measures import AT_ONCE, unit_of

Address = tuple[str, ...]
"""Table and key, or table, name and key: `("queue", "debounce_s")`, `("agents", "shop", "watch")`."""

FORMS: Mapping[str, type[Struct]] = {
    "agents": AgentSettings,
    "services": ServiceSettings,
    "webhooks": WebhookSettings,
}
"""What stands in a table that is named by a person."""


class Knob(Struct, frozen=True):
    """One setting."""

    address: Address
    kind: Any
    """Its type."""
    default: Any
    unit: str
    description: str
    """As in the docstring, in one line; empty only where the program's source is not there."""
    is_at_once: bool
    """Whether an open dashboard takes a change of its own up at once; else it counts from the next start on."""

    @property
    def name(self) -> str:
        """As the command line has it: `queue.debounce_s`."""
        return dotted(self.address)

    @property
    def table(self) -> Address:
        """Where it stands in the file."""
        return self.address[:-1]

    @property
    def key(self) -> str:
        """Its name within the table."""
        return self.address[-1]

    @property
    def is_switch(self) -> bool:
        """Whether it is true or false, and nothing else."""
        return self.kind is bool

    def value_in(self, settings: Settings) -> Any:
        """What it is set to; the default where its table is not there."""
        value: Any = settings
        for part in self.address:
            value = value.get(part) if isinstance(value, Mapping) else getattr(value, part)
            if value is None:
                return self.default
        return value


@cache
def dotted(address: Address) -> str:
    """Parts with dots in them in quotes, as in TOML."""
    return ".".join(part if part.replace("_", "").replace("-", "").isalnum() else f'"{part}"' for part in address)


def knobs(settings: Settings, more: Mapping[str, Iterable[str]] | None = None) -> tuple[Knob, ...]:
    """All settings, table by table in the order of the file.

    Args:
        settings: Names the agents, services and webhooks that have tables.
        more: Names that have none yet, by table: `{"agents": ["shop"]}`.
    """
    found: list[Knob] = []
    for table in structs.fields(Settings):
        if table.name not in NAMED_TABLES:
            found += _of_table((table.name,), get_type_hints(Settings)[table.name])
            continue
        names = {*getattr(settings, table.name), *(more or {}).get(table.name, ())}
        for name in sorted(names):
            found += _of_table((table.name, name), FORMS[table.name])
    return tuple(found)


def find(named: str) -> Knob:
    """The setting with that name, as `queue.debounce_s` or `agents.shop.watch`.

    Raises:
        ConfigError: There is none.
    """
    address = _address(named)
    is_named = len(address) == 3 and address[0] in FORMS and bool(address[1])
    found = knobs(Settings(), {address[0]: [address[1]]} if is_named else {})
    for one in found:
        if one.address == address:
            return one
    from difflib import get_close_matches

    close = get_close_matches(named, [one.name for one in found], 3)
    hint = f"Did you mean {' or '.join(close)}?" if close else "`hive-tui config list` names all of them."
    raise ConfigError(f"There is no setting {named!r}.", hint=hint)


def _address(named: str) -> Address:
    """The parts of a name, as TOML reads it; nothing where that is no name."""
    try:
        value: Any = tomllib.loads(f"{named} = 0") if "=" not in named and "\n" not in named else 0
    except tomllib.TOMLDecodeError:
        value = 0
    parts = []
    while isinstance(value, dict) and len(value) == 1:
        [(part, value)] = value.items()
        parts.append(part)
    return tuple(parts)


def table_description(table: Address) -> str:
    """What a table is about, in one line."""
    form = FORMS.get(table[0]) or get_type_hints(Settings)[table[0]]
    return _in_one_line(form.__doc__ or "")


def _of_table(table: Address, form: type[Struct]) -> list[Knob]:
    hints, said = get_type_hints(form), _docstrings(form.__module__).get(form.__name__, {})
    found = []
    for one in structs.fields(form):
        address = (*table, one.name)
        default = one.default_factory() if one.default is NODEFAULT else one.default
        kind, description = hints[one.name], said.get(one.name, "")
        is_at_once = (table[0], one.name) in AT_ONCE
        found.append(Knob(address, kind, default, unit_of(table[0], one.name, kind), description, is_at_once))
    return found


@cache
def _docstrings(module: str) -> Mapping[str, Mapping[str, str]]:
    """By class and attribute, the text below each attribute of a module's classes."""
    try:
        tree = ast.parse(Path(sys.modules[module].__file__ or "").read_text(encoding="utf-8"))
    except (OSError, SyntaxError):
        return {}  # a program that was packed without its source
    return {one.name: _of_class(one) for one in tree.body if isinstance(one, ast.ClassDef)}


def _of_class(one: ast.ClassDef) -> dict[str, str]:
    found = {}
    for attribute, text in zip(one.body, one.body[1:], strict=False):
        if isinstance(attribute, ast.AnnAssign) and isinstance(attribute.target, ast.Name):
            value = text.value if isinstance(text, ast.Expr) else None
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                found[attribute.target.id] = _in_one_line(value.value)
    return found


def _in_one_line(text: str) -> str:
    return " ".join(text.replace("`", "").split())
