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

SERVICES_AT_START = {"dashboard", "extras", "heartbeat_thread", "hub", "projects"}
ADAPTERS_AT_START = {"clock"}
ASSEMBLY_AT_START = {"outside", "part"}
SCREENS_AT_START = {"agents", "base", "watching"}
CLI_AT_START = {"beside", "context", "dashboard"}
LATER = {"archive", "condense", "demo", "http", "kinds", "scripted_agent"}
"""Packages that would make a start longer, and of which its first picture shows nothing."""
LATER_ELSEWHERE = {"h11", "importlib.resources", "libtmux", "psutil", "rich.ansi", "sqlalchemy", "sqlmodel", "tomllib"}
MOST_MODULES = 95
"""Each one more is felt at each start: one that the first picture does not need is imported where it is used."""


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
    script = "import sys\nimport hive_tui.cli.dashboard, hive_tui.ui.app, hive_tui.config\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    ours = {name for name in loaded if name.startswith("hive_tui.")}

    def below(package: str) -> set[str]:
        prefix = f"hive_tui.{package}."
        return {name.removeprefix(prefix) for name in ours if name.startswith(prefix)}

    assert below("services") <= SERVICES_AT_START
    assert below("adapters") <= ADAPTERS_AT_START
    assert below("assembly") <= ASSEMBLY_AT_START
    assert below("ui.screens") <= SCREENS_AT_START
    assert below("cli") <= CLI_AT_START
    assert {name.split(".")[1] for name in ours} & LATER == set()
    assert loaded & LATER_ELSEWHERE == set()
    assert len(ours) <= MOST_MODULES
