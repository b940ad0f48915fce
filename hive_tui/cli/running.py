"""Commands that keep the hive running: the dashboard, serve, recover, pause, unpause."""

import asyncio
import gc
import os
import signal
import sys

import click

from hive_tui.cli.context import PERSON, command, opened, print_json
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, Severity
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import settings

SWITCH_S = 0.001


def open_dashboard(ctx: click.Context) -> None:
    """The dashboard, with the heartbeat inside."""
    need_terminal()
    # A thread that computes lets the one that draws wait for so long; five times that is Python's own.
    sys.setswitchinterval(SWITCH_S)
    # Until the first screen is drawn all that is made stays: looking for garbage meanwhile only costs time.
    gc.disable()
    with opened(ctx) as hive:
        hive.database  # noqa: B018 - a database that cannot be opened is told before the screen is taken
        from hive_tui.ui.app import HiveApp

        app = HiveApp(hive)
        app.run()
        leave_behind(app.is_busy or app.is_stuck)


def need_terminal() -> None:
    """Refuse to open a dashboard that nobody could see.

    Raises:
        HiveError: Input or output is no terminal.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise HiveError(
            "The dashboard needs a terminal.", hint="Scripts use `hive-tui agents --json`; services `hive-tui serve`."
        )


@command()
def serve(hive: Hive, as_json: bool) -> None:
    """The heartbeat without a screen, until it is stopped by SIGINT or SIGTERM."""
    hive.tmux.check_version()
    hive.hub.subscribe(_print_event)
    leave_behind(asyncio.run(_serve(hive)))


def leave_behind(is_busy: bool) -> None:
    """Do not wait for work that did not end in time: the next start finishes it, or rolls it back."""
    if is_busy:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


async def _serve(hive: Hive) -> bool:
    """Beat until stopped; whether a wake or a step has not ended."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if hive.settings.recover.on_start == "wake":
        await asyncio.to_thread(hive.recovery.recover, PERSON)
    heartbeat = hive.heartbeat(observe_every_s=hive.settings.observer.every_s_without_screen)
    click.echo(f"hive-tui serves {hive.home}; stop it with Ctrl-C.", err=True)
    await heartbeat.run(stop)
    return heartbeat.is_busy or heartbeat.is_stuck


def _print_event(event: Event) -> None:
    mark = "✕ " if event.severity is Severity.FAILURE else ""
    click.echo(f"{mark}{event.text}", err=True)


@command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--no-wake", is_flag=True, help="Build the sessions, but wake nobody.")
@click.option("--timeout", type=click.FloatRange(min=0), default=120.0, show_default=True, help="Seconds to wait.")
def recover(hive: Hive, as_json: bool, dry_run: bool, no_wake: bool, timeout: float) -> None:
    """After a crash of tmux, the machine or hive-tui: build sessions again and wake the agents that ran."""
    plan = hive.recovery.plan() if dry_run else hive.recovery.recover(PERSON, wake=not no_wake)
    woken = hive.foreground.run(plan.wakeups, timeout_s=timeout) if plan.wakeups else []
    failed = [wakeup for wakeup in woken if wakeup.status is not WakeupStatus.COMPLETED]
    names = hive.database.read(agent_store.names)
    if as_json:
        print_json(
            {
                "dry_run": dry_run,
                "finished": list(plan.finished),
                "sessions": list(plan.sessions),
                "agents": [agent.name for agent in plan.agents],
                "blank": [agent.name for agent in plan.blank],
                "woken": [names[one.agent_id] for one in woken if one.status is WakeupStatus.COMPLETED],
                "failed": [{"agent": names[one.agent_id], "error": one.last_error} for one in failed],
                "swept": [str(path) for path in plan.swept],
            }
        )
    else:
        would = "would be " if dry_run else ""
        click.echo("\n".join(plan.finished) or "No operation was interrupted.")
        click.echo(f"Sessions {would}built: {', '.join(plan.sessions) or 'none is missing'}")
        done = [names[one.agent_id] for one in woken if one.status is WakeupStatus.COMPLETED]
        told = [agent.name for agent in plan.agents] if dry_run else done
        click.echo(f"Agents {would}woken: {', '.join(told) or 'none'}")
        if plan.blank:
            blank = ", ".join(agent.name for agent in plan.blank)
            click.echo(f"Not woken, since nothing had been said to them yet: {blank}")
    for one in failed:
        click.echo(f"Error: {names[one.agent_id]}: {one.last_error or 'not awake yet; the wake goes on'}", err=True)
    if failed:
        sys.exit(1)


@command()
def pause(hive: Hive, as_json: bool) -> None:
    """Stop all automatic actions; what you ask for is still done."""
    _set_paused(hive, as_json, True)


@command()
def unpause(hive: Hive, as_json: bool) -> None:
    """Allow automatic actions again."""
    _set_paused(hive, as_json, False)


def _set_paused(hive: Hive, as_json: bool, paused: bool) -> None:
    hive.database.write(settings.put, settings.PAUSED, paused, now=hive.clock.now())
    hive.doorbell.ring()
    if as_json:
        print_json({"paused": paused})
    else:
        click.echo("All automatic actions are paused." if paused else "Automatic actions go on.")
