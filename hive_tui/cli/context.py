"""What every command shares: the global options, the hive that they name, and how results are printed."""

import functools
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Actor

if TYPE_CHECKING:
    from hive_tui.hive import Hive

F = TypeVar("F", bound=Callable[..., Any])

PERSON = Actor.person("command line")
KEY = "hive_tui."


def common_options(command: F) -> F:
    """`--home`, `--config` and `--tmux-socket`; they may stand before or behind a command."""

    def remember(ctx: click.Context, parameter: click.Parameter, value: object) -> None:
        if value is not None:
            ctx.meta[KEY + str(parameter.name)] = value

    options = (
        click.option("--home", type=click.Path(path_type=Path), help="Folder of database and checkpoints."),
        click.option("--config", type=click.Path(path_type=Path), help="Settings file."),
        click.option("--tmux-socket", metavar="NAME", help="tmux server, as for tmux -L (or -S, if it has a slash)."),
    )
    for option in options:
        command = option_without_value(option, remember)(command)
    return command


def named_options(ctx: click.Context) -> str:
    """The global options that were given, as words; empty for none."""
    given = [f"--{name.replace('_', '-')}" for name in ("home", "config", "tmux_socket") if ctx.meta.get(KEY + name)]
    return " and ".join(given)


def option_without_value(
    option: Callable[[F], F], callback: Callable[[click.Context, click.Parameter, object], None]
) -> Callable[[F], F]:
    """An option that is kept by a callback and not handed to the command."""

    def decorate(command: F) -> F:
        decorated = option(command)
        target = decorated.params if isinstance(decorated, click.Command) else decorated.__click_params__  # type: ignore[attr-defined]
        target[-1].expose_value = False
        target[-1].callback = callback
        return decorated

    return decorate


class CommandGroup(click.Group):
    """A group whose `--help` shows the first sentence of each subcommand in full, over several lines if need be."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, one.get_short_help_str(1000)) for name, one in self.commands.items()])


def command(name: str | None = None, **kwargs: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """A command with the global options and `--json`; its function gets the hive and whether to print JSON first."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        @functools.wraps(function)
        def run(as_json: bool, **options: Any) -> Any:
            with opened(click.get_current_context()) as hive:
                return function(hive, as_json, **options)

        decorated: Callable[..., Any] = click.option(
            "--json", "as_json", is_flag=True, help="Print one JSON document."
        )(run)
        made: Callable[[Callable[..., Any]], click.Command] = click.command(name, **kwargs)
        return made(common_options(decorated))

    return decorate


def listing(name: str, about: str) -> Callable[[Callable[["Hive", bool], None]], CommandGroup]:
    """A group of commands for one kind of thing, which lists them: without a subcommand, and as `list`.

    Args:
        name: Of the group.
        about: Its help; that of `list` is the text below the decorated function.
    """

    def decorate(listed: Callable[["Hive", bool], None]) -> CommandGroup:
        def alone(ctx: click.Context, as_json: bool) -> None:
            if ctx.invoked_subcommand is None:
                with opened(ctx) as hive:
                    listed(hive, as_json)

        option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
        made = click.group(name, cls=CommandGroup, invoke_without_command=True, help=about)
        group = made(common_options(option(click.pass_context(alone))))
        group.add_command(command("list")(listed))
        return group

    return decorate


@contextmanager
def opened(ctx: click.Context) -> Iterator["Hive"]:
    """The hive that the global options name."""
    from hive_tui import config
    from hive_tui.hive import Hive

    named: Path | None = ctx.meta.get(KEY + "config")
    file = named or config.default_config_file()
    settings = config.load(file, must_exist=named is not None)
    home: Path = ctx.meta.get(KEY + "home") or config.default_home()
    socket: str | None = ctx.meta.get(KEY + "tmux_socket") or os.environ.get("HIVE_TMUX_SOCKET") or None
    kinds = config.kinds_folder(file)
    hive = Hive(home.expanduser().absolute(), settings, socket, kinds_folder=kinds, settings_file=file)
    try:
        yield hive
        hive.tidy_up()
        full = hive.opened_database.trouble if hive.opened_database else None
        if full:
            warn(f"{full.what} {full.hint}")
    finally:
        hive.close()


def print_json(value: Any) -> None:
    """One document on stdout."""
    from hive_tui.services.shapes import as_text

    click.echo(as_text(value, indent=2))


def print_table(headers: list[str], rows: list[list[str]]) -> None:
    """Columns as wide as their content; nothing at all for no rows."""
    if not rows:
        return
    widths = [max(len(row[at]) for row in [headers, *rows]) for at in range(len(headers))]
    for row in [headers, *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@contextmanager
def as_usage(of: type[HiveError] = HiveError) -> Iterator[None]:
    """Words of the command line that say nothing are a mistake in its use (exit code 2), like all that click finds.

    Args:
        of: The errors that say so; others go on as they are.

    Raises:
        click.UsageError: Instead of a HiveError.
    """
    try:
        yield
    except of as error:
        raise click.UsageError(f"{error.what} {error.hint}".strip()) from error


def cut(text: str, width: int) -> str:
    """At most so many letters, with an ellipsis where some are missing."""
    return text if len(text) <= width else f"{text[: width - 1]}…"


def warn(text: str) -> None:
    """A sentence on stderr that is no failure."""
    if text:
        click.echo(f"Note: {text}", err=True)


def confirm(question: str, *, yes: bool) -> None:
    """Ask the person at the terminal.

    Raises:
        HiveError: There is no terminal to ask at, or the answer is no.
    """
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise HiveError(f"{question} There is no terminal to ask at.", hint="Add --yes to say yes.")
    if not click.confirm(question, err=True):
        raise HiveError("Nothing was done, as you wish.")
