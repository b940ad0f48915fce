"""Commands that keep the hive running: serve, recover, pause, unpause."""

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress

import click

from hive_tui.cli.context import PERSON, as_usage, command, print_json
from hive_tui.cli.dashboard import leave_behind
from hive_tui.cli.progress import Steps, stoppable
from hive_tui.domain.addresses import DEFAULT_ADDRESS, parse_address
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import Cancelled
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import settings

HTTP_HELP = f"Answer programs by HTTP, at 127.0.0.1:PORT, [::1]:PORT or unix:PATH.  [default: {DEFAULT_ADDRESS}]"


@command()
@click.option("--http", is_flag=False, flag_value=DEFAULT_ADDRESS, metavar="[ADDRESS]", help=HTTP_HELP)
def serve(hive: Hive, as_json: bool, http: str | None) -> None:
    """The heartbeat without a screen, until it is stopped by SIGINT or SIGTERM."""
    if http is not None:
        with as_usage():
            parse_address(http)
    hive.tmux.check_version()
    hive.hub.subscribe(hive.unattended.keep)
    asyncio.run(_serve(hive, http))


async def _serve(hive: Hive, http: str | None) -> None:
    """Beat until stopped. What has not ended by then is left here: the end of the loop would wait for it."""
    from hive_tui.assembly.beating import new_heartbeat
    from hive_tui.cli.http import answering
    from hive_tui.services.serving import stop_on_signals

    stop = asyncio.Event()
    service = hive.unattended.service
    stop_on_signals(stop.set)
    if hive.settings.recover.on_start == "wake":
        await asyncio.to_thread(hive.returning.recovery.recover, PERSON)
    heartbeat = new_heartbeat(hive, observe_every_s=hive.settings.observer.every_s_without_screen, is_seen=False)
    click.echo(f"hive-tui serves {hive.home}; stop it with Ctrl-C.", err=True)
    if hive.heartbeat_lock.is_held():
        pid = hive.heartbeat_lock.holder().get("pid", "?")
        click.echo(f"Process {pid} has the heartbeat; this one stands by, and takes over when that ends.", err=True)
    async with answering(hive, http, stop) as server:
        is_left = await service.run(heartbeat, stop)
    leave_behind(is_left or (server is not None and server.is_busy))


@command()
@click.option("--dry-run", is_flag=True, help="Only show what would be done.")
@click.option("--no-wake", is_flag=True, help="Build the sessions, but wake nobody.")
@click.option("--timeout", type=click.FloatRange(min=0), default=120.0, show_default=True, help="Seconds to wait.")
def recover(hive: Hive, as_json: bool, dry_run: bool, no_wake: bool, timeout: float) -> None:
    """After a crash of tmux, the machine or hive-tui: build sessions again and wake the agents that ran."""
    recovery, names = hive.returning.recovery, hive.database.read(agent_store.names)
    progress = Steps(hive.clock)
    with stoppable([progress]):
        plan = recovery.plan() if dry_run else recovery.recover(PERSON, wake=not no_wake, progress=progress)
        woken, off = _wake(hive, plan.wakeups, timeout, progress) if plan.wakeups else ([], [])
    left = [*plan.left, *(f"waking {names[one.agent_id]}" for one in off)]
    failed = [wakeup for wakeup in woken if wakeup.status is not WakeupStatus.COMPLETED]
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
                "left": left,
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
            click.echo(f"Not woken, since no conversation of theirs is known: {blank}")
    for one in failed:
        click.echo(f"Error: {names[one.agent_id]}: {one.last_error or 'not awake yet; the wake goes on'}", err=True)
    if left:
        click.echo(f"Stopped, as you asked, before {', '.join(left)}. `hive-tui recover` does the rest.", err=True)
    if failed or left:
        sys.exit(1)


def _wake(hive: Hive, asked: Sequence[Wakeup], timeout_s: float, progress: Steps) -> tuple[list[Wakeup], list[Wakeup]]:
    """The wakes that were begun, and those that a stop has called off."""
    with suppress(Cancelled):  # then none is begun
        progress.step(f"waking {counted(len(asked), 'agent')}")
    woken = hive.foreground.run(asked, timeout_s=timeout_s, progress=progress)
    if not progress.cancelled.is_set():
        return woken, []
    not_begun = [one for one in woken if one.status is WakeupStatus.PENDING and not one.attempts]
    off = hive.returning.recovery.call_off(not_begun, PERSON)
    return [one for one in woken if one not in off], off


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
