"""`install systemd` and `install completion`, and their undoing."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from hive_tui.cli.changing import carry_out
from hive_tui.cli.context import KEY, command, warn
from hive_tui.domain.errors import HiveError
from hive_tui.domain.units import GATE, SERVICE, TIMER, Program, is_ours, units
from hive_tui.hive import Hive
from hive_tui.services.file_install import FileInstaller, disable, unit_folder
from hive_tui.services.hook_install import Change

OWN_FILE = "Move yours away, or add what `--dry-run` in an empty XDG_CONFIG_HOME shows by hand."
HANDED_DOWN = (
    *("PATH", "LANG", "TMUX_TMPDIR", "XDG_DATA_HOME", "XDG_CONFIG_HOME"),
    *("CLAUDE_CONFIG_DIR", "CODEX_HOME", "OPENCODE_CONFIG_DIR", "OPENCODE_DB"),
)
"""What programs that are started by systemd would not get otherwise, and need to find tmux, git, the agents and what
these keep."""
NEXT = f"""\
To begin with the heartbeat that runs all the time:   systemctl --user daemon-reload
                                                      systemctl --user enable --now {SERVICE}
Or with a pass each minute:                           systemctl --user enable --now {TIMER}
To have it run while you are logged out:              loginctl enable-linger"""
STOPPED = f"If they run, stop them: systemctl --user stop {SERVICE} {TIMER}; systemctl --user daemon-reload"
SD_BOOTED = "/run/systemd/system"
"""Where systemd runs, this folder is there. Source: sd_booted(3)."""
SHELLS = ("bash", "zsh", "fish")
COMPLETION_MARK = "# hive-tui: `hive-tui uninstall completion` removes this file."

dry_run_option = click.option("--dry-run", is_flag=True, help="Show what would change, and change nothing.")
yes_option = click.option("--yes", "-y", is_flag=True, help="Do not ask.")


@command("systemd")
@dry_run_option
@yes_option
def install_systemd(hive: Hive, as_json: bool, dry_run: bool, yes: bool) -> None:
    """Units for your own systemd: the heartbeat as a service, and a timer for single passes.

    It shows what changes, asks, keeps a copy of each file that was there, and starts nothing.
    """
    if not Path(SD_BOOTED).is_dir():
        warn("No systemd runs on this machine now; data/launchd/hive-tui.plist is an example for macOS.")
    texts = units(Program(_command(), _options(hive), {name: os.environ[name] for name in _handed_down()}))
    if _change(_units(hive), unit_folder(os.environ), texts, as_json, dry_run, yes):
        click.echo(NEXT, err=as_json)


@command("systemd")
@dry_run_option
@yes_option
def uninstall_systemd(hive: Hive, as_json: bool, dry_run: bool, yes: bool) -> None:
    """Remove the units, and what starts them by itself; one that you wrote yourself stays."""
    folder = unit_folder(os.environ)
    if _change(_units(hive), folder, dict.fromkeys((SERVICE, GATE, TIMER)), as_json, dry_run, yes):
        for link in disable(folder):
            click.echo(f"{link} is removed.", err=as_json)
        click.echo(STOPPED, err=as_json)


@command("completion")
@click.option("--shell", type=click.Choice(SHELLS), help="For this shell (default: the one in $SHELL).")
@dry_run_option
@yes_option
def install_completion(hive: Hive, as_json: bool, shell: str | None, dry_run: bool, yes: bool) -> None:
    """Let the shell complete commands and options of hive-tui."""
    shell = shell or _own_shell()
    path = completion_file(shell, os.environ)
    done = _change(_completions(hive), path.parent, {path.name: completion(shell)}, as_json, dry_run, yes)
    if done and shell == "zsh":
        click.echo(f"Before `compinit` in ~/.zshrc there must be: fpath=({path.parent} $fpath)", err=as_json)


@command("completion")
@click.option("--shell", type=click.Choice(SHELLS), help="For this shell (default: for all).")
@dry_run_option
@yes_option
def uninstall_completion(hive: Hive, as_json: bool, shell: str | None, dry_run: bool, yes: bool) -> None:
    """Remove the completion again."""
    paths = [completion_file(one, os.environ) for one in ([shell] if shell else SHELLS)]
    installer = _completions(hive)
    changes = [change for path in paths for change in installer.plan(path.parent, {path.name: None})]
    _make(installer, changes, as_json, dry_run, yes)


def completion(shell: str) -> str:
    """The file that a shell reads."""
    from click.shell_completion import get_completion_class

    from hive_tui.cli.main import cli

    made = get_completion_class(shell)
    if made is None:
        raise HiveError(f"There is no completion for {shell}.")
    source = made(cli, {}, "hive-tui", "_HIVE_TUI_COMPLETE").source()
    # zsh wants its own mark on the first line.
    first, _, rest = source.partition("\n")
    return f"{first}\n{COMPLETION_MARK}\n{rest}" if shell == "zsh" else f"{COMPLETION_MARK}\n{source}"


def completion_file(shell: str, environ: Mapping[str, str]) -> Path:
    """Where a shell looks for completions of its user; zsh has no such place of its own."""
    own = Path(environ.get("HOME") or Path.home())
    data = Path(environ.get("XDG_DATA_HOME") or own / ".local" / "share")
    if shell == "bash":
        return data / "bash-completion" / "completions" / "hive-tui"
    if shell == "zsh":
        return data / "zsh" / "site-functions" / "_hive-tui"
    return Path(environ.get("XDG_CONFIG_HOME") or own / ".config") / "fish" / "completions" / "hive-tui.fish"


def _own_shell() -> str:
    named = Path(os.environ.get("SHELL", "")).name
    if named in SHELLS:
        return named
    raise HiveError(f"There is no completion for {named or 'an unknown shell'}.", hint="Name one: --shell bash.")


def _change(
    installer: FileInstaller, folder: Path, texts: Mapping[str, str | None], as_json: bool, dry_run: bool, yes: bool
) -> bool:
    return _make(installer, installer.plan(folder, texts), as_json, dry_run, yes)


def _make(installer: FileInstaller, changes: Sequence[Change], as_json: bool, dry_run: bool, yes: bool) -> bool:
    """Show, ask, change, tell; whether anything was to be done and was done."""
    return bool(carry_out(changes, installer.apply, _sentence, _shape, as_json=as_json, dry_run=dry_run, yes=yes))


def _sentence(change: Change, backup: Path | None, is_done: bool) -> str:
    if not change.is_needed:
        return f"Nothing to change in {change.path}."
    what = "removed" if change.after is None else "written"
    kept = f"; it was kept as {backup}" if backup else ""
    return f"{change.path} is {what}{kept}." if is_done else f"{change.path} would be {what}."


def _shape(change: Change, backup: Path | None, is_done: bool) -> dict[str, object]:
    return {
        "path": str(change.path),
        "changed": change.is_needed and is_done,
        "would_change": change.is_needed,
        "backup": str(backup) if backup else None,
    }


def _units(hive: Hive) -> FileInstaller:
    return FileInstaller(hive.home, hive.clock, is_ours, OWN_FILE)


def _completions(hive: Hive) -> FileInstaller:
    def is_ours(text: str) -> bool:
        return COMPLETION_MARK in text.splitlines()[:2]

    return FileInstaller(hive.home, hive.clock, is_ours, "Move it away first.")


def _command() -> tuple[str, ...]:
    from hive_tui.cli.install import own_command

    return own_command()


def _handed_down() -> list[str]:
    return [name for name in HANDED_DOWN if os.environ.get(name)]


def _options(hive: Hive) -> list[str]:
    """The hive, settings and tmux server of this command, so that the units mean the same."""
    from hive_tui.config import default_config_file

    meta = click.get_current_context().meta
    options = ["--home", str(hive.home)]
    config: Path | None = meta.get(KEY + "config") or (default_config_file() if os.environ.get("HIVE_CONFIG") else None)
    socket: str | None = meta.get(KEY + "tmux_socket") or os.environ.get("HIVE_TMUX_SOCKET") or None
    options += ["--config", str(config.expanduser().absolute())] if config else []
    return [*options, "--tmux-socket", socket] if socket else options
