"""Command handoff: what a new conversation of an agent would begin with, and those that were left behind."""

import shlex
from dataclasses import asdict

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import command, print_json, print_table, warn
from hive_tui.domain.agents import Agent
from hive_tui.domain.consolidation import StageRun, StageStatus
from hive_tui.hive import Hive
from hive_tui.store import consolidations


@command()
@click.argument("name", metavar="AGENT")
@click.option("--history", is_flag=True, help="List the conversations that handoffs left behind instead.")
@click.option("--stages", is_flag=True, help="List what was done with its conversation while it slept instead.")
def handoff(hive: Hive, as_json: bool, name: str, history: bool, stages: bool) -> None:
    """Print what a new conversation of an agent would begin with; nothing is sent to anybody."""
    agent = find(hive, name)
    if history:
        _history(hive, agent, as_json)
        return
    if stages:
        _stages(hive, agent, as_json)
        return
    composed = hive.remembering.handoffs.compose(agent)
    ledger = composed.ledger
    if as_json:
        shape = {
            "agent": agent.name,
            "session_id": agent.session_id,
            "tokens": composed.tokens,
            "raw_tokens": ledger.raw_tokens,
            "secrets_removed": ledger.secrets,
            "lines": ledger.reading.lines,
            "skipped": dict(ledger.reading.skipped),
            "text": composed.text,
        }
        print_json(shape)
        return
    click.echo(composed.text, nl=False)
    warn(f"about {composed.tokens:,} tokens instead of {ledger.raw_tokens:,}; {ledger.secrets} secrets taken out")


def _history(hive: Hive, agent: Agent, as_json: bool) -> None:
    kind = hive.kinds.get(agent.kind)
    left = [
        {
            "session_id": one.previous_session,
            "transcript": one.previous_transcript,
            "left_at": one.made_at,
            "why": one.why,
            "command": f"{shlex.join(['cd', agent.cwd])} && "
            f"{shlex.join(kind.resume_command(agent.argv, one.previous_session))}",
        }
        for one in hive.remembering.handoffs.history(agent)
        if one.previous_session
    ]
    if as_json:
        print_json(left)
        return
    if not left:
        click.echo(f"{agent.name} has left no conversation behind: no wake began a new one with a handoff yet.")
    rows = [[f"{one['left_at']:%Y-%m-%d %H:%M}", str(one["session_id"]), str(one["command"])] for one in left]
    print_table(["LEFT (UTC)", "SESSION", "RESUME WITH"], rows)


def _stages(hive: Hive, agent: Agent, as_json: bool) -> None:
    runs = hive.database.read(consolidations.of_agent, agent.id)
    if as_json:
        print_json([asdict(run) for run in runs])
        return
    if not runs:
        click.echo(f"Nothing was done for {agent.name} yet: its conversation is condensed while it sleeps.")
    rows = [
        [
            f"{run.finished_at:%Y-%m-%d %H:%M}" if run.finished_at else "",
            str(run.stage),
            f"{run.status} {run.progress:.0%}" if run.status is StageStatus.RUNNING else str(run.status),
            str(run.attempts),
            f"{run.cpu_s:.2f} of {run.allotted_s:.2f} s",
            run.error or _result(run),
        ]
        for run in runs
    ]
    print_table(["WHEN (UTC)", "STAGE", "STATUS", "ATTEMPTS", "CPU", "RESULT"], rows)


def _result(run: StageRun) -> str:
    """Its figures, and in words why it is not more."""
    figures = [f"{key} {value}" for key, value in run.result.items() if isinstance(value, int | float)]
    return ", ".join([*figures, *([str(run.result["why"])] if run.result.get("why") else [])])
