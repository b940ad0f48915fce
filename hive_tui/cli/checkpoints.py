"""Commands checkpoint, checkpoints, validate and restore."""

import sys

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import PERSON, command, confirm, print_json, print_table, warn
from hive_tui.cli.described import show_checkpoint
from hive_tui.cli.progress import Steps, stoppable
from hive_tui.cli.shapes import checkpoint_json
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.catalog_words import offsite_words, proven_words, verified_words
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason, next_step
from hive_tui.domain.contents import content, lacks
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.errors import HiveError, NotFound
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as store
from hive_tui.store import offsite as offsite_store

PARTS = ("workspace", "conversation", "streams")
"""What a restore can be limited to."""


@command()
@click.argument("name", metavar="AGENT")
def checkpoint(hive: Hive, as_json: bool, name: str) -> None:
    """Take a checkpoint of an agent, which goes on as it is."""
    agent = find(hive, name)
    progress = Steps(hive.clock)
    with stoppable([progress]), hive.locks.agent(agent.id, purpose="checkpoint"):
        taken = hive.snapshotter.take(agent, CheckpointReason.MANUAL, PERSON, progress)
    if as_json:
        print_json(checkpoint_json(taken, agent.name))
    else:
        click.echo(f"Generation 0 of {agent.name}: {taken.path} ({bytes_in_words(taken.size_bytes)}, verified)")
        for what in lacks(taken):
            click.echo(f"  not in it: {what}")


@command()
@click.argument("target", metavar="[AGENT|ID]", required=False)
def checkpoints(hive: Hive, as_json: bool, target: str | None) -> None:
    """List the checkpoints of an agent, or of all; or tell everything about one, and what is not in it."""
    names = names_by_id(hive)
    single, found = _meant(hive, target)
    copies = hive.database.read(offsite_store.by_checkpoint)
    if single:
        name = names.get(found[0].agent_id, "(forgotten)")
        show_checkpoint(hive, found[0], name, copies.get(found[0].id), as_json=as_json)
        return
    if as_json:
        print_json([checkpoint_json(one, names.get(one.agent_id, one.agent_id), copies.get(one.id)) for one in found])
        return
    if not found:
        click.echo("No checkpoints yet: a nap takes one, and so does `hive-tui checkpoint AGENT`.")
    now = hive.clock.now()
    print_table(
        ["AGENT", "GEN", "AGE", "SIZE", "NEW", "TOOK", "VALID", "PROVEN", "OFF-SITE", "WHY", "ID", "CONTENT"],
        [
            [
                names.get(one.agent_id, "(forgotten)"),
                str(one.generation),
                in_words(now - one.created_at),
                bytes_in_words(one.size_bytes),
                bytes_in_words(one.new_bytes) if one.new_bytes is not None else "-",
                f"{one.took_s:.1f}s" if one.took_s else "-",
                "yes" if one.is_valid else "DAMAGED",
                proven_words(one, now),
                offsite_words(one, copies.get(one.id)) + verified_words(copies.get(one.id), now),
                str(one.reason),
                one.id[:8],
                content(one),
            ]
            for one in found
        ],
    )
    damaged = next((one.id[:8] for one in found if not one.is_valid), "")
    if damaged:
        warn(f"`hive-tui validate {damaged}` says what is wrong with a damaged one, and what to do.")


def _meant(hive: Hive, target: str | None) -> tuple[bool, list[Checkpoint]]:
    """Whether one checkpoint was named, and which ones are meant."""
    if target is None:
        return False, hive.database.read(store.everything)
    try:
        return False, hive.database.read(store.of_agent, find(hive, target).id)
    except NotFound:
        try:
            return True, [hive.database.read(store.get, target)]
        except NotFound:
            pass
        raise


@command()
@click.argument("target", metavar="[ID|AGENT]", required=False)
@click.option("--all", "everything", is_flag=True, help="Every checkpoint of the catalog.")
@click.option("--deep", is_flag=True, help="Also look into transcripts and git bundles.")
def validate(hive: Hive, as_json: bool, target: str | None, everything: bool, deep: bool) -> None:
    """Read checkpoints back and verify every member; exit 1 if one is damaged."""
    single, found = targets(hive, target, everything)
    names = names_by_id(hive)
    errors = {}
    for one in found:
        progress = Steps(hive.clock, f"{names.get(one.agent_id, '(forgotten)')} generation {one.generation}")
        with stoppable([progress]):
            errors[one.id] = hive.validator.check(one, deep=deep, actor=PERSON, progress=progress)
    checked = [hive.database.read(store.get, one.id) for one in found]
    if as_json:
        copies = hive.database.read(offsite_store.by_checkpoint)
        shapes = [checkpoint_json(one, names.get(one.agent_id, one.agent_id), copies.get(one.id)) for one in checked]
        print_json(shapes[0] if single else shapes)
    for one in checked:
        what = f"{names.get(one.agent_id, '(forgotten)')} generation {one.generation} ({one.id[:8]})"
        if not as_json:
            said = "valid" if not errors[one.id] else "cannot be read now" if one.is_valid else "DAMAGED"
            click.echo(f"{what}: {said}")
        for error in errors[one.id]:
            click.echo(f"  {what}: {error}" if as_json else f"  {error}", err=as_json)
        if errors[one.id] and not one.is_valid:
            click.echo(f"Hint: {next_step(one, errors[one.id])}", err=True)
    if any(errors.values()):
        sys.exit(1)


def targets(hive: Hive, target: str | None, everything: bool) -> tuple[bool, list[Checkpoint]]:
    """What a person has named: whether one checkpoint was named, and which ones are meant."""
    if everything:
        return False, hive.database.read(store.everything)
    if target is None:
        raise click.UsageError("Name a checkpoint or an agent, or say --all.")
    try:
        agent = hive.database.read(agent_store.find, target)
    except NotFound as nobody:
        try:
            return True, [hive.database.read(store.get, target)]
        except NotFound:
            what = nobody.what.replace("There is no agent", "There is no agent and no checkpoint")
            raise NotFound(what, hint=nobody.hint) from None
    found = hive.database.read(store.of_agent, agent.id)
    if not found:
        raise NotFound(f"{agent.name} has no checkpoint yet.", hint=f"Take one: `hive-tui checkpoint {agent.name}`.")
    return False, found


def _chosen(hive: Hive, target: str, generation: int | None) -> tuple[Agent, Checkpoint]:
    """Who goes back, and where to: an agent and a generation, or a checkpoint by its id."""
    single, found = targets(hive, target, False)
    agent = hive.database.read(agent_store.get, found[0].agent_id)
    if not single:
        return agent, hive.database.read(store.generation, agent.id, 1 if generation is None else generation)
    if generation is not None:
        raise click.UsageError("A checkpoint's id says which one is meant; leave --generation out.")
    return agent, found[0]


@command()
@click.argument("target", metavar="AGENT|ID")
@click.option("--generation", "-g", type=click.IntRange(min=0), help="Of an agent: 0 is the newest.  [default: 1]")
@click.option("--only", multiple=True, type=click.Choice(PARTS), help="Only this part; more than once for more.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--no-wake", is_flag=True, help="Leave the agent asleep afterwards.")
def restore(
    hive: Hive, as_json: bool, target: str, generation: int | None, only: tuple[str, ...], yes: bool, no_wake: bool
) -> None:
    """Go back to a generation: workspace, conversation and streams, after a safety checkpoint of what is there now.

    Name an agent and a generation, or a checkpoint by the id that the other commands print.
    """
    from hive_tui.services.restore_views import EVERYTHING, Part

    parts = frozenset(map(Part, only)) or EVERYTHING
    agent, wanted = _chosen(hive, target, generation)
    progress = Steps(hive.clock)
    with stoppable([progress]):
        hive.returning.restorer.refuse_early(agent, wanted, PERSON)
        preview = hive.returning.restorer.preview(agent, wanted, progress, parts)
    if not as_json:
        for line in preview.lines():
            click.echo(line)
        if agent.lifecycle is Lifecycle.AWAKE:
            after = "stays asleep" if no_wake else "is woken after it"
            click.echo(f"  {agent.name} is put to sleep for it, which takes a safety checkpoint, and {after}.")
    what = f"{' and '.join(sorted(only))} of {agent.name}" if only else agent.name
    confirm(f"Restore {what} to generation {wanted.generation}?", yes=yes)
    with stoppable([progress]):
        result = hive.returning.restorer.restore(agent, wanted, PERSON, progress, parts, wake=not no_wake)
        woken = None
        if result.wakeup is not None:
            progress.no_way_back("the restore is done, and the wake that follows ends by itself")
            progress.step(f"waking {agent.name}")
            woken = hive.foreground.run([result.wakeup], timeout_s=90)[0]
    if as_json:
        print_json(result.to_json() | {"wakeup_id": woken.id if woken else None})
    else:
        click.echo(result.sentence())
        click.echo(f"To undo it: `hive-tui restore {result.safety.id[:8]}`")
    if woken is not None and woken.status is WakeupStatus.PENDING and woken.attempts == 0:
        warn(f"its wake waits until {woken.scheduled_for.astimezone():%a %d %b %H:%M %Z}: {woken.last_error}")
    elif woken is not None and woken.last_error:
        raise HiveError(f"The restore is done, but the wake failed: {woken.last_error}")


def names_by_id(hive: Hive) -> dict[str, str]:
    """Names of the agents in the registry."""
    return {agent.id: agent.name for agent in hive.database.read(agent_store.everyone)}
