"""What the hooks of agents tell, and for how long it is to be believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.sightings import Claim

SOURCE = "hook"
HOLDS: Mapping[Activity, timedelta] = {
    # A turn can end with no event (Esc), so this is believed only as long as a single step may take.
    Activity.WORKING: timedelta(minutes=10),
    Activity.PERMISSION: timedelta(minutes=30),
    Activity.QUESTION: timedelta(minutes=30),
    Activity.LIMITED: timedelta(minutes=10),
    Activity.ERROR: timedelta(minutes=30),
    Activity.IDLE: timedelta(hours=12),
}
"""How long an event is evidence of what an agent does, if no other follows."""

WORKING, IDLE, PERMISSION, QUESTION = Activity.WORKING, Activity.IDLE, Activity.PERMISSION, Activity.QUESTION
MEANS: Mapping[str, Mapping[str, Activity]] = {
    "claude": {
        "SessionStart": IDLE,
        "UserPromptSubmit": WORKING,
        "PreToolUse": WORKING,
        "PostToolUse": WORKING,
        "PostToolUseFailure": WORKING,
        "PreCompact": WORKING,
        "PermissionRequest": PERMISSION,
        "Stop": IDLE,
        "StopFailure": Activity.ERROR,
    },
    "codex": {
        "SessionStart": IDLE,
        "UserPromptSubmit": WORKING,
        "PreToolUse": WORKING,
        "PostToolUse": WORKING,
        "PreCompact": WORKING,
        "PermissionRequest": PERMISSION,
        "Stop": IDLE,
        "Interrupt": IDLE,
    },
    "opencode": {
        "session.created": IDLE,
        "session.idle": IDLE,
        "session.error": Activity.ERROR,
        "permission.asked": PERMISSION,
        "permission.replied": WORKING,
        "question.asked": QUESTION,
        "question.replied": WORKING,
        "question.rejected": WORKING,
        "tool.execute.after": WORKING,
    },
    "gemini": {
        "SessionStart": IDLE,
        "BeforeAgent": WORKING,
        "BeforeTool": WORKING,
        "AfterTool": WORKING,
        "AfterAgent": IDLE,
    },
}
"""What an event says by its name alone; `activity_of` knows the exceptions."""
NOTIFIES: Mapping[str, Activity] = {
    "permission_prompt": PERMISSION,
    "ToolPermission": PERMISSION,
    "elicitation_dialog": QUESTION,
    "idle_prompt": IDLE,
}
STATUS: Mapping[str, Activity] = {"busy": WORKING, "idle": IDLE, "retry": Activity.LIMITED}
STARTS = frozenset({"SessionStart", "session.created"})
ENDS = frozenset({"SessionEnd"})
OF_SUBAGENTS = frozenset({"SubagentStart", "SubagentStop"})
PANE_IS_ANOTHERS = frozenset({"codex"})
"""Kinds whose hooks run in a process that all panes share, so that the pane in their environment is the first one's."""


@dataclass(frozen=True, slots=True)
class HookEvent:
    """One event, as its hook has kept it."""

    name: str
    """Its name in the spool, which no other event has."""
    kind: str
    at: datetime
    fields: Mapping[str, Any] = field(default_factory=dict)
    pane_id: str | None = None
    tmux_pid: int | None = None
    """Process id of the tmux server of that pane."""
    ancestors: tuple[str, ...] = ()
    """`pid:start time` of the processes above the hook."""

    @property
    def event(self) -> str:
        """What happened, in the words of its kind."""
        return str(self.fields.get("hook_event_name") or self.fields.get("type") or "")

    @property
    def session_id(self) -> str | None:
        """The conversation that it is about."""
        named = self.fields.get("session_id") or self.fields.get("thread-id")
        return str(named) if named else None

    @property
    def is_of_subagent(self) -> bool:
        """Whether it tells of a helper of the agent, which says nothing about the agent itself."""
        return bool(self.fields.get("agent_id") or self.fields.get("parent_id")) or self.event in OF_SUBAGENTS

    @property
    def is_from_its_agent(self) -> bool:
        """Whether pane and processes are those of the agent."""
        return self.kind not in PANE_IS_ANOTHERS


def activity_of(event: HookEvent) -> Activity | None:
    """What the agent does after that event; None where it does not tell."""
    told = event.fields
    if event.event == "Notification":
        return NOTIFIES.get(str(told.get("notification_type", "")))
    if event.event == "session.status":
        return STATUS.get(str(told.get("status", "")))
    if event.event == "SessionStart" and told.get("source") == "compact":
        return None  # in the middle of a turn
    if event.event == "PostCompact":
        return IDLE if told.get("trigger") == "manual" else None
    if event.event == "StopFailure" and told.get("error") == "rate_limit":
        return Activity.LIMITED
    if event.event == "PreToolUse" and told.get("tool_name") == "AskUserQuestion":
        return QUESTION
    return MEANS.get(event.kind, {}).get(event.event)


@dataclass(frozen=True, slots=True)
class HookReport:
    """What the hooks have told of one conversation last."""

    kind: str
    session_id: str
    event: str
    at: datetime
    """When the last event happened."""
    activity: Activity | None = None
    """None where no event has told."""
    activity_event: str = ""
    activity_at: datetime | None = None
    cwd: str | None = None
    transcript: str | None = None
    pane_id: str | None = None
    tmux_pid: int | None = None
    ancestors: tuple[str, ...] = ()
    """`pid:start time` of the processes above its hook, of which one is the agent."""
    said: str = ""
    """Beginning of the agent's last answer, or of what it asks."""
    has_ended: bool = False
    """Whether the agent has left this conversation: it exited, or went on with another one."""

    @property
    def expires_at(self) -> datetime:
        """From then on it says nothing about the activity any more."""
        if self.has_ended or self.activity is None or self.activity_at is None:
            return self.at
        return self.activity_at + HOLDS.get(self.activity, timedelta())

    def claim(self, now: datetime) -> Claim | None:
        """What it is evidence of at that time; None if it tells nothing, or is too old."""
        if self.has_ended or self.activity is None or self.activity_at is None or now >= self.expires_at:
            return None
        # The time and no age: a reason that changes with each look would be written down with each look.
        return Claim(self.activity, SOURCE, f"its hook told {self.activity_event} at {self.activity_at:%H:%M:%S} UTC")


@dataclass(frozen=True)
class Reports:
    """The reports of all conversations."""

    by_session: Mapping[tuple[str, str], HookReport]
    """By kind and session id."""

    def of_session(self, kind: str, session_id: str) -> HookReport | None:
        """The report of that conversation."""
        return self.by_session.get((kind, session_id))

    def of_process(self, kind: str, process: ProcessId) -> HookReport | None:
        """The conversation that exactly this process has told of last, and has not left."""
        mark = f"{process.pid}:{process.started}"
        own = [one for one in self._by_ancestor.get(mark, ()) if one.kind == kind]
        # Of an agent that runs another one as a tool, its own hooks are the nearer ones.
        newest = max(own, key=lambda one: (-one.ancestors.index(mark), one.at), default=None)
        return None if newest is None or newest.has_ended else newest

    @cached_property
    def _by_ancestor(self) -> Mapping[str, Sequence[HookReport]]:
        """Asked for each agent at each look, of as many conversations as there were in weeks."""
        found: dict[str, list[HookReport]] = {}
        for one in self.by_session.values():
            for mark in dict.fromkeys(one.ancestors):
                found.setdefault(mark, []).append(one)
        return found

    def in_pane(self, kind: str, tmux_pid: int, pane_id: str, *, since: datetime) -> HookReport | None:
        """The conversation that an agent in that pane has told of last, and has not left.

        Args:
            kind: The kind of agent.
            tmux_pid: Process id of the tmux server; pane ids are its own.
            pane_id: Like `%3`.
            since: When the agent's process was started; what was told before is another's.
        """
        there = [
            report
            for report in self.by_session.values()
            if (report.kind, report.tmux_pid, report.pane_id) == (kind, tmux_pid, pane_id) and report.at >= since
        ]
        newest = max(there, key=lambda report: report.at, default=None)
        return None if newest is None or newest.has_ended else newest

    def of(self, agent: Agent) -> HookReport | None:
        """The conversation that the agent holds now: by its process, its pane, or else the known session."""
        found = self.of_process(agent.kind, agent.process) if agent.process is not None else None
        if found is None and agent.pane is not None and agent.started_at is not None:
            server = agent.pane.server.partition(":")[0]
            if server.isdigit():
                found = self.in_pane(agent.kind, int(server), agent.pane.pane_id, since=agent.started_at)
        if found is None and agent.session_id is not None:
            found = self.of_session(agent.kind, agent.session_id)
        return found
