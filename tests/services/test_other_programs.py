"""Programs of no known kind: adopted, ended, started again by hand; never more is said than is known."""

import os
import shutil
from pathlib import Path
from signal import SIGKILL

import pytest

from hive_tui.domain.agents import Activity, Agent, Lifecycle
from hive_tui.domain.errors import NameTaken, NapRefused
from hive_tui.services.shell_pane import ShellPane
from tests.stage import CLOCK, TESTER, Stage, eventually

MENU = """#!/bin/sh
printf 'Approaching rate limits\\n1. Switch\\nPress enter to confirm or esc to go back\\033[3A\\r'
exec cat
"""
"""A program that draws a menu into the screen of its shell, with the cursor above it."""
CAT = shutil.which("cat") or "/bin/cat"


def started(stage: Stage, pane_id: str, program: str = "qwen") -> None:
    """Run a program of that name, which waits for input, in the shell of a pane."""
    path = stage.folder / program
    if not path.exists():
        path.symlink_to(CAT)
    stage.type(pane_id, str(path))
    eventually(lambda: stage.libtmux_pane(pane_id).pane_current_command == program)


def adopted(stage: Stage, program: str = "qwen") -> tuple[str, Agent]:
    pane_id = stage.shell(stage.folder_for("tool"))
    started(stage, pane_id, program)
    return pane_id, stage.hive.registry.adopt(pane_id, None, TESTER)


def ended(stage: Stage, pane_id: str) -> Agent:
    """End the program as a person does, and see what is said of that."""
    stage.tmux("send-keys", "-t", pane_id, "C-d")
    eventually(lambda: stage.look("tool").lifecycle is not Lifecycle.AWAKE, "its end is seen")
    return stage.look("tool")


@pytest.mark.parametrize("program", ["qwen", "kilo", "crush"])
def test_a_fork_of_a_known_program_is_generic_and_nothing_is_known_of_it(stage: Stage, program: str):
    _, agent = adopted(stage, program)
    seen = stage.look("tool")
    assert (seen.kind, seen.activity, seen.session_id) == ("generic", Activity.UNKNOWN, None)
    with pytest.raises(NapRefused, match="no conversation id is known") as refused:
        stage.nap(agent.name)
    assert "--force" in refused.value.hint


def test_of_one_that_has_ended_it_is_not_said_that_it_has_crashed(stage: Stage):
    pane_id, _ = adopted(stage)
    seen = ended(stage, pane_id)
    assert not seen.has_crashed
    assert seen.reason.startswith("it ended, by itself or by a crash, which nothing tells")


def test_of_one_that_was_killed_the_shell_says_so(stage: Stage):
    _, agent = adopted(stage)
    assert agent.process is not None
    os.kill(agent.process.pid, SIGKILL)
    eventually(lambda: stage.look("tool").has_crashed, "its crash is seen")


def test_one_that_is_started_again_in_its_pane_is_the_same_agent_once_it_is_adopted(stage: Stage):
    pane_id, before = adopted(stage)
    ended(stage, pane_id)
    started(stage, pane_id)
    again = stage.hive.registry.adopt(pane_id, None, TESTER)
    assert (again.id, again.name, again.lifecycle) == (before.id, "tool", Lifecycle.AWAKE)
    assert again.process != before.process


def test_it_takes_its_name_along_into_another_pane(stage: Stage):
    pane_id, before = adopted(stage)
    ended(stage, pane_id)
    other = stage.shell(stage.folder_for("elsewhere"))
    started(stage, other)
    again = stage.hive.registry.adopt(other, "tool", TESTER)
    assert again.id == before.id
    assert again.pane is not None and again.pane.pane_id == other


def test_another_program_in_its_pane_is_another_agent_and_cannot_have_its_name(stage: Stage):
    pane_id, before = adopted(stage)
    ended(stage, pane_id)
    started(stage, pane_id, "crush")
    with pytest.raises(NameTaken):
        stage.hive.registry.adopt(pane_id, "tool", TESTER)
    assert stage.hive.registry.adopt(pane_id, None, TESTER).id != before.id


def test_what_is_told_of_one_that_cannot_be_woken_leads_back_to_it(stage: Stage):
    pane_id, agent = adopted(stage)
    ended(stage, pane_id)
    refused = stage.wake(agent).last_error or ""
    assert "`hive-tui resume-command tool`" in refused and "`hive-tui adopt`" in refused
    done = stage.command("resume-command", "tool")
    assert done.returncode == 1
    assert f"It was started by: cd {agent.cwd} && {agent.argv[0]}\n" in done.stderr
    started(stage, pane_id)
    assert stage.hive.registry.adopt(pane_id, None, TESTER).id == agent.id


def test_what_is_written_below_the_prompt_of_the_shell_is_cleaned_away(stage: Stage):
    pane_id = stage.shell(stage.folder_for("tool"))
    shell = ShellPane(pane_id, stage.hive.panes, stage.hive.processes, CLOCK)
    empty = shell.settled_prompt()
    assert empty is not None
    with Path(stage.libtmux_pane(pane_id).pane_tty or "").open("w") as terminal:
        terminal.write("Error: setRawMode EIO\r\n    at ReadStream\r\n")
    eventually(lambda: "ReadStream" in stage.screen(pane_id))
    assert shell.refusal(empty)
    shell.clean_up(empty, is_lost=True)
    assert not shell.refusal(empty)


def test_a_menu_that_is_left_below_the_prompt_of_the_shell_is_cleaned_away_by_a_nap(stage: Stage):
    pane_id = stage.shell(stage.folder_for("tool"))
    script = stage.folder / "qwen"
    script.write_text(MENU)
    script.chmod(0o755)
    stage.type(pane_id, str(script))
    eventually(lambda: "esc to go back" in stage.screen(pane_id))
    agent = stage.hive.registry.adopt(pane_id, None, TESTER)
    stage.nap(agent.name, force=True)
    assert "esc to go back" not in stage.screen(pane_id)
    assert stage.stored(agent).prompt is not None


def test_a_nap_looks_again_for_a_prompt_that_a_child_has_written_over(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    _, agent = adopted(stage)
    real, lost = ShellPane.settled_prompt, [None]
    monkeypatch.setattr(ShellPane, "settled_prompt", lambda shell: lost.pop() if lost else real(shell))
    stage.nap(agent.name, force=True)
    assert stage.stored(agent).prompt is not None
