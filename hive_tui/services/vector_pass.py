"""When vectors are made while an agent sleeps, and what that costs: never more than the agent's budget allows."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec import structs

from hive_tui.domain.agents import Agent
from hive_tui.domain.consolidation import StageRun
from hive_tui.domain.ports import Clock
from hive_tui.domain.usage import VECTORS_KEY, Spent, Tokens
from hive_tui.services.bill import Bill
from hive_tui.settings.vectors import VectorSettings
from hive_tui.store import ledger as spending
from hive_tui.store import settings
from hive_tui.store.database import Database

MADE_OF = "vectors_of"
"""Setting: of which model vectors were last asked for, so that another one is noticed."""
GRACE_S = 5.0
"""Beside the time that a last request has: for the start of the process, and to write down what came."""


class VectorPass:
    """One at a time in the whole hive, in a process of its own that is killed with its group when its time is over."""

    def __init__(
        self,
        database: Database,
        wanted: VectorSettings,
        clock: Clock,
        run: Callable[..., dict[str, Any]],
        tokens_left: Callable[[str], int | None] = lambda agent_id: None,
    ) -> None:
        self._database = database
        self._wanted = wanted
        self._clock = clock
        self._run = run
        self._tokens_left = tokens_left
        self._asked_at = float("-inf")

    @property
    def is_on(self) -> bool:
        """Whether a person has chosen a model."""
        return bool(self._wanted.url)

    def is_changed(self) -> bool:
        """Whether another model, or another choice of pieces, is wanted than when vectors were last made."""
        return self.is_on and self._database.read(settings.get, MADE_OF, "") != self._made_of

    def note_change(self) -> None:
        """All agents that sleep are worked on for it."""
        self._database.write(settings.put, MADE_OF, self._made_of, now=self._clock.now())

    @property
    def _made_of(self) -> str:
        return f"{self._wanted.model} {self._wanted.what} {self._wanted.most_pieces}"

    def make(
        self, module: str, agent: Agent, run: StageRun, index: Path, *, timeout_s: float, nice: int
    ) -> dict[str, Any]:
        """Have what is new embedded, and enter what that has cost, whatever came of it.

        Raises:
            WorkerFailed: The process broke or took too long; what it had made until then is kept.
        """
        now, bill = self._clock.now(), Bill(index.with_name(f".vectors-{run.id}.tokens"))
        self._charge(agent, run, bill, now)  # of an attempt that ended with the program
        timeout_s = max(timeout_s, GRACE_S + 1)
        request_s = min(self._wanted.timeout_s, (timeout_s - GRACE_S) / 2)
        given = {
            "stage": str(run.stage),
            "agent_id": agent.id,
            "index": str(index),
            "vectors": structs.asdict(structs.replace(self._wanted, timeout_s=request_s)),
            "until_s": timeout_s - GRACE_S - request_s,
            "wait_s": max(0.0, self._asked_at + 60 / self._wanted.per_minute - self._clock.monotonic()),
            "tokens_left": self._tokens_left(agent.id),
            "timeout_s": timeout_s,
            "bill": str(bill.file),
            "bill_key": f"{VECTORS_KEY}{run.id}:{now.timestamp()}",
        }
        try:
            said = self._run(module, given, timeout_s=timeout_s, nice=nice)
        finally:
            self._charge(agent, run, bill, now)
        self._asked_at = self._clock.monotonic()
        if said.get("anew"):  # those of all other agents are gone as well
            self._database.write(settings.put, MADE_OF, "", now=now)
        return said

    def _charge(self, agent: Agent, run: StageRun, bill: Bill, now: datetime) -> None:
        """Enter what an attempt has cost, also one that was killed in the middle."""
        found = bill.read()
        if found is not None:
            key, tokens = found
            spent = Spent(key, now, Tokens(input=tokens), run.session_id, self._wanted.model, None)
            self._database.write(spending.add, agent.id, [spent], now=now)
            bill.settle()
