"""Status files that agents write about themselves: `sessions/<pid>.json` in their folder."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.processes import Process

PATTERN = "sessions/{pid}.json"


def read(folder: Path, process: Process) -> Mapping[str, Any] | None:
    """The status file of exactly this process; a crash leaves the file of an older one behind.

    None if there is none, it cannot be read, or it is of another process.
    """
    value = of_process(path_of(folder, process.pid), process, "procStart")
    return value if value is not None and "status" in value else None


@lru_cache(maxsize=512)
def path_of(folder: Path, pid: int) -> Path:
    """Where the process with that id keeps its status file."""
    return folder / PATTERN.format(pid=pid)


def of_process(path: Path, process: Process, start_key: str) -> Mapping[str, Any] | None:
    """A status file at any path, unless it says that it is of another process.

    Args:
        path: The file.
        process: Whose it must be.
        start_key: Its key for the start time of the process; it need not have it.
    """
    value = load(path)
    written = str(value.get(start_key, "")) if value else ""
    return None if written.isdigit() and int(written) != process.started else value


def of_tree(folder: Path, pattern: str, tree: Sequence[Process], start_key: str) -> Mapping[str, Any] | None:
    """The status file of the first process that has one: a wrapper starts the process that writes it.

    Args:
        folder: The kind's own.
        pattern: Its path below that; `{pid}` stands for the process id.
        tree: The agent's processes, the topmost first.
        start_key: As for `of_process`.
    """
    for process in tree:
        said = of_process(folder / pattern.format(pid=process.pid), process, start_key)
        if said is not None:
            return said
    return None


def was_removed(agent: Agent, pattern: str = PATTERN) -> bool:
    """Whether the agent's process has removed its status file, as a graceful exit does."""
    if agent.config_dir is None or agent.process is None:
        return False
    path = Path(agent.config_dir) / pattern.format(pid=agent.process.pid)
    return path.parent.is_dir() and not path.exists()


def is_gone(agent: Agent, pattern: str, id_key: str) -> bool:
    """As `was_removed`, where a process below the agent's topmost one may have written the file.

    Args:
        agent: Its process is gone.
        pattern: Of the kind's status files, below the kind's own folder.
        id_key: The key of the conversation in them; none that is left may name that of the agent.
    """
    if not was_removed(agent, pattern) or agent.config_dir is None:
        return False
    left = Path(agent.config_dir).glob(pattern.format(pid="*"))
    return not any((load(path) or {}).get(id_key) == agent.session_id for path in left)


def load(path: Path) -> Mapping[str, Any] | None:
    """A JSON object from a file; None if there is none."""
    with suppress(OSError, ValueError):
        with open(path, "rb", buffering=0) as file:  # noqa: PTH123 - each look at each agent: a third of the time
            value = json.loads(str(file.readall(), "utf-8"))
        if isinstance(value, dict):
            return value
    return None
