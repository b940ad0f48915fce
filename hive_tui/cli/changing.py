"""Changes of files that commands make: each is shown first, asked about, and told."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from hive_tui.cli.context import confirm, print_json
from hive_tui.services.hook_install import Change

Told = Callable[[Change, Path | None, bool], str]
"""A change in words: where the file was kept as it was, if it was there, and whether the change was made."""
Shape = Callable[[Change, Path | None, bool], Mapping[str, Any]]
"""The same for programs."""


def carry_out(
    changes: Sequence[Change],
    apply: Callable[[Change], Path | None],
    told: Told,
    shape: Shape,
    *,
    as_json: bool,
    dry_run: bool,
    yes: bool,
) -> list[Change]:
    """Show the diffs, ask, change what is to be changed, and tell; what was changed.

    Args:
        changes: What is to become of each file; some may be so already.
        apply: Makes one change; the copy of what was there.
        told: See `Told`.
        shape: See `Shape`.
        as_json: Tell it as JSON; the diffs go to the standard error then.
        dry_run: Change nothing.
        yes: Do not ask.

    Raises:
        HiveError: The person said no, or nobody can be asked.
    """
    needed = [change for change in changes if change.is_needed]
    for change in needed:
        click.echo(change.diff(), nl=False, err=as_json)
    is_wanted = bool(needed) and not dry_run
    if is_wanted:
        confirm("Change " + " and ".join(str(change.path) for change in needed) + "?", yes=yes)
    backups = {change.path: apply(change) for change in needed} if is_wanted else {}
    if as_json:
        print_json([shape(change, backups.get(change.path), is_wanted) for change in changes])
    else:
        for change in changes:
            click.echo(told(change, backups.get(change.path), is_wanted))
    return needed if is_wanted else []
