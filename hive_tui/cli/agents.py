"""Commands about who is there: agents, launch, adopt, rename, pin, unpin, forget."""

from pathlib import Path
from typing import Any

import click

from hive_tui.cli.context import PERSON, command, cut, print_json, print_table, warn
from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.errors import HiveError, StoreError
from hive_tui.hive import Hive
from hive_tui.services.listed_agents import listed
from hive_tui.services.observer import Observation
from hive_tui.store import agents as agent_store


@command()
def agents(hive: Hive, as_json: bool) -> None:
    """List the agents in all panes, and those that sleep."""
    hive.finish_interrupted()
    observation = hive.observer.observe()
    shapes = _shapes(hive, observation)
    if as_json:
        warn(observation.trouble)
        print_json(shapes)
        return
    warn(observation.trouble)
    if not shapes:
        click.echo("No agents: start one in a tmux pane, or use `hive-tui launch`.")
        click.echo("A program of no known kind is taken in by `hive-tui adopt %PANE`.")
    print_table(
        ["NAME", "KIND", "STATE", "FOR", "PANE", "MEMORY", "FOLDER", "WHY"],
        [_row(hive, agent, shape) for agent, shape in zip(observation.agents, shapes, strict=True)],
    )


def _shapes(hive: Hive, observation: Observation) -> list[dict[str, Any]]:
    count_tokens(hive)
    return listed(hive.database, observation, hive.spending.ledger.today(), now=hive.clock.now())


def _row(hive: Hive, agent: Agent, shape: dict[str, Any]) -> list[str]:
    state = str(agent.activity) if agent.lifecycle is Lifecycle.AWAKE else str(agent.lifecycle)
    state = "done" if shape["unread"] and agent.activity is Activity.IDLE else state
    state = f"{state}?" if shape["stale"] else state
    state = "stale" if shape["silent"] else state
    return [
        agent.name,
        agent.kind,
        state,
        in_words(hive.clock.now() - agent.since_at),
        shape["place"] or "-",
        bytes_in_words(shape["memory_bytes"]) if shape["memory_bytes"] else "-",
        agent.cwd.replace(str(Path.home()), "~", 1) if agent.cwd.startswith(str(Path.home())) else agent.cwd,
        cut(shape["reason"], 60),
    ]


@command()
@click.argument("name")
@click.option("--cwd", type=click.Path(path_type=Path), default=Path(), help="Folder to start in (default: this one).")
@click.argument("words", nargs=-1, required=True, metavar="-- CMD...")
def launch(hive: Hive, as_json: bool, name: str, cwd: Path, words: tuple[str, ...]) -> None:
    """Start an agent in a new pane, under a name of yours."""
    agent = hive.registry.launch(name, cwd, words, PERSON)
    _show(hive, agent, as_json, f"{agent.name} runs in pane {agent.pane.pane_id if agent.pane else '?'}.")


@command()
@click.argument("pane")
@click.option("--name", help="Name for the agent (default: after its folder).")
def adopt(hive: Hive, as_json: bool, pane: str, name: str | None) -> None:
    """Take the program in a pane (%ID) into the registry.

    An agent of a known kind is found without that; adopting gives it a name. Any
    other program is kept as a generic agent, which hive-tui can watch and not resume.
    """
    agent = hive.registry.adopt(pane if pane.startswith("%") else f"%{pane}", name, PERSON)
    _show(hive, agent, as_json, f"{agent.name} ({agent.kind}) is known now.")


@command()
@click.argument("agent")
@click.argument("name")
def rename(hive: Hive, as_json: bool, agent: str, name: str) -> None:
    """Give an agent another name."""
    renamed = hive.registry.rename(find(hive, agent), name, PERSON)
    _show(hive, renamed, as_json, f"It is called {renamed.name} now.")


@command()
@click.argument("agent")
def pin(hive: Hive, as_json: bool, agent: str) -> None:
    """Never put this agent to sleep unasked."""
    found = find(hive, agent)
    hive.registry.pin(found, True, PERSON)
    _show(hive, find(hive, found.id), as_json, f"{found.name} is pinned.")


@command()
@click.argument("agent")
def unpin(hive: Hive, as_json: bool, agent: str) -> None:
    """Undo pin."""
    found = find(hive, agent)
    hive.registry.pin(found, False, PERSON)
    _show(hive, find(hive, found.id), as_json, f"{found.name} is not pinned any more.")


@command()
@click.argument("agent")
def hold(hive: Hive, as_json: bool, agent: str) -> None:
    """Never wake this agent unasked."""
    found = find(hive, agent)
    hive.registry.hold(found, True, PERSON)
    _show(hive, find(hive, found.id), as_json, f"{found.name} is woken by you only.")


@command()
@click.argument("agent")
def release(hive: Hive, as_json: bool, agent: str) -> None:
    """Undo hold."""
    found = find(hive, agent)
    hive.registry.hold(found, False, PERSON)
    _show(hive, find(hive, found.id), as_json, f"{found.name} may be woken unasked again.")


@command()
@click.argument("agent")
def forget(hive: Hive, as_json: bool, agent: str) -> None:
    """Take an agent out of the registry; its checkpoints stay."""
    found = find(hive, agent)
    hive.registry.forget(found, PERSON)
    if as_json:
        print_json({"id": found.id, "name": found.name, "forgotten": True})
    else:
        click.echo(f"{found.name} is forgotten; its checkpoints stay in the catalog.")


def count_tokens(hive: Hive) -> None:
    """Read on in the transcripts; a full disk must not hide what is known."""
    try:
        hive.spending.ledger.take_in()
    except StoreError as error:
        warn(error.what)


def find(hive: Hive, name_or_id: str) -> Agent:
    """The agent that answers to a name or id, after a look at what is there now.

    Raises:
        NotFound: There is none.
    """
    hive.finish_interrupted()
    try:
        agent = hive.database.read(agent_store.find, name_or_id)
    except HiveError:
        hive.observer.observe()
        return hive.database.read(agent_store.find, name_or_id)
    hive.observer.observe()
    return hive.database.read(agent_store.get, agent.id)


def _show(hive: Hive, agent: Agent, as_json: bool, sentence: str) -> None:
    if not as_json:
        click.echo(sentence)
        return
    observation = hive.observer.observe()
    shapes = {shape["id"]: shape for shape in _shapes(hive, observation)}
    print_json(shapes.get(agent.id, {"id": agent.id, "name": agent.name}))
