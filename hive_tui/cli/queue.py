"""The command queue."""

from typing import Any

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import PERSON, command, common_options, opened, print_json, print_table
from hive_tui.cli.shapes import wakeup_json
from hive_tui.domain.durations import in_words, parse_duration
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.services import producers
from hive_tui.store import agents as agent_store
from hive_tui.store import wakeups as store


@click.group(invoke_without_command=True)
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def queue(ctx: click.Context, as_json: bool) -> None:
    """The wakeup queue; without a subcommand it is listed."""
    if ctx.invoked_subcommand is None:
        with opened(ctx) as hive:
            _list(hive, as_json, 50)


@command("list")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
def list_(hive: Hive, as_json: bool, limit: int) -> None:
    """List unfinished wakeups, then finished ones."""
    _list(hive, as_json, limit)


def _list(hive: Hive, as_json: bool, limit: int) -> None:
    names = {agent.id: agent.name for agent in hive.database.read(agent_store.everyone)}
    found = hive.database.read(store.recent, limit=limit)
    if as_json:
        print_json(
            [
                wakeup_json(one, names.get(one.agent_id, one.agent_id), hive.database.read(store.attempts_of, one.id))
                for one in found
            ]
        )
        return
    if not found:
        click.echo("The queue is empty.")
    print_table(
        ["ID", "AGENT", "ACTION", "BY", "PRIO", "STATUS", "DUE", "TRIES", "LAST ERROR"],
        [_row(hive, one, names) for one in found],
    )


def _row(hive: Hive, one: Wakeup, names: dict[str, str]) -> list[str]:
    now = hive.clock.now()
    if one.status is WakeupStatus.PENDING:
        due = "now" if one.scheduled_for <= now else f"in {in_words(one.scheduled_for - now)}"
    else:
        due = f"{in_words(now - (one.finished_at or one.started_at or one.created_at))} ago"
    return [
        one.id[:8],
        names.get(one.agent_id, "(forgotten)"),
        str(one.action),
        str(one.trigger),
        str(one.priority),
        str(one.status),
        due,
        f"{one.attempts}/{one.max_attempts}",
        (one.last_error or "")[:80],
    ]


@command("add")
@click.argument("name", metavar="AGENT")
@click.option("--in", "after", metavar="DURATION", default="0s", show_default=True)
@click.option("--priority", type=click.IntRange(0, 100))
@click.option("--key", help="Idempotency key.")
def add(hive: Hive, as_json: bool, name: str, after: str, priority: int | None, key: str | None) -> None:
    """Put a wake into the queue and return at once."""
    agent = find(hive, name)
    due_at, attempts = hive.clock.now() + parse_duration(after), hive.retry_policy.max_attempts
    new = producers.manual(agent.id, due_at, key=key, priority=priority, max_attempts=attempts)
    _show(hive, as_json, hive.queue.enqueue(new, PERSON).wakeup, "is in the queue")


@command("cancel")
@click.argument("wakeup_id", metavar="ID")
def cancel(hive: Hive, as_json: bool, wakeup_id: str) -> None:
    """Cancel a pending wakeup for good."""
    found = hive.database.read(store.get, wakeup_id)
    hive.queue.cancel(found, PERSON)
    _show(hive, as_json, found, "is cancelled")


@command("retry")
@click.argument("wakeup_id", metavar="ID")
def retry(hive: Hive, as_json: bool, wakeup_id: str) -> None:
    """Make a pending or failed wakeup due now."""
    found = hive.database.read(store.get, wakeup_id)
    hive.queue.retry(found, PERSON)
    _show(hive, as_json, found, "is due now")


@command("postpone")
@click.argument("wakeup_id", metavar="ID")
@click.argument("duration")
def postpone(hive: Hive, as_json: bool, wakeup_id: str, duration: str) -> None:
    """Move a pending wakeup so far into the future, from now on."""
    found = hive.database.read(store.get, wakeup_id)
    hive.queue.postpone(found, hive.clock.now() + parse_duration(duration))
    _show(hive, as_json, found, f"is due in {duration}")


def _show(hive: Hive, as_json: bool, wakeup: Wakeup, words: str) -> None:
    now: Wakeup = hive.database.read(store.get, wakeup.id)
    agent: Any = hive.database.read(agent_store.get, now.agent_id)
    if as_json:
        print_json(wakeup_json(now, agent.name, hive.database.read(store.attempts_of, now.id)))
    else:
        click.echo(f"The wake {now.id[:8]} of {agent.name} {words}.")


for subcommand in (list_, add, cancel, retry, postpone):
    queue.add_command(subcommand)
