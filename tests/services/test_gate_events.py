"""A thousand labelled events through the real queue and the real gate: who is woken, and who is not.

The labels are written down beside the stories, from the rules that a person is promised, and not from the code.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from hive_tui.domain.agents import Agent
from hive_tui.domain.breaker import BreakerPolicy
from hive_tui.domain.gate import Decision, GatePolicy, Refused, Verdict
from hive_tui.domain.tasks import Task
from hive_tui.domain.wakeups import NewWakeup, Outcome, Trigger
from hive_tui.services.gate import Gatekeeper
from hive_tui.store import agents, claims, queue_lists, settings, tasks, wake_states, wakeups
from hive_tui.store.database import Database
from tests.builders import an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

EVENTS = 1_000
WAKE, NOT, LATER = "wake", "not", "later"


@dataclass(frozen=True)
class Story:
    """What an agent went through before an event, the event, and what must become of it."""

    label: str
    trigger: Trigger
    context: dict[str, Any] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    key: str | None = None


HAS_SOMETHING = ({"payload": {"build": 7}}, {"message": "go on"}, {"files": ["a.py"]})
OUTSIDE = (Trigger.WEBHOOK, Trigger.REDIS, Trigger.FILE)
NO_PERSON = tuple(one for one in Trigger if one is not Trigger.MANUAL)

STORIES = [
    # A person is always right.
    *(Story(WAKE, Trigger.MANUAL, before=(one,)) for one in ("nothing", "paused", "held", "woken", "failing")),
    # Something to do from outside wakes; an empty signal does not; an open task makes it worth while.
    *(Story(WAKE, trigger, context) for trigger in OUTSIDE for context in HAS_SOMETHING),
    *(Story(NOT, trigger) for trigger in (*OUTSIDE, Trigger.ROUTINE)),
    *(Story(NOT, trigger, {"source": "x", "message": ""}) for trigger in OUTSIDE),
    *(Story(WAKE, trigger, before=("task",)) for trigger in (*OUTSIDE, Trigger.ROUTINE)),
    # Timers, recoveries, resets and whoever gave a task know why they ask.
    *(
        Story(WAKE, trigger)
        for trigger in (Trigger.SCHEDULE, Trigger.RECOVER, Trigger.GOAL, Trigger.ASSIGNMENT, Trigger.LIMIT_RESET)
    ),
    # The switches of a person hold back all others, and lose nothing.
    *(Story(LATER, trigger, {"message": "m"}, (one,)) for trigger in NO_PERSON for one in ("paused", "held", "broke")),
    # Nobody is woken twice for one thing, and nobody who runs is woken.
    *(Story(NOT, trigger, {"message": "m"}, ("awake",)) for trigger in Trigger),
    *(Story(NOT, trigger, {"payload": 5}, ("woken by the same",)) for trigger in OUTSIDE),
    *(Story(NOT, trigger, {"payload": 5}, ("delivered under the key",), "k") for trigger in Trigger),
    # Right after a wake, and after failure upon failure, all but a person and a recovery wait.
    *(Story(LATER, trigger, {"message": "m"}, ("woken",)) for trigger in NO_PERSON if trigger is not Trigger.RECOVER),
    Story(WAKE, Trigger.RECOVER, before=("woken",)),
    *(Story(LATER, trigger, {"message": "m"}, ("failing",)) for trigger in NO_PERSON),
    *(Story(WAKE, trigger, {"message": "m"}, ("failing", "long ago")) for trigger in NO_PERSON),
    # A timer that an empty signal came to still rings, and not before its time.
    *(Story(LATER, trigger, before=("timer in an hour",)) for trigger in OUTSIDE),
    *(Story(WAKE, trigger, before=("timer in an hour", "an hour passes")) for trigger in OUTSIDE),
    # A burst is one wake, once it is over.
    *(Story(LATER, trigger, {"payload": 1}, ("another just now",)) for trigger in OUTSIDE),
]


class Purse:
    """An allowance that is empty for some."""

    def __init__(self) -> None:
        self.empty: set[str] = set()

    def refusal(self, agent: Agent, now: Any) -> Refused | None:
        return Refused("nothing is left") if agent.id in self.empty else None


class World:
    """One database, one gate; each event has an agent of its own."""

    def __init__(self, path: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(migrated(path), self.clock)
        self.database._thawed_writer().execute("PRAGMA synchronous = OFF")  # nobody cuts the power here
        self.purse = Purse()
        # Stagger has a test of its own: here it would put off what has just the right to come.
        policy = GatePolicy(stagger_s=0)
        self.gate = Gatekeeper(self.database, self.purse, self.clock, policy, Random(1))
        self.number = 0

    def meet(self, story: Story) -> str:
        """Let it happen to a new agent; what became of the event."""
        self.number += 1
        agent = an_ended_agent(f"agent-{self.number}", held="held" in story.before)
        self.database.write(agents.add, agent, now=self.clock.now())
        for one in story.before:
            self.prepare(one, agent, story)
        self.ask(agent, story)
        if "another just now" not in story.before:
            self.clock.advance(3)  # the burst is over
        found = self.judge(agent, is_awake="awake" in story.before)
        self.database.write(settings.put, settings.PAUSED, False, now=self.clock.now())
        return found

    def ask(self, agent: Agent, story: Story, *, in_s: float = 0, trigger: Trigger | None = None) -> None:
        now = self.clock.now()
        key = f"{story.key}-{agent.id}" if story.key else None
        window = timedelta(hours=1) if key else None
        at = now + timedelta(seconds=in_s)
        context = {} if trigger else story.context
        new = NewWakeup(agent.id, trigger or story.trigger, at, idempotency_key=key, key_window=window, context=context)
        self.number += 1
        self.database.write(wakeups.enqueue, new, f"w-{self.number}", now=now)

    def judge(self, agent: Agent, *, is_awake: bool = False) -> str:
        """One pass of the queue for this agent."""
        (pending,) = self.database.read(wakeups.unfinished_wakes, agent.id) or (None,)
        if pending is None:
            return NOT
        claimed = self.database.write(claims.claim_one, pending.id, by="test", now=self.clock.now())
        if claimed is None:
            return LATER
        verdict = self.gate.judge(claimed, agent, is_awake=is_awake)
        self.end(claimed, verdict)
        return {Decision.WAKE: WAKE, Decision.SKIP: NOT}.get(verdict.decision, LATER)

    def end(self, claimed: Any, verdict: Verdict) -> None:
        now = self.clock.now()
        if verdict.decision is Decision.DEFER:
            until = verdict.until or now + timedelta(minutes=1)
            self.database.write(claims.defer, claimed, now=now, until=until, verdict=str(verdict), reason="later")
            return
        woke = verdict.decision is Decision.WAKE
        outcome = Outcome.SUCCEEDED if woke else Outcome.SKIPPED
        result = {"resumed": woke}
        self.database.write(claims.complete, claimed, now=now, verdict=str(verdict), result=result, outcome=outcome)
        if woke:
            self.database.write(wake_states.succeeded, claimed.agent_id, now=now)

    def prepare(self, what: str, agent: Agent, story: Story) -> None:
        now = self.clock.now()
        if what == "paused":
            self.database.write(settings.put, settings.PAUSED, True, now=now)
        elif what == "broke":
            self.purse.empty.add(agent.id)
        elif what == "woken":
            self.database.write(wake_states.succeeded, agent.id, now=now)
        elif what in ("woken by the same", "delivered under the key"):
            self.ask(agent, story)
            self.clock.advance(3)
            assert self.judge(agent) == WAKE
            self.clock.advance(40)  # beyond the cooldown
        elif what == "task":
            task = Task(f"t-{agent.id}", "goal", "title", now, now, agent_id=agent.id)
            self.database.write(tasks.add, task)
        elif what == "failing":
            for _ in range(5):
                self.database.write(wake_states.failed, agent.id, BreakerPolicy(), now=now)
        elif what == "timer in an hour":
            self.ask(agent, story, in_s=3600, trigger=Trigger.SCHEDULE)
        elif what == "another just now":
            self.ask(agent, story)
        elif what in ("long ago", "an hour passes"):
            self.clock.advance(3600)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("events") / "hive.db")
    yield made
    made.database.close()


def test_of_a_thousand_events_none_that_should_wake_is_missed_and_few_wake_that_should_not(world: World):
    stories = [story for story in STORIES if "an hour passes" not in story.before]
    stories += [story for story in STORIES if "an hour passes" in story.before]
    played = (stories * (EVENTS // len(stories) + 1))[:EVENTS]
    Random(7).shuffle(played)
    found = [(story, world.meet(story)) for story in played]
    false = [story for story, became in found if became == WAKE and story.label != WAKE]
    missed = [story for story, became in found if became != WAKE and story.label == WAKE]
    lost = [story for story, became in found if story.label == LATER and became == NOT]
    assert (missed, lost) == ([], [])
    assert len(false) <= 0.05 * EVENTS, false
    assert sum(story.label == WAKE for story in played) > 250, "the set has enough of both"


def test_a_thousand_deliveries_of_one_event_are_one_wake(world: World):
    agent = an_ended_agent("delivered")
    world.database.write(agents.add, agent, now=world.clock.now())
    story = Story(WAKE, Trigger.WEBHOOK, {"payload": 1}, key="delivery-1")
    became = []
    for number in range(1_000):
        world.ask(agent, story)
        if number % 10 == 0:
            world.clock.advance(3)
            became.append(world.judge(agent))
    assert became.count(WAKE) == 1
    assert len(world.database.read(queue_lists.of_agent, agent.id, limit=10)) == 1
