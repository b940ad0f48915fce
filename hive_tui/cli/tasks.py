"""Command task: what agents are to do, what for, and how far they are."""

from collections.abc import Sequence
from typing import Any

import click

from hive_tui.cli.agents import find
from hive_tui.cli.context import (
    PERSON,
    CommandGroup,
    as_usage,
    command,
    common_options,
    opened,
    print_json,
    print_table,
    warn,
)
from hive_tui.cli.shapes import task_json, task_state_json
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import NotFound
from hive_tui.domain.task_state import TaskState
from hive_tui.domain.tasks import Task, TaskStatus, checked_goal
from hive_tui.hive import Hive
from hive_tui.services.task_changes import Given
from hive_tui.services.tasks import Part
from hive_tui.store import agents as agent_store
from hive_tui.store import tasks as store

MARKS = {TaskStatus.OPEN: "○", TaskStatus.DOING: "◐", TaskStatus.DONE: "✓", TaskStatus.CANCELLED: "✕"}


@click.group(cls=CommandGroup, invoke_without_command=True)
@common_options
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.pass_context
def task(ctx: click.Context, as_json: bool) -> None:
    """What agents are to do, and what for; without a subcommand it is listed."""
    if ctx.invoked_subcommand is None:
        with opened(ctx) as hive:
            _list(hive, as_json, store_tasks(hive, everything=False, agent=None))


@command("add")
@click.option("--goal", required=True, help="What is wanted.")
@click.option("--title", help="One line for lists; else the first line of the goal.")
@click.option("--parent", metavar="ID", help="The task of which this is a part.")
@click.option("--assign", metavar="AGENT", help="Who is to do it; wakes that agent.")
@click.option("--routine", metavar="NAME", help="The recurring routine that asks for it; needs --assign.")
@click.option("--key", help="Idempotency key: with the same key again, nothing is added and nobody woken.")
@click.option("--every", metavar="WHEN", help='Make it again and again: "daily 09:00 [ZONE]", 4h, or a line of cron.')
@click.option("--backfill", metavar="HOW", help="With --every, what becomes of missed ones: skip, once or all(7).")
def add(
    hive: Hive,
    as_json: bool,
    goal: str,
    title: str | None,
    parent: str | None,
    assign: str | None,
    routine: str | None,
    key: str | None,
    every: str | None,
    backfill: str | None,
) -> None:
    """Add a task, or a goal of its own; with --every a routine that adds one each time."""
    with as_usage():
        checked_goal(goal)
    if every is not None:
        _add_routine(hive, as_json, every, assign, key, goal, title, parent, routine, backfill or "once")
        return
    if backfill is not None:
        raise click.UsageError("--backfill needs --every WHEN.")
    if routine is not None and assign is None:
        raise click.UsageError("--routine needs --assign AGENT.")
    agent = find(hive, assign) if assign else None
    if routine is not None and agent is not None:
        given = hive.tasks.routine(routine, goal, agent.id, PERSON, occurrence=key, title=title, parent_id=parent)
    else:
        agent_id = agent.id if agent else None
        given = hive.tasks.add(goal, PERSON, title=title, parent_id=parent, agent_id=agent_id, key=key)
    _tell_given(hive, as_json, given, "was added")


def _add_routine(
    hive: Hive,
    as_json: bool,
    every: str,
    assign: str | None,
    key: str | None,
    goal: str,
    title: str | None,
    parent: str | None,
    name: str | None,
    backfill: str,
) -> None:
    from hive_tui.cli.routines import check_rhythm, tell

    if assign is None or key is not None:
        raise click.UsageError("--every needs --assign AGENT, and takes no --key: each of its tasks has its own.")
    check_rhythm(every, backfill)
    new = hive.recurring.routines.add(
        every, find(hive, assign), PERSON, goal=goal, name=name, title=title, parent_id=parent, backfill=backfill
    )
    tell(hive, as_json, new, "was added")


@command("split")
@click.argument("task_id", metavar="ID")
@click.argument("parts", nargs=-1, metavar="[PART]...")
@click.option("--assign", metavar="AGENT", help="Who is to do the parts; else the agent of the task itself.")
@click.option("--for", "for_agents", nargs=2, multiple=True, metavar="AGENT PART", help="A part for this agent.")
def split(
    hive: Hive,
    as_json: bool,
    task_id: str,
    parts: tuple[str, ...],
    assign: str | None,
    for_agents: tuple[tuple[str, str], ...],
) -> None:
    """Split a goal into parts, and wake the agent of each."""
    if not parts and not for_agents:
        raise click.UsageError("Say at least one PART, or --for AGENT PART.")
    everyone = find(hive, assign).id if assign else None
    wanted = [Part(text, everyone) for text in parts]
    wanted += [Part(text, find(hive, name).id) for name, text in for_agents]
    given = hive.tasks.split(task_id, wanted, PERSON)
    if as_json:
        print_json([_given_json(hive, one) for one in given])
        return
    for one in given:
        _say_given(hive, one, "was added")
    _warn_without_heartbeat(hive, given)


@command("assign")
@click.argument("task_id", metavar="ID")
@click.argument("name", metavar="[AGENT]", required=False)
@click.option("--nobody", is_flag=True, help="Take it back instead.")
@click.option("--again", is_flag=True, help="Ask an agent that has it already once more.")
def assign(hive: Hive, as_json: bool, task_id: str, name: str | None, nobody: bool, again: bool) -> None:
    """Give a task to an agent and wake it."""
    if (name is None) is not nobody:
        raise click.UsageError("Name an agent, or say --nobody.")
    agent = find(hive, name) if name else None
    given = hive.tasks.assign(task_id, agent.id if agent else None, PERSON, again=again)
    _tell_given(hive, as_json, given, f"was given to {agent.name}" if agent else "is nobody's now")


@command("list")
@click.option("--all", "everything", is_flag=True, help="The finished ones, too.")
@click.option("--agent", metavar="AGENT", help="Only the tasks of this agent.")
def list_(hive: Hive, as_json: bool, everything: bool, agent: str | None) -> None:
    """List tasks as a tree, goals first."""
    _list(hive, as_json, store_tasks(hive, everything=everything, agent=agent))


def store_tasks(hive: Hive, *, everything: bool, agent: str | None) -> list[Task]:
    """The tasks that a list shows."""
    agent_id = hive.database.read(agent_store.find, agent).id if agent else None
    return hive.database.read(store.everything, finished=everything, agent_id=agent_id)


def _list(hive: Hive, as_json: bool, found: Sequence[Task]) -> None:
    names = _names(hive)
    if as_json:
        print_json([task_json(one, names) for one in found])
        return
    if not found:
        click.echo('There is nothing to do. Add something with `hive-tui task add --goal "..." --assign AGENT`.')
    print_table(
        ["ID", "STATUS", "AGENT", "TASK"],
        [
            [one.short_id, f"{MARKS[one.status]} {one.status}", _whose(one, names), "  " * depth + one.title]
            for depth, one in in_tree(found)
        ],
    )


def in_tree(found: Sequence[Task]) -> list[tuple[int, Task]]:
    """Each task behind its parent, with its depth from 0; one whose parent is not listed stands at the top."""
    ids = {one.id for one in found}
    parts: dict[str | None, list[Task]] = {}
    for one in found:
        parts.setdefault(one.parent_id if one.parent_id in ids else None, []).append(one)
    ordered: list[tuple[int, Task]] = []
    waiting = [(0, one) for one in reversed(parts.get(None, []))]
    while waiting:
        depth, one = waiting.pop()
        ordered.append((depth, one))
        waiting += [(depth + 1, part) for part in reversed(parts.get(one.id, []))]
    return ordered


@command("show")
@click.argument("named", metavar="AGENT|ID")
def show(hive: Hive, as_json: bool, named: str) -> None:
    """Show a task with what it is for, or the tasks and the state of an agent."""
    try:
        agent = hive.database.read(agent_store.find, named)
    except NotFound:
        _show_task(hive, as_json, hive.database.read(store.get, named))
    else:
        _show_agent(hive, as_json, agent)


def _show_task(hive: Hive, as_json: bool, found: Task) -> None:
    names = _names(hive)
    chain = hive.tasks.ancestry(found.id)
    parts = hive.database.read(store.parts, found.id)
    if as_json:
        ancestry = [{"id": one.id, "title": one.title, "goal": one.goal} for one in chain]
        listed = [task_json(one, names) for one in parts]
        print_json({**task_json(found, names), "goal_ancestry": ancestry, "parts": listed})
        return
    click.echo(f"{found.id}  {MARKS[found.status]} {found.status}  {_whose(found, names)}")
    for depth, one in enumerate(chain):
        click.echo(f"{'  ' * depth}{one.title}")
    if found.goal != found.title:
        click.echo(f"\n{found.goal}")
    if parts:
        done = sum(one.status is TaskStatus.DONE for one in parts)
        click.echo(f"\n{done} of {len(parts)} parts done:")
        print_table(
            ["ID", "STATUS", "AGENT", "TASK"],
            [[one.short_id, f"{MARKS[one.status]} {one.status}", _whose(one, names), one.title] for one in parts],
        )


def _show_agent(hive: Hive, as_json: bool, agent: Agent) -> None:
    state = hive.database.read(store.state, agent.id)
    found = hive.database.read(store.everything, agent_id=agent.id)
    if as_json:
        names = _names(hive)
        print_json({**task_state_json(state, agent.name), "tasks": [task_json(one, names) for one in found]})
        return
    _say_state(state, agent.name)
    if found:
        click.echo()
        _list(hive, as_json, found)


def _say_state(state: TaskState, name: str) -> None:
    if state.updated_at is None:
        click.echo(f"Nothing is written down yet of how far {name} is.")
        return
    failed = ", ".join(f"{tag} ×{count}" for tag, count in state.failures.items())
    lines = [
        ("now", state.step or "-"),
        ("next", "; ".join(state.next_steps) or "-"),
        ("done", "; ".join(state.done_steps[-5:]) or "-"),
        ("failed", failed or "-"),
    ]
    for label, text in lines:
        click.echo(f"{label:<7} {text}")


@command("set")
@click.argument("name", metavar="AGENT")
@click.option("--step", metavar="TEXT", help="What it does now.")
@click.option("--done-step", "done", multiple=True, metavar="TEXT", help="A step that is completed.")
@click.option("--next", "next_steps", multiple=True, metavar="TEXT", help="A step that could come next.")
@click.option("--failed", multiple=True, metavar="TAG", help="It failed once more, for this reason.")
@click.option("--clear", is_flag=True, help="Forget what was written down before.")
def set_(
    hive: Hive,
    as_json: bool,
    name: str,
    step: str | None,
    done: tuple[str, ...],
    next_steps: tuple[str, ...],
    failed: tuple[str, ...],
    clear: bool,
) -> None:
    """Write down how far an agent is; for the agent itself, its hooks and you."""
    if step is None and not (done or next_steps or failed or clear):
        raise click.UsageError("Say --step, --done-step, --next, --failed or --clear.")
    agent = hive.database.read(agent_store.find, name)
    state = hive.tasks.note(agent, PERSON, step=step, done=done, next_steps=next_steps, failed=failed, clear=clear)
    if as_json:
        print_json(task_state_json(state, agent.name))
    else:
        _say_state(state, agent.name)


def _status_command(name: str, status: TaskStatus, text: str) -> click.Command:
    @command(name, help=text)
    @click.argument("task_id", metavar="ID")
    def change(hive: Hive, as_json: bool, task_id: str) -> None:
        changed = hive.tasks.set_status(task_id, status, PERSON)
        now = hive.database.read(store.get, task_id)
        if as_json:
            print_json({**task_json(now, _names(hive)), "changed": [one.id for one in changed]})
            return
        also = f", and {len(changed) - 1} of its parts" if len(changed) > 1 else ""
        click.echo(f"{now.title} ({now.short_id}) is {now.status}{also}.")

    return change


@command("move")
@click.argument("task_id", metavar="ID")
@click.option("--parent", metavar="ID", help="The task of which it becomes a part; without it, a goal of its own.")
def move(hive: Hive, as_json: bool, task_id: str, parent: str | None) -> None:
    """Make a task, with all its parts, a part of another one, or a goal of its own."""
    moved = hive.tasks.move(task_id, parent, PERSON)
    _show_task(hive, as_json, moved)


def _tell_given(hive: Hive, as_json: bool, given: Given, words: str) -> None:
    if as_json:
        print_json(_given_json(hive, given))
        return
    _say_given(hive, given, words)
    _warn_without_heartbeat(hive, [given])


def _say_given(hive: Hive, given: Given, words: str) -> None:
    if given.note:
        click.echo(f"{given.task.title} ({given.task.short_id}): {given.note}.")
        return
    names = _names(hive)
    wakes = f"; {_whose(given.task, names)} is woken for it" if given.wakeup else ""
    click.echo(f"{given.task.title} ({given.task.short_id}) {words}{wakes}.")


def _given_json(hive: Hive, given: Given) -> dict[str, Any]:
    wakeup_id = given.wakeup.id if given.wakeup else None
    return {**task_json(given.task, _names(hive)), "wakeup_id": wakeup_id, "note": given.note or None}


def _warn_without_heartbeat(hive: Hive, given: Sequence[Given]) -> None:
    if any(one.wakeup for one in given) and not hive.heartbeat_lock.is_held():
        warn("no heartbeat runs now; keep hive-tui open, or run `hive-tui serve`.")


def _names(hive: Hive) -> dict[str, str]:
    return {agent.id: agent.name for agent in hive.database.read(agent_store.everyone)}


def _whose(one: Task, names: dict[str, str]) -> str:
    return names.get(one.agent_id, "(forgotten)") if one.agent_id else "-"


start = _status_command("start", TaskStatus.DOING, "Say that work on a task has begun.")
done_ = _status_command("done", TaskStatus.DONE, "Say that a task is done.")
cancel = _status_command("cancel", TaskStatus.CANCELLED, "Cancel a task and its unfinished parts.")
reopen = _status_command("reopen", TaskStatus.OPEN, "Open a finished task again; wakes its agent.")

for subcommand in (add, split, assign, list_, show, set_, start, done_, cancel, reopen, move):
    task.add_command(subcommand)
