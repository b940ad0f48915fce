"""The command `hive-tui`: its global options, its commands, and how errors are shown."""

import errno
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from keyword import iskeyword

import click

from hive_tui import __version__
from hive_tui.cli.context import common_options
from hive_tui.domain.errors import HiveError

# Name, module and help in one place: `--help` and completion must not import what a command needs.
COMMANDS: dict[str, tuple[str, str]] = {
    "agents": ("agents", "List the agents in all panes"),
    "status": ("overview", "What the hive is like, in a few lines"),
    "explain": ("overview", "Why an agent is in its state, and what a nap or wake would do"),
    "launch": ("agents", "Start an agent in a new pane"),
    "adopt": ("agents", "Take the program in a pane into the registry"),
    "rename": ("agents", "Give an agent another name"),
    "pin": ("agents", "Never put this agent to sleep unasked"),
    "unpin": ("agents", "Undo pin"),
    "hold": ("agents", "Never wake this agent unasked"),
    "release": ("agents", "Undo hold"),
    "forget": ("agents", "Take an agent out of the registry"),
    "nap": ("sleep", "Checkpoint agents and end their processes"),
    "wake": ("sleep", "Bring an agent back with its conversation"),
    "search": ("search", "Find something in the conversations of agents"),
    "handoff": ("handoff", "What a new conversation of an agent would begin with"),
    "resume-command": ("sleep", "Print the shell command that revives an agent without hive-tui"),
    "checkpoint": ("checkpoints", "Take a checkpoint of an agent"),
    "checkpoints": ("checkpoints", "List checkpoints"),
    "validate": ("checkpoints", "Read checkpoints back and verify them"),
    "restore": ("checkpoints", "Go back to a generation of an agent"),
    "diff": ("catalog", "What differs between two generations of an agent"),
    "export": ("catalog", "Write a verified copy of a checkpoint to a file"),
    "import": ("catalog", "Enter a file that export wrote"),
    "delete": ("catalog", "Delete a checkpoint"),
    "prune": ("catalog", "Remove the checkpoints that the settings do not keep"),
    "drill": ("proving", "Restore checkpoints into a scratch folder, for proof"),
    "offsite": ("proving", "The copies of checkpoints in the second place"),
    "queue": ("queue", "The wakeup queue"),
    "task": ("tasks", "What agents are to do, and what for"),
    "routine": ("routines", "What agents do, or are woken for, again and again"),
    "effect": ("effects", "Run a command once under a key, and look at what was done"),
    "schedule": ("schedule", "Daily sleep windows"),
    "services": ("services", "Services that agents need, and their idle sleep"),
    "models": ("services", "Models in the memory of model servers"),
    "metrics": ("measuring", "Figures of the hive, as text for Prometheus"),
    "savings": ("measuring", "What sleep has saved, replayed from recorded turns"),
    "budget": ("budget", "How many tokens agents may spend in a day"),
    "events": ("events", "What happened"),
    "alerts": ("alerts", "What you were told of, how it was delivered, and a test"),
    "recover": ("running", "Bring back what a crash took away"),
    "serve": ("running", "The heartbeat without a screen"),
    "http": ("http", "The local HTTP surface"),
    "wakeup-gate": ("gate", "One pass of gate and queue, then exit: for timers and cron"),
    "pause": ("running", "Stop all automatic actions"),
    "unpause": ("running", "Allow automatic actions again"),
    "demo": ("demo", "See all of it with scripted agents on a tmux server of its own"),
    "doctor": ("overview", "Look for what is wrong, and say how to mend it"),
    "hook": ("hook", "Keep an event of an agent; its hooks run this"),
    "install": ("install", "Hooks of agents, units of systemd, completion of the shell"),
    "uninstall": ("install", "Undo install"),
    "config": ("settings", "Show, check or change the settings"),
}

OF_THE_MACHINE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO)
"""Failures that no program can do anything about: they are no mistake of ours."""


class LazyGroup(click.Group):
    """Imports the module of a command when that command is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"hive_tui.cli.{COMMANDS[cmd_name][0]}")
        name = cmd_name.replace("-", "_")
        # Python keeps some names for itself, like `import`.
        command: click.Command = getattr(module, f"{name}_" if iskeyword(name) else name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in `--help`, from the table alone."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hive-tui")
@common_options
@click.pass_context
def cli(ctx: click.Context) -> None:
    """See, nap, wake and recover your coding agents in tmux.

    Without a command it opens the dashboard.
    """
    if ctx.invoked_subcommand is None:
        from hive_tui.cli.dashboard import open_dashboard

        open_dashboard(ctx)


def run(arguments: Sequence[str]) -> int:
    """Run a command line; its exit code. Never shows a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A path may hold bytes that are no UTF-8; printing it must not be the end.
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        cli.main(list(arguments), prog_name="hive-tui", standalone_mode=False)
    except click.exceptions.Exit as exit_:
        return exit_.exit_code
    except click.UsageError as error:
        error.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        click.echo("Stopped.", err=True)
        return 1
    except HiveError as error:
        show(error)
        return 1
    except BrokenPipeError:
        drop_output()
        return 1
    except Exception as error:
        if isinstance(error, OSError) and error.errno in OF_THE_MACHINE:
            drop_output()
            where = f" ({error.filename})" if error.filename else ""
            show(HiveError(f"The disk does not take it{where}: {error.strerror}.", hint="Free some space, or mend it."))
            return 1
        from hive_tui.adapters.mishaps import keep_details

        click.echo(f"hive-tui made a mistake: {type(error).__name__}: {error}", err=True)
        click.echo(keep_details(traceback.format_exc()), err=True)
        return 1
    return 0


def drop_output() -> None:
    """What is left to print goes nowhere: the reader of a pipe has gone, or the disk below a file is full."""
    with suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show(error: HiveError) -> None:
    """What failed and what to do, on stderr."""
    click.echo(f"Error: {error.what}", err=True)
    if error.hint:
        click.echo(f"Hint: {error.hint}", err=True)
