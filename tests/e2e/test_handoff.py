"""A wake with a handoff: a new conversation, told what matters of the old one, which stays as it was."""

import json
from pathlib import Path

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.handoffs import CONTEXT
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.store import handoffs as store
from hive_tui.store import tasks
from tests.stage import CLOCK, TESTER, Stage, eventually


def said_in(transcript: str) -> list[str]:
    rows = [json.loads(line) for line in Path(transcript).read_text().splitlines()]
    return [row["text"] for row in rows if row["type"] == "user"]


def test_a_handoff_begins_a_new_conversation_and_leaves_the_old_one_as_it_was(stage: Stage):
    pane_id = stage.agent_in_shell("shop", said="never touch vendor/quillmere")
    stage.nap()
    agent = stage.look()
    old_id, old_file = agent.session_id, str(agent.transcript)
    old_bytes = Path(old_file).read_bytes()
    assert "shop has left no conversation behind" in stage.command("handoff", "shop", "--history").stdout
    stage.hive.tasks.note(agent, TESTER, step="port the osprey parser")

    woken = stage.json("wake", "shop", "--context", "handoff", "--message", "and be quick")
    assert woken["resumed"] is True and woken["context"] == "handoff" and woken["context_reason"] == "asked for"
    eventually(lambda: stage.look().transcript not in (None, old_file), "the new conversation is known")
    agent = stage.look()
    assert agent.session_id not in (None, old_id) and agent.pane is not None and agent.pane.pane_id == pane_id
    eventually(lambda: len(said_in(str(stage.look().transcript))) == 1, "it was told once")
    [told] = said_in(str(agent.transcript))
    for part in ("never touch vendor/quillmere", "now: port the osprey parser", str(old_id), "and be quick"):
        assert part in told
    assert Path(old_file).read_bytes() == old_bytes

    [left] = stage.json("handoff", "shop", "--history")
    assert left["session_id"] == old_id and left["command"].endswith(f"--resume {old_id}")
    assert stage.nap().agent.session_id == agent.session_id


def test_auto_resumes_a_small_conversation_and_says_why(stage: Stage):
    stage.agent_in_shell("shop")
    stage.nap()
    agent = stage.look()
    assert CONTEXT == "context_mode"
    wakeup = stage.wake(agent, context_mode="auto")
    assert wakeup.status is WakeupStatus.COMPLETED and wakeup.result is not None
    assert wakeup.result["context"] == "resume" and "small" in wakeup.result["context_reason"]
    assert stage.look().session_id == agent.session_id


def test_a_handoff_that_was_cut_short_leaves_the_old_conversation_to_the_next_attempt(stage: Stage):
    stage.agent_in_shell("shop", said="remember the plum")
    stage.nap()
    agent = stage.look()
    wakeup = stage.ask_wake(agent, **{CONTEXT: "handoff"})
    handoff = stage.hive.remembering.handoffs.decide(agent, wakeup, Path(str(agent.transcript)))
    assert handoff.is_new and "remember the plum" in handoff.text
    lost = stage.hive.remembering.handoffs.left_behind(agent)
    assert lost.session_id is None
    mended = stage.hive.remembering.handoffs.mended(lost)
    assert (mended.session_id, mended.transcript) == (agent.session_id, agent.transcript)
    assert stage.hive.remembering.handoffs.decide(mended, wakeup, Path("/nowhere")) == handoff, "decided once"
    stage.hive.database.write(store.started, wakeup.id, now=CLOCK.now())
    assert stage.hive.remembering.handoffs.mended(lost).session_id is None, (
        "its own conversation is there, and is not known yet"
    )


def test_what_cannot_be_handed_off_is_refused_and_the_agent_sleeps_on(stage: Stage):
    stage.agent_in_shell("shop")
    stage.nap()
    agent = stage.look()
    wakeup = stage.ask_wake(agent, **{CONTEXT: "handoff"})
    bad = Path(str(agent.transcript)).parent / "none"
    try:
        stage.hive.remembering.handoffs.decide(agent, wakeup, bad)
    except Exception as error:
        assert "cannot be read" in str(error)
    else:
        raise AssertionError("a transcript that is not there was condensed")
    assert stage.look().lifecycle is Lifecycle.ASLEEP
    assert stage.hive.database.read(tasks.state, agent.id).step is None
