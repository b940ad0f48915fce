"""Any keys in any order, while the database fails again and again: the dashboard stays."""

import random
from typing import Any

import pytest

from hive_tui.domain.errors import StoreError
from hive_tui.store.database import Database
from tests.stage import Stage
from tests.ui.test_dashboard import dashboard

NAMED = ("enter", "escape", "space", "tab", "ctrl+f", "ctrl+p", "down", "up", "pageup")
KEYS = (*"1234567jkgGzwRVecCTDExrpNnuPt,/s!?[]mabBdfFiIovXy", *NAMED)
PRESSES = 80
FAILING = 0.4
"""The share of reads and writes that fail."""


@pytest.mark.faults
@pytest.mark.parametrize("seed", range(8))
async def test_no_keys_end_the_dashboard_while_the_database_fails(
    stage: Stage, seed: int, monkeypatch: pytest.MonkeyPatch
):
    chance = random.Random(seed)
    stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    stage.agent_in_shell("mill")
    fails = False

    def unreliable(call: Any) -> Any:
        def run(*arguments: Any, **options: Any) -> Any:
            if fails and chance.random() < FAILING:
                raise StoreError("The database cannot be used: database is locked.")
            return call(*arguments, **options)

        return run

    monkeypatch.setattr(Database, "read", unreliable(Database.read))
    monkeypatch.setattr(Database, "write", unreliable(Database.write))
    async with dashboard(stage) as (app, pilot):
        fails = True
        for _ in range(PRESSES):
            await pilot.press(chance.choice(KEYS))
            await pilot.pause(chance.choice((0.01, 0.1)))
        fails = False
        await pilot.press("escape", "escape", "1")
        assert app.is_running
