"""Commands drill and offsite."""

import sys

import click

from hive_tui.cli.checkpoints import names_by_id, targets
from hive_tui.cli.context import PERSON, command, print_json, print_table, warn
from hive_tui.cli.progress import Steps, stoppable
from hive_tui.cli.shapes import offsite_json
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.errors import HiveError
from hive_tui.domain.offsite import OffsiteCopy
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints as store
from hive_tui.store import offsite as offsite_store


@command()
@click.argument("target", metavar="[AGENT|ID]", required=False)
def drill(hive: Hive, as_json: bool, target: str | None) -> None:
    """Restore the newest checkpoint into a scratch folder and compare it; exit 1 if that fails.

    Without a name, the newest one of every agent. Nothing of the agent's is touched.
    """
    if target is None:
        newest = hive.database.read(store.newest_by_agent)
        wanted = [newest[agent.id] for agent in hive.database.read(agent_store.everyone) if agent.id in newest]
    else:
        wanted = targets(hive, target, False)[1][:1]
    names = names_by_id(hive)
    progress = Steps(hive.clock)
    results = []
    for one in wanted:
        with stoppable([progress]):
            results.append(hive.keeping.drills.prove(one, PERSON, progress))
        name = names.get(one.agent_id, "(forgotten)")
        said = "proven" if results[-1].is_proven else "FAILED"
        if not as_json:
            click.echo(f"{name} generation {one.generation}: {said}, {results[-1].note} ({results[-1].took_s:.1f} s)")
    if as_json:
        print_json([one.to_json() | {"agent": names.get(one.checkpoint.agent_id)} for one in results])
    elif not results:
        click.echo("There is no checkpoint yet.")
    if not all(one.is_proven for one in results):
        sys.exit(1)


@command()
@click.option("--sync", is_flag=True, help="Copy what is not there yet, now.")
@click.option("--verify", is_flag=True, help="Read every copy there again, now, and send again what is bad.")
@click.option("--adopt", is_flag=True, help="Take what is mounted there now for the second place.")
def offsite(hive: Hive, as_json: bool, sync: bool, verify: bool, adopt: bool) -> None:
    """The copies of checkpoints in the second place; exit 1 if it fails."""
    if not hive.keeping.offsite.destination:
        raise HiveError("No second place is set.", hint="Name a folder or s3://BUCKET in [offsite] destination.")
    if adopt:
        hive.keeping.offsite.adopt()
    if verify:
        hive.keeping.offsite.verify_now()
    if sync or verify:
        progress = Steps(hive.clock)
        hive.keeping.offsite.retry_now()
        with stoppable([progress]):
            if not hive.keeping.offsite.work(progress):
                hive.keeping.offsite.look()  # all may be there already, and the place away since
    elif not adopt:
        hive.keeping.offsite.has_work()
    copies = sorted(hive.database.read(offsite_store.by_checkpoint).values(), key=lambda one: one.name)
    state = hive.keeping.offsite.state()
    if as_json:
        print_json(
            {
                "destination": hive.keeping.offsite.destination,
                "failures": state.failures,
                "next_try_at": state.next_try_at,
                "error": state.error or None,
                "copies": [offsite_json(one) for one in copies],
            }
        )
    else:
        _show(hive, copies)
    if state.failures:
        warn(state.error)
        sys.exit(1)
    if any(one.error for one in copies):
        sys.exit(1)


def _show(hive: Hive, copies: list[OffsiteCopy]) -> None:
    now = hive.clock.now()
    click.echo(
        f"{hive.keeping.offsite.destination}: {sum(one.is_good for one in copies)} of {len(copies)} verified there"
    )
    print_table(
        ["STATE", "SIZE", "VERIFIED", "TRIES", "NAME", "ERROR"],
        [
            [
                str(one.state),
                bytes_in_words(one.size_bytes) if one.size_bytes is not None else "-",
                f"{in_words(now - one.verified_at)} ago" if one.verified_at else "-",
                str(one.attempts),
                one.name,
                (one.error or "")[:100],
            ]
            for one in copies
        ],
    )
