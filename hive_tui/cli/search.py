"""Command search: finds something in the conversations of agents, also in those that a handoff left behind."""

from typing import Any

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import command, print_json, warn
from hive_tui.condense.writing import pointer
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import HiveError
from hive_tui.hive import Hive
from hive_tui.services.context_search import BY_MEANING, Found
from hive_tui.store import agents as agent_store


@command()
@click.argument("words", metavar="TEXT", nargs=-1)
@click.option("--agent", "name", metavar="AGENT", help="Only in the conversations of this agent.")
@click.option("--limit", type=click.IntRange(1, 200), default=8, show_default=True, help="Most hits to show.")
@click.option("--around", type=click.IntRange(0, 40), default=2, show_default=True, help="Lines around each hit.")
@click.option("--exact", is_flag=True, help="Only what has the words, also where vectors are kept of meanings.")
@click.option("--rebuild", is_flag=True, help="Throw the index away and make it again first.")
def search(
    hive: Hive,
    as_json: bool,
    words: tuple[str, ...],
    name: str | None,
    limit: int,
    around: int,
    exact: bool,
    rebuild: bool,
) -> None:
    """Find words, paths or identifiers in what agents said, did and were told.

    Where `[vectors]` is set, what says the same in other words is found as well, and marked.
    """
    text = " ".join(words).strip()
    if not text and (words or not rebuild):
        raise click.UsageError("Say what to search for, a word, a path or an identifier, or --rebuild.")
    agents = hive.database.read(agent_store.everyone)
    wanted = find(hive, name) if name else None
    if rebuild:
        made = hive.remembering.indexing.rebuild(said=lambda line: click.echo(line, err=True))
        for trouble in made.troubles:
            warn(trouble)
        kept = f", {made.from_checkpoints} of them from checkpoints" if made.from_checkpoints else ""
        said = f"{made.pieces:,} pieces of {counted(made.conversations, 'conversation')}{kept}"
        click.echo(f"The index is made again: {said}.", err=True)
    else:
        for trouble in hive.remembering.indexing.catch_up([wanted] if wanted else None):
            warn(trouble)
    if not words:
        return
    agent_id = wanted.id if wanted else None
    answer = hive.remembering.hybrid.search(text, agent_id=agent_id, limit=limit, around=around, exact=exact)
    found = answer.found
    warn(answer.note[:1].upper() + answer.note[1:])
    names = {agent.id: agent.name for agent in agents}
    if as_json:
        print_json([_json(one, names) for one in found])
        return
    if not found:
        raise HiveError(f"Nothing is found for {text!r}.", hint="Try one word of it, or a part of an identifier.")
    for one in found:
        _show(one, names)


def _show(found: Found, names: dict[str, str]) -> None:
    hit = found.hit
    when = f"  {hit.at.astimezone():%Y-%m-%d %H:%M}" if hit.at else ""
    by = "  by meaning" if found.by == BY_MEANING else ""
    click.secho(f"{names.get(hit.agent_id, '?')}  {pointer(hit.line)}  {hit.says}{when}{by}", bold=True)
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
        "by": found.by,
        "lines": list(found.lines),
        "best": found.best,
    }
