"""The command alerts: what was told, how it was delivered, a test, and saying that it was seen."""

import sys

import click

from hive_tui.cli.context import CommandGroup, command, common_options, opened, print_json, print_table
from hive_tui.domain.durations import counted
from hive_tui.hive import Hive


@click.group(cls=CommandGroup, invoke_without_command=True)
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def alerts(ctx: click.Context, as_json: bool) -> None:
    """What you were told of, by which channel, and how it was delivered."""
    if ctx.invoked_subcommand is None:
        with opened(ctx) as hive:
            _list(hive, as_json, 30)


@command("list")
@click.option("--limit", type=click.IntRange(1, 1000), default=30, show_default=True, help="So many at most.")
def list_(hive: Hive, as_json: bool, limit: int) -> None:
    """List the newest alerts, the newest first."""
    _list(hive, as_json, limit)


def _list(hive: Hive, as_json: bool, limit: int) -> None:
    from hive_tui.services.alert_views import delivery_text, to_json
    from hive_tui.store import alerts as outbox

    found = hive.database.read(outbox.recent, limit=limit)
    if as_json:
        print_json([to_json(one) for one in found])
        return
    if not found:
        click.echo("There were no alerts yet; `hive-tui alerts test` tries the ways that they take.")
    rows = [
        [f"{one.message.at:%Y-%m-%d %H:%M:%S}", one.message.agent or "-", one.message.body, delivery_text(one)]
        for one in found
    ]
    print_table(["AT (UTC)", "AGENT", "WHAT", "DELIVERY"], rows)


@command("test")
def test_(hive: Hive, as_json: bool) -> None:
    """Send a test by every channel, and say how each took it; exit code 1 if none did."""
    tested = hive.alerting.alerts.test()
    if as_json:
        channels = ["desktop", *(one.name for one in hive.alerting.channels)]
        print_json({"channels": channels, "delivered": tested.is_delivered, "said": tested.said})
    else:
        click.echo(tested.said)
    if not tested.is_delivered:
        click.echo("Error: The test has reached nobody; alerts would not, either.", err=True)
        click.echo("Hint: Name a way that works here: `hive-tui config set alerts.ntfy ADDRESS`.", err=True)
        sys.exit(1)


@command("ack")
@click.argument("numbers", metavar="[EVENT]...", type=int, nargs=-1)
def ack(hive: Hive, as_json: bool, numbers: tuple[int, ...]) -> None:
    """Say that you have seen alerts (all, or those about events with these numbers): they do not escalate."""
    from hive_tui.store import alerts as outbox

    count = hive.database.write(outbox.acknowledge, numbers or None, now=hive.clock.now())
    if as_json:
        print_json({"acknowledged": count})
    else:
        click.echo(f"{counted(count, 'alert')} acknowledged.")


for added in (list_, test_, ack):
    alerts.add_command(added)
