"""Everything about one checkpoint."""

import json
import sys
from pathlib import Path

import click

from hive_tui.archive import reader
from hive_tui.cli.context import print_json
from hive_tui.cli.shapes import checkpoint_json
from hive_tui.domain.catalog_words import offsite_words, proven_words, verified_words
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.contents import content, lacks, left_out
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.errors import CheckpointError
from hive_tui.domain.offsite import OffsiteCopy
from hive_tui.domain.workspaces import WorkspaceFacts
from hive_tui.hive import Hive


def show_checkpoint(hive: Hive, one: Checkpoint, agent: str, copy: OffsiteCopy | None, *, as_json: bool) -> None:
    """Print it, with everything that was left out of it."""
    lacking = everything_left_out(one)
    if as_json:
        print_json(checkpoint_json(one, agent, copy) | {"left_out": lacking})
        return
    now = hive.clock.now()
    rows = [
        ("agent", f"{agent}, generation {one.generation}"),
        ("taken", f"{one.created_at:%Y-%m-%d %H:%M:%S} UTC, {in_words(now - one.created_at)} ago ({one.reason})"),
        ("id", one.id),
        ("file", one.path if one.is_local else "only in the second place"),
        ("size", bytes_in_words(one.size_bytes)),
        ("content", content(one)),
        ("valid", "yes" if one.is_valid else "DAMAGED"),
        ("proven", " ".join(filter(None, (proven_words(one, now), one.proven_note)))),
        ("off-site", offsite_words(one, copy) + verified_words(copy, now)),
    ]
    click.echo("\n".join(f"{name:9} {said}" for name, said in rows))
    for error in one.validation_errors:
        click.echo(f"  damage: {error}")
    for what in lacking:
        click.echo(f"  not in it: {what}")


def everything_left_out(one: Checkpoint) -> list[str]:
    """As the checkpoint itself says; the catalog names the first ones, should its file not be here or be damaged."""
    known = lacks(one)
    try:
        state = json.loads(reader.read_member(Path(one.path), "workspace/state.json"))
        facts = WorkspaceFacts.from_json(state)
    except (CheckpointError, KeyError, TypeError, ValueError, AttributeError):
        return known
    of_workspace = left_out(facts, most=sys.maxsize)
    return [*of_workspace, *(what for what in known if what not in of_workspace and not what.startswith("and "))]
