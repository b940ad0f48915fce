"""Commands metrics and savings."""

from typing import Any

import click

from hive_tui.cli.agents import count_tokens
from hive_tui.cli.context import command, print_json, print_table, warn
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import StoreError
from hive_tui.domain.savings import Account, input_side
from hive_tui.domain.usage import Tokens, count_in_words
from hive_tui.hive import Hive
from hive_tui.services.savings import MOST_DAYS, Savings
from hive_tui.store import agents as agent_store


@command()
@click.option("--agent", "name", metavar="AGENT", help="Only of this agent.")
def metrics(hive: Hive, as_json: bool, name: str | None) -> None:
    """Print figures of the hive in the text format of Prometheus."""
    agent = _named(hive, name)
    _catch_up(hive)
    agent_id = agent.id if agent else None
    if as_json:
        print_json([one.to_json() for one in hive.measuring.samples(agent_id)])
    else:
        click.echo(hive.measuring.prometheus(agent_id), nl=False)


@command()
@click.option("--days", type=click.IntRange(1, MOST_DAYS), default=7, show_default=True, help="So many times 24 hours.")
@click.option("--agent", "name", metavar="AGENT", help="Only of this agent.")
def savings(hive: Hive, as_json: bool, days: int, name: str | None) -> None:
    """Replay the recorded turns as they would have been without handoffs and gates.

    The turns are recorded, and so is what consolidation itself has spent, which is subtracted.
    What conversations would have sent if they had been resumed where they were handed over, and
    what skipped wakes would have sent, is an estimate that leans to less. Nothing
    is claimed for turns that were never made since an agent slept.
    """
    agent = _named(hive, name)
    _catch_up(hive)
    found = hive.measuring.accountant.savings(days=days, agent=agent)
    if as_json:
        print_json(_shape(hive, found, days))
        return
    if not found.total.turns:
        whose = f"of {agent.name} " if agent else ""
        click.echo(f"No turn {whose}is recorded in the last {_days(days)}, so nothing can be said about savings.")
        return
    _show(hive, found, days)


def _named(hive: Hive, name: str | None) -> Agent | None:
    return hive.database.read(agent_store.find, name) if name else None


def _catch_up(hive: Hive) -> None:
    """Count what no heartbeat has counted yet; a full disk must not hide what is known."""
    count_tokens(hive)
    try:
        hive.measuring.counting.count(patience_s=5.0)
    except StoreError as error:
        warn(error.what)


def _shape(hive: Hive, found: Savings, days: int) -> dict[str, Any]:
    price = hive.measuring.accountant.price
    shape: dict[str, Any] = {
        "days": days,
        "since": found.since,
        "until": found.until,
        "total": found.total.to_json(price),
        "agents": [{"agent": name, **one.to_json(price)} for name, one in found.agents.items()],
    }
    return shape | ({"currency": hive.settings.prices.currency} if price.is_set else {})


def _show(hive: Hive, found: Savings, days: int) -> None:
    whole = found.total
    print_table(["TOKENS", "INPUT", "CACHE W", "CACHE R", "INPUT SIDE", "OUTPUT"], list(_rows(whole)))
    click.echo()
    if len(found.agents) > 1:
        header = ["AGENT", "TURNS", "SENT", "WITHOUT (ESTIMATE)", "SAVED (ESTIMATE)"]
        print_table(header, [_row(name, one) for name, one in found.agents.items()])
        click.echo()
    click.echo(f"{_words(whole)}, over {whole.turns:,} recorded turns of the last {_days(days)}.")
    price, currency = hive.measuring.accountant.price, hive.settings.prices.currency
    if price.is_set:
        cost, without = price.of(whole.spent), price.of(whole.without)
        click.echo(f"At your prices {cost:.2f} {currency} against {without:.2f} {currency} (estimate).")


def _rows(whole: Account) -> list[list[str]]:
    lines = (
        ("recorded turns", whole.recorded),
        ("consolidation's own spend", whole.own_spend),
        ("more without handoffs (estimate)", whole.by_handoffs),
        ("more without gates (estimate)", whole.by_gates),
        ("all without them (estimate)", whole.without),
    )
    return [[name, *_counts(tokens)] for name, tokens in lines]


def _counts(tokens: Tokens) -> list[str]:
    counts = (tokens.input, tokens.cache_write, tokens.cache_read, input_side(tokens), tokens.output)
    return [count_in_words(one) for one in counts]


def _row(name: str, one: Account) -> list[str]:
    sent, without = count_in_words(input_side(one.spent)), count_in_words(input_side(one.without))
    return [name, f"{one.turns:,}", sent, without, _percent(one)]


def _percent(one: Account) -> str:
    return "-" if one.share is None else f"{one.share:.1%}"


def _words(whole: Account) -> str:
    """The result in one sentence."""
    sent = count_in_words(input_side(whole.spent))
    without = count_in_words(input_side(whole.without))
    if whole.saved < 0:
        return f"Estimate: nothing saved; {sent} tokens were sent against {without}, with consolidation's own spend"
    return f"Estimate: {_percent(whole)} of the input side saved; {sent} tokens were sent against {without} without"


def _days(days: int) -> str:
    return "24 hours" if days == 1 else f"{days} days"
