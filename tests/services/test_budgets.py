"""Budgets: what is told when one runs out, how the agent goes to sleep for it, and when it is woken."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from msgspec import structs

from hive_tui.cli.main import run
from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.budget import Budget, BudgetMode, Level, next_day, parse_tokens, refusal
from hive_tui.domain.errors import HiveError
from hive_tui.domain.limits import UsageLimit
from hive_tui.domain.usage import Spent, Tokens
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.services.budget_keeping import BudgetKeeper
from hive_tui.services.budgets import Budgets
from hive_tui.services.hub import Hub
from hive_tui.store import agents, budgets, journal, ledger, purge, wakeups
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent, an_ended_agent
from tests.clocks import FakeClock
from tests.keeper import Keeper
from tests.migrated import migrated
from tests.stage import CLOCK, TESTER, Stage, eventually, is_asleep

SOFT, HARD, WARN = BudgetMode.SOFT, BudgetMode.HARD, BudgetMode.WARN
MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path, clock: FakeClock) -> Iterator[Database]:
    opened = Database(migrated(tmp_path / "hive.db"), clock)
    yield opened
    opened.close()


@pytest.fixture
def known(database: Database, clock: FakeClock) -> Budgets:
    return Budgets(database, clock, Hub())


def add(database: Database, agent: Agent) -> Agent:
    database.write(agents.add, agent, now=NOON)
    return agent


def spend(database: Database, agent: Agent, count: int, at: datetime = NOON) -> None:
    key = f"{at}{count}"
    spent = Spent(key, at, Tokens(input=count), agent.session_id or "", context=count)
    database.write(ledger.add, agent.id, [spent], now=at)


def events_of(database: Database) -> list[tuple[str, str]]:
    return [(one.event.kind, one.event.text) for one in database.read(journal.events, limit=100)]


@pytest.mark.parametrize(
    ("text", "count"),
    [("2000000", 2_000_000), ("2_000_000", 2_000_000), ("500k", 500_000), ("1.5M", 1_500_000), ("1", 1)],
)
def test_numbers_of_tokens(text: str, count: int):
    assert parse_tokens(text) == count


@pytest.mark.parametrize("text", ["", "0", "-1", "1e9", "M", "1.5.0k", "12 apples", "9" * 19, "0.0001"])
def test_what_is_no_number_of_tokens(text: str):
    with pytest.raises(HiveError, match="no number of tokens"):
        parse_tokens(text)


def test_a_budget_warns_from_80_percent_on():
    budget = Budget(1000)
    assert [budget.level(used) for used in (0, 799, 800, 999, 1000, 5000)] == [
        Level.FINE, Level.FINE, Level.WARNED, Level.WARNED, Level.EXCEEDED, Level.EXCEEDED
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("mode", "used", "price", "limited_until", "until"),
    [
        (SOFT, 999, None, None, None),
        (SOFT, 1000, None, None, MIDNIGHT),
        (HARD, 1000, None, None, MIDNIGHT),
        (WARN, 9999, 9999, None, None),
        (SOFT, 900, 100, None, None),
        (SOFT, 900, 101, None, MIDNIGHT),
        (SOFT, 0, 5000, None, None),
        (None, 10**9, None, NOON + timedelta(hours=2), NOON + timedelta(hours=2)),
        (None, 0, None, NOON, None),
        (SOFT, 1000, None, NOON + timedelta(hours=2), MIDNIGHT),
        (SOFT, 1000, None, NOON + timedelta(days=3), NOON + timedelta(days=3)),
    ],
)
def test_who_may_not_spend_and_until_when(
    mode: BudgetMode | None, used: int, price: int | None, limited_until: datetime | None, until: datetime | None
):
    budget = Budget(1000, mode) if mode else None
    refused = refusal(budget, used, price=price, limited_until=limited_until, now=NOON)
    assert (refused.until if refused else None) == until
    assert refused is None or refused.reason


def test_the_next_day_begins_at_midnight_utc_whatever_the_zone():
    assert next_day(datetime(2026, 1, 5, 23, 30, tzinfo=UTC)) == MIDNIGHT
    assert next_day(MIDNIGHT) == MIDNIGHT + timedelta(days=1)


def test_the_gate_is_told_who_may_not_spend(database: Database, known: Budgets, clock: FakeClock):
    ada, bob = add(database, an_ended_agent("ada")), add(database, an_ended_agent("bob", session_id="b"))
    known.set(None, Budget(1000), TESTER)
    known.set(bob, Budget(5000, WARN), TESTER)
    for agent in (ada, bob):
        spend(database, agent, 1000)
    refused = known.refusal(ada, clock.now())
    assert refused is not None and refused.until == MIDNIGHT and "1.0k of 1.0k" in refused.reason
    assert known.refusal(bob, clock.now()) is None
    clock.advance(12 * 3600)
    assert known.refusal(ada, clock.now()) is None, "a new day"
    known.remove(None, TESTER)
    assert [view.budget for view in known.views()] == [None, Budget(5000, WARN)]
    assert [kind for kind, _ in events_of(database)].count("agent.budget_updated") == 3


def test_a_limit_holds_until_its_reset_or_until_the_agent_gets_an_answer(
    database: Database, known: Budgets, clock: FakeClock
):
    ada = add(database, an_ended_agent("ada"))
    resets_at = NOON + timedelta(hours=2)
    database.write(ledger.put_limit, ada.id, UsageLimit(resets_at, "5-hour"), said_at=NOON)
    refused = known.refusal(ada, NOON)
    assert refused is not None and refused.until == resets_at and "14:00 UTC" in refused.reason
    assert known.refusal(ada, resets_at) is None
    spend(database, ada, 5, NOON + timedelta(minutes=1))
    assert known.refusal(ada, NOON + timedelta(minutes=2)) is None, "it goes on, so it was lifted"


class NoNaps:
    """For tests in which nobody may be put to sleep."""

    def nap(self, *_: object) -> None:
        raise AssertionError("nobody is to be put to sleep")


def keeper(database: Database, known: Budgets, clock: FakeClock) -> BudgetKeeper:
    from hive_tui.services.queue import WakeupQueue

    queue = WakeupQueue(database, lambda: None, clock, Hub())
    napper: Any = NoNaps()
    return BudgetKeeper(database, known, napper, queue, clock, Hub(), Random(1), start=lambda work: work())


def test_each_level_is_told_once_a_day(database: Database, known: Budgets, clock: FakeClock):
    ada = add(database, an_agent("ada"))
    known.set(ada, Budget(1000, WARN), TESTER)
    chore = keeper(database, known, clock)
    for count in (700, 100, 50, 150, 500):
        spend(database, ada, count)
        chore.keep()
        chore.keep()
    told = [(kind, text) for kind, text in events_of(database) if kind != "agent.budget_updated"]
    assert told == [
        ("agent.budget_warning", "ada has used 800 of 1.0k tokens (80%)"),
        ("agent.budget_exceeded", "ada has used up its budget: 1.0k of 1.0k tokens (100%)"),
    ]
    clock.advance(86_400)
    spend(database, ada, 1001, clock.now())
    keeper(database, known, clock).keep()
    assert events_of(database)[-1][0] == "agent.budget_exceeded"


def test_a_limit_on_the_screen_is_known_after_the_nap(database: Database, known: Budgets, clock: FakeClock):
    line = "the last answer is a usage limit: ⎿ You've hit your 5-hour limit · resets 2pm (UTC)"
    add(database, an_agent("ada", activity=Activity.LIMITED, reason=line))
    keeper(database, known, clock).keep()
    assert known.views()[0].limited_until == NOON + timedelta(hours=2)
    database.write(agents.put, an_ended_agent("ada"))
    assert known.views()[0].limited_until == NOON + timedelta(hours=2)


def test_a_limit_that_follows_another_without_an_answer_between_is_known_too(
    database: Database, known: Budgets, clock: FakeClock
):
    line = "the last answer is a usage limit: ⎿ You've hit your 5-hour limit · resets {} (UTC)"
    ada = an_agent("ada", activity=Activity.LIMITED, reason=line.format("2pm"))
    add(database, ada)
    keeper(database, known, clock).keep()
    database.write(agents.put, structs.replace(ada, reason=line.format("4:30pm")))
    assert known.views()[0].limited_until == NOON + timedelta(hours=4.5), "what is on the screen last"
    assert known.views()[0].limited_until == NOON + timedelta(hours=4.5)
    keeper(database, known, clock).keep()
    database.write(agents.put, an_ended_agent("ada"))
    assert known.views()[0].limited_until == NOON + timedelta(hours=4.5)


def test_a_wake_that_a_crash_has_swallowed_is_asked_for_once(database: Database, known: Budgets, clock: FakeClock):
    reason = "its budget of the day is used up: 9 of 9 tokens (100%)"
    ada = add(database, an_ended_agent("ada", reason=reason, since_at=NOON))
    database.write(budgets.note_nap, ada.id, NOON.date(), now=NOON)
    database.write(ledger.put_limit, ada.id, UsageLimit(MIDNIGHT + timedelta(hours=3), "weekly"), said_at=NOON)
    chore = keeper(database, known, clock)
    chore.keep()
    chore.keep()
    [wake] = database.read(wakeups.recent)
    assert wake.trigger is Trigger.BUDGET_RESET
    assert timedelta(hours=3) <= wake.scheduled_for - MIDNIGHT <= timedelta(hours=3, minutes=2), "the later one"
    database.write(wakeups.cancel, wake.id, now=NOON)
    chore.keep()
    assert len(database.read(wakeups.recent)) == 1, "a person does not want it"
    assert known.sleeping_for_budget() == {ada.id: NOON.date()}


def test_a_budget_that_is_raised_lets_the_agent_wake_at_once(database: Database, known: Budgets, clock: FakeClock):
    ada = add(database, an_ended_agent("ada", reason="its budget of the day is used up: 1.0k", since_at=NOON))
    known.set(None, Budget(1000), TESTER)
    spend(database, ada, 1000)
    database.write(budgets.note_nap, ada.id, NOON.date(), now=NOON)
    chore = keeper(database, known, clock)
    chore.keep()
    [wake] = database.read(wakeups.recent)
    assert wake.scheduled_for > MIDNIGHT
    known.set(ada, Budget(2000), TESTER)
    chore.keep()
    chore.keep()
    [wake] = database.read(wakeups.recent)
    assert wake.scheduled_for == clock.now()
    asked = [text for kind, text in events_of(database) if kind == "wakeup.scheduled"]
    assert len(asked) == 2, "once each"


def test_what_was_asked_for_once_is_known_after_its_row_was_purged(
    database: Database, known: Budgets, clock: FakeClock
):
    reason = "its budget of the day is used up: 1.0k"
    ada = add(database, an_ended_agent("ada", reason=reason, since_at=NOON))
    database.write(budgets.note_nap, ada.id, NOON.date(), now=NOON)
    of_person = NewWakeup(ada.id, Trigger.MANUAL, NOON + timedelta(days=3), max_attempts=1)
    database.write(wakeups.enqueue, of_person, "w-timer", now=NOON)
    key = f"budget:{ada.id}:{NOON.date()}"
    of_budget = NewWakeup(ada.id, Trigger.BUDGET_RESET, MIDNIGHT, idempotency_key=key)
    database.write(wakeups.enqueue, of_budget, "w-2", now=NOON)
    database.write(wakeups.cancel, "w-timer", now=NOON)
    chore = keeper(database, known, clock)
    chore.keep()
    assert [one.id for one in database.read(wakeups.recent)] == ["w-timer"], "it was merged into one that was cancelled"
    clock.advance(30 * 86_400)
    assert database.write(purge.remove_batch, clock.now(), now=clock.now(), limit=9) == 1
    chore.keep()
    assert database.read(wakeups.recent) == []


def test_a_timer_of_a_person_is_not_moved_by_what_only_says_that_an_agent_may_go_on(
    database: Database, known: Budgets, clock: FakeClock
):
    ada = add(database, an_ended_agent("ada", reason="its budget of the day is used up: 1.0k", since_at=NOON))
    known.set(None, Budget(1000), TESTER)
    spend(database, ada, 1000)
    database.write(budgets.note_nap, ada.id, NOON.date(), now=NOON)
    at = MIDNIGHT + timedelta(hours=14)
    database.write(wakeups.enqueue, NewWakeup(ada.id, Trigger.MANUAL, at), "w-timer", now=NOON)
    chore = keeper(database, known, clock)
    for _ in range(3):
        chore.keep()
    reset = NewWakeup(ada.id, Trigger.BUDGET_RESET, MIDNIGHT)
    database.write(wakeups.enqueue, reset, "w-reset", now=NOON)
    known.set(ada, Budget(2000), TESTER)
    for _ in range(3):
        chore.keep()
    [wake] = database.read(wakeups.recent)
    assert (wake.id, wake.scheduled_for) == ("w-timer", at)
    asked = [text for kind, text in events_of(database) if kind == "wakeup.scheduled"]
    assert asked == [], "nothing is asked for again and again"
    database.write(wakeups.enqueue, NewWakeup(ada.id, Trigger.MANUAL, NOON), "w-now", now=NOON)
    assert database.read(wakeups.get, "w-timer").scheduled_for == NOON, "a person may"


def test_a_held_agent_is_asked_for_only_once_it_is_held_no_more(database: Database, known: Budgets, clock: FakeClock):
    reason = "its budget of the day is used up: 1.0k"
    ada = add(database, an_ended_agent("ada", reason=reason, since_at=NOON, held=True))
    known.set(None, Budget(1000), TESTER)
    spend(database, ada, 1000)
    database.write(budgets.note_nap, ada.id, NOON.date(), now=NOON)
    chore = keeper(database, known, clock)
    chore.keep()
    assert database.read(wakeups.recent) == []
    database.write(agents.set_held, ada.id, False)
    chore.keep()
    [wake] = database.read(wakeups.recent)
    assert wake.trigger is Trigger.BUDGET_RESET


def test_an_agent_naps_when_its_budget_is_used_up_and_has_a_wake(stage: Stage):
    stage.agent_in_shell("ada")
    agent = stage.look()
    spend(stage.hive.database, agent, 999, CLOCK.now())
    known, chore = stage.hive.spending.budgets, stage.hive.spending.budget_keeper
    known.set(agent, Budget(1000), TESTER)
    chore.keep()
    assert stage.look().lifecycle is Lifecycle.AWAKE
    spend(stage.hive.database, agent, 1, CLOCK.now())
    chore.keep()
    eventually(lambda: is_asleep(stage.stored(agent)), "it naps")
    eventually(lambda: stage.hive.database.read(wakeups.next_wake_times), "its wake is asked for")
    asleep = stage.stored(agent)
    assert asleep.reason.startswith("its budget of the day is used up: 1.0k of 1.0k")
    day = asleep.since_at.date()
    assert known.sleeping_for_budget() == {agent.id: day}
    due_at = stage.hive.database.read(wakeups.next_wake_times)[agent.id]
    assert timedelta(minutes=1) <= due_at - next_day(asleep.since_at) <= timedelta(minutes=2)
    [view] = stage.json("budget")
    assert (view["level"], view["mode"], view["wake_tokens"]) == ("exceeded", "soft", 1)
    # A person may wake it, and is told what that costs; then it is not put to sleep for that any more.
    said = stage.command("explain", "ada").stdout
    assert "about 1 tokens" in said and "may not spend: its budget of the day is used up" in said
    asked = stage.wake(asleep)
    assert asked.result is not None and asked.result["confirmable"]
    # Who does not say yes has not taken the wake of the next day away, nor made the agent a failed one.
    assert asked.status == "pending" and asked.triggers == {Trigger.BUDGET_RESET}
    assert asked.scheduled_for == next_day(asleep.since_at)
    refused = stage.command("wake", "ada").stderr
    assert "Error: ada was not woken: its budget of the day is used up" in refused
    assert "`hive-tui wake ada --yes`" in refused and "`hive-tui budget set ada --tokens-per-day N`" in refused
    assert is_asleep(stage.stored(agent)) and set(known.sleeping_for_budget()) == {agent.id}
    assert stage.wake(asleep, confirmed=True).status == "completed"
    assert known.sleeping_for_budget() == {}
    chore.keep()
    assert not chore.is_busy, "who woke it knows that its budget is used up"
    # Another budget is another matter.
    known.set(agent, Budget(900), TESTER)
    stage.look()
    chore.keep()
    eventually(lambda: is_asleep(stage.stored(agent)), "it naps again")


def test_a_nap_for_a_budget_that_a_kill_has_cut_short_is_begun_again(stage: Stage):
    stage.agent_in_shell("ada")
    agent, database = stage.look(), stage.hive.database
    stage.hive.spending.budgets.set(agent, Budget(1000, HARD), TESTER)
    spend(database, agent, 1000, CLOCK.now())
    database.write(budgets.note_nap, agent.id, CLOCK.now().date(), now=CLOCK.now())
    stage.hive.spending.budget_keeper.keep()
    eventually(lambda: is_asleep(stage.stored(agent)), "it naps all the same")
    assert database.read(budgets.napped, stage.stored(agent).since_at.date()) == {agent.id}


def test_an_agent_whose_nap_for_a_budget_was_killed_at_its_end_is_known_to_sleep_for_it(tmp_path: Path):
    keeper = Keeper(tmp_path)
    database, today = keeper.hive.database, keeper.clock.now()
    checkpoint = keeper.take()
    database.write(budgets.note_nap, keeper.agent.id, today.date(), now=today)
    reason = "its budget of the day is used up: 1.0k of 1.0k tokens (100%)"
    database.write(agents.put, structs.replace(keeper.agent, lifecycle=Lifecycle.NAPPING, reason=reason))
    database.write(journal.begin, keeper.agent.id, "nap", now=today)
    state = {"checkpoint_id": checkpoint.id, "processes": []}
    database.write(journal.advance, keeper.agent.id, "exiting", state, now=today)
    keeper.hive.returning.recovery.finish_interrupted()
    assert is_asleep(keeper.agent) and keeper.agent.reason.startswith(reason)
    assert keeper.hive.spending.budgets.sleeping_for_budget() == {keeper.agent.id: today.date()}
    keeper.close()


def test_soft_waits_for_the_end_of_a_turn_and_hard_does_not(stage: Stage):
    pane = stage.agent_in_shell("ada")
    stage.type(pane, "/work 3600")
    eventually(lambda: stage.look().activity is Activity.WORKING, "it works")
    # Or else what was typed, which a scripted agent leaves on its screen, is taken for a draft.
    stage.tmux("send-keys", "-R", "-t", pane)
    agent = stage.look()
    spend(stage.hive.database, agent, 1000, CLOCK.now())
    known, chore = stage.hive.spending.budgets, stage.hive.spending.budget_keeper
    known.set(agent, Budget(1000, SOFT), TESTER)
    chore.keep()
    assert stage.stored(agent).lifecycle is Lifecycle.AWAKE
    known.set(agent, Budget(1000, HARD), TESTER)
    chore.keep()
    eventually(lambda: is_asleep(stage.stored(agent)), "it naps in the middle of its turn")


def test_the_commands_set_list_and_remove(stage: Stage, capsys: pytest.CaptureFixture[str]):
    stage.hive.database.write(agents.add, an_ended_agent("ada"), now=CLOCK.now())

    def said(*words: str) -> str:
        assert run(["--home", str(stage.home), "--tmux-socket", stage.socket, "budget", *words]) == 0
        return capsys.readouterr().out

    assert "There are no budgets" in said()
    assert json.loads(said("set", "--all", "--tokens-per-day", "2M", "--json")) == {
        "agent": None, "tokens_per_day": 2_000_000, "mode": "soft"
    }  # fmt: skip
    assert "ada: 500.0k tokens a day, hard." in said("set", "ada", "--tokens-per-day", "500k", "--hard")
    [view] = json.loads(said("list", "--json"))
    assert (view["agent"], view["tokens_per_day"], view["mode"], view["own"]) == ("ada", 500_000, "hard", True)
    said("remove", "ada")
    assert "2.00M tokens a day, soft" in said()
    for words in (["set", "--tokens-per-day", "1k"], ["set", "--all", "--tokens-per-day", "x"], ["remove"]):
        assert run(["--home", str(stage.home), "budget", *words]) == 2
