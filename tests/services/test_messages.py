"""What is said to an agent goes into its input box and nowhere else."""

import pytest

from hive_tui.adapters.tmux.panes import TmuxPanes
from hive_tui.domain.errors import NeedsPerson
from hive_tui.services.messages import Messenger
from tests.stage import Stage, eventually


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
        messenger.deliver(agent, pane, "hello", "a-wakeup", is_ready=True)
    assert "(y/n)" in stage.screen(pane_id).rstrip().splitlines()[-1] + stage.screen(pane_id).rstrip().splitlines()[-2]
