"""Resume the old conversation, or begin a new one from a handoff: which costs less, and why."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

CONTEXT = "context_mode"
"""Key of a wakeup's context: `resume`, `handoff` or `auto`."""
CACHE_WRITE = 1.25
"""What a token that is put into the prompt cache costs, against one of plain input."""
CACHE_READ = 0.1
"""What a token costs that the cache still has."""


class ContextMode(StrEnum):
    """What a woken agent starts with."""

    RESUME = "resume"
    """The whole conversation, as its vendor keeps it."""
    HANDOFF = "handoff"
    """A new conversation that begins with what matters of the old one."""
    AUTO = "auto"
    """Whichever is cheaper."""


@dataclass(frozen=True, slots=True)
class ContextFacts:
    """What the choice is made by."""

    raw_tokens: int
    """What a resume sends again, about."""
    handoff_tokens: int
    idle_s: float | None
    """Seconds since the conversation was last said something in; None where that is not known."""
    budget_left: int | None = None
    """Tokens that the agent may still use; None for no limit."""


@dataclass(frozen=True, slots=True)
class ContextPolicy:
    """From when on a handoff is worth it."""

    least_tokens: int = 20_000
    """A conversation that is smaller is resumed in any case."""
    cache_s: float = 300.0
    """So long the vendor's prompt cache keeps a conversation."""
    least_saving: float = 0.5
    """Share of the price of a resume that a handoff has to save."""


@dataclass(frozen=True, slots=True)
class ContextChoice:
    """What was chosen, and why."""

    mode: ContextMode
    why: str


def choose_context(facts: ContextFacts, policy: ContextPolicy) -> ContextChoice:
    """Resume or handoff; a warm cache and a small conversation speak for the resume, price and budget against it."""
    resumed, handed = resume_price(facts, policy), facts.handoff_tokens * CACHE_WRITE
    sizes = f"{facts.raw_tokens:,} tokens against {facts.handoff_tokens:,}"
    if facts.raw_tokens < policy.least_tokens:
        return ContextChoice(ContextMode.RESUME, f"the conversation is small ({facts.raw_tokens:,} tokens)")
    if facts.budget_left is not None and resumed > facts.budget_left > handed:
        return ContextChoice(ContextMode.HANDOFF, f"a resume would pass the budget ({sizes})")
    if facts.idle_s is not None and facts.idle_s < policy.cache_s:
        return ContextChoice(ContextMode.RESUME, f"the prompt cache is probably warm ({facts.idle_s:.0f} s idle)")
    if handed > resumed * (1 - policy.least_saving):
        return ContextChoice(ContextMode.RESUME, f"a handoff would save too little ({sizes})")
    return ContextChoice(ContextMode.HANDOFF, f"the prompt cache is cold, and a handoff is smaller ({sizes})")


def resume_price(facts: ContextFacts, policy: ContextPolicy) -> float:
    """What the first turn after a resume costs, in tokens of plain input; an estimate."""
    is_warm = facts.idle_s is not None and facts.idle_s < policy.cache_s
    return facts.raw_tokens * (CACHE_READ if is_warm else CACHE_WRITE)


@dataclass(frozen=True, slots=True)
class Handoff:
    """How one wakeup was decided, and what its agent was told. Stored before anything is done about it."""

    wakeup_id: str
    agent_id: str
    mode: ContextMode
    why: str
    made_at: datetime
    text: str = ""
    """The first message of the new conversation; empty for a resume."""
    previous_session: str | None = None
    previous_transcript: str | None = None
    started_at: datetime | None = None
    """When the new conversation was there; None until then."""

    @property
    def is_new(self) -> bool:
        """Whether a new conversation begins."""
        return self.mode is ContextMode.HANDOFF
