"""An agent that should work and gives no sign of life is told of once; one that may be silent is not."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity
from hive_tui.domain.events import Event, EventKind
from hive_tui.domain.sightings import Sighting
from hive_tui.services.dashboard import AgentView
from hive_tui.services.hub import Hub
from hive_tui.services.liveness import Liveness, Signs
from hive_tui.store import agents, journal, stale
from hive_tui.store.database import Database
from hive_tui.ui.format import agent_details, state_of
from tests.builders import NOON, a_pane, a_sighting, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

AFTER = timedelta(minutes=10)


class Watching:
    """Looks at `ada` again and again, as a heartbeat does."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.database = Database(migrated(folder / "hive.db"), self.clock)
        self.transcript = folder / "transcript.jsonl"
        self.transcript.write_text("")
        self.touch()
        self.agent = an_agent(activity=Activity.WORKING, transcript=str(self.transcript), config_dir=None)
        self.database.write(agents.add, self.agent, now=NOON)
        self.heard: list[Event] = []
        self.liveness = self.new_liveness()

    def new_liveness(self) -> Liveness:
        hub = Hub()
        hub.subscribe(self.heard.append)
        return Liveness(self.database, hub, after=AFTER)

    def touch(self) -> None:
        at = self.clock.now().timestamp()
        os.utime(self.transcript, (at, at))

    def look(self, *, minutes: float = 0, output_at: datetime = NOON, cpu: float | None = 0.0) -> Signs:
        self.clock.advance(minutes * 60)
        pane = a_pane(output_at=int(output_at.timestamp()))
        return self.liveness.look([self.agent], {self.agent.id: a_sighting(pane=pane, cpu_share=cpu)}, self.clock.now())

    @property
    def told(self) -> list[str]:
        logged = self.database.read(journal.events, kinds=(EventKind.AGENT_STALE,))
        assert [one.event for one in logged] == self.heard
        return [one.event.text for one in logged]


@pytest.fixture
def watching(tmp_path: Path) -> Iterator[Watching]:
    made = Watching(tmp_path)
    yield made
    made.database.close()


def test_silence_is_told_once_and_again_only_after_a_sign_of_life(watching: Watching):
    watching.look()
    for _ in range(30):
        signs = watching.look(minutes=1)
    assert watching.told == ["ada seems to work, but gave no sign of life for 10m; the last one was output in its pane"]
    assert signs.stale == {"id-of-ada"} and signs.last["id-of-ada"].at == NOON
    watching.touch()
    assert watching.look().stale == frozenset()
    assert watching.database.read(stale.everyone) == {}
    assert watching.look(minutes=10).stale == {"id-of-ada"}
    assert len(watching.told) == 2


@pytest.mark.parametrize("sign", ["output", "cpu", "transcript"])
def test_each_sign_of_life_counts(watching: Watching, sign: str):
    watching.look()
    for _ in range(5):
        if sign == "transcript":
            watching.touch()
        output_at = watching.clock.now() if sign == "output" else NOON
        signs = watching.look(minutes=6, output_at=output_at, cpu=0.5 if sign == "cpu" else 0.0)
        assert signs.stale == frozenset()
    assert watching.told == []


@pytest.mark.parametrize("activity", [one for one in Activity if one is not Activity.WORKING])
def test_who_waits_may_be_silent(watching: Watching, activity: Activity):
    watching.agent = structs.replace(watching.agent, activity=activity)
    watching.look()
    assert watching.look(minutes=600).stale == frozenset() and watching.told == []


@pytest.mark.parametrize("activity", [Activity.WORKING, Activity.IDLE])
def test_only_of_who_rests_the_very_same_sighting_is_not_looked_into_again(watching: Watching, activity: Activity):
    watching.agent = structs.replace(watching.agent, activity=activity)
    sighting = a_sighting(pane=a_pane(output_at=int(NOON.timestamp())), cpu_share=0.0)

    def last_at(one: Sighting) -> str:
        watching.clock.advance(60)
        watching.touch()
        return (
            watching.liveness.look([watching.agent], {watching.agent.id: one}, watching.clock.now())
            .last[watching.agent.id]
            .at.isoformat()
        )

    first = last_at(sighting)
    assert (last_at(sighting) == first) is (activity is Activity.IDLE)
    now = watching.clock.now() + timedelta(seconds=60)
    assert last_at(structs.replace(sighting, draft="typed")) == now.isoformat(), "something has moved"


def test_who_has_just_begun_to_look_does_not_judge_but_believes_who_has_watched(watching: Watching):
    watching.clock.advance(3600)
    assert watching.look(cpu=None).stale == frozenset(), "it may have computed all the time"
    watching.look(minutes=10)
    assert len(watching.told) == 1
    watching.liveness = watching.new_liveness()
    assert watching.look(cpu=None).stale == {"id-of-ada"}
    assert len(watching.told) == 1, "another process knows it already"


def test_an_agent_that_is_gone_is_stale_no_more(watching: Watching):
    watching.look()
    assert watching.look(minutes=20).stale
    watching.liveness.look([watching.agent], {}, watching.clock.now())
    assert watching.database.read(stale.everyone) == {}


def test_a_clock_that_was_ahead_leaves_no_sign_from_the_future(watching: Watching):
    watching.clock.step(timedelta(hours=5))
    watching.touch()
    watching.clock.step(timedelta(hours=-5))
    assert watching.look().last["id-of-ada"].at == NOON
    assert watching.look(minutes=10).stale == {"id-of-ada"}


def test_the_screen_says_stale_and_since_when(watching: Watching):
    watching.look()
    signs = watching.look(minutes=12)
    now = watching.clock.now()
    view = AgentView(
        watching.agent,
        None,
        None,
        None,
        last_sign=signs.last[watching.agent.id],
        silent_for=signs.silence_of(watching.agent.id, now),
    )
    assert state_of(view).text == "? stale 12m"
    assert dict(agent_details(view, now))["stale"] == "no sign of life for 12m; the last one was output in its pane"


def test_without_a_limit_nobody_is_stale(watching: Watching):
    watching.liveness = Liveness(watching.database, Hub(), after=None)
    watching.look()
    assert watching.look(minutes=6000).stale == frozenset()
