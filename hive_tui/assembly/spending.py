"""Puts together the parts that know what agents spend: the ledger of tokens, and budgets."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.budget_keeping import BudgetKeeper
    from hive_tui.services.budgets import Budgets
    from hive_tui.services.ledger import Ledger


class Spending:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def ledger(self) -> Ledger:
        from hive_tui.services.ledger import Ledger

        return Ledger(self._hive.database, self._hive.clock)

    @part
    def budgets(self) -> Budgets:
        from hive_tui.services.budgets import Budgets

        return Budgets(self._hive.database, self._hive.clock, self._hive.hub)

    @part
    def budget_keeper(self) -> BudgetKeeper:
        from hive_tui.services.budget_keeping import BudgetKeeper

        hive = self._hive
        return BudgetKeeper(hive.database, self.budgets, hive.napper, hive.queue, hive.clock, hive.hub, Random())
