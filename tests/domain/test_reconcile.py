"""Whatever is seen, the registry stays in order."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from hive_tui.domain.agents import FOLLOWS, Activity, Agent, Lifecycle, Origin, PaneRef
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import Ending, ServerState, applied, from_sighting
from hive_tui.domain.sightings import Claim, Sighting
from tests.builders import SERVER, a_pane, a_sighting, an_agent
from tests.domain.looks import LATER, changes, seen

# --- whatever happens -----------------------------------------------------------------------------------------------


def some_agent(number: int, lifecycle: Lifecycle, session: str | None, origin: Origin) -> Agent:
    runs = lifecycle in (Lifecycle.AWAKE, Lifecycle.NAPPING)
    return an_agent(
        f"agent-{number}",
        lifecycle=lifecycle,
        process=ProcessId(100 + number, (100 + number) * 10) if runs else None,
        session_id=session,
        origin=origin,
        pane=PaneRef(SERVER, f"%{number}"),
    )


SESSIONS = st.sampled_from([None, "s1", "s2", "s3"])
REGISTRIES = st.lists(st.tuples(st.sampled_from(Lifecycle), SESSIONS, st.sampled_from(Origin)), max_size=4).map(
    lambda rows: [some_agent(number, *row) for number, row in enumerate(rows)]
)
SIGHTINGS = st.dictionaries(st.integers(100, 106), st.tuples(SESSIONS, st.integers(0, 4)), max_size=4).map(
    lambda found: [
        a_sighting(pid, session, pane=a_pane(f"%{pid}", agent_id=f"id-of-agent-{marked}"))
        for pid, (session, marked) in found.items()
    ]
)


@settings(max_examples=150, deadline=None)
@given(
    registry=REGISTRIES,
    sightings=SIGHTINGS,
    state=st.sampled_from(ServerState),
    ending=st.sampled_from(Ending),
    locked=st.sets(st.sampled_from(["agent-0", "agent-1"])),
)
def test_whatever_is_seen_the_registry_stays_in_order(
    registry: list[Agent], sightings: list[Sighting], state: ServerState, ending: Ending, locked: set[str]
):
    look = seen(*(sightings if state is ServerState.UP else []), state=state, ending=ending)
    found = changes(registry, look, locked=locked)
    changed = [change.before.id for change in found if change.before]
    assert len(changed) == len(set(changed)), "one change an agent at most"
    assert not {f"id-of-{name}" for name in locked} & set(changed), "locked agents are left alone"
    for change in found:
        if change.before and change.after:
            here, there = change.before.lifecycle, change.after.lifecycle
            assert here is there or there in FOLLOWS[here]
    now = applied(registry, found)
    assert len({agent.name for agent in now}) == len(now)
    seen_again = {agent.process for agent in now if agent.id not in {f"id-of-{name}" for name in locked}}
    if not locked:
        assert {sighting.root.id for sighting in look.sightings} <= seen_again, "every sighting is somebody"
        assert changes(now, replace(look, at=LATER)) == [], "the same look a second time changes nothing"


def test_from_sighting_takes_the_strongest_claim():
    claims = (Claim(Activity.LIMITED, "screen", "the usage limit is reached"), Claim(Activity.IDLE, "status file", "x"))
    agent = from_sighting(an_agent(), structs.replace(a_sighting(), claims=claims), LATER)
    assert (agent.activity, agent.reason, agent.since_at) == (Activity.LIMITED, "the usage limit is reached", LATER)
