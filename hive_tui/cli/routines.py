"""Command routine: what agents do, or are woken for, again and again."""

from datetime import datetime
from typing import Any

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import (
    PERSON,
    as_usage,
    command,
    listing,
    print_json,
    print_table,
    warn,
)
from hive_tui.domain.durations import in_words
from hive_tui.domain.routines import Routine, checked_every
from hive_tui.domain.schedule import parse_backfill
from hive_tui.hive import Hive
from hive_tui.services.routines import RoutineView


@listing("routine", "What agents do, or are woken for, again and again; without a subcommand it is listed.")
def routine(hive: Hive, as_json: bool) -> None:
    """List all routines with what comes next and what was missed."""
    found = hive.recurring.routines.view()
    if as_json:
        print_json([routine_json(one) for one in found])
        return
    if not found:
        click.echo(
            'There are no routines; `hive-tui task add --goal "..." --every "daily 09:00" --assign AGENT` adds one.'
        )
    now = hive.clock.now()
    print_table(
        ["ID", "NAME", "AGENT", "EVERY", "STATE", "NEXT", "LAST", "OPEN TASKS"], [_row(one, now) for one in found]
    )


def _row(one: RoutineView, now: datetime) -> list[str]:
    return [
        one.routine.id[:8],
        one.routine.name,
        one.agent_name,
        one.routine.every,
        "on" if one.routine.active else "off",
        f"in {in_words(one.next_at - now)}" if one.next_at else "-",
        f"{one.last.outcome} {one.last.due_at.astimezone():%a %d %b %H:%M}" if one.last else "-",
        str(one.open_tasks) if one.routine.goal else "-",
    ]


def routine_json(one: RoutineView) -> dict[str, Any]:
    """One routine; fields may grow and never change."""
    routine = one.routine
    return {
        "id": routine.id,
        "name": routine.name,
        "agent": one.agent_name,
        "every": routine.every,
        "goal": routine.goal,
        "title": routine.title,
        "parent_id": routine.parent_id,
        "message": routine.message,
        "backfill": routine.backfill,
        "active": routine.active,
        "next_at": one.next_at,
        "open_tasks": one.open_tasks,
        "runs": [
            {
                "due_at": run.due_at,
                "ran_at": run.ran_at,
                "outcome": run.outcome,
                "why": run.why or None,
                "task_id": run.task_id,
                "wakeup_id": run.wakeup_id,
            }
            for run in one.runs
        ],
    }


@command("add")
@click.option("--agent", "agent_name", metavar="AGENT", required=True, help="Who is to do it.")
@click.option("--every", required=True, metavar="WHEN", help='"daily 09:00 [ZONE]", 4h, or a line of cron.')
@click.option("--goal", help="What is wanted each time: makes a task. Without it the agent is only woken.")
@click.option("--name", help="What it is called; else the title, or what it does.")
@click.option("--title", help="Of its tasks; else the first line of the goal.")
@click.option("--parent", metavar="ID", help="The goal of which its tasks are parts.")
@click.option("--message", help="What the agent is told by a routine without a goal.")
@click.option("--backfill", default="once", show_default=True, metavar="HOW", help="Missed runs: skip, once or all(7).")
def add(
    hive: Hive,
    as_json: bool,
    agent_name: str,
    every: str,
    goal: str | None,
    name: str | None,
    title: str | None,
    parent: str | None,
    message: str | None,
    backfill: str,
) -> None:
    """Add a routine, which is on from now."""
    if goal is not None and message is not None:
        raise click.UsageError("Name a --goal or a --message, not both.")
    check_rhythm(every, backfill)
    new = hive.recurring.routines.add(
        every,
        find(hive, agent_name),
        PERSON,
        goal=goal,
        name=name,
        title=title,
        parent_id=parent,
        message=message,
        backfill=backfill,
    )
    tell(hive, as_json, new, "was added")


@command("enable")
@click.argument("named", metavar="ID|NAME")
def enable(hive: Hive, as_json: bool, named: str) -> None:
    """Switch a routine on, from its next run on."""
    tell(hive, as_json, hive.recurring.routines.enable(named, True, PERSON), "is on")


@command("disable")
@click.argument("named", metavar="ID|NAME")
def disable(hive: Hive, as_json: bool, named: str) -> None:
    """Switch a routine off."""
    tell(hive, as_json, hive.recurring.routines.enable(named, False, PERSON), "is off")


@command("remove")
@click.argument("named", metavar="ID|NAME")
def remove(hive: Hive, as_json: bool, named: str) -> None:
    """Remove a routine; the tasks that it has made stay."""
    before = hive.recurring.routines.get(named)
    hive.recurring.routines.remove(before.routine.id, PERSON)
    if as_json:
        print_json(routine_json(before))
    else:
        click.echo(f"The routine {before.routine.name} ({before.routine.id[:8]}) was removed; its tasks stay.")


def check_rhythm(every: str, backfill: str = "once") -> None:
    """Refuse words that do not say how often, or what becomes of missed runs, as a mistake in the command line."""
    with as_usage():
        checked_every(every, "UTC")
        parse_backfill(backfill)


def tell(hive: Hive, as_json: bool, one: Routine, words: str) -> None:
    """Say what became of a routine."""
    now = hive.recurring.routines.get(one.id)
    if as_json:
        print_json(routine_json(now))
        return
    click.echo(f"The routine {one.name} ({one.id[:8]}, {now.agent_name}, {one.every}) {words}.")
    if now.next_at is not None:
        click.echo(f"Next on {now.next_at.astimezone():%a %d %b %H:%M %Z}.")
        if not hive.heartbeat_lock.is_held():
            warn("no heartbeat runs now; keep hive-tui open, or run `hive-tui serve`.")


for subcommand in (add, enable, disable, remove):
    routine.add_command(subcommand)
