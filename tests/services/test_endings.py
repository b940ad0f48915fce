"""How an agent has ended is read off its pane, and where the shell is about to say it, once it has."""

from collections.abc import Callable

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.domain.agents import Hosting
from hive_tui.domain.panes import Exit
from hive_tui.domain.reconcile import Ending
from hive_tui.services.endings import SHELLS_ANSWER_S, Patience, ending_of, exit_of
from tests.builders import an_agent
from tests.stage import Stage, eventually


class Meanwhile(SystemClock):
    """Lets something happen whenever somebody waits; nothing else takes time."""

    def __init__(self, happens: Callable[[], None] = lambda: None) -> None:
        self._happens = happens
        self.waited = 0
        self.slept_s = 0.0

    def monotonic(self) -> float:
        return self.slept_s

    def sleep(self, seconds: float) -> None:
        self.waited += 1
        self.slept_s += seconds
        self._happens()


@pytest.mark.parametrize(
    ("says", "ending"),
    [("Killed", Ending.CRASHED), ("Terminated", Ending.CRASHED), (r"\n\$", Ending.QUIT)],
    ids=["killed", "terminated", "left"],
)
def test_the_word_of_the_shell_behind_the_last_prompt_is_waited_for(stage: Stage, says: str, ending: Ending):
    command = rf"stty -echo; printf '> '; read x; printf '{says}\n\$ '; exec cat"
    pane_id = stage.shell(stage.folder_for("shop"), command=command)
    eventually(lambda: stage.screen(pane_id).rstrip() == ">")

    def shell_speaks() -> None:
        stage.type(pane_id, "")
        eventually(lambda: stage.screen(pane_id).rstrip().endswith("$"))

    clock = Meanwhile(shell_speaks)
    listed = stage.hive.panes.list()
    pane = next(one for one in listed.panes if one.id == pane_id)
    agent = an_agent(kind="aider", pane=pane.ref)
    aider = stage.hive.kinds.get("aider")
    assert ending_of(agent, aider, listed, stage.hive.panes, Patience(clock)) is ending
    assert clock.waited == 1
    assert ending_of(agent, aider, listed, stage.hive.panes, Patience(clock)) is ending and clock.waited == 1


def test_a_shell_that_never_speaks_is_not_waited_for_long(stage: Stage):
    pane_id = stage.shell(stage.folder_for("shop"), command="printf '> '; exec cat")
    eventually(lambda: stage.screen(pane_id).rstrip() == ">")
    listed = stage.hive.panes.list()
    pane = next(one for one in listed.panes if one.id == pane_id)
    agent = an_agent(kind="aider", pane=pane.ref)
    assert (
        ending_of(agent, stage.hive.kinds.get("aider"), listed, stage.hive.panes, Patience(SystemClock()))
        is Ending.CRASHED
    )


def test_however_many_have_ended_one_look_waits_for_a_moment_in_all(stage: Stage):
    pane_id = stage.shell(stage.folder_for("shop"), command="printf '> '; exec cat")
    eventually(lambda: stage.screen(pane_id).rstrip() == ">")
    listed, clock = stage.hive.panes.list(), Meanwhile()
    agent = an_agent(kind="aider", pane=listed.panes[0].ref)
    patience, aider = Patience(clock), stage.hive.kinds.get("aider")
    for _ in range(3):
        assert ending_of(agent, aider, listed, stage.hive.panes, patience) is Ending.CRASHED
        assert clock.slept_s == pytest.approx(SHELLS_ANSWER_S)


def test_who_took_its_pane_along_is_not_said_to_have_been_closed(stage: Stage):
    pane_id = stage.shell(stage.folder_for("shop"), command="exec cat")
    other = stage.shell(stage.folder_for("shop"))
    pane = next(one for one in stage.hive.panes.list().panes if one.id == pane_id)
    stage.tmux("kill-pane", "-t", pane_id)
    listed = stage.hive.panes.list()
    assert [one.id for one in listed.panes] == [other]
    for hosting, ending in ((Hosting.COMMAND, Ending.GONE), (Hosting.SHELL, Ending.CLOSED)):
        agent = an_agent(kind="aider", pane=pane.ref, hosting=hosting)
        assert (
            ending_of(agent, stage.hive.kinds.get("aider"), listed, stage.hive.panes, Patience(SystemClock())) is ending
        )


@pytest.mark.parametrize(
    ("command", "ending", "exit"),
    [
        ("exec false", Ending.CRASHED, Exit(1)),
        ("kill -9 $$", Ending.CRASHED, Exit(signal=9)),
        ("exec true", Ending.QUIT, Exit(0)),
    ],
    ids=["failed", "killed", "left"],
)
def test_the_end_of_a_command_whose_pane_remains_is_told_by_tmux(
    stage: Stage, command: str, ending: Ending, exit: Exit
):
    stage.shell(stage.folder_for("shop"))
    stage.tmux("set-option", "-g", "remain-on-exit", "on")
    pane_id = stage.shell(stage.folder_for("shop"), command=command)
    eventually(lambda: next(one for one in stage.hive.panes.list().panes if one.id == pane_id).is_dead)
    eventually(lambda: stage.hive.panes.exit_of(pane_id), "tmux knows how it ended")
    listed, clock = stage.hive.panes.list(), SystemClock()
    pane = next(one for one in listed.panes if one.id == pane_id)
    agent = an_agent(kind="generic", pane=pane.ref, hosting=Hosting.COMMAND)
    assert ending_of(agent, stage.hive.kinds.get("generic"), listed, stage.hive.panes, Patience(clock)) is ending
    assert exit_of(agent, listed, stage.hive.panes, Patience(clock)) == exit


def test_of_an_agent_in_a_shell_tmux_knows_no_end(stage: Stage):
    stage.shell(stage.folder_for("shop"))
    listed = stage.hive.panes.list()
    agent = an_agent(pane=listed.panes[0].ref, hosting=Hosting.SHELL)
    assert exit_of(agent, listed, stage.hive.panes, Patience(SystemClock())) is None
