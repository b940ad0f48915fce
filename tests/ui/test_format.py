"""The text of rows."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity, Lifecycle
from hive_tui.domain.budget import Budget, BudgetMode
from hive_tui.services.dashboard import AgentView
from hive_tui.ui import format as text
from tests.ui.invented import agent

NOW = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def view(**changes: object) -> AgentView:
    return AgentView(agent(1, "shop", NOW, **changes), None, None, None)


def test_every_state_has_a_shape_and_a_word_of_its_own():
    awake = [text.state_of(view(activity=activity)).text for activity in Activity]
    awake.append(text.state_of(structs.replace(view(), has_news=True)).text)
    others = [text.state_of(view(lifecycle=one)).text for one in Lifecycle if one is not Lifecycle.AWAKE]
    assert len(set(awake + others)) == len(awake + others)
    assert all(len(word.split()) == 2 for word in awake + others)


def test_who_needs_you_comes_first():
    order = [
        view(activity=Activity.PERMISSION),
        view(activity=Activity.QUESTION),
        view(activity=Activity.LIMITED),
        view(lifecycle=Lifecycle.FAILED),
        structs.replace(view(activity=Activity.IDLE), has_news=True),
        view(activity=Activity.WORKING),
        view(activity=Activity.IDLE),
        view(lifecycle=Lifecycle.ASLEEP),
    ]
    order.reverse()
    in_order = sorted(order, key=lambda one: one.urgency)
    assert in_order == order[::-1]


def test_only_an_idle_agent_has_something_to_show():
    assert not any(structs.replace(view(activity=one), has_news=True).is_unread for one in Activity if one != "idle")
    assert not structs.replace(view(lifecycle=Lifecycle.ASLEEP), has_news=True).is_unread


@pytest.mark.parametrize(
    ("stale_for", "said"), [(timedelta(minutes=3), "? idle 3m ago"), (None, "? idle before")], ids=["known", "unknown"]
)
def test_what_was_not_seen_just_now_says_when_it_was(stale_for: timedelta | None, said: str):
    stale = structs.replace(view(), is_stale=True, stale_for=stale_for)
    assert text.state_of(stale).text == said
    assert "tmux does not answer" in dict(text.agent_details(stale, NOW))["stale"]


def test_a_sleeping_agent_shows_the_memory_that_it_gave_back():
    row = text.agent_row(view(lifecycle=Lifecycle.ASLEEP, memory_bytes=0, freed_bytes=412_000_000), NOW)
    assert row.cells[3].text == "412 MB freed"


@pytest.mark.parametrize(("age_s", "said"), [(1, "♥ 1s"), (31, "no heartbeat for 31s")], ids=["alive", "dead"])
def test_the_header_says_whether_the_heart_beats(age_s: int, said: str):
    from hive_tui.services.dashboard import HiveView

    hive = HiveView(NOW, (), "", False, NOW - timedelta(seconds=age_s), 0, False, True)
    assert said in [part.text for part in text.header_parts(hive)]


@pytest.mark.parametrize(
    ("span", "shown"),
    [
        (timedelta(0), "<1m"),
        (timedelta(seconds=59), "<1m"),
        (timedelta(seconds=60), "1m"),
        (timedelta(seconds=119), "1m"),
        (timedelta(hours=2, minutes=5), "2h 5m"),
    ],
)
def test_the_list_shows_no_seconds(span: timedelta, shown: str):
    assert text.age(span) == shown


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, None),
        ({"tokens_today": 12_300}, "12.3k today"),
        (
            {"tokens_today": 1_631_000, "budget": Budget(2_000_000, BudgetMode.HARD)},
            "1.63M of 2.00M today (82% of a hard budget)",
        ),
        ({"budget": Budget(500), "agent": agent(1, "shop", NOW, kind="aider")}, "not told by aider"),
    ],
    ids=["nothing", "no-budget", "budget", "kind-that-does-not-tell"],
)
def test_the_details_say_what_was_spent_of_which_budget(changes: dict[str, Any], said: str | None):
    found = dict(text.agent_details(structs.replace(view(), **changes), NOW)).get("tokens")
    assert found is None if said is None else (found or "").startswith(said)


def test_the_details_of_a_sleeping_agent_say_what_its_wake_costs():
    sleeping = structs.replace(view(lifecycle=Lifecycle.ASLEEP), wake_price=48_200)
    planned = structs.replace(sleeping, next_wake_at=NOW + timedelta(minutes=3))
    assert dict(text.agent_details(sleeping, NOW))["wakes"].startswith("w wakes it for about 48.2k tokens")
    assert dict(text.agent_details(planned, NOW))["wakes"].endswith(" for about 48.2k tokens, or w at once")
    held = structs.replace(planned, agent=structs.replace(planned.agent, held=True))
    assert "it is held from all that you did not ask for" in dict(text.agent_details(held, NOW))["wakes"]
    assert "wakes" not in dict(text.agent_details(structs.replace(view(), wake_price=48_200), NOW))


def test_details_hang_beside_their_label_and_stay_two_lines():
    lines = text.detail_lines([("why", "one two three four five six seven"), ("folder", "/a-long/path-" * 4)], 30)
    assert lines.split("\n") == [
        "       why  one two three four",
        "            five six seven",
        "    folder  /a-long/path-/a-lo",
        "            ng/path-/a-long/ …",
    ]
