"""The gate with a real database: who waits for whom, and what it remembers of an agent."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from hive_tui.domain.breaker import BreakerPolicy
from hive_tui.domain.gate import Decision, GatePolicy, Verdict
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.services.budgets import Budgets
from hive_tui.services.gate import Gatekeeper
from hive_tui.services.hub import Hub
from hive_tui.store import agents, claims, wake_states, wakeups
from hive_tui.store.database import Database
from tests.builders import an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

SPREAD = timedelta(seconds=10)


class World:
    """Ten agents asleep, and a gate."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(migrated(path), self.clock)
        budgets = Budgets(self.database, self.clock, Hub())
        self.gate = Gatekeeper(self.database, budgets, self.clock, GatePolicy(), Random(3))
        self.agents = [an_ended_agent(f"agent-{number}") for number in range(10)]
        for one in self.agents:
            self.database.write(agents.add, one, now=self.clock.now())

    def ask(self, trigger: Trigger) -> None:
        for one in self.agents:
            new = NewWakeup(one.id, trigger, self.clock.now())
            self.database.write(wakeups.enqueue, new, f"{trigger} {one.name}", now=self.clock.now())

    def judge_due(self) -> list[Verdict]:
        """One pass over all that is due."""
        now = self.clock.now()
        verdicts = []
        for claimed in self.database.write(claims.claim_due, by="test", now=now, limit=100):
            agent = self.database.read(agents.get, claimed.agent_id)
            verdict = self.gate.judge(claimed, agent, is_awake=False)
            verdicts.append(verdict)
            if verdict.decision is Decision.DEFER:
                assert verdict.until is not None
                facts = {"verdict": str(verdict), "reason": verdict.reason}
                self.database.write(claims.defer, claimed, now=now, until=verdict.until, **facts)
            else:
                self.database.write(claims.complete, claimed, now=now, verdict=str(verdict), result={})
        return verdicts


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "hive.db")
    yield made
    made.database.close()


def test_of_ten_that_wake_together_one_starts_at_once_and_each_other_within_the_spread(world: World):
    world.ask(Trigger.SCHEDULE)
    first = world.judge_due()
    assert [one.decision for one in first].count(Decision.WAKE) == 1
    put_off = [one.until - world.clock.now() for one in first if one.until is not None]
    assert len(put_off) == 9 and all(timedelta(0) <= wait <= SPREAD for wait in put_off)
    assert len({round(wait.total_seconds()) for wait in put_off}) >= 4, "they are spread"
    world.clock.advance(SPREAD.total_seconds())
    assert [one.decision for one in world.judge_due()] == [Decision.WAKE] * 9, "nobody waits a second time"


def test_a_person_never_waits_for_others(world: World):
    world.ask(Trigger.MANUAL)
    assert {one.decision for one in world.judge_due()} == {Decision.WAKE}
    world.ask(Trigger.SCHEDULE)
    assert sum(one.decision is Decision.WAKE for one in world.judge_due()) == 1


def test_the_breaker_says_when_it_closes_lets_one_through_then_and_is_closed_by_its_success(world: World):
    policy, agent = BreakerPolicy(failures=2, open_s=60), world.agents[0]
    for _ in range(2):
        world.database.write(wake_states.failed, agent.id, policy, now=world.clock.now())
    world.agents = [agent]
    world.ask(Trigger.GOAL)
    (verdict,) = world.judge_due()
    assert str(verdict) == "defer: breaker: 2 attempts in a row have failed; one more is made at 12:01:00 UTC"
    world.clock.advance(60)
    (verdict,) = world.judge_due()
    assert verdict.decision is Decision.WAKE
    world.database.write(wake_states.failed, agent.id, policy, now=world.clock.now())
    assert world.database.read(wake_states.breaker, agent.id).open_until == world.clock.now() + timedelta(seconds=120)
    world.database.write(wake_states.succeeded, agent.id, now=world.clock.now())
    assert world.database.read(wake_states.breaker, agent.id).failures == 0
    assert world.database.read(wake_states.woken_at, agent.id) == world.clock.now()
