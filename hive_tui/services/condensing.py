"""Gives the ledger of a conversation to somebody who waits: the one that sleep has made, or a new one, in time."""

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hive_tui.adapters.workers import WorkerFailed, run_worker
from hive_tui.condense.keeping import fingerprint, from_facts
from hive_tui.condense.ledger import Budget, Ledger, condense
from hive_tui.domain.agents import Agent
from hive_tui.domain.errors import HiveError

MODULE = "hive_tui.services.ledger_worker"
AT_ONCE_BYTES = 500_000
"""So much is condensed here, in less time than a process needs to start; more is not, since a dashboard may be here."""
MOST_HELPERS = 3
TIMEOUT_S = 30.0
"""A wake that has to condense a long conversation itself, since that was not asleep for long enough, waits no longer.

It leaves the rest of the 90 s that a wake has to the agent. On two free cores it is enough for some 80 MB.
"""


class Condensing:
    """Never takes longer than it may, and never gives a ledger of an earlier state of the conversation."""

    def __init__(
        self,
        ledger_of: Callable[[str], Path],
        *,
        timeout_s: float,
        budget: Budget | None = None,
        run: Callable[..., dict[str, Any]] = run_worker,
    ) -> None:
        self._ledger_of = ledger_of
        self._timeout_s = timeout_s
        self._budget = budget or Budget()
        self._run = run

    def ledger(self, agent: Agent, path: Path, before: Sequence[Path] = ()) -> Ledger:
        """The ledger of the agent's conversation as it is now.

        Args:
            agent: Whose.
            path: Its transcript.
            before: Transcripts of the conversations that led to it, oldest first.

        Raises:
            HiveError: The transcript cannot be read, or it was not condensed in time.
        """
        try:
            if not path.is_file():  # to open a pipe may take for ever
                raise FileNotFoundError(2, "there is no such file")
            return self._kept(agent, path, before) or self._made(agent, path, before)
        except OSError as error:
            raise HiveError(
                f"The transcript of {agent.name} cannot be read: {error.strerror or error} ({path}).",
                hint=f"A wake brings it back from a checkpoint: `hive-tui wake {agent.name}`.",
            ) from error

    def _kept(self, agent: Agent, path: Path, before: Sequence[Path]) -> Ledger | None:
        """The one that was made while the agent slept, if nothing was said since."""
        kept = self._ledger_of(agent.id)
        with suppress(OSError, ValueError, KeyError, TypeError):
            facts = json.loads(kept.with_suffix(".json").read_text(encoding="utf-8"))
            if facts["fingerprint"] == fingerprint(path, before, self._budget):
                return from_facts(facts, kept.read_text(encoding="utf-8"))
        return None

    def _made(self, agent: Agent, path: Path, before: Sequence[Path]) -> Ledger:
        there = [one for one in before if one.is_file()]
        if sum(one.stat().st_size for one in (*there, path)) <= AT_ONCE_BYTES:
            return condense(path, self._budget, before=before)
        given = {
            "transcript": str(path),
            "before": [str(one) for one in before],
            "budget": asdict(self._budget),
            "helpers": min((os.cpu_count() or 1) - 1, MOST_HELPERS),
            "timeout_s": self._timeout_s,
        }
        try:
            made = self._run(MODULE, given, timeout_s=self._timeout_s, nice=0)
            return from_facts(made["facts"], made["text"])
        except (WorkerFailed, ValueError, KeyError, TypeError) as error:
            why = error.what if isinstance(error, WorkerFailed) else "What the worker process said is damaged."
            raise HiveError(
                f"The conversation of {agent.name} was not condensed. {why}",
                hint="While the agent sleeps it is condensed ahead; `hive-tui handoff --stages` tells how far that is.",
                timed_out=getattr(error, "timed_out", False),
            ) from error
