"""The command config."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec import structs, to_builtins

from hive_tui import config as settings_file
from hive_tui.adapters.clock import SystemClock
from hive_tui.cli.context import KEY, CommandGroup, as_usage, common_options, print_json, print_table, warn
from hive_tui.domain.toml_tables import NAMED_TABLES
from hive_tui.settings import Settings

if TYPE_CHECKING:
    from hive_tui.settings.knobs import Knob

LONGEST = 40
"""Characters of a value in the list; `--json` has all of it."""


@click.group(cls=CommandGroup, invoke_without_command=True)
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def config(ctx: click.Context, as_json: bool) -> None:
    """Show, check or change the settings; without a subcommand they are shown."""
    if ctx.invoked_subcommand is None:
        _show(ctx, as_json)


@config.command("show")
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> None:
    """Every setting with its value."""
    _show(ctx, as_json)


@config.command("check")
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Read the settings file and the kinds beside it; exit 1 and name file, line and key if something is wrong."""
    from hive_tui.kinds.catalog import Kinds

    path = _path(ctx)
    settings_file.load(path)
    folder = settings_file.kinds_folder(path)
    Kinds(folder)
    manifests = sorted(folder.glob("*.toml"))
    if as_json:
        print_json({"path": str(path), "exists": path.exists(), "kinds": [str(one) for one in manifests]})
        return
    click.echo(f"{path}: fine." if path.exists() else f"{path} does not exist; the defaults are used.")
    for manifest in manifests:
        click.echo(f"{manifest}: fine.")


@config.command("path")
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def path_(ctx: click.Context, as_json: bool) -> None:
    """Where the settings file is looked for."""
    path = _path(ctx)
    if as_json:
        print_json({"path": str(path), "exists": path.exists()})
    else:
        click.echo(str(path))


@config.command("list")
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Every setting with value, default, unit and description; those that the file sets are marked with *."""
    from hive_tui.services.settings_file import SettingsFile
    from hive_tui.settings.knobs import knobs
    from hive_tui.settings.masking import masked
    from hive_tui.settings.typed import text_of

    look = SettingsFile(_path(ctx), SystemClock()).look()
    if look.trouble:
        settings_file.load(_path(ctx))  # says it
    found = [(one, masked(one.address, one.value_in(look.settings))) for one in knobs(look.settings)]
    if as_json:
        print_json([_shape(one, value, one.address in look.given) for one, value in found])
        return
    rows = [
        [f"{'*' if one.address in look.given else ' '} {one.name}", _short(text_of(value)), one.unit,
         _short(text_of(one.default)), one.description]
        for one, value in found
    ]  # fmt: skip
    print_table(["  setting", "value", "unit", "default", "what it is"], rows)


def _short(text: str) -> str:
    return f"{text[: LONGEST - 1]}…" if len(text) > LONGEST else text or "-"


def _shape(one: "Knob", value: Any, is_set: bool) -> dict[str, Any]:
    return {
        "key": one.name,
        "value": value,
        "default": one.default,
        "unit": one.unit,
        "description": one.description,
        "is_set": is_set,
        "takes_effect": "at once" if one.is_at_once else "at the next start",
    }


@config.command("set", context_settings={"ignore_unknown_options": True})
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.argument("words", metavar="TABLE.KEY VALUE [TABLE.KEY VALUE]...", nargs=-1, required=True)
@click.pass_context
def set_(ctx: click.Context, as_json: bool, words: tuple[str, ...]) -> None:
    """Write settings into the file; several that are right only together are written together.

    A list is written as `a, b`, or as in TOML. Nothing is written unless the file is right with all of them, and
    what was there before is kept beside it as `config.toml.bak`.
    """
    from hive_tui.settings.knobs import find
    from hive_tui.settings.typed import value_of

    if len(words) % 2:
        raise click.UsageError(f"There is no value for {words[-1]}.", ctx)
    with as_usage():
        pairs = [(find(name), text) for name, text in zip(words[::2], words[1::2], strict=True)]
    _write(ctx, [one for one, _ in pairs], {one.address: value_of(one.kind, text) for one, text in pairs}, as_json)


@config.command("unset")
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.argument("names", metavar="TABLE.KEY...", nargs=-1, required=True)
@click.pass_context
def unset(ctx: click.Context, as_json: bool, names: tuple[str, ...]) -> None:
    """Take settings out of the file, so that they have their defaults again."""
    from hive_tui.services.settings_text import UNSET
    from hive_tui.settings.knobs import find

    with as_usage():
        found = [find(name) for name in names]
    _write(ctx, found, {one.address: UNSET for one in found}, as_json)


def _write(ctx: click.Context, found: list["Knob"], values: dict[tuple[str, ...], Any], as_json: bool) -> None:
    from hive_tui.services.settings_file import SettingsFile, UnfitValue
    from hive_tui.services.settings_text import addresses_in
    from hive_tui.settings.masking import HIDDEN, masked
    from hive_tui.settings.typed import text_of

    if any(isinstance(value, str) and HIDDEN in value for value in values.values()):
        raise click.UsageError(f"A value with {HIDDEN} in it was shown without its secret. Write the whole value.", ctx)
    path = _path(ctx)
    with as_usage(UnfitValue):
        change = SettingsFile(path, SystemClock()).change(values)
    given = addresses_in(change.after)
    shown = [(one, masked(one.address, one.value_in(change.settings))) for one in found]
    if as_json:
        print_json([_shape(one, value, one.address in given) for one, value in shown])
        return
    for one, value in shown:
        click.echo(f"{one.name} = {text_of(value) or '(empty)'}  [{one.unit}]")
    if change.after == change.before:
        warn(f"{path} says that already.")
    elif any(not one.is_at_once for one in found):
        warn("Commands know it at once; an open dashboard and `hive-tui serve` from their next start on.")


def _path(ctx: click.Context) -> Path:
    named: Path | None = ctx.meta.get(KEY + "config")
    return named or settings_file.default_config_file()


def _show(ctx: click.Context, as_json: bool) -> None:
    from hive_tui.settings.masking import masked

    path = _path(ctx)
    loaded = settings_file.load(path)
    if as_json:
        shown = masked((), to_builtins(loaded))
        print_json({"path": str(path), "exists": path.exists(), "settings": shown})
        return
    click.echo(f"# {path}{'' if path.exists() else ' (does not exist; these are the defaults)'}")
    click.echo("\n".join(_toml(loaded)))


def _toml(loaded: Settings) -> list[str]:
    from hive_tui.settings.masking import masked

    lines: list[str] = []
    for table in structs.fields(loaded):
        value: Any = getattr(loaded, table.name)
        tables = (
            {f"{table.name}.{name}": one for name, one in value.items()}
            if table.name in NAMED_TABLES
            else {table.name: value}
        )
        for name, one in tables.items():
            lines += ["", f"[{name}]"]
            values = {key.name: getattr(one, key.name) for key in structs.fields(one)}
            path = tuple(name.split(".", 1))
            shown = {key: masked((*path, key), value) for key, value in values.items() if value is not None}
            lines += [f"{key} = {_value(value)}" for key, value in shown.items()]
    return lines


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)
