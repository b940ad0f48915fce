"""What is said to an agent goes into its input box and nowhere else."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import pytest

from hive_tui.adapters.tmux.panes import TmuxPanes
from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.effects import EffectKind, EffectState, Ending, NewEffect, Verdict
from hive_tui.domain.errors import HiveError, NeedsPerson, TmuxError
from hive_tui.domain.panes import Swap
from hive_tui.domain.wakeups import NewWakeup, Trigger, Wakeup, WakeupStatus
from hive_tui.services.effects import Attempt
from hive_tui.services.message_probe import MessageProbe, message_probe, opened, pasting
from hive_tui.services.messages import ENTERS, Messenger, NotNow
from hive_tui.store import effects, wakeups
from tests.services.effect_values import an_open_effect
from tests.stage import TESTER, Stage, eventually


def test_a_question_that_opens_meanwhile_is_not_answered_by_our_enter(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    pane = stage.hive.observer.observe().sightings[agent.id].pane

    def question_comes_first(_: TmuxPanes, pane_id: str, text: str, swap: Swap | None = None) -> bool:
        stage.type(pane_id, "/ask rm -rf everything")
        eventually(lambda: "Allow to run" in stage.screen(pane_id))
        return True

    monkeypatch.setattr(TmuxPanes, "paste", question_comes_first)
    messenger = Messenger(stage.hive.panes, stage.hive.kinds, lambda: stage.hive.effecting.log, stage.hive.clock)
    with pytest.raises(NeedsPerson, match="its input box does not show it"):
        messenger.deliver(agent, pane, ["hello"], "a-wakeup", busy="")
    assert "(y/n)" in stage.screen(pane_id).rstrip().splitlines()[-1] + stage.screen(pane_id).rstrip().splitlines()[-2]


def test_an_enter_that_the_agent_takes_for_a_part_of_the_paste_is_pressed_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    pane = stage.hive.observer.observe().sightings[agent.id].pane
    press, pressed = TmuxPanes.send_keys, []

    def first_is_lost(self: TmuxPanes, pane_id: str, keys: Sequence[str]) -> None:
        pressed.append(keys)
        if len(pressed) > 1:
            press(self, pane_id, keys)

    monkeypatch.setattr(TmuxPanes, "send_keys", first_is_lost)
    messenger = Messenger(stage.hive.panes, stage.hive.kinds, lambda: stage.hive.effecting.log, stage.hive.clock)
    messenger.deliver(agent, pane, ["the fig"], "a-wakeup", busy="")
    eventually(lambda: "I see 2 message(s)" in stage.history(pane_id))
    assert 2 <= len(pressed) <= ENTERS and all(keys == ["Enter"] for keys in pressed)


def test_a_box_that_is_drawn_anew_with_the_message_still_holds_it(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    """Some agents draw their prompt before they have loaded: an Enter is lost, and all is drawn once more."""
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    pane = stage.hive.observer.observe().sightings[agent.id].pane
    press, look = TmuxPanes.send_keys, TmuxPanes.capture
    pressed: list[Sequence[str]] = []
    missing: list[str] = []

    def first_is_lost(self: TmuxPanes, pane_id: str, keys: Sequence[str]) -> None:
        pressed.append(keys)
        if len(pressed) > 1:
            press(self, pane_id, keys)

    def once_without_it(self: TmuxPanes, pane_id: str) -> str:
        if pressed and not missing:
            missing.append(pane_id)
            return ""
        return look(self, pane_id)

    monkeypatch.setattr(TmuxPanes, "send_keys", first_is_lost)
    monkeypatch.setattr(TmuxPanes, "capture", once_without_it)
    messenger = Messenger(stage.hive.panes, stage.hive.kinds, lambda: stage.hive.effecting.log, stage.hive.clock)
    messenger.deliver(agent, pane, ["the fig"], "a-wakeup", busy="")
    eventually(lambda: "I see 2 message(s)" in stage.history(pane_id))
    assert 2 <= len(pressed) <= ENTERS


def test_a_message_that_stands_above_the_work_on_it_was_sent(stage: Stage):
    """Some agents show no input box while they work: the last line with its glyph is the message itself."""
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    pane = stage.hive.observer.observe().sightings[agent.id].pane
    messenger = Messenger(stage.hive.panes, stage.hive.kinds, lambda: stage.hive.effecting.log, stage.hive.clock)
    messenger.deliver(agent, pane, ["/work 100"], "a-wakeup", busy="")
    eventually(lambda: stage.look().activity is Activity.WORKING)
    assert stage.screen(pane_id).count("/work 100") == 1


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
    messenger = Messenger(stage.hive.panes, stage.hive.kinds, lambda: stage.hive.effecting.log, stage.hive.clock)

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


def test_a_message_that_was_pasted_is_not_taken_for_unsaid_because_another_one_came_later(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    pane = stage.hive.observer.observe().sightings[agent.id].pane
    log, panes = stage.hive.effecting.log, stage.hive.panes
    texts = {f"message:wakeup-{name}:1": f"the {name}" for name in ("fig", "plum")}

    def is_cut_off(attempt: Attempt) -> Ending:
        panes.set_options(pane.id, opened(attempt.effect))
        attempt.begins()
        assert panes.paste(pane.id, texts[attempt.effect.key], pasting(attempt.effect))
        panes.send_keys(pane.id, ["C-u"])
        raise KeyboardInterrupt

    for key, text in texts.items():
        probe = message_probe(agent, pane, key, text)
        with pytest.raises(KeyboardInterrupt):
            log.run(
                NewEffect(key, EffectKind.MESSAGE, "a pane", {"message": text}, "say it", agent.id, probe), is_cut_off
            )
    for one in stage.hive.database.read(effects.everything):
        assert log.settle(one).state is EffectState.UNKNOWN, one.key


def test_an_attempt_that_was_taken_for_dead_cannot_paste_any_more(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    pane = stage.hive.observer.observe().sightings[agent.id].pane
    probe = message_probe(agent, pane, "a-key", "too late")
    effect = an_open_effect("a-key", probe, kind=EffectKind.MESSAGE)
    panes = stage.hive.panes
    panes.set_options(pane.id, opened(effect))
    assert MessageProbe(panes)(effect) is Verdict.DID_NOT
    assert not panes.paste(pane.id, "too late", pasting(effect))
    assert "too late" not in stage.history(pane_id) and stage.tmux("list-buffers") == ""
    again = replace(effect, attempt=2)
    panes.set_options(pane.id, opened(again))
    assert panes.paste(pane.id, "just in time", pasting(again))
    eventually(lambda: "just in time" in stage.history(pane_id))
    assert MessageProbe(panes)(again) is Verdict.NOBODY_KNOWS
    assert MessageProbe(panes)(replace(again, probe={**probe, "server": "another"})) is Verdict.NOBODY_KNOWS
