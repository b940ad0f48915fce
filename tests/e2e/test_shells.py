"""What is typed into a user's shell: a resume command into an empty line, and nothing anywhere else."""

import os
import signal
from pathlib import Path

import pytest

from hive_tui.domain.wakeups import WakeupStatus
from tests.stage import AGENT, PROMPT, Stage, eventually, process_of


def test_a_half_typed_line_gets_nothing_typed_into_it(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "rm -rf precious", enter=False)
    eventually(lambda: "rm -rf precious" in stage.screen(pane_id))
    before = stage.screen(pane_id)
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.PENDING
    assert "something is typed at its prompt" in (wakeup.last_error or "")
    assert stage.screen(pane_id) == before
    assert stage.processes_of_session(agent.session_id or "") == []


def test_a_cursor_at_the_beginning_of_a_half_typed_line_fools_nobody(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "rm -rf precious", enter=False)
    stage.tmux("send-keys", "-t", pane_id, "C-a")
    eventually(lambda: stage.libtmux_pane(pane_id).cursor_x == str(len(PROMPT)))
    assert stage.wake(agent).status is WakeupStatus.PENDING


def test_an_open_quote_gets_nothing_typed_into_it(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "echo 'half")
    eventually(lambda: stage.screen(pane_id).rstrip().endswith(">"))
    assert stage.wake(agent).status is WakeupStatus.PENDING
    assert "--resume" not in stage.screen(pane_id).rsplit("half", 1)[1]


def test_copy_mode_gets_nothing_typed_into_it(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.tmux("copy-mode", "-t", pane_id)
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.PENDING
    assert "copy mode" in (wakeup.last_error or "")
    stage.tmux("send-keys", "-t", pane_id, "-X", "cancel")
    assert stage.wake(agent).status is WakeupStatus.COMPLETED


def test_synchronized_panes_get_nothing_typed_into_them(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.tmux("split-window", "-d", "-t", pane_id)
    stage.tmux("set-option", "-w", "-t", pane_id, "synchronize-panes", "on")
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.PENDING
    assert "synchronize-panes" in (wakeup.last_error or "")


def test_another_program_in_the_foreground_gets_nothing_typed_into_it(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "cat")
    eventually(lambda: stage.libtmux_pane(pane_id).pane_current_command == "cat")
    wakeup = stage.wake(agent)
    assert "another program is in the foreground (cat)" in (wakeup.last_error or "")
    assert "--resume" not in stage.screen(pane_id).rsplit("cat", 1)[1]


def test_a_killed_agent_wakes_in_the_pane_whose_terminal_it_left_in_disorder(stage: Stage):
    pane_id = stage.agent_in_shell("shop", "--alt-screen", said="before the kill")
    agent = stage.look()
    os.kill(process_of(agent).pid, signal.SIGKILL)
    eventually(lambda: stage.look().has_crashed)
    assert stage.tmux("display-message", "-p", "-t", pane_id, "#{alternate_on}") == "1", "it is in disorder"
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert "(resumed with 1 messages)" in stage.screen(pane_id)
    assert stage.look().session_id == agent.session_id


def test_a_killed_agent_wakes_at_a_prompt_that_stands_on_what_it_had_drawn(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    agent = stage.look()
    assert stage.wake(agent).status is WakeupStatus.COMPLETED
    agent = stage.look()
    status_line = "─" * 60
    Path(stage.tmux("display-message", "-p", "-t", pane_id, "#{pane_tty}")).write_text(
        f"\r\n{status_line}" * 8 + "\x1b[8A"
    )
    eventually(lambda: stage.screen(pane_id).count(status_line) == 8)
    os.kill(process_of(agent).pid, signal.SIGKILL)
    eventually(lambda: stage.look().has_crashed)
    eventually(lambda: f"{PROMPT}──" in stage.screen(pane_id), "the prompt is drawn over")
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert stage.look().session_id == agent.session_id


def test_a_program_in_the_foreground_keeps_its_terminal_modes(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "printf '\\033[?1000h' && cat")
    eventually(lambda: stage.tmux("display-message", "-p", "-t", pane_id, "#{mouse_standard_flag}") == "1")
    eventually(lambda: stage.libtmux_pane(pane_id).pane_current_command == "cat")
    assert stage.wake(agent).status is WakeupStatus.PENDING
    assert stage.tmux("display-message", "-p", "-t", pane_id, "#{mouse_standard_flag}") == "1"


def test_a_killed_agent_is_not_woken_over_a_line_that_was_typed_since(stage: Stage):
    pane_id = stage.agent_in_shell("shop", "--alt-screen")
    agent = stage.look()
    os.kill(process_of(agent).pid, signal.SIGKILL)
    eventually(lambda: stage.look().has_crashed)
    stage.type(pane_id, "precious words", enter=False)
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.PENDING
    eventually(lambda: f"{PROMPT}precious words" in stage.screen(pane_id), "the line is still there")


@pytest.mark.parametrize(
    ("command", "prompt"),
    [
        ("exec env -i PATH=$PATH HOME=$HOME HIVE_SCRIPTED_HOME=$HIVE_SCRIPTED_HOME PYTHONPATH=$PYTHONPATH "
         "PS1='%n-of-zsh %# ' zsh -f -i", "of-zsh #"),
        ("exec env PS1='\\w ❯ ' bash --norc --noprofile -i", "❯"),
        ("exec env PS1='dash$ ' dash -i", "dash$"),
    ],
    ids=["zsh", "bash-with-folder", "dash"],
)  # fmt: skip
def test_shells_of_several_kinds_host_an_agent(stage: Stage, command: str, prompt: str):
    folder = stage.folder_for("it's a shop")
    pane_id = stage.shell(folder, command=command)
    eventually(lambda: prompt in stage.screen(pane_id), "the shell shows its prompt")
    stage.type(pane_id, f"{AGENT}")
    eventually(lambda: "»" in stage.screen(pane_id))
    stage.say(pane_id, "hello")
    agent = stage.look()
    stage.nap()
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert stage.look().session_id == agent.session_id


def test_a_shell_that_went_to_another_folder_is_brought_back_for_the_resume(stage: Stage):
    pane_id = stage.agent_in_shell("shop")
    agent = stage.look()
    stage.nap()
    stage.type(pane_id, "cd /")
    eventually(lambda: stage.screen(pane_id).count(PROMPT.strip()) > 2)
    assert stage.wake(agent).status is WakeupStatus.COMPLETED
    assert stage.look().cwd == agent.cwd
