"""Says why an agent is in its state, what speaks against a nap, and what a wake would do."""

import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from shlex import quote
from typing import Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.budget import price_in_words, used_in_words
from hive_tui.domain.checkpoints import Checkpoint, candidates
from hive_tui.domain.durations import in_words
from hive_tui.domain.effects import Effect
from hive_tui.domain.errors import HiveError, TmuxError
from hive_tui.domain.gate import UNATTENDED, Decision, by_hand
from hive_tui.domain.panes import Pane
from hive_tui.domain.ports import Clock, Panes, Processes
from hive_tui.domain.prompts import PromptLine
from hive_tui.domain.quoting import quoted
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.sightings import Claim, Sighting, why_it_lost
from hive_tui.domain.terminal import TerminalReports
from hive_tui.domain.usage import count_in_words
from hive_tui.domain.vetoes import Veto, vetoes
from hive_tui.domain.wakeups import Wakeup, WakeupStatus
from hive_tui.kinds.catalog import GENERIC, Kinds
from hive_tui.services.budgets import Budgets, BudgetView
from hive_tui.services.effect_views import unknown
from hive_tui.services.nap import Napper
from hive_tui.services.observer import Observation
from hive_tui.services.shell_pane import ShellPane
from hive_tui.store import checkpoints, queue_lists, wake_states, wakeups
from hive_tui.store.database import Database

VERDICTS = 5
"""So many of the latest verdicts of the gate are told."""


@dataclass(frozen=True, slots=True)
class Spending:
    """What an agent spends."""

    budget: BudgetView
    price: int | None
    """Tokens of a cold resume; None where the length of the conversation is not known."""
    refusal: str
    """Why it may not spend anything now; empty if it may."""

    def lines(self) -> list[str]:
        """For a person; nothing where nothing is known."""
        budget, used = self.budget.budget, self.budget.used
        found = []
        if budget is not None:
            whose = "its own" if self.budget.is_own else "that of all agents"
            found.append(f"{used_in_words(used, budget)} today (UTC); the budget is {whose}, {budget.mode}")
        elif used.total:
            found.append(f"{count_in_words(used.total)} today (UTC); there is no budget")
        if self.price is not None:
            found.append(price_in_words(self.price))
        if self.refusal:
            found.append(f"It may not spend: {self.refusal}.")
        return found


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that decisions about one agent are made from."""

    agent: Agent
    trouble: str
    """What is wrong with tmux; empty while it answers."""
    claims: tuple[Claim, ...]
    """What each source says it does; the first one counts."""
    session: str
    """Which conversation, and how that is known."""
    vetoes: tuple[Veto, ...]
    """What speaks against a nap now."""
    wake: tuple[str, ...]
    """What a wake would do, step by step."""
    wakeups: tuple[Wakeup, ...]
    """Wakes that are asked for."""
    gate: tuple[str, ...] = ()
    """What the gate said of its latest wake, oldest first, and whether its circuit breaker is open."""
    life: str = ""
    """When it last gave a sign of life, and by what; empty if it does not run."""
    spending: Spending | None = None
    needs: tuple[str, ...] = ()
    """Services and models that it needs, each with its state now."""
    is_heard: bool = True
    """Whether what programs report by escape sequences in its pane is heard here, if it is one that does so."""
    unknown: tuple[Effect, ...] = ()
    """Side effects of which nobody knows whether they have happened."""

    def lines(self) -> list[str]:
        """For a person."""
        agent = self.agent
        state = f"{agent.lifecycle}" + (f", {agent.activity}" if self.claims else "")
        found = [f"{agent.name} ({agent.kind}) is {state}: {agent.reason or 'no reason is noted'}"]
        found.append(f"  since        {agent.since_at:%Y-%m-%d %H:%M:%S} UTC")
        if self.trouble:
            found.append(f"  tmux         {self.trouble}")
        if agent.kind == GENERIC:
            found.append("  kind         no known kind: only its process is watched, and it cannot be resumed")
        found.append(f"  conversation {self.session}")
        if self.life:
            found.append(f"  sign of life {self.life}")
        for number, claim in enumerate(self.claims):
            lost = f" [{why_it_lost(claim, self.claims[0])}]" if number else ""
            found.append(
                f"  {'says' if number == 0 else 'also':12} {claim.activity} ({claim.source}): {claim.detail}{lost}"
            )
        if self.claims and not self.is_heard:
            found.append("  not heard    what it reports by escape sequences: only the dashboard and `serve` listen")
        if self.claims:
            reasons = [str(veto) for veto in self.vetoes] or ["nothing; z or `hive-tui nap` puts it to sleep"]
            found += [f"  {'against nap' if at == 0 else '':12} {reason}" for at, reason in enumerate(reasons)]
        if agent.held:
            found.append(f"  held         only you wake it; N or `hive-tui release {agent.name}` lets others again")
        found += [f"  {'a wake' if at == 0 else '':12} {step}" for at, step in enumerate(self.wake)]
        for wakeup in self.wakeups:
            found.append(
                f"  queued       {wakeup.action} by {wakeup.trigger}, {wakeup.status},"
                f" due {wakeup.scheduled_for:%Y-%m-%d %H:%M:%S} UTC, attempt {wakeup.attempts} of {wakeup.max_attempts}"
                + (f"; last: {wakeup.last_error}" if wakeup.last_error else "")
            )
        found += [f"  {'the gate' if at == 0 else '':12} {said}" for at, said in enumerate(self.gate)]
        found += [f"  {'needs' if at == 0 else '':12} {need}" for at, need in enumerate(self.needs)]
        for at, effect in enumerate(self.unknown):
            said = f"{effect.shown} ({effect.target}); say which it is: `hive-tui effect resolve {quote(effect.key)}`"
            found.append(f"  {'unknown' if at == 0 else '':12} {said}")
        spending = self.spending.lines() if self.spending else []
        found += [f"  {'tokens' if at == 0 else '':12} {said}" for at, said in enumerate(spending)]
        return found

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {
            "agent": self.agent.name,
            "lifecycle": str(self.agent.lifecycle),
            "activity": str(self.agent.activity),
            "reason": self.agent.reason,
            "claims": [
                {
                    "activity": str(one.activity),
                    "source": one.source,
                    "detail": one.detail,
                    "counts": at == 0,
                    "why": "it counts first" if at == 0 else why_it_lost(one, self.claims[0]),
                }
                for at, one in enumerate(self.claims)
            ],
            "session": self.session,
            "is_heard": self.is_heard,
            "vetoes": [{"rule": veto.rule, "reason": veto.reason} for veto in self.vetoes],
            "held": self.agent.held,
            "wake": list(self.wake),
            "gate": list(self.gate),
            "needs": list(self.needs),
            "unknown_effects": [one.key for one in self.unknown],
            "tmux": self.trouble,
            "wake_tokens": self.spending.price if self.spending else None,
            "may_not_spend": (self.spending.refusal or None) if self.spending else None,
        }


def _first_valid(tried: Sequence[Checkpoint]) -> Checkpoint | None:
    return next((checkpoint for checkpoint in tried if checkpoint.is_valid), None)


def _what_helps(good: Checkpoint | None) -> str:
    if good is None:
        return "and no valid checkpoint could bring it back"
    return f"generation {good.generation} brings it back"


class Explainer:
    """Reads; changes nothing."""

    def __init__(
        self,
        database: Database,
        napper: Napper,
        panes: Panes,
        processes: Processes,
        kinds: Kinds,
        clock: Clock,
        budgets: Budgets,
        needs: Callable[[Agent], tuple[str, ...]],
        terminal: Callable[[], TerminalReports | None],
    ) -> None:
        self._database = database
        self._napper = napper
        self._panes = panes
        self._processes = processes
        self._kinds = kinds
        self._clock = clock
        self._budgets = budgets
        self._needs = needs
        self._terminal = terminal

    def explain(self, agent: Agent, observation: Observation) -> Explanation:
        """Everything about the agent as it was just seen."""
        sighting = observation.sightings.get(agent.id)
        tried = candidates(self._database.read(checkpoints.of_agent, agent.id), agent.checkpoint_id)
        good = _first_valid(tried)
        return Explanation(
            agent,
            " ".join(filter(None, (observation.trouble, observation.staleness()))),
            sighting.claims if sighting else (),
            self._session(agent, sighting, good),
            vetoes(self._napper.evidence(agent, sighting)) if sighting else (),
            tuple(self._wake(agent, observation, sighting, tried)),
            tuple(self._database.read(wakeups.unfinished_wakes, agent.id)),
            tuple(self._database.read(_gate, agent, self._clock.now())),
            self._life(agent, observation),
            self._spending(agent),
            self._needs(agent),
            not self._kinds.get(agent.kind).listens or self._terminal() is not None,
            tuple(unknown(self._database, agent.id)),
        )

    def _life(self, agent: Agent, observation: Observation) -> str:
        last = observation.signs.last.get(agent.id)
        if last is None:
            return ""
        said = f"{in_words(self._clock.now() - last.at)} ago, by {last.by}"
        return f"{said}; it should work, and is silent" if agent.id in observation.signs.stale else said

    def _spending(self, agent: Agent) -> Spending | None:
        now = self._clock.now()
        view = next((one for one in self._budgets.views() if one.agent.id == agent.id), None)
        if view is None:
            return None  # forgotten meanwhile
        refused = self._budgets.refusal(agent, now)
        return Spending(view, self._budgets.wake_price(agent), refused.reason if refused else "")

    def _session(self, agent: Agent, sighting: Sighting | None, good: Checkpoint | None) -> str:
        if sighting is not None:
            if sighting.session.id is None:
                return f"unknown: {sighting.session.source}"
            transcript = sighting.session.transcript or "its transcript is not there"
            return f"{sighting.session.id} (by {sighting.session.source}); {transcript}"
        if agent.session_id is None:
            return "none is known that could be resumed"
        found = self._transcript(agent)
        if found is None:
            return f"{agent.session_id}; its transcript is gone, {_what_helps(good)}"
        return f"{agent.session_id}; {found}"

    def _transcript(self, agent: Agent) -> Path | None:
        """The agent's transcript, if it is there."""
        if agent.config_dir is None or agent.session_id is None:
            return None
        return self._kinds.get(agent.kind).find_transcript(Path(agent.config_dir), agent.session_id)

    def _wake(
        self, agent: Agent, observation: Observation, sighting: Sighting | None, tried: Sequence[Checkpoint]
    ) -> list[str]:
        good = _first_valid(tried)
        if sighting is not None:
            return ["does nothing: it is awake", *self._after_a_nap(agent, sighting)]
        if observation.state is ServerState.HUNG:
            return ["is tried once tmux answers again: until then nobody knows whether it runs"]
        if agent.session_id is None:
            return ["is not possible: no conversation is known"]
        if good is not None:
            steps = [f"verifies generation {good.generation} of {good.created_at:%Y-%m-%d %H:%M} UTC ({good.reason})"]
        elif self._transcript(agent) is None:
            return ["is not possible: transcript and checkpoints are both gone"]
        else:
            why = ", after a question: no checkpoint is valid" if tried else ": there is no checkpoint yet"
            steps = [f"starts from the vendor's transcript alone{why}"]
        if not Path(agent.cwd).exists():
            steps.append(f"brings the folder {agent.cwd} back")
        return [
            *steps,
            f"runs {self._command(agent, agent.session_id)}",
            self._where(agent, observation.pane_of(agent)),
        ]

    def _after_a_nap(self, agent: Agent, sighting: Sighting) -> list[str]:
        if sighting.session.id is None:
            return []
        return [f"after a nap it runs {self._command(agent, sighting.session.id)}"]

    def _command(self, agent: Agent, session_id: str) -> str:
        command = self._kinds.get(agent.kind).resume_command(agent.argv, session_id)
        return f"`{quoted(command, 'sh') or command}`"

    def _where(self, agent: Agent, pane: Pane | None) -> str:
        if pane is None:
            return "builds its pane again: the one that it had is gone"
        if pane.is_dead:
            return f"in its own pane {pane.id} ({pane.place})"
        shell = ShellPane(pane.id, self._panes, self._processes, self._clock)
        remembered = PromptLine.from_text(agent.prompt) if agent.prompt else None
        try:
            refusal = shell.refusal(remembered)
        except (TmuxError, HiveError) as error:
            refusal = error.what
        where = f"typed into the shell of pane {pane.id} ({pane.place})"
        return f"{where}, but not now: {refusal}" if refusal else where


def _gate(db: sqlite3.Connection, agent: Agent, now: datetime) -> list[str]:
    latest = next(iter(queue_lists.of_agent(db, agent.id, limit=1)), None)
    attempts = [one for one in wakeups.attempts_of(db, latest.id) if one.verdict] if latest is not None else []
    said = [f"{attempt.started_at:%Y-%m-%d %H:%M:%S} UTC  {attempt.verdict}" for attempt in attempts[-VERDICTS:]]
    is_held_back = bool(attempts) and str(attempts[-1].verdict).startswith(f"{Decision.DEFER}: {UNATTENDED}:")
    if is_held_back and latest is not None and latest.status is WakeupStatus.PENDING:
        said.append(f"asks again at {latest.scheduled_for:%Y-%m-%d %H:%M:%S} UTC; {by_hand(agent.name)}")
    state = wake_states.breaker(db, agent.id)
    if state.is_open(now):
        said.append(f"leaves it alone until {state.open_until:%H:%M:%S} UTC: {state.failures} failures in a row")
    elif state.failures:
        said.append(f"has counted {state.failures} failed attempts since the last good one")
    return said
