"""The scripted agent: everything is in its status file."""

from pathlib import Path

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.kinds import manifest_reader as manifest
from hive_tui.kinds.kind import Look
from hive_tui.kinds.screen import Screen
from hive_tui.kinds.scripted import Scripted
from tests.builders import a_process, an_agent
from tests.kinds.looks import ID, OTHER_ID, PID, a_look, write_lines, write_status

SCRIPTED = Scripted(manifest.read("scripted"))


def a_scripted_look(home: Path, *words: str, screen: str = "") -> Look:
    environ = {"HOME": "/home/ada", "HIVE_SCRIPTED_HOME": str(home)}
    return a_look(home, ("python3", "-m", "hive_tui.scripted_agent", *words), screen=screen, environ=environ)


def test_the_status_file_names_the_conversation_which_can_be_resumed_after_the_first_message(tmp_path: Path):
    write_status(tmp_path, sessionId=ID)
    session = SCRIPTED.session(a_scripted_look(tmp_path))
    assert (session.id, session.transcript, session.config_dir) == (ID, None, str(tmp_path))
    path = write_lines(tmp_path / "transcripts" / f"{ID}.jsonl", [{"role": "user", "text": "hello"}])
    assert SCRIPTED.session(a_scripted_look(tmp_path)).transcript == str(path)


def test_before_the_status_file_is_there_the_command_line_tells(tmp_path: Path):
    assert SCRIPTED.session(a_scripted_look(tmp_path, "--resume", ID)).id is None, "there is no such conversation"
    write_lines(tmp_path / "transcripts" / f"{ID}.jsonl", [{"role": "user", "text": "hello"}])
    assert SCRIPTED.session(a_scripted_look(tmp_path, "--resume", ID)).id == ID
    assert SCRIPTED.session(a_scripted_look(tmp_path)).id is None


@pytest.mark.parametrize(
    ("status", "activity"),
    [
        ("idle", Activity.IDLE),
        ("working", Activity.WORKING),
        ("permission", Activity.PERMISSION),
        ("limited", Activity.LIMITED),
        ("dialog", Activity.PERMISSION),
        ("of tomorrow", Activity.UNKNOWN),
    ],
)
def test_it_does_what_its_status_file_says(tmp_path: Path, status: str, activity: Activity):
    write_status(tmp_path, status=status)
    (claim,) = SCRIPTED.claims(a_scripted_look(tmp_path))
    assert (claim.activity, claim.detail) == (activity, f"its status file says {status}")


def test_a_limit_is_told_with_its_end(tmp_path: Path):
    write_status(tmp_path, status="limited", limitResetsAt=1_767_614_400)
    (claim,) = SCRIPTED.claims(a_scripted_look(tmp_path))
    assert claim.detail == "its status file says limited: usage limit resets 12:00:00 UTC"


def test_without_a_status_file_nothing_is_known(tmp_path: Path):
    (claim,) = SCRIPTED.claims(a_scripted_look(tmp_path))
    assert claim.activity is Activity.UNKNOWN
    assert SCRIPTED.background(a_scripted_look(tmp_path)) == ()
    assert not SCRIPTED.start_state(a_scripted_look(tmp_path), ID).is_ready


def test_its_background_work_is_in_its_status_file(tmp_path: Path):
    write_status(tmp_path, background=["a server"])
    assert SCRIPTED.background(a_scripted_look(tmp_path)) == ("a server",)


def test_it_is_ready_when_idle_and_a_dialog_stands_in_the_way(tmp_path: Path):
    write_status(tmp_path, status="idle")
    assert SCRIPTED.start_state(a_scripted_look(tmp_path), ID).is_ready
    write_status(tmp_path, status="dialog")
    asked = "Do you trust the files in this folder?"
    assert SCRIPTED.start_state(a_scripted_look(tmp_path, screen=asked), ID).blocked_by == asked
    assert SCRIPTED.start_state(a_scripted_look(tmp_path), ID).blocked_by == "a dialog is open"


def test_it_left_cleanly_if_it_has_removed_its_status_file(tmp_path: Path):
    path = write_status(tmp_path)
    agent = an_agent(config_dir=str(tmp_path), process=a_process(PID).id)
    assert not SCRIPTED.left_cleanly(agent, None)
    path.unlink()
    assert SCRIPTED.left_cleanly(agent, None)


def test_its_farewell_counts_and_not_the_command_that_was_typed():
    typed = f"ada$ python3 -m hive_tui.scripted_agent --resume {OTHER_ID}"
    assert SCRIPTED.session_said(Screen(typed)) is None
    said = f"To resume this conversation: python3 -m hive_tui.scripted_agent --resume {ID}"
    assert SCRIPTED.session_said(Screen(f"{typed}\n{said}\nada$")) == ID
