"""A wake that needs one more yes asks for it where it was asked for."""

from collections.abc import Iterator

import pytest
from textual.widgets import Input, Static

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.budget import Budget
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.ui.asking_again import AskingAgain
from hive_tui.ui.dialogs import Confirm, Form
from tests.services.test_budgets import spend
from tests.stage import CLOCK, TESTER, Stage
from tests.ui.test_dashboard import dashboard, shown, shows, toasts, until


@pytest.fixture
def over_budget(stage: Stage) -> Iterator[Stage]:
    """A stage with a sleeping agent that may not spend anything more today."""
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    spend(stage.hive.database, agent, 1200, CLOCK.now())
    stage.hive.spending.budgets.set(agent, Budget(1000), TESTER)
    yield stage


async def test_a_wake_over_budget_asks_with_its_price_and_is_done_after_a_yes(over_budget: Stage):
    async with dashboard(over_budget) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)
        await pilot.press("w")
        await until(pilot, lambda: shows(app, Confirm))
        said = str(app.screen.query_one("#dialog-text", Static).render())
        assert "shop was not woken: its budget of the day is used up: 1.2k of 1.0k tokens" in said
        assert "about 1.2k tokens" in said and "--yes" not in said
        await pilot.press("n")
        await until(pilot, lambda: not shows(app, Confirm))
        assert over_budget.look().lifecycle is Lifecycle.ASLEEP
        assert not any("was not woken" in one for one in toasts(app)), "it was said once"
        await pilot.press("w")
        await until(pilot, lambda: shows(app, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: over_budget.look().lifecycle is Lifecycle.AWAKE)


async def test_nothing_is_asked_over_a_dialog_that_is_open(over_budget: Stage):
    async with dashboard(over_budget) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)
        await pilot.press("m")
        await until(pilot, lambda: shows(app, Form))
        app.verbs.again.ask([refused(over_budget.look().id)])
        await pilot.press("y")
        assert not shows(app, Confirm) and app.screen.query_one(Input).value == "y"
        await pilot.press("escape")
        await until(pilot, lambda: shows(app, Confirm))


async def test_a_message_that_needs_a_yes_is_said_after_it(over_budget: Stage):
    pane_id = over_budget.look().pane
    assert pane_id is not None
    async with dashboard(over_budget) as (app, pilot):
        await until(pilot, lambda: len(shown(app)) == 1)
        await app.verbs.tell(over_budget.look(), "remember the plum")
        await until(pilot, lambda: shows(app, Confirm))
        await pilot.press("y")
        await until(pilot, lambda: "● " in over_budget.history(pane_id.pane_id).partition("remember the plum")[2])


def refused(agent_id: str, asks: str = "shop was not woken: it costs too much.") -> Event:
    payload = {"wakeup_id": "w1", "asks": asks}
    return Event(EventKind.WAKEUP_FAILED, "refused", agent_id, TESTER, Severity.FAILURE, payload)


def test_only_who_asked_is_asked_again_and_only_once():
    again = AskingAgain(None)  # type: ignore[arg-type]
    assert again.take([refused("shop")]) == [], "somebody else has asked"
    again.note("shop")
    assert again.take([refused("shop", asks="")]) == [], "a yes would not help"
    assert again.take([refused("shop")]) == [refused("shop")]
    assert again.take([refused("shop")]) == []


def test_a_wake_that_is_done_needs_no_yes_any_more():
    again = AskingAgain(None)  # type: ignore[arg-type]
    again.note("shop")
    again.take([Event(EventKind.WAKEUP_COMPLETED, "done", "shop", TESTER)])
    assert again.take([refused("shop")]) == []
