"""A wake that the gate puts off for long is told once."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hive_tui.domain.agents import Agent
from hive_tui.domain.events import Event, EventKind
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.hive import Hive
from hive_tui.settings import Settings
from hive_tui.store import agents, journal, settings
from tests.builders import an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import home_with_database
from tests.stage import TESTER

ADA = an_ended_agent("ada")


@pytest.fixture
def hive(tmp_path: Path) -> Iterator[Hive]:
    made = Hive(home_with_database(tmp_path), Settings(), "hive-test-no-such-server", clock=FakeClock())
    made.database.write(agents.add, ADA, now=made.clock.now())
    yield made
    made.close()


def told(hive: Hive) -> list[str]:
    found = hive.database.read(journal.events, limit=100, kinds=(EventKind.WAKEUP_DEFERRED,))
    return [one.event.text for one in found]


def try_all(hive: Hive) -> None:
    for claimed in hive.dispatcher.claim_due(by="test", limit=9):
        hive.dispatcher.run(claimed)


def ask(hive: Hive, trigger: Trigger, agent: Agent = ADA) -> None:
    hive.queue.enqueue(NewWakeup(agent.id, trigger, hive.clock.now(), context={"message": "go on"}), TESTER)


def test_a_held_agent_whose_wake_is_due_is_told_of_once(hive: Hive):
    heard: list[Event] = []
    hive.hub.subscribe(heard.append)
    hive.registry.hold(ADA, True, TESTER)
    ask(hive, Trigger.LIMIT_RESET)
    for _ in range(3):
        try_all(hive)
        assert isinstance(hive.clock, FakeClock)
        hive.clock.advance(timedelta(minutes=5).total_seconds())
    assert told(hive) == ["The wake of ada is put off: only a person wakes this agent"]
    assert [one.kind for one in heard].count(EventKind.WAKEUP_DEFERRED) == 1


def test_what_waits_for_a_switch_that_its_person_has_set_is_not_told(hive: Hive):
    hive.database.write(settings.put, settings.PAUSED, True, now=hive.clock.now())
    ask(hive, Trigger.WEBHOOK)
    hive.clock.advance(60)  # type: ignore[attr-defined]
    try_all(hive)
    assert told(hive) == []
