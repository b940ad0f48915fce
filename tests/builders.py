"""Agents, panes and sightings as plain values, where a test names only what it is about."""

from datetime import UTC, datetime
from typing import Any

from hive_tui.domain.agents import Activity, Agent, Hosting, Lifecycle, Origin, PaneRef
from hive_tui.domain.panes import Pane
from hive_tui.domain.processes import Process, ProcessId
from hive_tui.domain.sightings import Claim, Session, Sighting

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
SERVER = "900:1"
"""The run of the tmux server in which everything happens, unless a test says otherwise."""


def a_process(pid: int = 100, started: int | None = None, **facts: Any) -> Process:
    values: dict[str, Any] = {"ppid": 1, "pgrp": pid, "tty": 5, "tpgid": pid, "comm": "claude", "cpu_ticks": 0}
    return Process(pid=pid, started=pid * 10 if started is None else started, **{**values, **facts})


def a_pane(pane_id: str = "%1", *, server: str = SERVER, **facts: Any) -> Pane:
    values: dict[str, Any] = {
        "session_id": "$0",
        "session_name": "work",
        "window_id": "@1",
        "window_index": 0,
        "window_name": "code",
        "pane_index": 0,
        "pid": 50,
        "tty": "/dev/pts/5",
        "width": 110,
        "height": 36,
        "window_size": (110, 36),
        "is_active": True,
        "is_watched": False,
        "in_mode": False,
        "is_synchronized": False,
        "is_dead": False,
        "alternate_on": False,
        "cursor_x": 0,
        "cursor_y": 0,
        "is_zoomed": False,
        "output_at": 0,
        "history_size": 0,
        "layout": "b25d,110x36,0,0,1",
        "agent_id": "",
        "wakeup_id": "",
        "is_rebuilt": False,
        "title": "",
        "cwd": "/home/ada/engine",
    }
    return Pane(ref=PaneRef(server, pane_id), **{**values, **facts})


def an_agent(name: str = "ada", **facts: Any) -> Agent:
    """Awake and idle in pane %1, with a conversation."""
    values: dict[str, Any] = {
        "kind": "claude",
        "lifecycle": Lifecycle.AWAKE,
        "activity": Activity.IDLE,
        "reason": "its status file says idle",
        "since_at": NOON,
        "origin": Origin.FOUND,
        "cwd": "/home/ada/engine",
        "hosting": Hosting.SHELL,
        "pane": PaneRef(SERVER, "%1"),
        "process": ProcessId(100, 1000),
        "session_id": "session-1",
        "transcript": "/home/ada/.claude/projects/engine/session-1.jsonl",
        "config_dir": "/home/ada/.claude",
        "argv": ("claude",),
    }
    return Agent(id=f"id-of-{name}", name=name, **{**values, **facts})


def an_ended_agent(name: str = "ada", lifecycle: Lifecycle = Lifecycle.ASLEEP, **facts: Any) -> Agent:
    """Asleep, or failed, or about to wake: no process, the conversation and the pane are known."""
    values: dict[str, Any] = {"activity": Activity.UNKNOWN, "reason": "idle", "process": None, "started_at": None}
    return an_agent(name, lifecycle=lifecycle, **{**values, **facts})


def a_sighting(
    pid: int = 100,
    conversation: str | None = "session-1",
    *,
    pane: Pane | None = None,
    activity: Activity = Activity.IDLE,
    detail: str = "its status file says idle",
    **facts: Any,
) -> Sighting:
    """What the agent of `an_agent` looks like when it is seen."""
    transcript = f"/home/ada/.claude/projects/engine/{conversation}.jsonl" if conversation else None
    root = a_process(pid)
    values: dict[str, Any] = {
        "kind": "claude",
        "pane": pane or a_pane(),
        "root": root,
        "tree": (root.id,),
        "shared": (),
        "argv": ("claude",),
        "cwd": "/home/ada/engine",
        "env": (),
        "hosting": Hosting.SHELL,
        "session": Session(conversation, "its status file", transcript, "/home/ada/.claude"),
        "claims": (Claim(activity, "status file", detail),),
        "background": (),
        "draft": "",
        "memory_bytes": 0,
        "started_at": None,
        "cpu_share": None,
    }
    return Sighting(**{**values, **facts})
