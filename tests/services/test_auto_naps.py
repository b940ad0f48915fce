"""Naps that nobody asked for: after how long, who is told, who can stop them, and what a limit leads to."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from hive_tui.domain.agents import Activity
from hive_tui.domain.events import EventKind
from hive_tui.domain.idle import IdlePolicy, Memory
from hive_tui.domain.reconcile import ServerState
from hive_tui.domain.wakeups import ON_RESUME, Trigger
from hive_tui.services.auto_naps import stop_nap
from hive_tui.services.limit_naps import LIMIT_REASON
from hive_tui.store import agents, announcements, journal, settings, wakeups
from tests.builders import a_pane
from tests.services.resting import Rest
from tests.stage import TESTER

AFTER_30 = IdlePolicy(after_s=1800)
SCARCE = Memory(available_share=0.04)


@pytest.fixture
def new_rest(tmp_path: Path) -> Iterator[Callable[..., Rest]]:
    made: list[Rest] = []

    def make(policy: IdlePolicy | None = AFTER_30, **facts: Any) -> Rest:
        made.append(Rest(tmp_path / f"{len(made)}.db", policy, **facts))
        return made[-1]

    yield make
    for one in made:
        one.database.close()


@pytest.fixture
def rest(new_rest: Callable[..., Rest]) -> Rest:
    return new_rest()


def shown(rest: Rest) -> list[tuple[str, str]]:
    """Who the dashboard says is about to nap, and why."""
    return [(one.agent.name, one.nap.why) for one in rest.listed() if one.nap]


def test_an_idle_agent_naps_after_its_minutes_and_an_announcement(rest: Rest):
    rest.add("ada")
    rest.pass_time(29.9)
    assert shown(rest) == [] and rest.said() == []
    rest.pass_time(0.5)
    assert shown(rest) == [("ada", "idle for 30m")]
    assert rest.said() == ["ada naps in 60s: idle for 30m; x stops it"]
    assert rest.asleep() == []
    rest.pass_time(1)
    assert rest.asleep() == ["ada"] and shown(rest) == []
    rest.pass_time(120)
    assert len(rest.said()) == 1, "nothing is announced of one that sleeps"


@pytest.mark.parametrize(
    "facts",
    [
        {"activity": Activity.WORKING},
        {"activity": Activity.QUESTION},
        {"background": ("a shell",)},
        {"draft": "and then"},
        {"cpu_share": 0.5},
        {"conversation": "session-2"},
        {"is_in_front": False},
        {"is_settled": False},
        {"pane": a_pane(is_watched=True)},
        {"pid": 101},
    ],
)
def test_a_single_look_with_anything_against_it_begins_the_span_anew(rest: Rest, facts: dict[str, Any]):
    ada = rest.add("ada")
    rest.pass_time(29)
    rest.show(ada, **facts)
    rest.pass_time(0.1)
    rest.show(ada)
    rest.pass_time(29.5)
    assert rest.said() == []
    rest.pass_time(2)
    assert rest.asleep() == ["ada"]


def test_a_turn_between_two_looks_is_seen_by_what_it_has_written(rest: Rest, tmp_path: Path):
    ada = rest.add("ada")
    transcript = tmp_path / "session-1.jsonl"
    transcript.write_text("{}\n")
    seen = rest.sightings[ada.id]
    rest.sightings[ada.id] = structs.replace(seen, session=structs.replace(seen.session, transcript=str(transcript)))
    rest.pass_time(29)
    transcript.write_text("{}\n{}\n")
    rest.pass_time(29)
    assert rest.said() == []


@pytest.mark.parametrize("state", [ServerState.HUNG, ServerState.DOWN])
def test_a_time_in_which_nobody_could_look_does_not_count(rest: Rest, state: ServerState):
    rest.add("ada")
    rest.pass_time(29)
    rest.look(state=state)
    rest.pass_time(29)
    rest.clock.advance(40)
    rest.pass_time(29)
    assert rest.said() == []


def test_a_new_heartbeat_counts_anew_and_takes_back_what_the_old_one_announced(rest: Rest):
    rest.add("ada")
    rest.pass_time(30.5)
    assert shown(rest)
    rest.restart()
    rest.look()
    assert shown(rest) == []
    rest.pass_time(29.9)
    assert rest.asleep() == []
    rest.pass_time(2)
    assert rest.asleep() == ["ada"]


def test_a_clock_that_is_set_makes_nobody_older(rest: Rest):
    rest.add("ada")
    rest.pass_time(1)
    rest.clock.step(timedelta(days=1))
    rest.pass_time(1)
    assert rest.said() == []


def stopped_by_a_person(rest: Rest) -> None:
    assert stop_nap(rest.database, "id-of-ada", "ada", TESTER, rest.clock, rest.hub)


def touched(rest: Rest) -> None:
    rest.show(rest.stored("id-of-ada"), pane=a_pane(cursor_x=3))


def paused(rest: Rest) -> None:
    rest.database.write(settings.put, settings.PAUSED, True, now=rest.clock.now())


def pinned(rest: Rest) -> None:
    rest.database.write(agents.set_pinned, "id-of-ada", True)


@pytest.mark.parametrize("interrupt", [stopped_by_a_person, touched, paused, pinned])
def test_an_announced_nap_is_stopped(rest: Rest, interrupt: Callable[[Rest], None]):
    rest.add("ada")
    rest.pass_time(30.5)
    assert shown(rest)
    interrupt(rest)
    rest.look()
    assert shown(rest) == []
    rest.pass_time(29)
    assert rest.asleep() == [], "it has to be idle for as long again"
    kinds = [one.event.kind for one in rest.database.read(journal.events, limit=9)]
    assert kinds == [EventKind.AGENT_NAP_ANNOUNCED, EventKind.AGENT_NAP_STOPPED]


def test_whoever_stops_a_nap_in_its_last_moment_wins_or_is_told(rest: Rest):
    ada = rest.add("ada")
    due: list[Callable[[], object]] = []
    rest.start = due.append
    rest.pass_time(31.2)
    assert due
    # Between the last look and the nap: the person's word is in the database, and in no memory yet.
    assert stop_nap(rest.database, ada.id, ada.name, TESTER, rest.clock, rest.hub)
    due[0]()
    assert rest.asleep() == []
    assert not stop_nap(rest.database, ada.id, ada.name, TESTER, rest.clock, rest.hub), "nothing is announced now"


def test_a_nap_that_is_refused_is_not_tried_again_at_once(rest: Rest):
    ada = rest.add("ada")
    rest.sleeper.before = lambda _: rest.show(ada, activity=Activity.WORKING)
    rest.pass_time(31.5)
    assert rest.asleep() == []
    rest.show(ada)
    rest.pass_time(29)
    assert len(rest.said()) == 1 and rest.asleep() == []


def test_each_agent_may_have_minutes_of_its_own(new_rest: Callable[..., Rest]):
    rest = new_rest(IdlePolicy(1800, {"quick": 300, "never": 0}, short_after_s=60))
    for name in ("quick", "never", "usual"):
        rest.add(name)
    rest.pass_time(6.5)
    assert rest.asleep() == ["quick"]
    rest.memory = SCARCE
    rest.pass_time(120)
    assert sorted(rest.asleep()) == ["quick", "usual"]


def test_while_memory_is_short_the_idlest_goes_and_then_is_looked_again(new_rest: Callable[..., Rest]):
    rest = new_rest(IdlePolicy(short_after_s=600))
    for name in ("first", "second", "third"):
        rest.add(name)
        rest.pass_time(5)
    rest.pass_time(60)
    assert rest.said() == [], "there is memory enough"
    rest.memory = SCARCE
    rest.pass_time(1.2)
    assert rest.asleep() == ["first"]
    assert rest.sleeper.reasons["first"].startswith("memory is short, and it has been idle the longest, for 1h 1")
    rest.memory = Memory(available_share=0.5, stalled_share=0.0)
    rest.pass_time(30)
    assert rest.asleep() == ["first"], "its memory was enough"
    rest.memory = Memory(available_share=0.5, stalled_share=0.3)
    rest.pass_time(2.3)
    assert rest.asleep() == ["first", "second"]


def test_while_one_goes_to_sleep_for_memory_no_other_is_announced(new_rest: Callable[..., Rest]):
    rest = new_rest(IdlePolicy(short_after_s=600))
    for name in ("first", "second"):
        rest.add(name)
    rest.memory = SCARCE
    rest.sleeper.before = lambda _: rest.pass_time(0.5)
    rest.pass_time(11.2)
    assert rest.asleep() == ["first"] and len(rest.said()) == 1, rest.said()


def test_for_a_new_heartbeat_the_idlest_is_the_one_that_the_list_shows(new_rest: Callable[..., Rest]):
    rest = new_rest(IdlePolicy(short_after_s=600))
    for name in ("zoe", "ada"):
        rest.add(name)
        rest.pass_time(5)
    rest.restart()
    rest.memory = SCARCE
    rest.pass_time(11.2)
    assert rest.asleep() == ["zoe"]


def limited(rest: Rest, until: datetime, name: str = "ada", **facts: Any) -> None:
    said = f"usage limit reached, resets {until:%Y-%m-%d %H:%M} UTC"
    rest.add(name, activity=Activity.LIMITED, reason=said, **facts)


@pytest.fixture
def limits(new_rest: Callable[..., Rest]) -> Rest:
    return new_rest(None, limits=True)


def test_a_limited_agent_sleeps_until_its_reset(limits: Rest):
    until = limits.clock.now() + timedelta(hours=3)
    limited(limits, until)
    limits.pass_time(0.1)
    assert shown(limits) == [("ada", f"{LIMIT_REASON} 2026-01-05 15:00 UTC")]
    limits.pass_time(1)
    assert limits.asleep() == ["ada"]
    [wake] = limits.database.read(wakeups.recent)
    assert (wake.trigger, wake.context) == (Trigger.LIMIT_RESET, {ON_RESUME: "Go on."})
    assert timedelta(minutes=1) <= wake.scheduled_for - until <= timedelta(minutes=2)
    limits.pass_time(10)
    limits.restart()
    limits.pass_time(10)
    assert len(limits.database.read(wakeups.recent)) == 1
    limits.database.write(wakeups.cancel, wake.id, now=limits.clock.now())
    limits.pass_time(1)
    assert len(limits.database.read(wakeups.recent)) == 1, "a person does not want it"


def test_an_announced_nap_comes_also_when_the_limit_gets_too_short_for_one_meanwhile(limits: Rest):
    limited(limits, limits.clock.now() + timedelta(minutes=6))
    limits.pass_time(1.5)
    assert limits.asleep() == ["ada"]


def test_who_was_woken_in_its_limit_is_not_put_to_sleep_for_it_again(limits: Rest):
    limited(limits, limits.clock.now() + timedelta(hours=3))
    before = limits.stored("id-of-ada")
    limits.pass_time(1.5)
    assert limits.asleep() == ["ada"]
    limits.database.write(agents.put, structs.replace(before, since_at=limits.clock.now()))
    limits.pass_time(30)
    assert limits.asleep() == []


def test_a_wake_that_a_crash_has_swallowed_is_asked_for_afterwards(limits: Rest):
    limited(limits, limits.clock.now() + timedelta(hours=3))
    limits.pass_time(1)
    limits.sleeper.nap("id-of-ada", _request(f"{LIMIT_REASON} 15:00"), None)
    limits.restart()
    limits.clock.advance(4 * 3600)
    limits.look()
    [wake] = limits.database.read(wakeups.recent)
    assert wake.trigger is Trigger.LIMIT_RESET and wake.scheduled_for < limits.clock.now()


def _request(reason: str) -> Any:
    from hive_tui.domain.events import HEARTBEAT
    from hive_tui.services.nap import NapRequest

    return NapRequest(reason, HEARTBEAT)


@pytest.mark.parametrize(
    ("reason", "facts"),
    [
        ("usage limit reached, resets in 3 minutes", {}),
        ("usage limit reached", {}),
        ("your usage limits will reset when your monthly cycle ends on 1/17/2026", {}),
        ("usage limit reached, resets in 3 hours", {"pinned": True}),
    ],
)
def test_who_stays_awake_in_its_limit(limits: Rest, reason: str, facts: dict[str, Any]):
    limits.add("ada", activity=Activity.LIMITED, reason=reason, **facts)
    limits.pass_time(30)
    assert limits.said() == []


def test_a_stopped_nap_of_a_limit_stays_stopped_also_for_the_next_heartbeat(limits: Rest):
    limited(limits, limits.clock.now() + timedelta(hours=3))
    limits.pass_time(0.1)
    stopped_by_a_person(limits)
    limits.pass_time(20)
    limits.restart()
    limits.pass_time(20)
    assert limits.asleep() == []
    assert limits.database.read(announcements.announced) == {}


def test_the_list_says_until_when_an_agent_is_limited(limits: Rest):
    from hive_tui.ui.format import state_of

    limited(limits, limits.clock.now() + timedelta(hours=3))
    [view] = limits.listed()
    assert state_of(view, limits.clock.now()).text == "◷ limited until 15:00"
    limits.pass_time(0.1)
    [view] = limits.listed()
    assert state_of(view, limits.clock.now()).text == "◔ naps in 60s"
