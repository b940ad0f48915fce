"""What agents report to their terminal by escape sequences: a status of their own, and progress."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

from hive_tui.domain.agents import Activity, PaneRef
from hive_tui.domain.hooks import HOLDS
from hive_tui.domain.panes import Pane
from hive_tui.domain.sightings import Claim

STATUS, PROGRESS = "terminal status", "progress"
STATES: Mapping[str, Activity] = {
    "idle": Activity.IDLE,
    "done": Activity.IDLE,
    "working": Activity.WORKING,
    "blocked": Activity.PERMISSION,
    "error": Activity.ERROR,
}
"""The words of the program status protocol (OSC 7501)."""
BLOCKED_BY: Mapping[str, Activity] = {"question": Activity.QUESTION, "input": Activity.QUESTION}
"""What `kind` says of `blocked`; all else, like `permission`, is taken for a question of what is allowed."""
CLEARED = "clear"
ANY = "*"
"""In place of a program's name: whatever it calls itself."""
WORDS = re.compile(r"[a-z0-9_.-]{1,40}")
BAR = re.compile(rb"9;4;([0-4])(?:;(\d{0,3}))?;?")
BARS: Mapping[int, Activity] = {
    0: Activity.IDLE,
    1: Activity.WORKING,
    2: Activity.ERROR,
    3: Activity.WORKING,
}
"""States of a progress bar (OSC 9;4) as ConEmu has defined them; 4, paused, tells nothing of an agent."""
BAR_HOLDS_S = 60.0
"""A bar is drawn anew while work goes on; one that stands for longer was left behind."""


@dataclass(frozen=True, slots=True)
class Told:
    """One report."""

    activity: Activity
    detail: str
    at_s: float
    """Seconds since the epoch."""
    app: str = ""
    """The program that it is about, as it calls itself; empty where it does not."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was told last in one pane, and not taken back."""

    status: Told | None = None
    bar: Told | None = None

    def after(self, content: bytes, at_s: float) -> "Heard":
        """What is known after another sequence; the same where that tells nothing.

        Args:
            content: Of the operating system command, without its beginning and its end.
            at_s: When it came, in seconds since the epoch.
        """
        if content.startswith(b"7501;"):
            return self._after_status(content.decode("ascii", errors="replace"), at_s)
        if found := BAR.fullmatch(content):
            state = int(found[1])
            activity = BARS.get(state)
            said = f"its progress bar (OSC 9;4) has state {state}"
            return replace(self, bar=Told(activity, said, at_s) if activity is not None else None)
        return self

    def _after_status(self, text: str, at_s: float) -> "Heard":
        pairs = [part.partition("=") for part in text.removeprefix("7501;").split(":")]
        said = {key: value for key, _, value in pairs if WORDS.fullmatch(value)}
        state, kind, app = said.get("state", ""), said.get("kind", ""), said.get("app", "")
        if state == CLEARED:
            return replace(self, status=None)
        activity = STATES.get(state)
        if activity is None:
            return self  # a question for the terminal, or a word of a later revision
        if state == "blocked":
            activity = BLOCKED_BY.get(kind, activity)
        detail = f"it reports {state}{f' ({kind})' if kind else ''} by OSC 7501"
        return replace(self, status=Told(activity, detail, at_s, app))

    def expiries(self) -> tuple[float, ...]:
        """When status and bar, as far as there are any, stop to be evidence of anything, in seconds since the epoch."""
        held = []
        if self.status is not None:
            held.append(self.status.at_s + HOLDS[self.status.activity].total_seconds())
        if self.bar is not None:
            held.append(self.bar.at_s + BAR_HOLDS_S)
        return tuple(held)

    def claims(self, app: str, started_s: float, now_s: float) -> tuple[Claim, ...]:
        """What it is evidence of now: the status, then the bar.

        Args:
            app: The agent's own name, or `ANY`; what another program has told in the pane is none of its business.
            started_s: When the agent's process began; what was told before is another's.
            now_s: Seconds since the epoch.
        """
        found = []
        if self.status is not None and (app == ANY or self.status.app in ("", app)):
            holds_s = HOLDS[self.status.activity].total_seconds()
            found.append((STATUS, self.status, holds_s))
        if self.bar is not None:
            found.append((PROGRESS, self.bar, BAR_HOLDS_S))
        return tuple(
            # The time and no age: what is said again word for word is not written down again.
            Claim(told.activity, source, f"{told.detail} since {datetime.fromtimestamp(told.at_s, UTC):%H:%M:%S} UTC")
            for source, told, holds_s in found
            if told.at_s >= started_s and now_s - told.at_s < holds_s
        )


class TerminalReports(Protocol):
    """Hears what programs write into panes. May be asked in any thread; never waits for tmux."""

    changes: int
    """Another number whenever something else is heard."""

    def follow(self, panes: Sequence[Pane]) -> None:
        """Hear these panes from now on, and no others."""
        ...

    def of_pane(self, pane: PaneRef) -> Heard | None:
        """What was heard in the pane; None for nothing."""
        ...
