"""The command config."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import click

from hive_tui import config as settings_file
from hive_tui.cli.context import KEY, common_options, print_json
from hive_tui.settings import Settings


@click.group(invoke_without_command=True)
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def config(ctx: click.Context, as_json: bool) -> None:
    """Show or check the settings; without a subcommand they are shown."""
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
@click.pass_context
def check(ctx: click.Context) -> None:
    """Read the settings file and the kinds beside it; exit 1 and name file, line and key if something is wrong."""
    from hive_tui.kinds.catalog import Kinds

    path = _path(ctx)
    settings_file.load(path)
    click.echo(f"{path}: fine." if path.exists() else f"{path} does not exist; the defaults are used.")
    folder = settings_file.kinds_folder(path)
    Kinds(folder)
    for manifest in sorted(folder.glob("*.toml")):
        click.echo(f"{manifest}: fine.")


@config.command("path")
@common_options
@click.pass_context
def path_(ctx: click.Context) -> None:
    """Where the settings file is looked for."""
    click.echo(str(_path(ctx)))


def _path(ctx: click.Context) -> Path:
    named: Path | None = ctx.meta.get(KEY + "config")
    return named or settings_file.default_config_file()


def _show(ctx: click.Context, as_json: bool) -> None:
    path = _path(ctx)
    loaded = _without_password(settings_file.load(path))
    if as_json:
        print_json({"path": str(path), "exists": path.exists(), "settings": dataclasses.asdict(loaded)})
        return
    click.echo(f"# {path}{'' if path.exists() else ' (does not exist; these are the defaults)'}")
    click.echo("\n".join(_toml(loaded)))


def _without_password(loaded: Settings) -> Settings:
    """What is shown may be pasted into a bug report."""
    url = re.sub(r"://[^/@]*@", "://***@", loaded.redis.url)
    return dataclasses.replace(loaded, redis=dataclasses.replace(loaded.redis, url=url))


def _toml(loaded: Settings) -> list[str]:
    lines: list[str] = []
    for table in dataclasses.fields(loaded):
        value: Any = getattr(loaded, table.name)
        tables = (
            {f"agents.{name}": one for name, one in value.items()} if table.name == "agents" else {table.name: value}
        )
        for name, one in tables.items():
            lines += ["", f"[{name}]"]
            lines += [f"{key.name} = {_value(getattr(one, key.name))}" for key in dataclasses.fields(one)]
    return lines


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    return str(value)
