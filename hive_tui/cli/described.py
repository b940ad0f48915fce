"""Everything about one checkpoint."""

import click

from hive_tui.cli.context import print_json
from hive_tui.cli.shapes import checkpoint_json
from hive_tui.domain.catalog_words import offsite_words, proven_words, verified_words
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.contents import content
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.offsite import OffsiteCopy
from hive_tui.hive import Hive
from hive_tui.services.described import everything_left_out


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
