"""Agents: their states, what may follow what, and their names."""

import re
from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum

from msgspec import Struct

from hive_tui.domain.errors import NameTaken
from hive_tui.domain.processes import ProcessId


class Lifecycle(StrEnum):
    """Where an agent stands between running and being asleep."""

    AWAKE = "awake"
    NAPPING = "napping"
    ASLEEP = "asleep"
    WAKING = "waking"
    FAILED = "failed"


class Activity(StrEnum):
    """What an awake agent does; `unknown` in every other lifecycle."""

    WORKING = "working"
    PERMISSION = "permission"
    QUESTION = "question"
    IDLE = "idle"
    LIMITED = "limited"
    ERROR = "error"
    UNKNOWN = "unknown"


NEEDS_PERSON = frozenset({Activity.PERMISSION, Activity.QUESTION})
"""Activities in which nothing goes on until a person answers."""

FOLLOWS: dict[Lifecycle, frozenset[Lifecycle]] = {
    Lifecycle.AWAKE: frozenset({Lifecycle.NAPPING, Lifecycle.ASLEEP, Lifecycle.FAILED}),
    Lifecycle.NAPPING: frozenset({Lifecycle.AWAKE, Lifecycle.ASLEEP, Lifecycle.FAILED}),
    Lifecycle.ASLEEP: frozenset({Lifecycle.WAKING, Lifecycle.AWAKE, Lifecycle.FAILED}),
    Lifecycle.WAKING: frozenset({Lifecycle.AWAKE, Lifecycle.ASLEEP, Lifecycle.FAILED}),
    Lifecycle.FAILED: frozenset({Lifecycle.WAKING, Lifecycle.AWAKE, Lifecycle.ASLEEP}),
}
"""Which lifecycle may follow which. A state may always follow itself."""


CRASHED = "crashed"
"""How the reason of an agent begins whose process ended unasked."""


class Origin(StrEnum):
    """How an agent came into the registry."""

    FOUND = "found"
    ADOPTED = "adopted"
    LAUNCHED = "launched"


class Hosting(StrEnum):
    """What keeps the pane open when the agent's process ends."""

    SHELL = "shell"
    """The user's interactive shell started it and stays."""
    COMMAND = "command"
    """The agent is the pane's own command; the pane ends with it."""


class PaneRef(Struct, frozen=True):
    """A pane of one run of one tmux server; pane ids start again at %0 with each run."""

    server: str
    """`<pid>:<start time>` of the tmux server."""
    pane_id: str
    """tmux's own id, like `%3`."""


class Agent(Struct, frozen=True):
    """One coding agent, as the registry knows it. Times are aware UTC."""

    id: str
    name: str
    kind: str
    lifecycle: Lifecycle
    activity: Activity
    reason: str
    """Why it is in this state, for a person."""
    since_at: datetime
    """Since when lifecycle and activity are what they are."""
    origin: Origin
    cwd: str
    """The folder it was started in; a resume must happen there."""
    hosting: Hosting
    pane: PaneRef | None = None
    process: ProcessId | None = None
    """The topmost process of the agent; None while there is none."""
    session_id: str | None = None
    """The vendor's id of the conversation."""
    transcript: str | None = None
    config_dir: str | None = None
    """Where this agent's kind keeps its files."""
    argv: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    """Allow-listed environment, never a secret."""
    pinned: bool = False
    """Never put to sleep unasked."""
    held: bool = False
    """Never woken unasked."""
    checkpoint_id: str | None = None
    """The checkpoint that a wake starts from: the newest one, or the restored one."""
    prompt: str | None = None
    """The shell's prompt line as it looked with nothing typed in."""
    freed_bytes: int = 0
    """Anonymous memory that the last nap gave back."""
    memory_bytes: int = 0
    started_at: datetime | None = None
    """When the agent's process was started."""

    @property
    def has_crashed(self) -> bool:
        """Whether it is failed because its process ended unasked."""
        return self.lifecycle is Lifecycle.FAILED and self.reason.startswith(CRASHED)

    @property
    def is_running(self) -> bool:
        """Whether the registry believes that a process of this agent is alive."""
        return self.lifecycle in (Lifecycle.AWAKE, Lifecycle.NAPPING) and self.process is not None


NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
"""Short, typed without quotes in every shell, safe as a folder name."""


def checked_name(name: str, taken: Collection[str] = ()) -> str:
    """`name` itself, if it is one and is free.

    Raises:
        NameTaken: It is not a name, or another agent has it.
    """
    if not NAME.fullmatch(name):
        raise NameTaken(
            f"{name!r} cannot be an agent's name.",
            hint="Use up to 32 of a-z, 0-9, '.', '_' and '-', beginning with a letter or digit.",
        )
    if name in taken:
        raise NameTaken(
            f"The name {name!r} is taken by another agent.",
            hint="Choose another one, or rename or forget that agent first.",
        )
    return name


def new_name(folder: str, kind: str, taken: Mapping[str, str]) -> str:
    """A free name for an agent found in `folder`: the folder's name, else with its kind, else numbered.

    Args:
        folder: Where the agent works.
        kind: Its kind.
        taken: The names in use, with the kind of each agent.
    """
    base = re.sub(r"[^a-z0-9._-]+", "-", folder.rstrip("/").rsplit("/", 1)[-1].lower())
    base = base.lstrip("._-")[:24].rstrip("._-") or kind
    if base not in taken:
        return base
    with_kind = f"{base[: 31 - len(kind)].rstrip('._-')}-{kind}"
    if taken[base] != kind and with_kind not in taken:
        return with_kind
    number = 2
    while f"{base}-{number}" in taken:
        number += 1
    return f"{base}-{number}"
