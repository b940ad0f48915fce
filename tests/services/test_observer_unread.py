"""A finished turn stays unread until somebody looks at its pane; what was seen long ago is called stale."""

import os
import signal

from hive_tui.domain.agents import Activity
from hive_tui.domain.checkpoints import Defect, ValidationError
from hive_tui.domain.reconcile import ServerState
from hive_tui.store import checkpoints, unread
from tests.stage import Stage, eventually, transcript_of


def unread_names(stage: Stage) -> set[str]:
    agents = stage.hive.observer.observe().agents
    waiting = stage.hive.database.read(unread.everyone)
    return {agent.name for agent in agents if agent.id in waiting}


def work(stage: Stage, pane_id: str) -> None:
    stage.type(pane_id, "/work 1")
    eventually(lambda: stage.look().activity is Activity.WORKING)


def test_a_turn_that_ends_unseen_is_unread_until_the_agent_goes_on(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.look()
    assert unread_names(stage) == set()
    work(stage, pane_id)
    eventually(lambda: unread_names(stage) == {"shop"})
    assert stage.json("agents")[0]["unread"] is True
    work(stage, pane_id)
    assert unread_names(stage) == set()


def test_a_turn_that_ends_before_somebodys_eyes_is_not_unread(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.look()
    host = stage.shell(stage.folder, session="host")
    stage.type(host, f"unset TMUX; tmux -L {stage.socket} attach -t main")
    eventually(lambda: any(pane.is_watched for pane in stage.hive.observer.observe().panes.panes))
    work(stage, pane_id)
    eventually(lambda: stage.look().activity is Activity.IDLE)
    assert unread_names(stage) == set()


def test_an_agent_of_a_hung_server_is_shown_as_stale(stage: Stage):
    stage.agent_in_shell("shop")
    agent = stage.look()
    server = int(stage.tmux("display-message", "-p", "#{pid}"))
    os.kill(server, signal.SIGSTOP)
    try:
        seen = stage.hive.observer.observe()
        assert seen.state is ServerState.HUNG and seen.stale_for is not None
        assert seen.staleness().startswith("What is shown is stale: it was seen ")
        (shape,) = stage.json("agents")
        assert shape["stale"] is True and shape["activity"] == "idle"
        assert shape["reason"] == "stale, seen before: its status file says idle"
        said = stage.hive.explainer.explain(agent, seen).lines()
        assert any("is tried once tmux answers again" in line for line in said)
    finally:
        os.kill(server, signal.SIGCONT)


def test_explain_announces_no_question_where_there_never_was_a_checkpoint(stage: Stage):
    stage.agent_in_shell("shop")
    process = stage.look().process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    eventually(lambda: stage.look().has_crashed)
    said = "\n".join(stage.hive.explainer.explain(stage.look(), stage.hive.observer.observe()).lines())
    assert "starts from the vendor's transcript alone: there is no checkpoint yet" in said


def test_explain_does_not_promise_what_is_gone(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    agent = stage.look()
    kept = transcript_of(agent).read_text()
    transcript_of(agent).unlink()

    def said() -> str:
        return "\n".join(stage.hive.explainer.explain(agent, stage.hive.observer.observe()).lines())

    assert "generation 0 brings it back" in said() and "verifies generation 0" in said()
    for one in stage.hive.database.read(checkpoints.of_agent, agent.id):
        errors = [ValidationError(Defect.MISSING_FILE, "it is gone")]
        stage.hive.database.write(checkpoints.set_validity, one.id, errors, now=stage.hive.clock.now())
    transcript_of(agent).write_text(kept)
    assert "from the vendor's transcript alone, after a question: no checkpoint is valid" in said()
    transcript_of(agent).unlink()
    assert "its transcript is gone, and no valid checkpoint could bring it back" in said()
    assert "is not possible: transcript and checkpoints are both gone" in said()
    assert "from the vendor's transcript" not in said()
