"""Status files that agents write about themselves: `sessions/<pid>.json` in their folder."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.processes import Process


def read(folder: Path, process: Process) -> Mapping[str, Any] | None:
    """The status file of exactly this process; a crash leaves the file of an older one behind.

    None if there is none, it cannot be read, or it is of another process.
    """
    value = load(path_of(folder, process.pid))
    if value is None or "status" not in value:
        return None
    written = str(value.get("procStart", ""))
    if written.isdigit() and int(written) != process.started:
        return None
    return value


def path_of(folder: Path, pid: int) -> Path:
    """Where the process with that id keeps its status file."""
    return folder / "sessions" / f"{pid}.json"


def was_removed(agent: Agent) -> bool:
    """Whether the agent's process has removed its status file, as a graceful exit does."""
    if agent.config_dir is None or agent.process is None:
        return False
    path = path_of(Path(agent.config_dir), agent.process.pid)
    return path.parent.is_dir() and not path.exists()


def load(path: Path) -> Mapping[str, Any] | None:
    """A JSON object from a file; None if there is none."""
    with suppress(OSError, ValueError):
        value = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(value, dict):
            return value
    return None
