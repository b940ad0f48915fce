"""Commands that write into files of other programs: each shows the change first, and can be undone."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hive_tui.cli.changing import carry_out
from hive_tui.cli.context import CommandGroup, command
from hive_tui.cli.install_files import install_completion, install_systemd, uninstall_completion, uninstall_systemd
from hive_tui.hive import Hive
from hive_tui.services.hook_install import KINDS, Change, HookInstaller

if TYPE_CHECKING:
    from hive_tui.services.tmux_status import TmuxStatusInstaller

REVIEW = "Codex asks at its next start whether to trust the new hooks."

kind_option = click.option("--kind", type=click.Choice(KINDS), help="Only this kind of agent (default: all there are).")
dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
file_option = click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False), help="The settings of tmux (default: where tmux looks)."
)
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


@click.group(cls=CommandGroup)
def install() -> None:
    """Add hive-tui to the settings of other programs."""


@click.group(cls=CommandGroup)
def uninstall() -> None:
    """Undo install."""


@command("hooks")
@kind_option
@dry_run_option
@yes_option
def install_hooks(hive: Hive, as_json: bool, kind: str | None, dry_run: bool, yes: bool) -> None:
    """Let agents tell what they do: add `hive-tui hook` to their settings.

    It shows what changes, asks, and keeps a copy of each file; the rest of a file stays as it is, to the byte.
    """
    installer = _installer(hive)
    kinds = [kind] if kind else [one for one in KINDS if installer.is_there(one)]
    _change(installer, [installer.plan_install(one) for one in kinds], as_json, dry_run, yes)


@command("hooks")
@kind_option
@dry_run_option
@yes_option
def uninstall_hooks(hive: Hive, as_json: bool, kind: str | None, dry_run: bool, yes: bool) -> None:
    """Take the hooks out of the settings of agents again, and nothing else."""
    installer = _installer(hive)
    kinds = [kind] if kind else [one for one in KINDS if installer.is_there(one)]
    _change(installer, [installer.plan_uninstall(one) for one in kinds], as_json, dry_run, yes)


@command("tmux-status")
@file_option
@dry_run_option
@yes_option
def install_tmux_status(hive: Hive, as_json: bool, file: Path | None, dry_run: bool, yes: bool) -> None:
    """Show the hive in the status line of tmux: who needs you, and how many work, rest and sleep.

    It shows what changes in the settings of tmux, asks, and keeps a copy of the file.
    """
    installer = _status_installer(hive, file)
    change = installer.plan_install()
    _change(installer, [change], as_json, dry_run, yes)
    if change.is_needed and not dry_run and not as_json:
        click.echo(f"tmux reads it when it starts; `tmux source-file {change.path}` shows it now.")


@command("tmux-status")
@file_option
@dry_run_option
@yes_option
def uninstall_tmux_status(hive: Hive, as_json: bool, file: Path | None, dry_run: bool, yes: bool) -> None:
    """Take the hive out of the settings of tmux again, and nothing else."""
    installer = _status_installer(hive, file)
    change = installer.plan_uninstall()
    _change(installer, [change], as_json, dry_run, yes)
    if change.is_needed and not dry_run and not as_json:
        click.echo("A running tmux shows it until it ends, or until you set its status-right anew.")


install.add_command(install_hooks)
for added in (install_tmux_status, install_systemd, install_completion):
    install.add_command(added)
for added in (uninstall_systemd, uninstall_completion):
    uninstall.add_command(added)
uninstall.add_command(uninstall_hooks)
uninstall.add_command(uninstall_tmux_status)


def _status_installer(hive: Hive, file: Path | None) -> TmuxStatusInstaller:
    from hive_tui.services.tmux_status import TmuxStatusInstaller

    return TmuxStatusInstaller(hive.home, os.environ, own_command(), hive.clock, file)


def _change(installer: HookInstaller, changes: Sequence[Change], as_json: bool, dry_run: bool, yes: bool) -> None:
    done = carry_out(changes, installer.apply, _sentence, _shape, as_json=as_json, dry_run=dry_run, yes=yes)
    if as_json:
        return
    if not changes:
        click.echo("No agent of a kind with hooks was found; name one with --kind.")
    if any(change.kind == "codex" and change.inserted for change in done):
        click.echo(REVIEW)


def _sentence(change: Change, backup: Path | None, is_done: bool) -> str:
    if not change.is_needed:
        return f"{change.kind}: nothing to change in {change.path}."
    if not is_done:
        return f"{change.kind}: {change.path} would change."
    kept = f"; it was kept as {backup}" if backup else ""
    return f"{change.kind}: {change.path} is {'removed' if change.after is None else 'changed'}{kept}."


def _shape(change: Change, backup: Path | None, is_done: bool) -> dict[str, object]:
    return {
        "kind": change.kind,
        "path": str(change.path),
        "changed": change.is_needed and is_done,
        "would_change": change.is_needed,
        "backup": str(backup) if backup else None,
    }


def _installer(hive: Hive) -> HookInstaller:
    return HookInstaller(hive.home, os.environ, own_command(), hive.clock)


def own_command() -> tuple[str, ...]:
    """How this program is started from anywhere, without arguments."""
    called = Path(sys.argv[0])
    named = str(called.absolute()) if called.name == "hive-tui" and os.access(called, os.X_OK) else None
    named = named or shutil.which("hive-tui")
    return (named,) if named else (sys.executable, "-m", "hive_tui")
