"""What a woken agent starts with: its old conversation, or a new one that begins with a handoff."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import structs

from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError, NeedsPerson
from hive_tui.domain.handoffs import (
    CONTEXT,
    ContextChoice,
    ContextFacts,
    ContextMode,
    ContextPolicy,
    Handoff,
    choose_context,
)
from hive_tui.domain.ports import Clock
from hive_tui.domain.redaction import Redactor
from hive_tui.domain.wakeups import Wakeup
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.kind import Look
from hive_tui.store import handoffs as store
from hive_tui.store import tasks as task_store
from hive_tui.store.database import Database

if TYPE_CHECKING:
    from hive_tui.condense.ledger import Ledger


@dataclass(frozen=True, slots=True)
class Composed:
    """A handoff that could be given to an agent now."""

    text: str
    tokens: int
    ledger: Ledger


class Handoffs:
    """Decides once for each wakeup, and stores that first: a repeated attempt does the same again."""

    def __init__(
        self,
        database: Database,
        kinds: Kinds,
        clock: Clock,
        *,
        condensed: Callable[[Agent, Path, Sequence[Path]], Ledger],
        default: ContextMode = ContextMode.RESUME,
        policy: ContextPolicy | None = None,
        tokens_left: Callable[[str], int | None] = lambda agent_id: None,
        rewritten: Callable[[str, str], str] = lambda agent_id, ledger_sha256: "",
    ) -> None:
        self._database = database
        self._kinds = kinds
        self._clock = clock
        self._condensed = condensed
        self._default = default
        self._policy = policy or ContextPolicy()
        self._tokens_left = tokens_left
        self._rewritten = rewritten

    def compose(self, agent: Agent, transcript: Path | None = None) -> Composed:
        """The handoff of an agent, from its transcript as it is now.

        Raises:
            HiveError: No transcript of it can be read, or it was not condensed in time.
        """
        # Every wake comes by here, and few need that.
        from hive_tui.condense.opening import opening
        from hive_tui.condense.tokens import count

        path = transcript or (Path(agent.transcript) if agent.transcript else None)
        if path is None:
            raise HiveError(
                f"No transcript of {agent.name} is known, so there is nothing to condense.",
                hint="Say something to the agent first.",
            )
        ledger = self._condensed(agent, path, self.earlier(agent, path))
        state = self._database.read(task_store.state, agent.id)
        tasks = self._database.read(task_store.everything, agent_id=agent.id)
        shortened = self._rewritten(agent.id, sha256(ledger.text.encode()).hexdigest())
        told = shortened or ledger.text
        text = Redactor().redact(opening(agent.name, agent.session_id, told, state, tasks))
        return Composed(text, count(text), ledger)

    def decide(self, agent: Agent, wakeup: Wakeup, transcript: Path) -> Handoff:
        """What the agent of this wakeup starts with, and why; where no handoff can be made, it resumes.

        Raises:
            NeedsPerson: A handoff was asked for with the wakeup, and cannot be made.
        """
        made = self._database.read(store.of_wakeup, wakeup.id)
        if made is not None:
            return made
        mode = ContextMode(wakeup.context.get(CONTEXT, self._default))
        now = self._clock.now()
        if mode is ContextMode.RESUME:
            return Handoff(wakeup.id, agent.id, mode, "asked for", now)
        try:
            choice, composed = self._choose(agent, transcript, mode, now)
        except HiveError as error:
            if mode is ContextMode.HANDOFF and CONTEXT in wakeup.context:
                raise NeedsPerson(error.what, hint=f"Wake it with --context resume instead. {error.hint}") from error
            choice, composed = ContextChoice(ContextMode.RESUME, f"no handoff can be made: {error.what}"), None
        text = composed.text if composed is not None and choice.mode is ContextMode.HANDOFF else ""
        handoff = Handoff(wakeup.id, agent.id, choice.mode, choice.why, now, text, agent.session_id, str(transcript))
        return self._database.write(store.add, handoff)

    def mended(self, agent: Agent) -> Agent:
        """The agent with its old conversation again, where a handoff was cut short before the new one was there."""
        if agent.session_id is not None:
            return agent
        cut_short = self._database.read(store.unfinished, agent.id)
        if cut_short is None:
            return agent
        return structs.replace(agent, session_id=cut_short.previous_session, transcript=cut_short.previous_transcript)

    def left_behind(self, agent: Agent) -> Agent:
        """The agent as it is while its new conversation starts: whichever it finds in its pane is its own."""
        return structs.replace(agent, session_id=None, transcript=None)

    def started(self, agent: Agent, handoff: Handoff, look: Look) -> Agent:
        """The new conversation is there; the agent with it, as far as it is known before anything is said."""
        self._database.write(store.started, handoff.wakeup_id, now=self._clock.now())
        session = self._kinds.get(agent.kind).session(look)
        return structs.replace(agent, session_id=session.id, transcript=session.transcript)

    def first_messages(self, wakeup: Wakeup) -> tuple[str, ...]:
        """What is said before the wakeup's own messages; a repeated attempt says it again to the messenger."""
        handoff = self._database.read(store.of_wakeup, wakeup.id)
        return (handoff.text,) if handoff is not None and handoff.is_new else ()

    def history(self, agent: Agent) -> list[Handoff]:
        """The conversations that the agent left behind, newest first; each can still be resumed."""
        return self._database.read(store.of_agent, agent.id)

    def earlier(self, agent: Agent, transcript: Path) -> list[Path]:
        """The transcripts of the conversations that led to this one by handoffs, oldest first."""
        left = [Path(one.previous_transcript) for one in reversed(self.history(agent)) if one.previous_transcript]
        return [path for path in dict.fromkeys(left) if path != transcript]

    def _choose(
        self, agent: Agent, transcript: Path, mode: ContextMode, now: datetime
    ) -> tuple[ContextChoice, Composed]:
        if not self._kinds.get(agent.kind).can_begin_anew:
            raise HiveError(f"It is not known how to begin a new conversation with a {agent.kind} agent.")
        composed = self.compose(agent, transcript)
        if mode is ContextMode.HANDOFF:
            return ContextChoice(mode, "asked for"), composed
        last_at = composed.ledger.last_at
        facts = ContextFacts(
            composed.ledger.raw_tokens,
            composed.tokens,
            max(0.0, (now - last_at).total_seconds()) if last_at else None,
            self._tokens_left(agent.id),
        )
        return choose_context(facts, self._policy), composed
