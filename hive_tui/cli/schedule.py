"""The command schedule."""

from datetime import datetime
from typing import Any

import click
from msgspec import structs

from hive_tui.cli.agents import find
from hive_tui.cli.context import (
    PERSON,
    as_usage,
    command,
    listing,
    print_json,
    print_table,
)
from hive_tui.domain.durations import in_words
from hive_tui.domain.schedule import SleepWindow
from hive_tui.domain.windows import checked_window, described
from hive_tui.hive import Hive
from hive_tui.services.schedule import WindowView


@listing("schedule", "Daily sleep windows: agents nap at the start and are woken at the end.")
def schedule(hive: Hive, as_json: bool) -> None:
    """List all windows with what comes next and what was missed."""
    view = hive.schedule.view()
    if as_json:
        print_json([window_json(one) for one in view.windows])
        return
    if not view.windows:
        click.echo("There are no sleep windows; `hive-tui schedule add --all --start 02:00 --end 04:00` adds one.")
    print_table(
        ["ID", "AGENT", "FROM", "TO", "ZONE", "STATE", "NEXT NAP", "NEXT WAKE", "LAST"],
        [_row(one, view.at) for one in view.windows],
    )


def _row(one: WindowView, now: datetime) -> list[str]:
    window = one.window
    state = "open" if one.is_open else "on" if window.active else "off"
    coming = [f"in {in_words(at - now)}" if at else "-" for at in (one.next_nap_at, one.next_wake_at)]
    last = f"{one.last.edge} {one.last.date} {one.last.outcome}" if one.last else "-"
    return [
        window.id[:8],
        one.agent_name,
        window.start_time,
        window.end_time,
        window.timezone,
        state,
        *coming,
        last,
    ]


def window_json(one: WindowView) -> dict[str, Any]:
    """One sleep window; fields may grow and never change."""
    window = one.window
    return {
        "id": window.id,
        "agent": None if window.agent_id is None else one.agent_name,
        "start_time": window.start_time,
        "end_time": window.end_time,
        "timezone": window.timezone,
        "active": window.active,
        "is_open": one.is_open,
        "next_nap_at": one.next_nap_at,
        "next_wake_at": one.next_wake_at,
        "ticks": [
            {
                "edge": tick.edge,
                "date": tick.date.isoformat(),
                "due_at": tick.due_at,
                "ticked_at": tick.ticked_at,
                "outcome": tick.outcome,
                "agents": tick.agents,
            }
            for tick in one.ticks
        ],
    }


@command("add")
@click.option("--agent", "name", metavar="NAME", help="Whose window it is.")
@click.option("--all", "for_all", is_flag=True, help="For all agents, also later ones.")
@click.option("--start", default="02:00", show_default=True, metavar="HH:MM", help="When they nap.")
@click.option("--end", default="04:00", show_default=True, metavar="HH:MM", help="When they are woken.")
@click.option("--zone", default="UTC", show_default=True, metavar="ZONE", help="Like Europe/Berlin.")
@click.option("--enable", "active", is_flag=True, help="Begin with the next start; else it is off until `enable`.")
def add(
    hive: Hive, as_json: bool, name: str | None, for_all: bool, start: str, end: str, zone: str, active: bool
) -> None:
    """Add a sleep window. An end before the start means the next morning."""
    with as_usage():
        wanted = checked_window(SleepWindow("", None, start, end, zone, active))
    new = hive.schedule.add(structs.replace(wanted, agent_id=_whose(hive, name, for_all)), PERSON)
    hint = "" if active else f"; `hive-tui schedule enable {new.id[:8]}` switches it on"
    _show(hive, as_json, new, f"was added{hint}")


@command("edit")
@click.argument("window_id", metavar="ID")
@click.option("--agent", "name", metavar="NAME", help="Whose window it is from now on.")
@click.option("--all", "for_all", is_flag=True, help="For all agents from now on.")
@click.option("--start", metavar="HH:MM")
@click.option("--end", metavar="HH:MM")
@click.option("--zone", metavar="ZONE")
def edit(
    hive: Hive,
    as_json: bool,
    window_id: str,
    name: str | None,
    for_all: bool,
    start: str | None,
    end: str | None,
    zone: str | None,
) -> None:
    """Change a sleep window; what is not named stays."""
    old = hive.schedule.get(window_id).window
    wanted = structs.replace(
        old,
        agent_id=_whose(hive, name, for_all) if name or for_all else old.agent_id,
        start_time=start or old.start_time,
        end_time=end or old.end_time,
        timezone=zone or old.timezone,
    )
    with as_usage():
        wanted = checked_window(wanted)
    _show(hive, as_json, hive.schedule.edit(old.id, wanted, PERSON), "was changed")


@command("enable")
@click.argument("window_id", metavar="ID")
def enable(hive: Hive, as_json: bool, window_id: str) -> None:
    """Switch a sleep window on, from its next start on."""
    _show(hive, as_json, hive.schedule.enable(window_id, True, PERSON), "is on")


@command("disable")
@click.argument("window_id", metavar="ID")
def disable(hive: Hive, as_json: bool, window_id: str) -> None:
    """Switch a sleep window off; agents that sleep by it now are woken."""
    _show(hive, as_json, hive.schedule.enable(window_id, False, PERSON), "is off")


@command("remove")
@click.argument("window_id", metavar="ID")
def remove(hive: Hive, as_json: bool, window_id: str) -> None:
    """Remove a sleep window; agents that sleep by it now are woken."""
    before = hive.schedule.get(window_id)
    hive.schedule.remove(before.window.id, PERSON)
    if as_json:
        print_json(window_json(before))
    else:
        click.echo(f"The sleep window {before.window.id[:8]} ({described(before.window)}) was removed.")


def _whose(hive: Hive, name: str | None, for_all: bool) -> str | None:
    if for_all == bool(name):
        raise click.UsageError("Name one agent with --agent NAME, or all with --all.")
    return find(hive, name).id if name else None


def _show(hive: Hive, as_json: bool, window: SleepWindow, words: str) -> None:
    now = hive.schedule.get(window.id)
    if as_json:
        print_json(window_json(now))
        return
    click.echo(f"The sleep window {window.id[:8]} ({described(window)}, {now.agent_name}) {words}.")
    if now.next_nap_at is not None:
        click.echo(f"Next nap {now.next_nap_at.astimezone():%a %d %b %H:%M %Z}.")
        if not hive.heartbeat_lock.is_held():
            click.echo("No heartbeat runs now: keep the dashboard or `hive-tui serve` open for it.")


for subcommand in (add, edit, enable, disable, remove):
    schedule.add_command(subcommand)
