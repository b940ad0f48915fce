"""What an observer sees of a live agent."""

from dataclasses import dataclass
from datetime import datetime

from hive_tui.domain.agents import Activity, Hosting
from hive_tui.domain.panes import Pane
from hive_tui.domain.processes import Process, ProcessId


@dataclass(frozen=True, slots=True)
class Claim:
    """What one source says an agent does."""

    activity: Activity
    source: str
    """Where it was read: `session file`, `title`, `screen`, ..."""
    detail: str
    """What was read there, for a person."""


@dataclass(frozen=True, slots=True)
class Session:
    """The conversation of a running agent, and where its kind keeps it."""

    id: str | None
    """None while there is nothing that could be resumed."""
    source: str
    """How the id was found, or why it was not."""
    transcript: str | None = None
    """Path of the transcript, if it exists."""
    config_dir: str | None = None


@dataclass(frozen=True, slots=True)
class Sighting:
    """A live agent in a pane."""

    kind: str
    pane: Pane
    root: Process
    tree: tuple[ProcessId, ...]
    """Its own processes, the root first; without those that other panes share."""
    shared: tuple[ProcessId, ...]
    """Processes below it that other panes use too, and that are never ended."""
    argv: tuple[str, ...]
    cwd: str
    env: tuple[tuple[str, str], ...]
    hosting: Hosting
    session: Session
    claims: tuple[Claim, ...]
    """What each source says, the one that counts first. Never empty."""
    background: tuple[str, ...]
    draft: str
    memory_bytes: int
    """Anonymous memory of the whole tree, which an exit frees for sure."""
    started_at: datetime | None
    cpu_share: float | None
    """Share of one core since the look before; None at the first look."""
    is_legible: bool = True
    """Whether its environment could be read. That of a process that is just ending cannot, and then what
    follows from it, like where its files are, is not to be believed."""

    @property
    def activity(self) -> Activity:
        """What the source that counts says."""
        return self.claims[0].activity
