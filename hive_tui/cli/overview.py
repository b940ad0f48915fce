"""Commands that look: status, explain, doctor."""

import sys
from collections.abc import Sequence
from pathlib import Path
from shutil import get_terminal_size
from textwrap import wrap
from typing import Any

import click

from hive_tui.cli.agents import count_tokens, find
from hive_tui.cli.context import PERSON, command, print_json, warn
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.durations import bytes_in_words
from hive_tui.domain.usage import Tokens, count_in_words
from hive_tui.hive import Hive
from hive_tui.services.doctor import Finding
from hive_tui.store import settings, wakeups


@command()
@click.option("--tmux", is_flag=True, help="One line for the status line of tmux, fast: as the heartbeat saw it last.")
@click.option("--width", type=click.IntRange(1, 1000), default=60, show_default=True, help="Columns of that line.")
def status(hive: Hive, as_json: bool, tmux: bool, width: int) -> None:
    """What the hive is like, in a few lines."""
    if tmux and not as_json:
        from hive_tui.cli.strip import line

        click.echo(line(str(hive.home), width))
        return
    from hive_tui.services.alert_views import summary as alerts_summary

    hive.finish_interrupted()
    observation = hive.observer.observe()
    count = {state: sum(agent.lifecycle is state for agent in observation.agents) for state in Lifecycle}
    is_paused = bool(hive.database.read(settings.get, settings.PAUSED, False))
    count_tokens(hive)
    spent = sum(hive.spending.ledger.today().values(), Tokens())
    freed = sum(agent.freed_bytes for agent in observation.agents if agent.lifecycle is Lifecycle.ASLEEP)
    shape: dict[str, Any] = {
        "tmux": str(observation.state),
        "trouble": observation.trouble or None,
        "heartbeat": hive.heartbeat_lock.is_held(),
        "paused": is_paused,
        "agents": {str(state): number for state, number in count.items()},
        "queue": hive.database.read(wakeups.depth),
        "freed_bytes": freed,
        "tokens_today": spent.total,
        "tokens": spent.to_json(),
        "home": str(hive.home),
        "alerts": hive.database.read(alerts_summary, now=hive.clock.now()),
    }
    if as_json:
        print_json(shape)
        return
    warn(observation.trouble)
    click.echo(", ".join(f"{number} {state}" for state, number in count.items() if number) or "no agents")
    click.echo(f"heartbeat   {'runs' if shape['heartbeat'] else 'none: open hive-tui, or run `hive-tui serve`'}")
    click.echo(f"queue       {shape['queue']} unfinished{', PAUSED' if is_paused else ''}")
    click.echo(f"memory      {bytes_in_words(freed)} freed by naps")
    click.echo(
        f"tokens      {count_in_words(spent.total)} today (UTC), {count_in_words(spent.cache_read)} of them cached"
    )
    undelivered = shape["alerts"]["failed"]
    if undelivered:
        click.echo(f"alerts      {undelivered} of the last 24 hours not delivered: `hive-tui alerts`")
    click.echo(f"home        {hive.home}")


@command()
@click.argument("name", metavar="AGENT")
def explain(hive: Hive, as_json: bool, name: str) -> None:
    """Why an agent is in its state, what speaks against a nap, and what a wake would do."""
    agent = find(hive, name)
    # The second look measures the CPU that was used since the first.
    hive.clock.sleep(0.3)
    count_tokens(hive)
    explanation = hive.explainer.explain(agent, hive.observer.observe())
    if as_json:
        print_json(explanation.to_json())
    else:
        click.echo("\n".join(explanation.lines()))


MARKS = {"ok": "ok", "warning": "WARN", "broken": "BROKEN"}


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """A line a finding, and what mends it below; long texts go on under their column."""
    what_width = max((len(one.what) for one in findings), default=0)
    indent = " " * (8 + what_width + 2)
    width = max(40, get_terminal_size().columns)
    lines: list[str] = []
    area = ""
    for one in findings:
        if one.area != area:
            area = one.area
            lines.append(area.upper())
        head = f"{MARKS[one.status]:<8}{one.what:<{what_width}}  "
        lines += _wrapped(head + one.found, width, indent)
        if one.meaning:
            lines += _wrapped(f"{indent}{one.meaning}", width, indent)
        if one.mend:
            to_mend = f"{indent}-> {one.mend}"
            lines += _wrapped(to_mend, width, f"{indent}   ")
    return lines


def _wrapped(text: str, width: int, indent: str) -> list[str]:
    """Lines in which paths and commands stay whole, so that they can be copied."""
    return wrap(text, width, subsequent_indent=indent, break_on_hyphens=False, break_long_words=False)


@command()
@click.option("--mend", is_flag=True, help="First bring the catalog and the checkpoint files together again.")
@click.option(
    "--bundle", metavar="FILE", type=click.Path(path_type=Path), help="Write a support bundle: .zip, .tar.zst."
)
def doctor(hive: Hive, as_json: bool, mend: bool, bundle: Path | None) -> None:
    """Look for what is wrong, and say how to mend it; exit 1 if something is broken.

    A support bundle holds findings, versions, settings, states and events, without secrets and conversations.
    """
    for said in hive.keeping.mender.mend(PERSON) if mend else ():
        click.echo(said, err=as_json)
    findings = hive.examining.doctor.examine()
    if as_json:
        print_json([finding.to_json() for finding in findings])
    else:
        click.echo("\n".join(finding_lines(findings)))
    if bundle is not None:
        names = hive.examining.bundler.write(bundle, findings)
        click.echo(f"{bundle} holds {', '.join(names)}; look through it before you send it on.", err=as_json)
    if any(finding.status == "broken" for finding in findings):
        sys.exit(1)
