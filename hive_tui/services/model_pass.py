"""When a model may be asked to shorten a ledger, and what that costs: never more than the agent's budget allows."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from hive_tui.domain.agents import Agent
from hive_tui.domain.consolidation import StageRun
from hive_tui.domain.ports import Clock
from hive_tui.domain.usage import PROSE_KEY, Spent, Tokens, count_in_words
from hive_tui.settings.sleep import LlmSettings
from hive_tui.store import ledger as spending
from hive_tui.store import settings
from hive_tui.store.database import Database

ASKED = "llm_passes"
"""Setting: when a model was asked, in seconds since the epoch, the last ones."""
HOUR = timedelta(hours=1)
GRACE_S = 5.0
"""Beside the time that the model has: for the start of the process, and to judge the answer."""


@dataclass(frozen=True, slots=True)
class NotNow:
    """Why no model is asked."""

    why: str
    until: datetime | None
    """When it may be asked; None where this conversation is not sent at all."""


class ModelPass:
    """Questions of all agents stand in one row: so many an hour, with as much time between them as that leaves."""

    def __init__(
        self,
        database: Database,
        wanted: LlmSettings,
        clock: Clock,
        run: Callable[..., dict[str, Any]],
        tokens_left: Callable[[str], int | None] = lambda agent_id: None,
    ) -> None:
        self._database = database
        self._wanted = wanted
        self._clock = clock
        self._run = run
        self._tokens_left = tokens_left
        self._claiming = Lock()

    @property
    def is_on(self) -> bool:
        """Whether a person has chosen a model."""
        return bool(self._wanted.provider)

    def claim(self, agent: Agent, price: int) -> NotNow | None:
        """Take the turn to ask now; why there is none, or None where it was taken.

        Args:
            agent: Whose budget pays.
            price: Tokens that the question and its answer can cost.
        """
        with self._claiming:
            refused = self._over_budget(agent, price) or self._too_soon()
            if refused is None:
                now = self._clock.now()
                self._database.write(settings.put, ASKED, [*self._asked(now), now.timestamp()], now=now)
            return refused

    def ask(self, module: str, agent: Agent, run: StageRun, ledger: Path, *, nice: int) -> dict[str, Any]:
        """Have the ledger shortened in a process of its own, and enter what that has cost, whatever came of it.

        Raises:
            WorkerFailed: The process broke or took too long; the ledger is as it was.
        """
        now, llm = self._clock.now(), self._wanted
        model = {"provider": llm.provider, "url": llm.url, "name": llm.model, "key_env": llm.key_env}
        timeout_s = llm.timeout_s + GRACE_S
        given = {
            "stage": str(run.stage),
            "ledger": str(ledger),
            "model": {**model, "timeout_s": llm.timeout_s},
            "timeout_s": timeout_s,
        }
        said = self._run(module, given, timeout_s=timeout_s, nice=nice)
        tokens = Tokens(input=int(said.get("tokens_in", 0)), output=int(said.get("tokens_out", 0)))
        if tokens.total:
            spent = Spent(f"{PROSE_KEY}{run.id}:{now.timestamp()}", now, tokens, run.session_id, llm.model, None)
            self._database.write(spending.add, agent.id, [spent], now=now)
        return said

    def _over_budget(self, agent: Agent, price: int) -> NotNow | None:
        left = self._tokens_left(agent.id)
        if left is None or price <= left:
            return None
        costs, have = count_in_words(price), count_in_words(left)
        return NotNow(f"it costs up to {costs} tokens, and {have} of its budget are left today", None)

    def _too_soon(self) -> NotNow | None:
        now = self._clock.now()
        asked = self._asked(now)
        if not asked:
            return None
        again = datetime.fromtimestamp(asked[-1], now.tzinfo) + HOUR / max(1, self._wanted.per_hour)
        if len(asked) >= self._wanted.per_hour:
            again = max(again, datetime.fromtimestamp(asked[-self._wanted.per_hour], now.tzinfo) + HOUR)
        return NotNow(f"{self._wanted.per_hour} questions an hour are allowed", again) if again > now else None

    def _asked(self, now: datetime) -> list[float]:
        """When it was asked within the last hour, oldest first; a clock that was set back counts for nothing."""
        since, until = (now - HOUR).timestamp(), now.timestamp()
        return sorted(at for at in self._database.read(settings.get, ASKED, []) if since < at <= until)
