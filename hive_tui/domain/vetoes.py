"""What speaks against a nap: an agent is put to sleep only when nothing does."""

from dataclasses import dataclass

from hive_tui.domain.agents import NEEDS_PERSON, Activity

BUSY_CPU_SHARE = 0.2
"""Share of a core above which an agent counts as busy. An idle TUI that animates stays below 0.05."""


NO_SESSION = "no session"
NO_TRANSCRIPT = "no transcript"


@dataclass(frozen=True, slots=True)
class Veto:
    """One reason against a nap."""

    rule: str
    reason: str

    @property
    def is_for_good(self) -> bool:
        """Whether a nap would end a conversation that no wake can bring back, so that only a person's force passes."""
        return self.rule in (NO_SESSION, NO_TRANSCRIPT)

    def __str__(self) -> str:
        return self.reason


@dataclass(frozen=True, slots=True)
class NapEvidence:
    """What is known about an agent at the moment of the question."""

    activity: Activity
    activity_source: str
    background: tuple[str, ...]
    """Background shells and subagents, in words."""
    draft: str
    """Text in the input box that was not sent; empty for none."""
    session_id: str | None
    has_transcript: bool
    is_watched: bool
    is_pinned: bool
    cpu_share: float | None
    """Share of one core over the last second or more; None if not measured yet."""
    wake_due: bool
    """Whether a wake of this agent is due or under way."""
    session_source: str = ""
    """How the conversation id was found, or why it was not."""
    is_in_front: bool = True
    """Whether it has the keyboard of its pane."""


def is_busy(cpu_share: float | None) -> bool:
    """Whether an agent has used so much of a core that it does something, whatever it shows."""
    return cpu_share is not None and cpu_share > BUSY_CPU_SHARE


def vetoes(evidence: NapEvidence) -> tuple[Veto, ...]:
    """Every reason against putting this agent to sleep now; empty if there is none."""
    found: list[Veto] = []
    if evidence.activity is Activity.WORKING:
        found.append(Veto("working", f"it is working (says {evidence.activity_source})"))
    if evidence.activity in NEEDS_PERSON:
        found.append(Veto(str(evidence.activity), f"it waits for your answer ({evidence.activity})"))
    if evidence.activity is Activity.UNKNOWN:
        found.append(Veto("unknown", f"what it does is not known ({evidence.activity_source})"))
    if evidence.background:
        found.append(Veto("background", f"it has work in the background: {', '.join(evidence.background)}"))
    if evidence.draft:
        found.append(Veto("draft", f"there is an unsent draft: {evidence.draft[:40]!r}"))
    if evidence.session_id is None:
        why = f" ({evidence.session_source})" if evidence.session_source else ""
        found.append(Veto(NO_SESSION, f"no conversation id is known that could be resumed{why}"))
    elif not evidence.has_transcript:
        found.append(Veto(NO_TRANSCRIPT, "the transcript of its conversation is missing, so no wake could resume it"))
    if not evidence.is_in_front:
        found.append(
            Veto("background job", "it was stopped or sent to the background; `fg` in its pane brings it back")
        )
    if evidence.is_watched:
        found.append(Veto("watched", "somebody looks at its pane"))
    if evidence.is_pinned:
        found.append(Veto("pinned", "it is pinned"))
    if is_busy(evidence.cpu_share):
        found.append(Veto("cpu", f"it used {evidence.cpu_share or 0.0:.0%} of a core just now"))
    if evidence.wake_due:
        found.append(Veto("wake due", "a wake of it is due"))
    return tuple(found)
