"""Command search: finds something in the conversations of agents, also in those that a handoff left behind."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import command, print_json, warn
from hive_tui.condense.writing import pointer
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError
from hive_tui.hive import Hive
from hive_tui.services.context_search import Found
from hive_tui.store import agents as agent_store

INDEXED_AT_ONCE = 8_000_000
"""So many new bytes of one transcript are indexed before a search; more than that is left to the sleep of its agent."""


@command()
@click.argument("text", metavar="TEXT", required=False)
@click.option("--agent", "name", metavar="AGENT", help="Only in the conversations of this agent.")
@click.option("--limit", type=click.IntRange(1, 200), default=8, show_default=True, help="Most hits to show.")
@click.option("--around", type=click.IntRange(0, 40), default=2, show_default=True, help="Lines around each hit.")
@click.option("--rebuild", is_flag=True, help="Throw the index away and make it again first.")
def search(
    hive: Hive, as_json: bool, text: str | None, name: str | None, limit: int, around: int, rebuild: bool
) -> None:
    """Find words, paths or identifiers in what agents said, did and were told."""
    if text is None and not rebuild:
        raise click.UsageError("Say what to search for, or --rebuild.")
    agents = hive.database.read(agent_store.everyone)
    wanted = find(hive, name) if name else None
    if rebuild:
        count = hive.remembering.searching.rebuild(one for agent in agents for one in conversations(hive, agent))
        click.echo(f"The index is made again: {count:,} pieces.", err=True)
    else:
        _catch_up(hive, [wanted] if wanted else agents)
    if text is None:
        return
    found = hive.remembering.searching.search(text, agent_id=wanted.id if wanted else None, limit=limit, around=around)
    names = {agent.id: agent.name for agent in agents}
    if as_json:
        print_json([_json(one, names) for one in found])
        return
    if not found:
        raise HiveError(f"Nothing is found for {text!r}.", hint="Try one word of it, or a part of an identifier.")
    for one in found:
        _show(one, names)


def conversations(hive: Hive, agent: Agent) -> Iterator[tuple[Agent, str, Path]]:
    """The conversations of an agent whose transcripts are known, the present one and those left behind."""
    if agent.session_id and agent.transcript:
        yield agent, agent.session_id, Path(agent.transcript)
    for left in hive.remembering.handoffs.history(agent):
        if left.previous_session and left.previous_transcript and left.previous_session != agent.session_id:
            yield agent, left.previous_session, Path(left.previous_transcript)


def _catch_up(hive: Hive, agents: list[Agent]) -> None:
    """Index what was said since the last nap."""
    for agent in agents:
        for owner, session_id, transcript in conversations(hive, agent):
            try:
                hive.remembering.searching.add(owner, session_id, transcript, most_bytes=INDEXED_AT_ONCE)
            except HiveError as error:
                warn(error.what)


def _show(found: Found, names: dict[str, str]) -> None:
    hit = found.hit
    when = f"  {hit.at.astimezone():%Y-%m-%d %H:%M}" if hit.at else ""
    click.secho(f"{names.get(hit.agent_id, '?')}  {pointer(hit.line)}  {hit.says}{when}", bold=True)
    for number, line in enumerate(found.lines):
        click.echo(f"{'>' if number == found.best else ' '} {_plain(line)[:400]}")
    click.echo()


def _plain(line: str) -> str:
    """Without characters that would act on the terminal."""
    return "".join(letter if letter.isprintable() or letter == "\t" else " " for letter in line)


def _json(found: Found, names: dict[str, str]) -> dict[str, Any]:
    hit = found.hit
    return {
        "agent": names.get(hit.agent_id),
        "session_id": hit.session_id,
        "kind": hit.kind,
        "line": hit.line,
        "says": hit.says,
        "at": hit.at,
        "score": round(hit.score, 3),
        "lines": list(found.lines),
        "best": found.best,
    }
