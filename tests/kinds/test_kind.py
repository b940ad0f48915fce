"""What every kind does by its manifest alone."""

from pathlib import Path

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.kinds import manifest_reader as manifest
from hive_tui.kinds.kind import Kind
from hive_tui.kinds.screen import Screen
from tests.builders import a_process, an_agent
from tests.kinds.looks import ID, OTHER_ID, PID, a_look, write_status

TOOL = Kind(
    manifest.parse(
        """
        name = "tool"
        title = "Tool"
        [process]
        programs = ["tool"]
        shared = ["tool daemon"]
        [config]
        variable = "TOOL_HOME"
        folder = ".tool"
        keep_env = ["TOOL_MODEL"]
        [resume]
        arguments = ["--session", "{session_id}"]
        drop_with_value = ["--session"]
        [quit]
        session_said = "resume with ([0-9a-f-]{36})"
        [start]
        ready = "^> "
        dialogs = ["^Trust"]
        failures = ["not found"]
        [screen]
        prompt = ">"
        [[screen.rules]]
        activity = "working"
        pattern = "^busy"
        why = "it is busy"
        """,
        "tool.toml",
    )
)
WRITES = """
name = "writer"
title = "Writer"
[config]
folder = ".writer"
[session]
status_file = "sessions/{pid}.json"
[session.activities]
idle = "idle"
busy = "working"
[screen]
prompt = ">"
[[screen.rules]]
activity = "limited"
pattern = "^Limit"
why = "the limit is reached"
[[screen.rules]]
activity = "question"
pattern = "^Ask"
why = "it asks"
"""
GENERIC = Kind(manifest.read("generic"))


def test_its_folder_lies_below_the_home_of_the_agent_unless_its_variable_names_another(tmp_path: Path):
    assert TOOL.config_dir(a_look(Path("/home/ada"))) == Path("/home/ada/.tool")
    environ = {"HOME": "/home/ada", "TOOL_HOME": "/srv/tool"}
    assert TOOL.config_dir(a_look(tmp_path, environ=environ)) == Path("/srv/tool")
    assert TOOL.config_dir(a_look(Path("/home/ada"), environ={"HOME": "/home/ada", "TOOL_HOME": ""})) == Path(
        "/home/ada/.tool"
    )


def test_of_the_environment_only_what_is_allowed_is_kept_and_no_secret():
    environ = {
        "TOOL_MODEL": "large",
        "PATH": "/usr/bin",
        "LC_TIME": "C",
        "TOOL_API_KEY": "secret",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "MY_PATH": "/x",
        "PATHS": "/x",
        "XDG_DATA_HOME": "https://ada:secret@example.com",
    }
    assert TOOL.kept_env(environ) == (("LC_TIME", "C"), ("PATH", "/usr/bin"), ("TOOL_MODEL", "large"))
    assert GENERIC.kept_env(environ) == (("LC_TIME", "C"), ("PATH", "/usr/bin"))


def test_nothing_is_known_of_the_conversations_of_a_kind_without_code(tmp_path: Path):
    session = TOOL.session(a_look(tmp_path, ["tool", "--session", ID]))
    assert (session.id, session.transcript) == (None, None)
    assert TOOL.resumed_session(a_look(tmp_path, ["tool", "--session", ID])) is None, "it has no transcript"


@pytest.mark.parametrize(
    ("screen", "activity", "detail"),
    [
        pytest.param("busy 3 s", Activity.WORKING, "it is busy: busy 3 s", id="a rule"),
        pytest.param("Trust it?", Activity.PERMISSION, "a dialog is open: Trust it?", id="a dialog"),
        pytest.param("Trust it?\nbusy", Activity.WORKING, "it is busy: busy", id="a rule before a dialog"),
        pytest.param("> ", Activity.UNKNOWN, "nothing shows what it does", id="nothing"),
    ],
)
def test_its_screen_tells_what_it_does(tmp_path: Path, screen: str, activity: Activity, detail: str):
    claim = TOOL.claims(a_look(tmp_path, screen=screen))[0]
    assert (claim.activity, claim.detail) == (activity, detail)


@pytest.mark.parametrize(
    ("screen", "is_ready", "blocked_by"),
    [
        pytest.param("welcome\n> x", True, "", id="a prompt"),
        pytest.param("welcome", False, "", id="no prompt yet"),
        pytest.param("  Trust it?\nTrust it?\n> 1. Yes", False, "Trust it?", id="a dialog with its own prompt"),
    ],
)
def test_a_start_is_over_at_the_prompt_unless_a_dialog_is_open(
    tmp_path: Path, screen: str, is_ready: bool, blocked_by: str
):
    state = TOOL.start_state(a_look(tmp_path, screen=screen), ID)
    assert (state.is_ready, state.blocked_by) == (is_ready, blocked_by)


def test_a_start_of_a_kind_whose_prompt_is_not_known_is_never_taken_for_over(tmp_path: Path):
    assert not GENERIC.start_state(a_look(tmp_path, screen="> "), ID).is_ready


def test_the_line_that_says_why_a_start_failed_is_found():
    assert TOOL.start_failure(Screen("$ tool\n  bash: tool: command not found\n$")) == "bash: tool: command not found"
    assert TOOL.start_failure(Screen("$ tool\n> ")) == ""
    assert GENERIC.start_failure(Screen("command not found")) == ""


def test_a_draft_is_read_where_the_prompt_is_known(tmp_path: Path):
    assert TOOL.draft(a_look(tmp_path, screen="> half typed")) == "half typed"
    assert GENERIC.draft(a_look(tmp_path, screen="> half typed")) == ""


def test_it_left_cleanly_if_it_said_goodbye_with_its_own_conversation():
    agent = an_agent(session_id=ID)
    assert TOOL.left_cleanly(agent, Screen(f"resume with {ID}\n$"))
    assert not TOOL.left_cleanly(agent, Screen(f"resume with {OTHER_ID}\n$"))
    assert not TOOL.left_cleanly(agent, Screen("Killed\n$"))
    assert not TOOL.left_cleanly(agent, None)
    assert not GENERIC.left_cleanly(agent, Screen(f"resume with {ID}"))


def test_it_left_cleanly_if_it_has_removed_its_status_file(tmp_path: Path):
    writer = Kind(manifest.parse(WRITES, "writer.toml"))
    agent = an_agent(session_id=ID, config_dir=str(tmp_path), process=a_process(PID).id)
    path = write_status(tmp_path, sessionId=ID)
    assert not writer.left_cleanly(agent, Screen("Killed\n$"))
    path.unlink()
    assert writer.left_cleanly(agent, Screen("$"))
    write_status(tmp_path, pid=PID + 1, sessionId=ID)
    assert not writer.left_cleanly(agent, Screen("$")), "the one below it was killed"
    write_status(tmp_path, pid=PID + 1, sessionId=OTHER_ID)
    assert writer.left_cleanly(agent, Screen("$")), "another one's file"


@pytest.mark.parametrize(
    ("status", "screen", "more", "activity"),
    [
        pytest.param("idle", "Limit until noon\n>", "", Activity.LIMITED, id="a limit, of which the file is silent"),
        pytest.param("busy", "Limit until noon\n>", "", Activity.WORKING, id="it goes on"),
        pytest.param("idle", "Ask me\n>", "", Activity.IDLE, id="a question, which the file would know"),
        pytest.param("idle", "Limit\n>", 'spent = "limited"', Activity.IDLE, id="a limit, for which it has a word"),
    ],
)
def test_at_rest_the_screen_may_know_of_a_limit_for_which_the_status_file_has_no_word(
    tmp_path: Path, status: str, screen: str, more: str, activity: Activity
):
    writer = Kind(manifest.parse(WRITES.replace("[screen]", f"{more}\n[screen]"), "writer.toml"))
    write_status(tmp_path / ".writer", status=status)
    assert writer.claims(a_look(tmp_path, screen=screen))[0].activity is activity


def test_of_several_farewells_the_last_one_counts():
    assert TOOL.session_said(Screen(f"resume with {OTHER_ID}\n$ tool\nresume with {ID}\n$")) == ID


def test_processes_that_other_panes_use_too_are_known():
    assert TOOL.is_shared(["/opt/tool", "daemon"])
    assert TOOL.is_shared(["node", "tool", "daemon"])
    assert not TOOL.is_shared(["tool", "--resume"])
    assert not GENERIC.is_shared(["tool", "daemon"])


@pytest.mark.parametrize(
    ("config_dir", "member"), [("/nowhere", "chat.jsonl"), (None, None)], ids=["elsewhere", "unknown folder"]
)
def test_a_transcript_outside_of_its_folder_is_kept_by_its_name(
    tmp_path: Path, config_dir: str | None, member: str | None
):
    path = tmp_path / "chat.jsonl"
    path.write_text("{}")
    agent = an_agent(transcript=str(path), config_dir=config_dir)
    assert [file.member for file in TOOL.session_files(agent)] == ([member] if member else [])
