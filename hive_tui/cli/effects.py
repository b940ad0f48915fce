"""Command effect: run a command once under a key, look at what was done, and say what nobody else knows."""

import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from re import fullmatch
from typing import Any

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import PERSON, CommandGroup, command, common_options, opened, print_json, print_table, warn
from hive_tui.domain.agents import Agent
from hive_tui.domain.checkpoints import CheckpointReason
from hive_tui.domain.durations import in_words
from hive_tui.domain.effects import Effect, EffectState, EffectUnknown, Kept
from hive_tui.domain.errors import HiveError
from hive_tui.hive import Hive
from hive_tui.store import agents as agent_store
from hive_tui.store import effects as store

MARKS = {EffectState.INTENT: "◐", EffectState.DONE: "✓", EffectState.FAILED: "✕", EffectState.UNKNOWN: "?"}
TIME_UP, NOT_RUN = 124, 125
"""Exit codes where the command has none of its own, as with timeout(1) and env(1)."""


@click.group(cls=CommandGroup, invoke_without_command=True)
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def effect(ctx: click.Context, as_json: bool) -> None:
    """Side effects that are done once under a key; without a subcommand they are listed."""
    if ctx.invoked_subcommand is None:
        with opened(ctx) as hive:
            _list(hive, as_json, hive.database.read(store.everything))


@command("run", context_settings={"ignore_unknown_options": False, "allow_interspersed_args": False})
@click.option("--key", required=True, help="Names this effect: under the same key it is done once.")
@click.option("--agent", "agent_name", metavar="AGENT", help="Whose effect it is.")
@click.option("--checkpoint", is_flag=True, help="Take a checkpoint of the agent before; needs --agent.")
@click.option("--target", default="", help="What it changes, in words; else the folder.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(min=0.1), metavar="S", help="End it after so long.")
@click.option(
    "--wait",
    "wait_s",
    type=click.FloatRange(min=0),
    default=3600.0,
    metavar="S",
    show_default=True,
    help="Wait so long for another process that runs it already.",
)
@click.option("--retry", is_flag=True, help="Run it again if it has failed.")
@click.option("--probe", metavar="CMD", help="After a crash: exit 0 says it happened, 1 that it did not.")
@click.option(
    "--probe-git",
    metavar="REPO",
    type=click.Path(path_type=Path),
    help="After a crash: a commit there with the trailer `Hive-Effect: KEY`.",
)
@click.option("--probe-file", metavar="PATH=SHA256", help="After a crash: a file with that hash.")
@click.argument("argv", nargs=-1, required=True, metavar="-- CMD...")
def run(hive: Hive, as_json: bool, argv: tuple[str, ...], agent_name: str | None, **options: Any) -> None:
    """Run a command once, and pass its output and exit code on; the same key again gives both again.

    The command gets your standard input, which is no part of what the key stands for, and its key as
    HIVE_EFFECT_KEY. 124 is the exit code of one whose time was up, 125 that of hive-tui itself.
    """
    from hive_tui.cli.main import show
    from hive_tui.services.effect_commands import Wanted

    if options["checkpoint"] and agent_name is None:
        raise click.UsageError("--checkpoint needs --agent AGENT.")
    asked = {name: options[name] for name in ("key", "target", "timeout_s", "wait_s", "retry")}
    probe = _probe(options["probe"], options["probe_git"], options["probe_file"])
    echo = (None, None) if as_json else (sys.stdout.buffer, sys.stderr.buffer)
    try:
        agent = find(hive, agent_name) if agent_name else None
        wanted = Wanted(argv=argv, folder=Path.cwd(), agent=agent, probe=probe, **asked)
        before = partial(_checkpoint, hive, agent) if agent and options["checkpoint"] else None
        outcome = hive.effecting.commands.run(wanted, echo, PERSON, before)
    except HiveError as error:
        show(error)
        sys.exit(NOT_RUN)
    done = outcome.effect
    if as_json:
        print_json(_full_json(hive, done) | {"replayed": outcome.is_replay})
    elif outcome.is_replay:
        _replay(hive, done)
    if done.state is EffectState.UNKNOWN:
        _say_unknown(done)
    sys.exit(_exit_code(done))


@command("list")
@click.option("--agent", "agent_name", metavar="AGENT", help="Only those of this agent.")
@click.option("--state", "states", multiple=True, type=click.Choice([str(one) for one in EffectState]),
              help="Only in this state; may be given again.")  # fmt: skip
@click.option("--limit", type=click.IntRange(min=1), default=200, show_default=True, help="So many at most.")
def list_(hive: Hive, as_json: bool, agent_name: str | None, states: tuple[str, ...], limit: int) -> None:
    """List side effects: those that nobody knows the end of first, then the newest."""
    agent_id = find(hive, agent_name).id if agent_name else None
    wanted = [EffectState(one) for one in states]
    _list(hive, as_json, hive.database.read(store.everything, agent_id=agent_id, states=wanted, limit=limit))


@command("show")
@click.argument("key")
def show_(hive: Hive, as_json: bool, key: str) -> None:
    """Show one effect, with what it has printed."""
    from hive_tui.adapters.effects.probes import describe

    found = hive.database.read(store.get, key)
    if as_json:
        print_json(_full_json(hive, found))
        return
    facts = _json(found, hive.database.read(agent_store.names))
    facts |= {"error": found.error, "probe": describe(found.probe)}
    for name, value in facts.items():
        if value not in (None, "", {}):
            click.echo(f"{name:<14} {value}")
    for name, kept in zip(store.STREAMS, hive.database.read(store.output, key), strict=True):
        if kept.size_bytes:
            click.echo(f"--- {name}, {kept.size_bytes} bytes\n{kept.text()}")


@command("resolve")
@click.argument("key")
@click.argument("what", type=click.Choice(["done", "not-done"]))
@click.option("--note", default="", help="How you know.")
def resolve(hive: Hive, as_json: bool, key: str, what: str, note: str) -> None:
    """Say whether an effect has happened that was cut off; after `not-done` the same key does it again."""
    found = hive.effecting.log.resolve(key, happened=what == "done", actor=PERSON, note=note)
    if as_json:
        print_json(_json(found, hive.database.read(agent_store.names)))
    else:
        after = "" if what == "done" else "; the same key does it again"
        click.echo(f"The effect {key} is noted as {what}{after}.")


def _checkpoint(hive: Hive, agent: Agent) -> str:
    from hive_tui.cli.progress import Steps, stoppable

    progress = Steps(hive.clock)
    with stoppable([progress]), hive.locks.agent(agent.id, purpose="checkpoint"):
        taken = hive.snapshotter.take(agent, CheckpointReason.MANUAL, PERSON, progress)
    progress.done()
    return taken.id


def _probe(said: str | None, repository: Path | None, file: str | None) -> dict[str, Any] | None:
    from hive_tui.adapters.effects import probes

    if sum(one is not None for one in (said, repository, file)) > 1:
        raise click.UsageError("Say --probe, --probe-git or --probe-file, and one of them only.")
    if said is not None:
        return probes.command_probe(said)
    if repository is not None:
        return probes.git_probe(repository)
    if file is None:
        return None
    path, _, sha256 = file.rpartition("=")
    if not path or not fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise click.UsageError("--probe-file needs PATH=SHA256, with 64 hexadecimal digits.")
    return probes.file_probe(Path(path), sha256)


def _replay(hive: Hive, done: Effect) -> None:
    """Print what it has printed then."""
    at = f"{done.ended_at:%Y-%m-%d %H:%M:%S} UTC" if done.ended_at else "before"
    if done.result.get("found_by"):
        warn(f"This has happened, as {done.result['found_by']} says; what it printed is not all known.")
    else:
        warn(f"This was done {at}, and was not done again; what follows is what it printed then.")
    for stream, kept in zip((sys.stdout, sys.stderr), hive.database.read(store.output, done.key), strict=True):
        stream.flush()
        stream.buffer.write(kept.head)
        stream.flush()
        if kept.cut_bytes:
            warn(f"{kept.cut_bytes} bytes of it are not kept.")
        stream.buffer.write(kept.tail)
        stream.flush()


def _say_unknown(done: Effect) -> None:
    from hive_tui.cli.main import show
    from hive_tui.domain.effects import nobody_knows

    error: EffectUnknown = nobody_knows(done)
    show(error)


def _exit_code(done: Effect) -> int:
    """That of the command; as a shell has it where a signal has ended it."""
    if done.result.get("timed_out"):
        return TIME_UP
    if done.exit_code is None:
        return 0 if done.state is EffectState.DONE else NOT_RUN
    return 128 - done.exit_code if done.exit_code < 0 else done.exit_code


def _list(hive: Hive, as_json: bool, found: list[Effect]) -> None:
    names = hive.database.read(agent_store.names)
    if as_json:
        print_json([_json(one, names) for one in found])
        return
    if not found:
        click.echo("No effects: `hive-tui effect run --key KEY -- CMD` runs a command once.")
    now = hive.clock.now()
    rows = [
        [
            f"{MARKS[one.state]} {one.state}",
            one.key,
            one.kind,
            names.get(one.agent_id or "", ""),
            f"{in_words(now - one.intent_at)} ago",
            one.target,
            one.shown,
        ]
        for one in found
    ]
    print_table(["STATE", "KEY", "KIND", "AGENT", "WHEN", "TARGET", "WHAT"], rows)
    if any(one.state is EffectState.UNKNOWN for one in found):
        warn("Of those with a ? nobody knows whether they have happened: `hive-tui effect resolve KEY done|not-done`.")


def _json(one: Effect, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "key": one.key,
        "kind": one.kind,
        "state": one.state,
        "target": one.target,
        "what": one.shown,
        "agent": names.get(one.agent_id) if one.agent_id else None,
        "arguments_sha256": one.digest,
        "attempt": one.attempt,
        "intent_at": one.intent_at,
        "ended_at": one.ended_at,
        "exit_code": one.exit_code,
        "error": one.error,
        "result": dict(one.result),
        "checkpoint_id": one.checkpoint_id,
    }


def _full_json(hive: Hive, one: Effect) -> dict[str, Any]:
    """With its output."""
    outputs = zip(store.STREAMS, hive.database.read(store.output, one.key), strict=True)
    return _json(one, hive.database.read(agent_store.names)) | {name: _output_json(kept) for name, kept in outputs}


def _output_json(kept: Kept) -> dict[str, Any]:
    return {"text": kept.text(), "size_bytes": kept.size_bytes, "cut_bytes": kept.cut_bytes}


for subcommand in (run, list_, show_, resolve):
    effect.add_command(subcommand)
