"""What lists show of tokens, budgets and sleep windows, and that the first paint goes without."""

import subprocess
import sys
from pathlib import Path

from hive_tui.domain.beat import Beat
from hive_tui.domain.budget import Budget
from hive_tui.services.dashboard import Dashboard
from hive_tui.store import budgets
from tests.clocks import FakeClock
from tests.ui.invented import new_hive, observed, seed

LATER = ("hive_tui.cli.agents", "hive_tui.domain.usage", "hive_tui.domain.windows", "hive_tui.services.nap")
"""Modules that would make a start longer, and of which its first picture shows nothing."""


def test_after_a_look_each_agent_is_shown_with_its_tokens_its_budget_and_the_price_of_its_wake(
    tmp_path: Path, clock: FakeClock
):
    hive = new_hive(tmp_path / "hive", clock)
    agents = seed(hive, clock.now())
    hive.database.write(budgets.put, budgets.EVERYONE, Budget(500_000), now=clock.now())
    dashboard = Dashboard(hive.database, clock)
    assert dashboard.hive(None, Beat()).tokens_today == 0
    view = dashboard.hive(observed(agents, clock.now()), Beat())
    by_name = {one.agent.name: one for one in view.agents}
    asks, sleeps, other = by_name["bakery"], by_name["library"], by_name["shop"]
    assert view.tokens_today == 1_640_000
    assert (asks.tokens_today, asks.wake_price) == (1_631_000, 61_000)
    assert (sleeps.tokens_today, sleeps.wake_price) == (9_000, 48_200)
    assert (other.tokens_today, other.wake_price) == (0, None)
    assert [one.budget.tokens_per_day if one.budget else 0 for one in (asks, sleeps)] == [2_000_000, 500_000]
    hive.close()


def test_the_dashboard_starts_without_what_only_commands_and_later_screens_need():
    script = (
        f"import sys\nimport hive_tui.cli.running, hive_tui.ui.app\nprint(sorted(set({LATER!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
