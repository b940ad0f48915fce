"""The command budget."""

from typing import Any

import click

from hive_tui.cli.agents import count_tokens, find
from hive_tui.cli.context import PERSON, command, listing, print_json, print_table
from hive_tui.domain.agents import Agent
from hive_tui.domain.budget import Budget, BudgetMode, parse_tokens
from hive_tui.domain.errors import HiveError
from hive_tui.domain.usage import COUNTED, count_in_words
from hive_tui.hive import Hive
from hive_tui.services.budgets import BudgetView


@listing("budget", "How many tokens agents may spend in a day (UTC).")
def budget(hive: Hive, as_json: bool) -> None:
    """List what each agent has spent since 00:00 UTC, and its budget."""
    hive.observer.observe()
    count_tokens(hive)
    views = hive.spending.budgets.views()
    if as_json:
        print_json([_shape(hive, view) for view in views])
        return
    everyone = hive.spending.budgets.of_everyone()
    if everyone is not None:
        click.echo(f"All agents without a budget of their own: {_words(everyone)}.")
    elif not any(view.budget for view in views):
        click.echo("There are no budgets; `hive-tui budget set --all --tokens-per-day 2M` sets one.")
    print_table(
        ["AGENT", "BUDGET", "MODE", "USED", "INPUT", "CACHE W", "CACHE R", "OUTPUT", "WAKE COSTS", "LIMITED UNTIL"],
        [_row(hive, view) for view in views],
    )


def _row(hive: Hive, view: BudgetView) -> list[str]:
    used, price = view.used, hive.spending.budgets.wake_price(view.agent)
    is_counted = view.agent.kind in COUNTED
    parts = (used.input, used.cache_write, used.cache_read, used.output)
    share = f"{count_in_words(used.total)}"
    if view.budget is not None:
        share += f" ({used.total / view.budget.tokens_per_day:.0%})"
    return [
        view.agent.name,
        count_in_words(view.budget.tokens_per_day) if view.budget else "-",
        str(view.budget.mode) if view.budget else "-",
        share if is_counted else "not told",
        *(count_in_words(one) if is_counted else "-" for one in parts),
        count_in_words(price) if price is not None else "-",
        f"{view.limited_until.astimezone():%Y-%m-%d %H:%M}" if view.limited_until else "-",
    ]


def _shape(hive: Hive, view: BudgetView) -> dict[str, Any]:
    return {
        "agent": view.agent.name,
        "tokens_per_day": view.budget.tokens_per_day if view.budget else None,
        "mode": view.budget.mode if view.budget else None,
        "own": view.is_own,
        "level": view.level,
        "tokens_today": view.used.total if view.agent.kind in COUNTED else None,
        "tokens": view.used.to_json() if view.agent.kind in COUNTED else None,
        "wake_tokens": hive.spending.budgets.wake_price(view.agent),
        "limited_until": view.limited_until,
    }


@command("set")
@click.argument("name", metavar="[AGENT]", required=False)
@click.option("--all", "everyone", is_flag=True, help="For each agent that has no budget of its own.")
@click.option("--tokens-per-day", "tokens", metavar="N", required=True, help="Like 500k, 1.5M or 2000000.")
@click.option("--warn", "mode", flag_value="warn", help="Only tell.")
@click.option("--soft", "mode", flag_value="soft", default=True, help="Let it finish its turn, then nap (default).")
@click.option("--hard", "mode", flag_value="hard", help="Nap at once, in the middle of its turn.")
def set_(hive: Hive, as_json: bool, name: str | None, everyone: bool, tokens: str, mode: str) -> None:
    """Set a budget. All tokens count: fresh input, cache writes and reads, output.

    At 80 % it is told. Once it is used up the agent naps, and is woken at 00:00 UTC,
    or when its usage limit ends, if that is later.
    """
    agent = _whose(hive, name, everyone)
    try:
        wanted = Budget(parse_tokens(tokens), BudgetMode(mode))
    except HiveError as error:
        raise click.UsageError(f"{error.what} {error.hint}") from error
    hive.spending.budgets.set(agent, wanted, PERSON)
    hive.doorbell.ring()
    if as_json:
        print_json(
            {"agent": agent.name if agent else None, "tokens_per_day": wanted.tokens_per_day, "mode": wanted.mode}
        )
    else:
        click.echo(f"{agent.name if agent else 'All agents without a budget of their own'}: {_words(wanted)}.")


@command("remove")
@click.argument("name", metavar="[AGENT]", required=False)
@click.option("--all", "everyone", is_flag=True, help="The budget for all.")
def remove(hive: Hive, as_json: bool, name: str | None, everyone: bool) -> None:
    """Take a budget away."""
    agent = _whose(hive, name, everyone)
    hive.spending.budgets.remove(agent, PERSON)
    if as_json:
        print_json({"agent": agent.name if agent else None, "tokens_per_day": None, "mode": None})
    else:
        click.echo(f"{agent.name if agent else 'The hive'} has no budget {'of its own ' if agent else ''}any more.")


for subcommand in (set_, remove):
    budget.add_command(subcommand)


def _whose(hive: Hive, name: str | None, everyone: bool) -> Agent | None:
    """The agent; None for all."""
    if bool(name) == everyone:
        raise click.UsageError("Name an agent, or say --all, one of the two.")
    return find(hive, name) if name else None


def _words(one: Budget) -> str:
    return f"{count_in_words(one.tokens_per_day)} tokens a day, {one.mode}"
