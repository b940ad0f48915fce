"""The order and the groups of the list of agents."""

from datetime import timedelta

import pytest

from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.services.dashboard import AgentView
from hive_tui.ui.arranging import Order, arranged
from tests.builders import NOON, an_agent, an_ended_agent


def view(agent: Agent, project: str = "") -> AgentView:
    return AgentView(agent, None, None, None, project or agent.cwd)


SHOP = view(an_agent("shop", activity=Activity.WORKING, memory_bytes=5, cwd="/home/ada/shop"))
MILL = view(an_agent("mill", activity=Activity.IDLE, memory_bytes=9, cwd="/home/ada/mill", kind="codex"))
API = view(
    an_agent("api", activity=Activity.QUESTION, memory_bytes=1, cwd="/home/ada/shop/api"), project="/home/ada/shop"
)
MUSEUM = view(an_ended_agent("museum", Lifecycle.FAILED, cwd="/home/ada/museum", since_at=NOON - timedelta(hours=1)))
BY_URGENCY = sorted([SHOP, MILL, API, MUSEUM], key=lambda one: (one.urgency, one.agent.name))


def names(order: Order = Order.NEED, wanted: str = "", marked: tuple[str, ...] = ()) -> list[str]:
    return [row.cells[1].text for row in arranged(BY_URGENCY, order, wanted, marked, NOON)]


def test_a_project_of_several_stands_where_its_most_urgent_agent_would():
    assert names() == ["shop/", "  api", "  shop", "museum", "mill"]
    row = arranged(BY_URGENCY, Order.NEED, "", (), NOON)[0]
    assert row.cells[0].text == "◆ question"
    assert (row.cells[3].text, row.cells[4].text) == ("6 B", "2 agents")


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (Order.NAME, ["api", "mill", "museum", "shop"]),
        (Order.MEMORY, ["mill", "shop", "api", "museum"]),
        (Order.AGE, ["museum", "api", "shop", "mill"]),
    ],
)
def test_any_other_order_has_no_groups(order: Order, expected: list[str]):
    assert names(order) == expected


def test_the_orders_go_round():
    order, seen = Order.NEED, []
    for _ in Order:
        seen.append(order)
        order = order.next()
    assert seen == list(Order) and order is Order.NEED


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ("codex", ["mill"]),
        ("FAILED", ["museum"]),
        ("ada shop", ["shop/", "  api", "  shop"]),
        ("question", ["api"]),
        ("no such", []),
    ],
)
def test_a_filter_takes_words_of_name_kind_state_and_folder(wanted: str, expected: list[str]):
    assert names(wanted=wanted) == expected


def test_marks_are_to_be_seen():
    assert names(Order.NAME, marked=("id-of-mill",)) == ["api", "✔ mill", "museum", "shop"]
