"""Commands diff, export, import, delete and prune."""

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from hive_tui.cli.agents import find
from hive_tui.cli.checkpoints import names_by_id
from hive_tui.cli.context import PERSON, command, confirm, print_json, print_table
from hive_tui.cli.progress import Steps, stoppable
from hive_tui.cli.shapes import checkpoint_json
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.hive import Hive
from hive_tui.services.catalog import ImportPlan
from hive_tui.services.retention import Pruned
from hive_tui.store import checkpoints as store


@command()
@click.argument("name", metavar="AGENT")
@click.option("--from", "older", type=click.IntRange(min=0), default=1, show_default=True, help="Generation before.")
@click.option("--to", "newer", type=click.IntRange(min=0), default=0, show_default=True, help="Generation after.")
def diff(hive: Hive, as_json: bool, name: str, older: int, newer: int) -> None:
    """What differs between two generations: files, conversation, streams. Generation 0 is the newest."""
    agent = find(hive, name)
    before = hive.database.read(store.generation, agent.id, older)
    after = hive.database.read(store.generation, agent.id, newer)
    progress = Steps(hive.clock)
    with stoppable([progress]):
        found = hive.keeping.comparer.compare(before, after, progress)
    if as_json:
        ends = {"from": checkpoint_json(before, agent.name), "to": checkpoint_json(after, agent.name)}
        print_json({"agent": agent.name, **ends, **found.to_json()})
        return
    apart = in_words(abs(after.created_at - before.created_at))
    click.echo(f"{agent.name}: generation {older} -> {newer}, {apart} apart")
    click.echo("\n".join(found.lines()))


@command()
@click.argument("checkpoint_id", metavar="ID")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--force", is_flag=True, help="Replace a file that is there.")
def export(hive: Hive, as_json: bool, checkpoint_id: str, file: Path, force: bool) -> None:
    """Write a verified copy of a checkpoint to a file. It is not encrypted."""
    one = hive.database.read(store.get, checkpoint_id)
    progress = Steps(hive.clock)
    with stoppable([progress]):
        written = hive.keeping.catalog.export(one, file, PERSON, progress, force=force)
    if as_json:
        shape = {"checkpoint_id": one.id, "path": str(written), "sha256": one.sha256, "size_bytes": one.size_bytes}
        print_json(shape)
    else:
        click.echo(f"{written} ({bytes_in_words(one.size_bytes)}, verified)")


@command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--agent", "agent_name", metavar="NAME", help="Whom it is for; a new name makes an agent that sleeps.")
@click.option("--yes", is_flag=True, help="Do not ask before an agent is made.")
def import_(hive: Hive, as_json: bool, file: Path, agent_name: str | None, yes: bool) -> None:
    """Enter a file that export wrote, or one from the second place, among the generations of its agent."""
    progress = Steps(hive.clock)
    with stoppable([progress]):
        plan = hive.keeping.catalog.plan_import(file, agent_name, progress)
    _confirm_new_agent(hive, plan, yes=yes)
    with stoppable([progress]):
        entered = hive.keeping.catalog.import_file(file, agent_name, PERSON, progress)
    name = names_by_id(hive)[entered.agent_id]
    if as_json:
        print_json(checkpoint_json(entered, name))
    else:
        taken = f"{entered.created_at.astimezone():%Y-%m-%d %H:%M}"
        click.echo(f"It is generation {entered.generation} of {name} now (taken {taken}, {entered.id[:8]}).")


def _confirm_new_agent(hive: Hive, plan: ImportPlan, *, yes: bool) -> None:
    """What a wake of it would run comes from the file, so a person must have seen it."""
    if plan.agent is not None:
        return
    made = plan.described.agent("", plan.new_name, hive.kinds, now=hive.clock.now(), trusted=False)
    words = hive.kinds.get(made.kind).resume_command(made.argv, made.session_id or "")
    click.echo(f"A wake of {made.name} will run, in {made.cwd}: {' '.join(words)}", err=True)
    confirm(f"Make a new agent {made.name} that sleeps?", yes=yes)


@command()
@click.argument("checkpoint_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
def delete(hive: Hive, as_json: bool, checkpoint_id: str, yes: bool) -> None:
    """Delete a checkpoint, and its copy in the second place."""
    one = hive.database.read(store.get, checkpoint_id)
    name = names_by_id(hive).get(one.agent_id, "(forgotten)")
    taken = f"{one.created_at.astimezone():%Y-%m-%d %H:%M}"
    confirm(f"Delete generation {one.generation} of {name}, taken {taken}, for good?", yes=yes)
    hive.keeping.catalog.delete(one, PERSON)
    if as_json:
        print_json(checkpoint_json(one, name))
    else:
        click.echo(f"Generation {one.generation} of {name} is deleted; the older ones moved up.")


@command()
@click.option("--dry-run", is_flag=True, help="Only show what would be removed.")
def prune(hive: Hive, as_json: bool, dry_run: bool) -> None:
    """Remove the checkpoints that the settings do not keep; never what a wake or an undo may need."""
    names = names_by_id(hive)
    plan = hive.keeping.retention.plan()
    progress = Steps(hive.clock)
    with stoppable([progress]):
        pruned = (
            Pruned(plan.removals, (), plan.bytes_over_quota)
            if dry_run
            else hive.keeping.retention.prune(PERSON, progress)
        )
    _show_pruned(hive, pruned, len(plan.kept), names, as_json=as_json, dry_run=dry_run)
    if pruned.left:
        sys.exit(1)


def _show_pruned(
    hive: Hive, pruned: Pruned, kept: int, names: Mapping[str, str], *, as_json: bool, dry_run: bool
) -> None:
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "removed": [
                    checkpoint_json(one.checkpoint, names.get(one.checkpoint.agent_id, "")) | {"why": one.why}
                    for one in pruned.removed
                ],
                "skipped": [{"id": one.checkpoint.id, "why": why} for one, why in pruned.skipped],
                "left": [one.checkpoint.id for one in pruned.left],
                "freed_bytes": pruned.freed_bytes,
                "bytes_over_quota": pruned.bytes_over_quota,
                "kept": kept,
            }
        )
        return
    now = hive.clock.now()
    rows = [
        [
            names.get(one.checkpoint.agent_id, "(forgotten)"),
            in_words(now - one.checkpoint.created_at),
            bytes_in_words(one.checkpoint.size_bytes),
            one.checkpoint.id[:8],
            one.why,
        ]
        for one in pruned.removed
    ]
    print_table(["AGENT", "AGE", "SIZE", "ID", "WHY"], rows)
    said = pruned.sentence().replace("was removed", "would be removed").replace("were removed", "would be removed")
    click.echo(f"{said if dry_run else pruned.sentence()}; {kept + len(pruned.skipped) + len(pruned.left)} stay.")
    for removal, why in pruned.skipped:
        click.echo(f"Note: {removal.checkpoint.id[:8]} stays for now: {why}.", err=True)
    if pruned.bytes_over_quota:
        click.echo(f"Note: {bytes_in_words(pruned.bytes_over_quota)} over the quota must be kept.", err=True)
