"""The command queue."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import (
    PERSON,
    CommandGroup,
    as_usage,
    command,
    common_options,
    cut,
    opened,
    print_json,
    print_table,
)
from hive_tui.cli.shapes import wakeup_json
from hive_tui.domain.durations import in_words, parse_duration
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.services import producers
from hive_tui.services.messages import checked
from hive_tui.store import agents as agent_store
from hive_tui.store import queue_lists
from hive_tui.store import stats as stats_store
from hive_tui.store import wakeups as store
from hive_tui.store.queue_lists import Section


@click.group(cls=CommandGroup, invoke_without_command=True)
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def queue(ctx: click.Context, as_json: bool) -> None:
    """The wakeup queue; without a subcommand it is listed."""
    if ctx.invoked_subcommand is None:
        with opened(ctx) as hive:
            _list(hive, as_json, 50, Section.ALL)


PARTS = {**{str(one): one for one in Section}, "processing": Section.RUNNING}


@command("list")
@click.option("--status", type=click.Choice(sorted(PARTS)), default="all", show_default=True, help="Only this part.")
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
def list_(hive: Hive, as_json: bool, status: str, limit: int) -> None:
    """List unfinished wakeups, then finished ones."""
    _list(hive, as_json, limit, PARTS[status])


def _list(hive: Hive, as_json: bool, limit: int, section: Section) -> None:
    names = hive.database.read(agent_store.names)
    found = hive.database.read(queue_lists.listed, section, now=hive.clock.now(), limit=limit)
    if as_json:
        print_json(
            [
                wakeup_json(one, names.get(one.agent_id, one.agent_id), hive.database.read(store.attempts_of, one.id))
                for one in found
            ]
        )
        return
    if not found:
        click.echo("The queue is empty." if section is Section.ALL else f"Nothing in the queue is {section}.")
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
        names[one.agent_id],
        str(one.action),
        str(one.trigger),
        str(one.priority),
        str(one.status),
        due,
        f"{one.attempts}/{one.max_attempts}",
        cut(f"{_error_class(hive, one)}{one.last_error or ''}", 90),
    ]


def _error_class(hive: Hive, one: Wakeup) -> str:
    """Why nothing more is tried, where it is not for the number of attempts."""
    if one.status is not WakeupStatus.FAILED:
        return ""
    last = hive.database.read(store.attempts_of, one.id)[-1:]
    kind = last[0].error_class if last else None
    return "" if kind is None or kind.is_retried else f"{kind}: "


@command("add")
@click.argument("name", metavar="AGENT")
@click.option("--in", "after", metavar="DURATION", default="0s", show_default=True)
@click.option("--priority", type=click.IntRange(0, 100))
@click.option("--key", help="Idempotency key: the same key again is the same request, while that is unfinished.")
@click.option("--key-window", metavar="DURATION", help="And for so long after it was asked for.")
@click.option("--message", help="What to say to the agent once it is awake.")
def add(
    hive: Hive,
    as_json: bool,
    name: str,
    after: str,
    priority: int | None,
    key: str | None,
    key_window: str | None,
    message: str | None,
) -> None:
    """Put a wake into the queue and return at once."""
    agent = find(hive, name)
    new = producers.manual(
        agent.id,
        hive.clock.now() + _span(after),
        message=checked(message) if message else None,
        key=key,
        key_window=window_of(key, key_window),
        priority=priority,
        max_attempts=hive.retry_policy.max_attempts,
    )
    enqueued = hive.queue.enqueue(new, PERSON)
    _show(hive, as_json, enqueued.wakeup, "is in the queue" + (f" ({enqueued.note})" if enqueued.note else ""))


def window_of(key: str | None, said: str | None) -> timedelta | None:
    """The window of an idempotency key.

    Raises:
        click.UsageError: There is a window and no key.
    """
    if said is not None and key is None:
        raise click.UsageError("--key-window needs --key.")
    return _span(said) if said else None


def _span(said: str) -> timedelta:
    with as_usage():
        return parse_duration(said)


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
    hive.queue.postpone(found, hive.clock.now() + _span(duration), PERSON)
    _show(hive, as_json, found, f"is due in {duration}")


@command("priority")
@click.argument("wakeup_id", metavar="ID")
@click.argument("priority", type=click.IntRange(0, 100))
def priority_(hive: Hive, as_json: bool, wakeup_id: str, priority: int) -> None:
    """Give a pending wakeup another priority, 0 to 100; higher goes first."""
    found = hive.database.read(store.get, wakeup_id)
    hive.queue.set_priority(found, priority, PERSON)
    _show(hive, as_json, found, f"has priority {priority}")


@command("purge")
@click.option("--older-than", metavar="DURATION", help="Since it ended; else as `queue.keep_days` says.")
@click.option("--dry-run", is_flag=True, help="Only say how many it would be.")
def purge(hive: Hive, as_json: bool, older_than: str | None, dry_run: bool) -> None:
    """Remove wakeups that ended long ago, with their attempts; never one that is unfinished."""
    days = hive.settings.queue.keep_days
    if older_than is None and days == 0:
        raise click.UsageError("The settings keep wakeups for ever (queue.keep_days is 0): say --older-than.")
    age = _span(older_than) if older_than else timedelta(days=days)
    count = hive.queue.old(age) if dry_run else hive.queue.purge(age)
    if as_json:
        print_json({"removed": 0 if dry_run else count, "would_remove": count if dry_run else 0})
        return
    would = "would be" if dry_run else "were" if count != 1 else "was"
    click.echo(f"{count} wakeup{'' if count == 1 else 's'} {would} removed.")


@command("stats")
@click.option("--days", type=click.IntRange(1, 3650), default=7, show_default=True, help="So many days, today last.")
def stats(hive: Hive, as_json: bool, days: int) -> None:
    """Count what is in the queue, and what became of the wakeups of each day (UTC)."""
    first = hive.clock.now().date() - timedelta(days=days - 1)
    now = hive.database.read(stats_store.by_status)
    counts = hive.database.read(stats_store.since, first)
    if as_json:
        due = hive.database.read(store.next_due_at)
        shown = [{"day": one.day, "trigger": one.trigger, "what": one.what, "count": one.count} for one in counts]
        print_json({"now": {str(one): now.get(one, 0) for one in WakeupStatus}, "next_due_at": due, "days": shown})
        return
    click.echo("now: " + ", ".join(f"{now.get(one, 0)} {one}" for one in WakeupStatus))
    days_and_triggers: dict[tuple[date, str], dict[str, int]] = {}
    for one in counts:
        days_and_triggers.setdefault((one.day, one.trigger), {})[one.what] = one.count
    print_table(
        ["DAY", "BY", *(column.upper() for column in stats_store.COLUMNS)],
        [_stats_row(key, found) for key, found in days_and_triggers.items()],
    )


def _stats_row(key: tuple[date, str], found: Mapping[str, int]) -> list[str]:
    return [str(key[0]), key[1], *(str(found.get(column, 0)) for column in stats_store.COLUMNS)]


def _show(hive: Hive, as_json: bool, wakeup: Wakeup, words: str) -> None:
    now: Wakeup = hive.database.read(store.get, wakeup.id)
    agent: Any = hive.database.read(agent_store.get, now.agent_id)
    if as_json:
        print_json(wakeup_json(now, agent.name, hive.database.read(store.attempts_of, now.id)))
    else:
        click.echo(f"The {now.action} {now.id[:8]} of {agent.name} {words}.")


for subcommand in (list_, add, cancel, retry, postpone, priority_, stats, purge):
    queue.add_command(subcommand)
