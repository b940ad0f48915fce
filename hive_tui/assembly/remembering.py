"""Puts together the parts that keep what was said: condensing it, telling it on wake, searching in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from hive_tui.adapters.embeddings import Embeddings
    from hive_tui.condense.ledger import Ledger
    from hive_tui.domain.agents import Agent
    from hive_tui.hive import Hive
    from hive_tui.services.checks.finding import Check
    from hive_tui.services.consolidation import Consolidation
    from hive_tui.services.context_search import ContextSearch
    from hive_tui.services.finding import Finding
    from hive_tui.services.handoff import Handoffs
    from hive_tui.services.hybrid import HybridSearch
    from hive_tui.services.indexing import Indexing
    from hive_tui.store.context_index import ContextIndex


class Remembering:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def consolidation(self) -> Consolidation:
        from hive_tui.adapters.locks import FileLock
        from hive_tui.adapters.workers import run_worker
        from hive_tui.services.consolidation import Consolidation
        from hive_tui.services.model_pass import ModelPass
        from hive_tui.services.vector_pass import VectorPass

        hive = self._hive
        tokens_left = hive.spending.budgets.tokens_left
        model = ModelPass(hive.database, hive.settings.llm, hive.clock, run_worker, tokens_left)
        lock = FileLock(hive.home / "locks" / "consolidation.lock")
        earlier = self.handoffs.earlier
        wanted = hive.settings.consolidation
        vectors = VectorPass(hive.database, hive.settings.vectors, hive.clock, run_worker, tokens_left)
        return Consolidation(hive.home, hive.database, lock, wanted, model, hive.clock, hive.hub, earlier, vectors)

    @part
    def handoffs(self) -> Handoffs:
        from hive_tui.domain.handoffs import ContextMode, ContextPolicy
        from hive_tui.services.handoff import Handoffs

        wanted = self._hive.settings.handoff
        policy = ContextPolicy(wanted.auto_above_tokens, wanted.cache_s)
        return Handoffs(
            self._hive.database,
            self._hive.kinds,
            self._hive.clock,
            condensed=self._condensed,
            default=ContextMode(wanted.default),
            policy=policy,
            tokens_left=lambda agent_id: self._hive.spending.budgets.tokens_left(agent_id),
            rewritten=lambda agent_id, sha256: self.consolidation.rewritten(agent_id, sha256),
        )

    def _condensed(self, agent: Agent, path: Path, before: Sequence[Path]) -> Ledger:
        from hive_tui.services import condensing

        timeout_s = condensing.TIMEOUT_S
        return condensing.Condensing(self.consolidation.ledger_of, timeout_s=timeout_s).ledger(agent, path, before)

    @part
    def searching(self) -> ContextSearch:
        from hive_tui.services.context_search import ContextSearch

        return ContextSearch(self._index())

    @part
    def indexing(self) -> Indexing:
        from hive_tui.adapters.locks import FileLock
        from hive_tui.services.indexing import Indexing

        hive = self._hive
        return Indexing(
            hive.database,
            self.handoffs,
            self._index(),
            self.consolidation.ledger_of,
            FileLock(hive.home / "locks" / "index.lock"),
            hive.snapshotter.scratch,
        )

    @part
    def finding(self) -> Finding:
        from hive_tui.services.finding import Finding

        return Finding(self._hive.database, self.searching, self.indexing, self.hybrid)

    @part
    def hybrid(self) -> HybridSearch:
        from hive_tui.services.hybrid import HybridSearch
        from hive_tui.services.meaning import Meaning
        from hive_tui.store.vectors import Vectors

        wanted = self._hive.settings.vectors
        meaning = Meaning(self._index(), Vectors(self._hive.home / "vectors.db"), wanted, self.embeddings)
        return HybridSearch(self.searching, self._index(), meaning)

    def meaning_checks(self) -> list[Check]:
        from hive_tui.services.checks.meaning import MeaningChecks
        from hive_tui.store.vectors import Vectors

        hive = self._hive
        vectors = Vectors(hive.home / "vectors.db")
        return MeaningChecks(hive.settings.vectors, vectors, lambda: hive.database, self.embeddings).checks()

    def embeddings(self) -> Embeddings:
        """The endpoint that is chosen; nothing is asked yet."""
        import os

        from hive_tui.adapters.embeddings import Embeddings

        wanted = self._hive.settings.vectors
        key = os.environ.get(wanted.key_env, "") if wanted.key_env else ""
        return Embeddings(wanted.url, wanted.model, key, timeout_s=wanted.timeout_s)

    def _index(self) -> ContextIndex:
        from hive_tui.store.context_index import ContextIndex

        return ContextIndex(self._hive.home / "context.db")
