"""What an observer sees of a live agent."""

from datetime import datetime

from msgspec import Struct

from hive_tui.domain.agents import Activity, Hosting
from hive_tui.domain.panes import Pane
from hive_tui.domain.processes import Process, ProcessId


class Claim(Struct, frozen=True):
    """What one source says an agent does."""

    activity: Activity
    source: str
    """Where it was read: `session file`, `title`, `screen`, ..."""
    detail: str
    """What was read there, for a person."""


FALLBACK = "fallback"
DEBOUNCE = "debounce"
STALLED = "activity"
WHY_IT_COUNTS_LESS = {
    "hook": "a turn may end without a hook",
    "title": "a title proves work, and nothing else",
    "terminal status": "what a dialog on the screen shows, or its own file says, is surer",
    "progress": "a progress bar may be left standing",
    "screen": "a screen may show what is over",
    "rollout": "it is written at the end of a step",
    "database": "it is written at the end of a step",
    "history": "it is written at the end of a step",
    "status file": "it tells of no limit and no error",
    FALLBACK: "it counts only where nothing else speaks",
}
"""Why a source is overruled by a stronger one that says something else."""


def why_it_lost(claim: Claim, winner: Claim) -> str:
    """Why a claim does not decide what is shown; for a person."""
    if claim.activity is winner.activity:
        return "agrees"
    return f"overruled by {winner.source}: {WHY_IT_COUNTS_LESS.get(claim.source, 'it counts less')}"


class Session(Struct, frozen=True):
    """The conversation of a running agent, and where its kind keeps it."""

    id: str | None
    """None while there is nothing that could be resumed."""
    source: str
    """How the id was found, or why it was not."""
    transcript: str | None = None
    """Path of the transcript, if it exists."""
    config_dir: str | None = None


class Sighting(Struct, frozen=True):
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
    is_settled: bool = True
    """Whether `activity` is what the sources say now; False while a weak one is not believed yet, so that another
    look is needed soon."""
    is_in_front: bool = True
    """Whether it has the keyboard of its pane; False once it was stopped (Ctrl-Z) or sent to the background."""
    is_legible: bool = True
    """Whether its environment could be read. That of a process that is just ending cannot, and then what
    follows from it, like where its files are, is not to be believed."""

    @property
    def activity(self) -> Activity:
        """What the source that counts says."""
        return self.claims[0].activity
