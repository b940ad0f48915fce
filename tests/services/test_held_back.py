"""Wakes beyond the most that go on unattended: put off, told of once for each limit, and explained."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from msgspec import structs

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.alerts import AlertPolicy, QuietHours
from hive_tui.domain.events import HEARTBEAT, EventKind, Severity
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup
from hive_tui.hive import Hive
from hive_tui.services.alerts import Alerts
from hive_tui.settings.naps import LimitSettings
from hive_tui.store import agents, journal, wakeups
from hive_tui.store.journal import LoggedEvent
from tests.builders import an_ended_agent
from tests.clocks import FakeClock
from tests.stage import TESTER, Heard, Stage

SAID = (
    "by the settings a person wakes agents after their usage limit;"
    " `hive-tui wake ada`, or w in the dashboard, wakes it now"
)


@pytest.fixture
def hive(stage: Stage) -> Iterator[Hive]:
    """One that wakes nobody unattended, and whose agent sleeps through its limit."""
    made = stage.new_hive(limits=LimitSettings(most_unattended_wakes=0))
    made.clock = FakeClock()
    made.database.write(agents.add, an_ended_agent("ada"), now=made.clock.now())
    yield made
    made.close()


def due_wake(hive: Hive, key: str = "limit:id-of-ada:2026-01-05T12:00") -> Wakeup:
    new = NewWakeup("id-of-ada", Trigger.LIMIT_RESET, hive.clock.now(), idempotency_key=key)
    return hive.queue.enqueue(new, HEARTBEAT).wakeup


def run(hive: Hive, wake: Wakeup) -> Wakeup:
    """One attempt, as the heartbeat makes it."""
    claimed = hive.dispatcher.claim_one(wake.id, by="test")
    assert claimed is not None
    hive.dispatcher.run(claimed)
    return hive.database.read(wakeups.get, wake.id)


def told(hive: Hive) -> list[LoggedEvent]:
    return hive.database.read(journal.events, kinds=(EventKind.WAKEUP_HELD_BACK,))


def advance(hive: Hive, span: timedelta) -> None:
    assert isinstance(hive.clock, FakeClock)
    hive.clock.advance(span.total_seconds())


def test_each_limit_whose_wake_is_held_back_is_told_once(hive: Hive, stage: Stage):
    wake = due_wake(hive)
    put_off = run(hive, wake)
    [logged] = told(hive)
    assert logged.event.text == f"ada was not woken: {SAID}" and logged.event.severity is Severity.WARNING
    assert [one for one in stage.events if one.kind is EventKind.WAKEUP_HELD_BACK] == [logged.event]
    advance(hive, put_off.scheduled_for - hive.clock.now())
    assert run(hive, wake).status == "pending"
    # Cancelled and asked for again, it is another row for the same limit.
    hive.queue.cancel(put_off, TESTER)
    again = hive.queue.ask_again(hive.database.read(wakeups.get, wake.id), TESTER).wakeup
    advance(hive, timedelta(days=1))
    run(hive, again)
    assert len(told(hive)) == 1
    hive.queue.cancel(again, TESTER)
    run(hive, due_wake(hive, "limit:id-of-ada:2026-01-06T17:00"))
    assert len(told(hive)) == 2, "another limit"


def test_what_else_is_put_off_is_not_told(hive: Hive):
    hive.database.write(agents.set_held, "id-of-ada", True)
    assert run(hive, due_wake(hive)).last_error == "only a person wakes this agent"
    assert told(hive) == []


def test_a_person_is_called_in_one_sentence_and_nothing_is_quoted_of_the_agent(hive: Hive):
    run(hive, due_wake(hive))
    heard = Heard()
    alerts = Alerts(hive.database, heard, hive.clock, last_words=lambda _: "not asked for")
    assert alerts.tell() == 1 and alerts.tell() == 0
    assert heard.messages == [("hive: ada", f"ada was not woken: {SAID}")]


@pytest.mark.parametrize("is_awake", [True, False], ids=["woken meanwhile", "still asleep"])
def test_after_quiet_hours_it_is_told_of_whoever_still_sleeps(hive: Hive, is_awake: bool):
    run(hive, due_wake(hive))
    heard = Heard()
    quiet = QuietHours.parse("11:00", "13:00", "UTC")
    alerts = Alerts(hive.database, heard, hive.clock, policy=AlertPolicy(quiet=quiet))
    assert alerts.tell() == 0
    if is_awake:
        sleeper = hive.database.read(agents.get, "id-of-ada")
        hive.database.write(agents.put, structs.replace(sleeper, lifecycle=Lifecycle.AWAKE))
    advance(hive, timedelta(hours=1, seconds=1))
    assert alerts.tell() == (0 if is_awake else 1)


def test_explain_says_when_it_is_asked_again_and_how_to_wake_it_now(hive: Hive):
    put_off = run(hive, due_wake(hive))
    found = hive.explainer.explain(hive.database.read(agents.get, "id-of-ada"), hive.observer.observe())
    assert found.gate[-1] == (
        f"asks again at {put_off.scheduled_for:%Y-%m-%d %H:%M:%S} UTC;"
        " `hive-tui wake ada`, or w in the dashboard, wakes it now"
    )
    hive.queue.cancel(put_off, TESTER)
    found = hive.explainer.explain(hive.database.read(agents.get, "id-of-ada"), hive.observer.observe())
    assert "asks again" not in found.gate[-1]
