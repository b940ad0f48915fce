"""Commands nap, wake and resume-command."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from hive_tui.cli.agents import count_tokens, find
from hive_tui.cli.context import PERSON, as_usage, command, print_json, warn
from hive_tui.cli.main import show
from hive_tui.cli.progress import Steps, stoppable
from hive_tui.cli.queue import window_of
from hive_tui.cli.shapes import nap_json, wake_json, wakeup_json
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.budget import price_in_words
from hive_tui.domain.durations import bytes_in_words, in_words, parse_duration, parse_time
from hive_tui.domain.errors import Cancelled, HiveError, NotFound
from hive_tui.domain.handoffs import CONTEXT, ContextMode
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup, WakeupStatus
from hive_tui.hive import Hive
from hive_tui.services.messages import checked
from hive_tui.services.nap import NapRequest, NapResult

NAPS_AT_ONCE = 3
SIGNALS_SEEN_S = 0.2


@command()
@click.argument("names", nargs=-1, metavar="[AGENT]...")
@click.option("--all", "everyone", is_flag=True, help="All agents that are awake.")
@click.option("--cwd", type=click.Path(path_type=Path), help="All agents that work in this folder or below.")
@click.option("--force", is_flag=True, help="Pass what speaks against it; never the checkpoint.")
@click.option("--reason", default="you asked for it", help="Why, for the list.")
def nap(
    hive: Hive, as_json: bool, names: tuple[str, ...], everyone: bool, cwd: Path | None, force: bool, reason: str
) -> None:
    """Checkpoint agents, verify that, and end their processes."""
    wanted = _wanted(hive, names, everyone, cwd)
    request = NapRequest(reason, PERSON, force=force)
    single = len(names) == 1 and not everyone and cwd is None
    outcomes: list[tuple[Agent, NapResult | HiveError]] = []
    for agent, outcome in _nap_all(hive, wanted, request):
        outcomes.append((agent, outcome))
        if isinstance(outcome, HiveError):
            show(outcome)
        elif not as_json:
            _tell(agent, outcome)
    if as_json and not (single and isinstance(outcomes[0][1], HiveError)):
        shapes = [_outcome_json(agent, outcome) for agent, outcome in outcomes]
        print_json(shapes[0] if single else shapes)
    if any(isinstance(outcome, HiveError) for _, outcome in outcomes):
        sys.exit(1)


def _nap_all(hive: Hive, wanted: Sequence[Agent], request: NapRequest) -> Iterator[tuple[Agent, NapResult | HiveError]]:
    """Nap a few at once; each with what became of it, as it ends. Ctrl-C stops those that can still be stopped."""
    steps = [Steps(hive.clock, agent.name) for agent in wanted]
    with stoppable(steps), ThreadPoolExecutor(NAPS_AT_ONCE) as pool:
        running = [pool.submit(_nap, hive, *one, request) for one in zip(wanted, steps, strict=True)]
        waiting = set(running)
        while waiting:
            # Python runs signal handlers in the main thread only, and wakes it for them only if the signal came to it.
            ended, waiting = wait(waiting, timeout=SIGNALS_SEEN_S, return_when=FIRST_COMPLETED)
            for future in ended:
                yield future.result()


def _nap(hive: Hive, agent: Agent, progress: Steps, request: NapRequest) -> tuple[Agent, NapResult | HiveError]:
    try:
        return agent, hive.napper.nap(agent.id, request, progress)
    except Cancelled:
        return agent, Cancelled(f"{agent.name} runs on: its nap was stopped, as you asked.")
    except HiveError as error:
        return agent, error
    finally:
        progress.done()


def _tell(agent: Agent, outcome: NapResult) -> None:
    processes = "1 process" if outcome.processes_ended == 1 else f"{outcome.processes_ended} processes"
    click.echo(f"{agent.name} sleeps: {processes} ended, {bytes_in_words(outcome.freed_bytes)} freed.")
    for warning in outcome.warnings:
        click.echo(f"Note: {warning}", err=True)


def _wanted(hive: Hive, names: Sequence[str], everyone: bool, cwd: Path | None) -> list[Agent]:
    if not names and not everyone and cwd is None:
        raise click.UsageError("Name an agent, or say --all or --cwd DIR.")
    if names and (everyone or cwd is not None):
        raise click.UsageError("Name agents, or say --all or --cwd DIR, not both.")
    chosen = [find(hive, name) for name in names]
    if everyone or cwd is not None:
        folder = cwd.resolve() if cwd is not None else None
        chosen += [
            agent
            for agent in hive.observer.observe().agents
            if agent.lifecycle is Lifecycle.AWAKE
            and agent not in chosen
            and (folder is None or Path(agent.cwd).resolve().is_relative_to(folder))
        ]
    if not chosen:
        raise NotFound("No agent is awake there.", hint="`hive-tui agents` lists them.")
    return chosen


def _outcome_json(agent: Agent, outcome: NapResult | HiveError) -> dict[str, Any]:
    if isinstance(outcome, HiveError):
        return {"agent": agent.name, "error": outcome.what, "hint": outcome.hint}
    return nap_json(outcome)


@command()
@click.argument("name", metavar="AGENT")
@click.option("--at", metavar="TIME", help="Wake at this time (14:30, or ISO 8601).")
@click.option("--in", "after", metavar="DURATION", help="Wake after this time (90s, 15m, 2h).")
@click.option("--priority", type=click.IntRange(0, 100), help="0 to 100; higher goes first.")
@click.option("--key", help="Idempotency key: the same key again is the same request.")
@click.option("--key-window", metavar="DURATION", help="So long, also once that request is done with.")
@click.option("--message", help="What to say to the agent once it is awake.")
@click.option(
    "--context",
    "mode",
    type=click.Choice([str(mode) for mode in ContextMode]),
    help="resume its conversation, begin a new one with a handoff, or choose what is cheaper.",
)
@click.option("--every", metavar="WHEN", help='Wake it again and again: "daily 09:00 [ZONE]", 4h, or a line of cron.')
@click.option("--no-wait", is_flag=True, help="Return as soon as the request is stored.")
@click.option("--timeout", type=click.FloatRange(min=0), default=90.0, show_default=True, help="Seconds to wait.")
@click.option(
    "--yes", is_flag=True, help="Wake it also over its budget, or where only the vendor's transcript is left."
)
def wake(
    hive: Hive,
    as_json: bool,
    name: str,
    at: str | None,
    after: str | None,
    priority: int | None,
    key: str | None,
    key_window: str | None,
    message: str | None,
    mode: str | None,
    every: str | None,
    no_wait: bool,
    timeout: float,
    yes: bool,
) -> None:
    """Bring an agent back: in the same pane, with the same conversation or with a handoff."""
    due_at = _due_at(hive, at, after)
    agent = find(hive, name)
    if every is not None:
        if at or after or key or mode or priority is not None:
            raise click.UsageError("--every goes with --message alone.")
        _wake_again_and_again(hive, agent, every, message, as_json)
        return
    _tell_price(hive, agent)
    context: dict[str, Any] = {"message": checked(message)} if message else {}
    if mode:
        context[CONTEXT] = mode
    if yes:
        context["confirmed"] = True
    new = NewWakeup(
        agent.id,
        Trigger.MANUAL,
        due_at,
        priority=priority,
        idempotency_key=key,
        key_window=window_of(key, key_window),
        max_attempts=hive.retry_policy.max_attempts,
        context=context,
    )
    enqueued = hive.queue.enqueue(new, PERSON)
    is_later = enqueued.wakeup.scheduled_for > hive.clock.now() + timedelta(seconds=timeout)
    if no_wait or is_later or enqueued.wakeup.is_finished:
        _show_asked(hive, agent, enqueued.wakeup, as_json, enqueued.note)
        return
    wakeup = hive.foreground.run([enqueued.wakeup], timeout_s=timeout)[0]
    if _may_ask(wakeup) and not yes and sys.stdin.isatty() and sys.stderr.isatty():
        wakeup = _asked_again(hive, agent, wakeup, due_at, context, timeout)
    _show_woken(hive, agent, wakeup, as_json, timeout)


def _asked_again(
    hive: Hive, agent: Agent, wakeup: Wakeup, due_at: datetime, context: dict[str, Any], timeout: float
) -> Wakeup:
    click.echo(_why_not(agent, wakeup), err=True)
    if not click.confirm("Wake it all the same?", err=True):
        return wakeup
    # Back in the queue for others who asked for it, too, it holds what was to be said already.
    known = {} if wakeup.status is WakeupStatus.PENDING else context
    confirmed = NewWakeup(wakeup.agent_id, Trigger.MANUAL, due_at, context={**known, "confirmed": True})
    return hive.foreground.run([hive.queue.enqueue(confirmed, PERSON).wakeup], timeout_s=timeout)[0]


def _tell_price(hive: Hive, agent: Agent) -> None:
    count_tokens(hive)
    price = hive.spending.budgets.wake_price(agent)
    if agent.lifecycle is not Lifecycle.AWAKE and price is not None:
        warn(price_in_words(price))


def _due_at(hive: Hive, at: str | None, after: str | None) -> datetime:
    now = hive.clock.now()
    if at and after:
        raise click.UsageError("Use --at or --in, not both.")
    with as_usage():
        if after:
            return now + parse_duration(after)
        return parse_time(at, now.astimezone()) if at else now


def _wake_again_and_again(hive: Hive, agent: Agent, every: str, message: str | None, as_json: bool) -> None:
    from hive_tui.cli.routines import check_rhythm, tell

    check_rhythm(every)
    tell(hive, as_json, hive.recurring.routines.add(every, agent, PERSON, message=message), "was added")


def _why_not(agent: Agent, wakeup: Wakeup) -> str:
    """A whole sentence: the queue, where the agent stands beside it, leaves its name out."""
    said = wakeup.last_error or ""
    return said if said[:1].isupper() else f"{agent.name} was not woken{f': {said}' if said else '.'}"


def _may_ask(wakeup: Wakeup) -> bool:
    is_asked_back = wakeup.status in (WakeupStatus.FAILED, WakeupStatus.PENDING)
    return is_asked_back and bool((wakeup.result or {}).get("confirmable"))


def _show_asked(hive: Hive, agent: Agent, wakeup: Wakeup, as_json: bool, note: str) -> None:
    if as_json:
        print_json({"wakeup_id": wakeup.id, **wakeup_json(wakeup, agent.name)})
        return
    if wakeup.is_finished:
        click.echo(f"{agent.name} is not asked again: {note}.")
        return
    # What it took to get here does not make 2h into 1h 59m.
    wait = in_words(timedelta(seconds=round((wakeup.scheduled_for - hive.clock.now()).total_seconds())))
    click.echo(f"{agent.name} is woken in {wait}." + (f" ({note})" if note else ""))
    if not hive.heartbeat_lock.is_held():
        click.echo("Note: no heartbeat runs now; keep hive-tui open, or run `hive-tui serve`.", err=True)


def _show_woken(hive: Hive, agent: Agent, wakeup: Wakeup, as_json: bool, timeout: float) -> None:
    if wakeup.status is WakeupStatus.COMPLETED:
        if as_json:
            print_json(wake_json(wakeup))
        else:
            result = wakeup.result or {}
            again = "is awake again" if result.get("resumed") else "was awake already"
            fallbacks = int(result.get("fallbacks", 0))
            skipped = f", from generation {result.get('generation')}: {fallbacks} damaged" if fallbacks else ""
            click.echo(f"{agent.name} {again}{skipped}{_context_in_words(result)}.")
        return
    if wakeup.status is WakeupStatus.FAILED:
        raise HiveError(_why_not(agent, wakeup))
    if wakeup.status is WakeupStatus.CANCELLED:
        raise HiveError(f"The wake of {agent.name} was cancelled.")
    if wakeup.status is WakeupStatus.PENDING and wakeup.last_error:
        when = in_words(wakeup.scheduled_for - hive.clock.now())
        hint = f"It is tried again in {when}, while a heartbeat runs (hive-tui or `hive-tui serve`)."
        raise HiveError(_why_not(agent, wakeup), hint=hint)
    raise HiveError(
        f"{agent.name} is not awake after {timeout:g} s; the wake goes on.", hint="`hive-tui queue` shows it."
    )


def _context_in_words(result: Mapping[str, Any]) -> str:
    """Whether it began a new conversation, and why, where there was a choice."""
    mode, why = result.get("context"), result.get("context_reason")
    if mode == ContextMode.HANDOFF:
        return f", in a new conversation with a handoff: {why}"
    return f", with its conversation: {why}" if why and why != "asked for" else ""


@command("resume-command")
@click.argument("name", metavar="AGENT")
def resume_command(hive: Hive, as_json: bool, name: str) -> None:
    """Print the shell command that revives an agent without hive-tui."""
    agent = find(hive, name)
    if agent.session_id is None:
        begin = f"{shlex.join(['cd', agent.cwd])} && {shlex.join(agent.argv)}"
        raise HiveError(
            f"No conversation of {agent.name} is known that could be resumed.",
            hint=f"It was started by: {begin}" if agent.argv else "Start it as you did before.",
        )
    words = hive.kinds.get(agent.kind).resume_command(agent.argv, agent.session_id)
    line = f"{shlex.join(['cd', agent.cwd])} && {shlex.join(words)}"
    if as_json:
        print_json({"agent": agent.name, "cwd": agent.cwd, "argv": list(words), "command": line})
    else:
        click.echo(line)
