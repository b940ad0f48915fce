"""Puts together the parts that keep what was said: condensing it, telling it on wake, searching in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_tui.part import part

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.consolidation import Consolidation
    from hive_tui.services.context_search import ContextSearch
    from hive_tui.services.handoff import Handoffs


class Remembering:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def consolidation(self) -> Consolidation:
        from hive_tui.adapters.locks import FileLock
        from hive_tui.services.consolidation import Consolidation

        hive = self._hive
        wanted, llm = hive.settings.consolidation, hive.settings.llm
        lock = FileLock(hive.home / "locks" / "consolidation.lock")
        earlier = self.handoffs.earlier
        return Consolidation(hive.home, hive.database, lock, wanted, llm, hive.clock, hive.hub, earlier)

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
            default=ContextMode(wanted.default),
            policy=policy,
            rewritten=lambda agent_id, sha256: self.consolidation.rewritten(agent_id, sha256),
        )

    @part
    def searching(self) -> ContextSearch:
        from hive_tui.services.context_search import ContextSearch
        from hive_tui.store.context_index import ContextIndex

        return ContextSearch(ContextIndex(self._hive.home / "context.db"))
