"""Every kind with its real program: states, nap, wake, crashes, and two of one kind in one folder."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from hive_tui.domain.agents import Activity, Lifecycle
from hive_tui.domain.errors import NapRefused
from tests.agents.conftest import ROWS
from tests.agents.homes import PROGRAMS, Program
from tests.agents.model import Model, now_s
from tests.agents.tour import Tour
from tests.stage import Stage, eventually

pytestmark = [pytest.mark.agents, pytest.mark.timeout(900)]
DRAWN = {
    "run": "Do you want to proceed|Would you like to run|Permission required|Allow execution of",
    "ask": r"1\.\s+Red",
    "limit": "[Uu]sage limit|5-hour limit",
}
"""What a program draws when it stops."""
GO_ON = "Go on with what the usage limit has interrupted"
"""What it is told after its limit, if nothing else is set."""
LIMIT_S = 390
"""Ones below five minutes are waited for awake; programs show the minute of the reset alone."""


def prefix() -> Path:
    named = os.environ.get("HIVE_AGENTS_PREFIX", "")
    assert named, "say where the programs are: make test-agents PREFIX=FOLDER, with FOLDER/bin/claude and so on"
    return Path(named).expanduser()


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_a_real_program_naps_and_wakes_with_its_conversation(stage: Stage, model: Model, program: Program):
    row = {"program": program.name}
    ROWS.append(row)
    if not (prefix() / "bin" / program.command.split()[0]).exists():
        row["version"] = "not there"
        pytest.skip(f"{program.name} is not installed in {prefix()}/bin")
    with Tour(stage, model, program, prefix()) as tour:
        row["version"] = tour.version()
        if not tour.takes_its_options():
            row["start"] = "other options"
            pytest.skip(f"this release does not know the options of {program.command!r}")
        began_s = now_s()
        pane_id = tour.start()
        row["start"] = f"{now_s() - began_s:.1f} s"
        try:
            lead(tour, pane_id)
        finally:
            row |= tour.cells
            late = sorted(tour.delays_s)
            row["shown after, p95"] = f"{late[int(len(late) * 0.95)]:.2f} s of {len(late)}" if late else "-"
    assert not tour.failures, "\n".join(tour.failures)


def lead(tour: Tour, pane_id: str) -> None:
    """All the steps; a failed one does not end the others."""
    panes = [pane_id]
    tour.step("no nap without a conversation", lambda: refused(tour, panes[0]))
    tour.step("working, idle", lambda: works(tour, panes[0]))
    for directive, activity in (("run", Activity.PERMISSION), ("ask", Activity.QUESTION)):
        if directive in tour.program.states:
            tour.step(str(activity), lambda d=directive, a=activity: stops(tour, panes[0], d, a))  # type: ignore[misc]
    tour.step("nap, wake, remembers", lambda: naps(tour, panes))
    tour.step("naps again at once", lambda: naps(tour, panes))
    tour.step("kill -9, wake", lambda: crashes(tour, panes, mid_turn=False))
    tour.step("kill -9 in a turn, wake", lambda: crashes(tour, panes, mid_turn=True))
    tour.step("two in one folder", lambda: pairs(tour, panes))
    if tour.program.resets:
        tour.step("nap, wake at reset", lambda: rests_through_its_limit(tour, panes[0]))
    if "limit" in tour.program.states:
        tour.step("limited", lambda: stops(tour, panes[0], "limit", Activity.LIMITED))


def refused(tour: Tour, pane_id: str) -> str:
    with pytest.raises(NapRefused, match=r"could be resumed|transcript of its conversation is missing"):
        tour.nap(pane_id)
    return "yes"


def works(tour: Tour, pane_id: str) -> str:
    tour.say(pane_id, "remember PLUM mock:slow 4")
    eventually(lambda: tour.request("PLUM"), "the model is asked", timeout_s=90)
    working = tour.delay(pane_id, Activity.WORKING, tour.request("PLUM")[-1].at_s)
    idle = tour.delay(pane_id, Activity.IDLE, tour.rested_at(pane_id, tour.request("PLUM")[-1]))
    return f"{working:.2f} s, {idle:.2f} s"


def stops(tour: Tour, pane_id: str, directive: str, activity: Activity) -> str:
    said = f"please mock:{directive}"
    before = len(tour.request(said))
    tour.say(pane_id, said)
    eventually(lambda: len(tour.request(said)) > before, "the model is asked", timeout_s=90)
    # What it drew of an earlier one may still be there: that is no change.
    since_s = max(tour.drawn_at(pane_id, DRAWN[directive]), tour.request(said)[-1].at_s)
    late = tour.delay(pane_id, activity, since_s)
    if activity is not Activity.LIMITED:
        with pytest.raises(NapRefused, match="waits for your answer"):
            tour.nap(pane_id)
    tour.press(pane_id, tour.program.escape)
    if activity is not Activity.LIMITED:
        tour.await_state(pane_id, Activity.IDLE)
    return f"{late:.2f} s"


def rests_through_its_limit(tour: Tour, pane_id: str) -> str:
    """It is limited, and nobody does anything: it naps by itself, and goes on once the limit has ended."""
    name, began_s = tour.name_in(pane_id), now_s()
    tour.say(pane_id, f"please mock:limit {LIMIT_S}")
    eventually(lambda: tour.seen.lifecycle(name) is Lifecycle.ASLEEP, "it naps through its limit", timeout_s=60)
    asked = tour.model.of(tour.program.name)[-1]
    eventually(lambda: tour.request(GO_ON), "it goes on after the reset", timeout_s=LIMIT_S + 300)
    woken_s = tour.request(GO_ON)[0].at_s - asked.at_s
    assert woken_s > LIMIT_S, "it was woken before the reset"
    eventually(lambda: tour.seen.now(name) == (Lifecycle.AWAKE, Activity.IDLE), "it has answered", timeout_s=60)
    tour.beats(5)
    assert len(tour.request(GO_ON)) == 1, "it was told twice"
    assert tour.seen.now(name) == (Lifecycle.AWAKE, Activity.IDLE), "it stays awake"
    dropped = missing(asked.users, tour.request(GO_ON)[0].users)
    return f"told once, {woken_s - LIMIT_S:.0f} s after it, {now_s() - began_s:.0f} s in all{dropped}"


def naps(tour: Tour, panes: list[str]) -> str:
    number = len(tour.cells)
    before = tour.ask(panes[0], f"a word before the nap {number}").users
    began_s = now_s()
    result = tour.nap(panes[0])
    slept_s = now_s() - began_s
    panes[0] = tour.wake(result.agent)
    woke_s = now_s() - began_s - slept_s
    dropped = missing(before, tour.ask(panes[0], f"a word after waking {number}").users)
    megabytes = result.freed_bytes / 1e6
    return f"{megabytes:.0f} MB, {result.processes_ended} ended, {slept_s:.1f} s, {woke_s:.1f} s{dropped}"


def missing(before: Sequence[str], after: Sequence[str]) -> str:
    """How many turns the program itself has left out of a resumed conversation; the last one must be there."""
    # The first line alone: some add instructions of their own to the last message, and not to older ones.
    lines = [said.strip().splitlines()[0][:30] for said in before]
    assert lines[-1] in " ".join(after), f"{before[-1]!r} is forgotten: {after}"
    count = sum(line not in " ".join(after) for line in lines)
    return f", {count} older turns dropped by it" if count else ""


def asleep(tour: Tour, pane_id: str) -> bool:
    """Put it to sleep; a program that is still drawing its last answer is not ready for that."""
    try:
        tour.nap(pane_id)
    except NapRefused:
        return False
    return True


@pytest.mark.parametrize("program", PROGRAMS[:2], ids=lambda one: one.name)
def test_a_real_program_begins_anew_with_a_handoff_and_can_go_back(stage: Stage, model: Model, program: Program):
    with Tour(stage, model, program, prefix()) as tour:
        pane_id = tour.start()
        for text in ("never touch vendor/quillmere", "the osprey parser comes next"):
            tour.ask(pane_id, text)
        old = stage.look(tour.name_in(pane_id))
        eventually(lambda: asleep(tour, pane_id), "it sleeps", timeout_s=60)
        ledger = stage.json("handoff", old.name)
        assert "never touch vendor/quillmere [#" in ledger["text"], ledger["text"]
        wakeup = stage.wake(old, context_mode="handoff")
        assert wakeup.result is not None and wakeup.result["context"] == "handoff", wakeup
        begin = "You go on with your own work"
        eventually(
            lambda: any(begin in "".join(one.users) for one in model.of(program.name)), "it is told", timeout_s=90
        )
        told = next(one for one in model.of(program.name) if begin in "".join(one.users))
        said = "".join(told.users)
        assert "never touch vendor/quillmere" in said and "the osprey parser comes next" in said
        assert not any(one == "never touch vendor/quillmere" for one in told.users), "the old conversation is not sent"
        name = old.name
        eventually(lambda: stage.look(name).session_id not in (None, old.session_id), "it is known", timeout_s=90)
        [left] = stage.json("handoff", name, "--history")
        assert left["session_id"] == old.session_id and Path(str(left["transcript"])).is_file()
        found = stage.json("search", "quillmere", "--agent", name)
        assert old.session_id in {hit["session_id"] for hit in found}
        ROWS.append({"program": program.name, "handoff": f"{ledger['tokens']} tokens, {len(told.users)} message"})


def crashes(tour: Tour, panes: list[str], *, mid_turn: bool) -> str:
    if mid_turn:
        tour.say(panes[0], "a long answer mock:slow 15")
        tour.await_state(panes[0], Activity.WORKING)
    before = tour.model.of(tour.program.name)[-1].users
    tour.await_written(panes[0], before[-1])
    agent = tour.kill(panes[0])
    panes[0] = tour.wake(agent)
    return f"remembers{missing(before, tour.ask(panes[0], f'a word after the crash {mid_turn}').users)}"


def pairs(tour: Tour, panes: list[str]) -> str:
    second = tour.start()
    tour.ask(second, "remember MANGO")
    tour.ask(panes[0], "still with PLUM")
    try:
        slept = [tour.nap(panes[0]).agent]
    except NapRefused as error:
        # A start of Gemini CLI removes the file of a resumed conversation in the same folder; aiders share one.
        assert tour.program.pair_refusal and tour.program.pair_refusal in error.what, error.what
        tour.press(second, tour.program.leave)
        eventually(lambda: tour.stage.screen(second).rstrip().endswith("$"), "the second one leaves")
        return "refused, as it must"
    slept.append(tour.nap(second).agent)
    panes[0], second = (tour.wake(agent) for agent in slept)
    first_users = " ".join(tour.ask(panes[0], "who is the first").users)
    second_users = " ".join(tour.ask(second, "who is the second").users)
    assert "still with PLUM" in first_users and "MANGO" not in first_users, first_users
    assert "MANGO" in second_users and "PLUM" not in second_users, second_users
    return "not swapped"
