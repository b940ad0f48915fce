"""Bring the registry in line with what was seen. Pure: decides, and writes nothing."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from enum import StrEnum

from msgspec import structs

from hive_tui.domain.agents import CRASHED, Activity, Agent, Hosting, Lifecycle, Origin, new_name
from hive_tui.domain.calls import CALLS_FOR, is_new_call, span_of
from hive_tui.domain.events import OBSERVER, Event, EventKind, Severity
from hive_tui.domain.panes import Exit
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.sightings import Sighting


def in_utc(_: Agent) -> tzinfo:
    """The zone of an agent that names none."""
    return UTC


class ServerState(StrEnum):
    """What tmux answered."""

    UP = "up"
    DOWN = "down"
    """It is certain that no server runs on the socket."""
    HUNG = "hung"
    """There was no answer in time: nothing is known."""


class Ending(StrEnum):
    """How an agent ended whose process is gone."""

    QUIT = "quit"
    """It left by itself: a person quit it."""
    CLOSED = "closed"
    """Its pane was closed, and its shell with it; the tmux server lives on."""
    GONE = "gone"
    """It was its pane's own command, and both are gone: left, killed or closed, which nothing tells any more."""
    UNTOLD = "untold"
    """By itself or by a crash: its kind leaves nothing behind that would tell, and no conversation needs it."""
    CRASHED = "crashed"


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything one look at the machine gave."""

    state: ServerState
    server: str | None
    sightings: tuple[Sighting, ...]
    is_alive: Callable[[ProcessId], bool]
    ending: Callable[[Agent], Ending]
    """How an agent ended, by its kind's own evidence; asked only while the server lives that it ran in."""
    at: datetime
    zone_of: Callable[[Agent], tzinfo] = in_utc
    """The zone in which an agent tells times; asked only where it tells of another limit."""
    exit: Callable[[Agent], Exit | None] = lambda _: None
    """What tmux knows of the end of an agent that was its pane's own command; asked only of one that has crashed."""


@dataclass(frozen=True, slots=True)
class Change:
    """One agent as it was and as it is to be."""

    before: Agent | None
    """None for an agent that is new."""
    after: Agent | None
    """None for one that leaves the registry."""
    event: Event | None


def reconcile(
    agents: Sequence[Agent],
    seen: Seen,
    *,
    locked: Collection[str],
    worth_keeping: Collection[str],
    new_id: Callable[[], str],
) -> list[Change]:
    """What must change in the registry after one look.

    Args:
        agents: The registry.
        seen: What was looked at.
        locked: Agents that a nap, wake or restore works on; those are left alone.
        worth_keeping: Agents with a checkpoint, or adopted or pinned: they stay when they end.
        new_id: Makes the id of a new agent.
    """
    matches = match(agents, seen)
    matched = {agent.id: sighting for agent, sighting in matches if agent is not None}
    changes: list[Change] = []
    taken = {agent.name: agent.kind for agent in agents}
    for agent, sighting in matches:
        if agent is None:
            change = _found(sighting, taken, new_id(), seen.at)
            assert change.after is not None
            taken[change.after.name] = change.after.kind
            changes.append(change)
        elif agent.id not in locked:
            changes += _seen_again(agent, sighting, seen)
    taken_over = {sighting.root.id for _, sighting in matches}
    for agent in agents:
        if agent.id in matched or agent.id in locked:
            continue
        if agent.process in taken_over:
            changes.append(_leaves(agent, f"{agent.name} is another agent, started again"))
        else:
            changes += _not_seen(agent, seen, agent.id in worth_keeping)
    return changes


def applied(agents: Sequence[Agent], changes: Sequence[Change]) -> list[Agent]:
    """The registry as it would be after the changes, by name."""
    by_id = {agent.id: agent for agent in agents}
    for change in changes:
        if change.after is not None:
            by_id[change.after.id] = change.after
        elif change.before is not None:
            del by_id[change.before.id]
    return sorted(by_id.values(), key=lambda agent: agent.name)


def finished(change: Change, seen: Seen) -> bool:
    """Whether an agent has ended a turn while nobody looked at its pane."""
    before, after = change.before, change.after
    if before is None or after is None or (before.activity, after.activity) != (Activity.WORKING, Activity.IDLE):
        return False
    return not any(one.root.id == after.process and one.pane.is_watched for one in seen.sightings)


def looked_at(agents: Sequence[Agent], seen: Seen) -> set[str]:
    """Agents with nothing to show: their pane is looked at, or they do something else than wait."""
    watched = {one.root.id for one in seen.sightings if one.pane.is_watched}
    waiting = {agent.id for agent in agents if agent.activity is Activity.IDLE and agent.process not in watched}
    return {agent.id for agent in agents} - waiting


def match(agents: Sequence[Agent], seen: Seen) -> list[tuple[Agent | None, Sighting]]:
    """Pair each sighting with its agent; None where it is a new one.

    By process first, unless the process turned out to be another agent's; then by
    conversation, for an agent that was started again elsewhere; then by the mark
    that hive left on the pane.
    """
    stand_ins = {agent.id for agent in agents if _stands_in(agent, agents, seen)}
    free = {agent.id: agent for agent in agents}
    pairs: dict[int, Agent] = {}
    _pair_by_process(agents, seen, stand_ins, free, pairs)
    rules: tuple[Callable[[Agent, Sighting], bool], ...] = (
        # Taken for the root while the wrapper above it was still starting.
        lambda agent, sighting: (
            agent.process in sighting.tree[1:]
            and agent.kind == sighting.kind
            and agent.session_id in (None, sighting.session.id)
        ),
        lambda agent, sighting: (
            agent.session_id is not None
            and agent.kind == sighting.kind
            and agent.session_id == sighting.session.id
            and not _is_alive(agent, seen)
        ),
        # Only while it wakes: a person may start a new conversation in the pane of a sleeping agent.
        lambda agent, sighting: (
            agent.id == sighting.pane.agent_id
            and agent.kind == sighting.kind
            and agent.lifecycle is Lifecycle.WAKING
            and (agent.session_id is None or sighting.session.id is None)
        ),
    )
    for rule in rules:
        for number, sighting in enumerate(seen.sightings):
            if number in pairs:
                continue
            found = next((agent for agent in free.values() if rule(agent, sighting)), None)
            if found is not None:
                pairs[number] = free.pop(found.id)
    return [(pairs.get(number), sighting) for number, sighting in enumerate(seen.sightings)]


def _pair_by_process(
    agents: Sequence[Agent], seen: Seen, stand_ins: Collection[str], free: dict[str, Agent], pairs: dict[int, Agent]
) -> None:
    """The first rules, which pair nearly all: by index, since each look asks them of every agent."""
    by_process: dict[ProcessId | None, list[Agent]] = {}
    for agent in agents:
        by_process.setdefault(agent.process, []).append(agent)
    rules: tuple[Callable[[Agent, Sighting], bool], ...] = (
        lambda agent, sighting: agent.session_id == sighting.session.id,
        lambda agent, _: agent.id not in stand_ins,
    )
    for rule in rules:
        for number, sighting in enumerate(seen.sightings):
            known = by_process.get(sighting.root.id, ()) if number not in pairs else ()
            found = next((agent for agent in known if agent.id in free and rule(agent, sighting)), None)
            if found is not None:
                pairs[number] = free.pop(found.id)


def _stands_in(agent: Agent, agents: Sequence[Agent], seen: Seen) -> bool:
    """Whether an agent is a known one that a person has started again, found before its conversation was known."""
    if agent.origin is not Origin.FOUND or agent.session_id is not None:
        return False
    shown = {
        sighting.session.id
        for sighting in seen.sightings
        if sighting.root.id == agent.process and sighting.kind == agent.kind
    }
    return any(
        other.session_id in shown
        for other in agents
        if other.kind == agent.kind and other.session_id is not None and not _is_alive(other, seen)
    )


def _is_alive(agent: Agent, seen: Seen) -> bool:
    return agent.process is not None and seen.is_alive(agent.process)


def from_sighting(agent: Agent, sighting: Sighting, at: datetime, zone_of: Callable[[Agent], tzinfo] = in_utc) -> Agent:
    """The agent, awake, with everything that the sighting shows."""
    activity, reason, since_at = sighting.activity, sighting.claims[0].detail, at
    if agent.lifecycle is Lifecycle.AWAKE:
        reason, since_at = span_of(agent, activity, reason, at, zone_of)
    is_same_session = sighting.session.id in (None, agent.session_id)
    is_known_better = not sighting.is_legible and agent.process == sighting.root.id
    return structs.replace(
        agent,
        lifecycle=Lifecycle.AWAKE,
        activity=activity,
        reason=reason,
        since_at=since_at,
        cwd=sighting.cwd if agent.process != sighting.root.id else agent.cwd,
        hosting=sighting.hosting,
        pane=sighting.pane.ref,
        process=sighting.root.id,
        session_id=sighting.session.id or agent.session_id,
        transcript=sighting.session.transcript or (agent.transcript if is_same_session else None),
        config_dir=agent.config_dir if is_known_better else sighting.session.config_dir or agent.config_dir,
        argv=sighting.argv,
        env=agent.env if is_known_better else sighting.env,
        memory_bytes=_memory(agent.memory_bytes, sighting.memory_bytes),
        started_at=sighting.started_at,
    )


def _memory(known: int, seen: int) -> int:
    """The registry's figure, moved only by changes worth a write."""
    return seen if not known or abs(seen - known) > max(16_000_000, known // 10) else known


def _found(sighting: Sighting, taken: Mapping[str, str], new_id: str, at: datetime) -> Change:
    blank = Agent(
        id=new_id,
        name=new_name(sighting.cwd, sighting.kind, taken),
        kind=sighting.kind,
        lifecycle=Lifecycle.AWAKE,
        activity=Activity.UNKNOWN,
        reason="",
        since_at=at,
        origin=Origin.FOUND,
        cwd=sighting.cwd,
        hosting=Hosting.SHELL,
    )
    agent = from_sighting(blank, sighting, at)
    text = f"Found {agent.name}: {sighting.kind} in pane {sighting.pane.id} ({sighting.pane.place})"
    return Change(None, agent, Event(EventKind.AGENT_FOUND, text, agent.id, OBSERVER))


def _seen_again(agent: Agent, sighting: Sighting, seen: Seen) -> list[Change]:
    after = from_sighting(agent, sighting, seen.at, seen.zone_of)
    if after == agent:
        return []
    event = None
    if agent.lifecycle is not Lifecycle.AWAKE:
        text = f"{agent.name} is awake in pane {sighting.pane.id} (was {agent.lifecycle}: {agent.reason})"
        event = Event(EventKind.AGENT_AWAKE, text, agent.id, OBSERVER)
    elif is_new_call(agent, after, seen.zone_of):
        text = f"{agent.name}{CALLS_FOR}{after.reason}"
        payload = {"activity": str(after.activity), "watched": sighting.pane.is_watched}
        event = Event(EventKind.AGENT_NEEDS_YOU, text, agent.id, OBSERVER, Severity.WARNING, payload)
    elif finished(Change(agent, after, None), seen):
        event = Event(EventKind.AGENT_DONE, f"{agent.name} has finished its turn", agent.id, OBSERVER)
    return [Change(agent, after, event)]


def _not_seen(agent: Agent, seen: Seen, is_worth_keeping: bool) -> list[Change]:
    if agent.lifecycle in (Lifecycle.ASLEEP, Lifecycle.FAILED):
        return []
    if _is_alive(agent, seen):
        return _alive_out_of_sight(agent, seen)
    if seen.state is ServerState.HUNG:
        return []
    if agent.lifecycle is Lifecycle.WAKING:
        return [_to(agent, Lifecycle.ASLEEP, "its wake was interrupted", seen.at)]
    if agent.lifecycle is Lifecycle.NAPPING:
        # Recovery finishes interrupted naps from their journal; it is not the observer's to guess.
        return []
    return [_ended(agent, seen, is_worth_keeping)]


def _alive_out_of_sight(agent: Agent, seen: Seen) -> list[Change]:
    if seen.state is not ServerState.UP or agent.lifecycle is not Lifecycle.AWAKE:
        return []
    after = structs.replace(
        agent, activity=Activity.UNKNOWN, reason="its process runs, but in no pane of this tmux server"
    )
    if (after.activity, after.reason) == (agent.activity, agent.reason):
        return []
    return [Change(agent, structs.replace(after, since_at=seen.at), None)]


ENDING_REASONS = {
    Ending.QUIT: "it was quit in its pane",
    Ending.CLOSED: "its pane was closed",
    Ending.GONE: "it ended and its pane with it, by itself or because the pane was closed",
    Ending.UNTOLD: "it ended, by itself or by a crash, which nothing tells",
}


def _ended(agent: Agent, seen: Seen, is_worth_keeping: bool) -> Change:
    """An awake agent whose process is gone: a person ended it, or it crashed."""
    server_gone = agent.pane is None or agent.pane.server != seen.server
    ending = Ending.CRASHED if server_gone else seen.ending(agent)
    if ending is not Ending.CRASHED:
        if not is_worth_keeping:
            hows = {Ending.GONE: "ended, and its pane with it", Ending.UNTOLD: "ended"}
            how = hows.get(ending, f"was {ending} by a person")
            return _leaves(agent, f"{agent.name} {how}")
        can_come_back = agent.session_id is not None and agent.config_dir is not None
        what_then = "wake brings the conversation back" if can_come_back else "no conversation of it is known"
        reason = f"{ENDING_REASONS[ending]}; {what_then}"
        event = Event(EventKind.AGENT_ENDED, f"{agent.name}: {reason}", agent.id, OBSERVER)
        return Change(agent, _after(agent, Lifecycle.ASLEEP, reason, seen.at), event)
    if agent.session_id is None and not is_worth_keeping:
        return _leaves(agent, f"{agent.name} ended before it had a conversation")
    told = None if server_gone else seen.exit(agent)
    reason = f"{CRASHED}: {'the tmux server ended' if server_gone else told or 'its process ended by itself'}"
    payload: dict[str, object] = {"server_gone": server_gone}
    if told is not None:
        payload |= {"exit_status": told.status, "signal": told.signal}
    event = Event(EventKind.AGENT_CRASHED, f"{agent.name} {reason}", agent.id, OBSERVER, Severity.FAILURE, payload)
    return Change(agent, _after(agent, Lifecycle.FAILED, reason, seen.at), event)


def _leaves(agent: Agent, text: str) -> Change:
    payload = {"session_id": agent.session_id, "cwd": agent.cwd, "argv": list(agent.argv)}
    return Change(agent, None, Event(EventKind.AGENT_ENDED, text, agent.id, OBSERVER, payload=payload))


def _to(agent: Agent, lifecycle: Lifecycle, reason: str, at: datetime) -> Change:
    return Change(agent, _after(agent, lifecycle, reason, at), None)


def _after(agent: Agent, lifecycle: Lifecycle, reason: str, at: datetime) -> Agent:
    return structs.replace(
        agent,
        lifecycle=lifecycle,
        activity=Activity.UNKNOWN,
        reason=reason,
        since_at=at,
        process=None,
        started_at=None,
        memory_bytes=0,
        freed_bytes=0,
    )
