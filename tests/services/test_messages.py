"""What is said to an agent goes into its input box and nowhere else."""

from contextlib import suppress

import pytest

from hive_tui.adapters.tmux.panes import TmuxPanes
from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.errors import HiveError, NeedsPerson, TmuxError
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup, WakeupStatus
from hive_tui.services.messages import Messenger, NotNow
from hive_tui.store import wakeups
from tests.stage import TESTER, Stage, eventually


def test_a_question_that_opens_meanwhile_is_not_answered_by_our_enter(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    pane = stage.hive.observer.observe().sightings[agent.id].pane

    def question_comes_first(_: TmuxPanes, pane_id: str, text: str) -> None:
        stage.type(pane_id, "/ask rm -rf everything")
        eventually(lambda: "Allow to run" in stage.screen(pane_id))

    monkeypatch.setattr(TmuxPanes, "paste", question_comes_first)
    messenger = Messenger(stage.hive.panes, stage.hive.kinds, stage.hive.clock)
    with pytest.raises(NeedsPerson, match="its input box does not show it"):
        messenger.deliver(agent, pane, ["hello"], "a-wakeup", busy="")
    assert "(y/n)" in stage.screen(pane_id).rstrip().splitlines()[-1] + stage.screen(pane_id).rstrip().splitlines()[-2]


def tell(stage: Stage, agent: Agent, message: str) -> Wakeup:
    new = NewWakeup(agent.id, Trigger.MANUAL, stage.hive.clock.now(), context={"message": message})
    return stage.hive.queue.enqueue(new, TESTER).wakeup


def attempt(stage: Stage, wakeup: Wakeup) -> Wakeup:
    """The wakeup after one attempt that is made now."""
    claimed = stage.hive.dispatcher.claim_one(wakeup.id, by="test")
    assert claimed is not None
    stage.hive.dispatcher.run(claimed)
    return stage.hive.database.read(wakeups.get, wakeup.id)


def test_two_messages_to_a_sleeping_agent_are_both_said_in_order(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    first = tell(stage, agent, "the fig comes first")
    assert tell(stage, agent, "the plum comes second").id == first.id
    assert attempt(stage, first).status is WakeupStatus.COMPLETED
    eventually(lambda: "the plum comes second" in stage.history(pane_id))
    said = stage.history(pane_id)
    assert said.index("the fig comes first") < said.index("the plum comes second")


def test_a_message_to_a_busy_agent_waits_until_it_is_idle_and_says_why(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.type(pane_id, "/work 2")
    eventually(lambda: stage.look().activity is Activity.WORKING)
    put_off = attempt(stage, tell(stage, agent, "when you are done"))
    assert (put_off.status, put_off.attempts) == (WakeupStatus.PENDING, 0)
    assert put_off.last_error == "shop gets the message later: it is working."
    assert stage.stored(agent).lifecycle is Lifecycle.AWAKE
    assert "when you are done" not in stage.history(pane_id)
    done = stage.hive.foreground.run([put_off], timeout_s=30)[0]
    assert done.status is WakeupStatus.COMPLETED
    eventually(lambda: "when you are done" in stage.history(pane_id))


@pytest.mark.parametrize("trouble", [NotNow("shop gets the message later: busy."), TmuxError("tmux is gone.")])
def test_a_message_that_fails_after_the_wake_leaves_the_agent_awake(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, trouble: HiveError
):
    stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()

    def fails(*_: object, **__: object) -> None:
        raise trouble

    monkeypatch.setattr(Messenger, "deliver", fails)
    after = attempt(stage, tell(stage, agent, "hello again"))
    assert (after.status, after.last_error) == (WakeupStatus.PENDING, trouble.what)
    assert stage.stored(agent).lifecycle is Lifecycle.AWAKE
    assert after.context == {"message": "hello again"}, "it is kept"


def test_a_message_that_joins_after_the_first_was_said_is_said_alone(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    pane = stage.hive.observer.observe().sightings[agent.id].pane
    messenger = Messenger(stage.hive.panes, stage.hive.kinds, stage.hive.clock)

    def is_told(*messages: str) -> bool:
        """Once the box is empty again, which is a moment after the answer."""
        with suppress(NotNow):
            messenger.deliver(agent, pane, messages, "a-wakeup", busy="")
            return True
        return False

    eventually(lambda: is_told("the fig"))
    eventually(lambda: "I see 2 message(s)" in stage.history(pane_id))
    eventually(lambda: is_told("the fig", "the plum"))
    eventually(lambda: "I see 3 message(s)" in stage.history(pane_id))
    assert stage.history(pane_id).count("the fig") == 1
    eventually(lambda: is_told("the fig", "the plum"))
    assert stage.history(pane_id).count("the plum") == 1
