"""The command of timers, cron and CronJobs: one pass of gate and queue, then the end."""

import sys

import click

from hive_tui.cli.context import command, print_json, warn
from hive_tui.cli.shapes import wakeup_json
from hive_tui.domain.durations import counted
from hive_tui.domain.wakeups import Wakeup
from hive_tui.hive import Hive
from hive_tui.services.gate_pass import Pass
from hive_tui.store import agents as agent_store
from hive_tui.store import settings


@command()
@click.option(
    "--timeout",
    type=click.FloatRange(min=0),
    default=300.0,
    show_default=True,
    help="Seconds after which nothing new is begun.",
)
def wakeup_gate(hive: Hive, as_json: bool, timeout: float) -> None:
    """One pass of gate and queue, then exit: for systemd timers, cron and CronJobs.

    It takes what waits in Redis and what windows and routines have made due, and waits for what is due within seconds.
    Where a dashboard or `hive-tui serve` runs, that is asked to look at the queue at once, and nothing is done here;
    of several passes at once, one works at a time. Exit code 0: done, handed over, or nothing to do. 1: a wake or nap
    failed (it stays in the queue if it is to be tried again), or something could not be done.
    """
    hive.hub.subscribe(hive.unattended.keep)
    done = hive.unattended.gate_pass.run(timeout_s=timeout)
    names = hive.database.read(agent_store.names)
    is_paused = bool(hive.database.read(settings.get, settings.PAUSED, False))
    if as_json:
        print_json(
            {
                "handed_over_to": done.handed_to,
                "paused": is_paused,
                "wakeups": [wakeup_json(one, names.get(one.agent_id, "")) for one in done.wakeups],
                "troubles": dict(done.troubles),
                "next_due_at": done.next_due_at,
            }
        )
    else:
        click.echo(_sentence(done, [names.get(one.agent_id, one.agent_id) for one in done.wakeups]))
        warn("All automatic actions are paused; `hive-tui unpause` allows them." if is_paused else "")
    _tell_failures(done, names)
    if done.failed or done.troubles:
        sys.exit(1)


def _sentence(done: Pass, tried: list[str]) -> str:
    if done.handed_to is not None:
        return f"Process {done.handed_to} has the heartbeat, and was asked to look at the queue."
    what = f"{counted(len(tried), 'wakeup')} tried ({', '.join(tried)})" if tried else "Nothing is due"
    return f"{what}; the next is due at {done.next_due_at:%Y-%m-%d %H:%M:%S} UTC." if done.next_due_at else f"{what}."


def _tell_failures(done: Pass, names: dict[str, str]) -> None:
    for one in done.failed:
        click.echo(f"Error: {_name(one, names)}: {one.last_error}", err=True)
    for step, said in done.troubles.items():
        click.echo(f"Error: could not {step}: {said}", err=True)


def _name(wakeup: Wakeup, names: dict[str, str]) -> str:
    return names.get(wakeup.agent_id, wakeup.agent_id)
