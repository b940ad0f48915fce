"""Claude Code: its status file, its screen, its transcripts and its farewell."""

from pathlib import Path
from typing import Any

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.kinds import manifest_reader as manifest
from hive_tui.kinds.claude import Claude
from hive_tui.kinds.screen import Screen
from tests.builders import a_process, an_agent
from tests.kinds.looks import ID, OTHER_ID, PID, a_look, captured, write_lines, write_status

CLAUDE = Claude(manifest.read("claude"))


def a_transcript(home: Path, session_id: str = ID, folder: str = "-home-ada-engine") -> Path:
    """What Claude Code writes: the first lines know no folder."""
    about = {"sessionId": session_id, "cwd": "/home/ada/engine", "version": "2.1.329", "gitBranch": "main"}
    return write_lines(
        home / ".claude" / "projects" / folder / f"{session_id}.jsonl",
        [
            {"type": "mode", "mode": "normal", "sessionId": session_id},
            {
                "type": "user",
                "uuid": "u1",
                "parentUuid": None,
                "message": {"role": "user", "content": "hello"},
                **about,
            },
            {"type": "assistant", "uuid": "u2", "parentUuid": "u1", "message": {"role": "assistant"}, **about},
        ],
    )


class TestSession:
    """Which conversation it holds."""

    def test_the_status_file_names_the_conversation(self, tmp_path: Path):
        path = a_transcript(tmp_path)
        write_status(tmp_path / ".claude", sessionId=ID)
        session = CLAUDE.session(a_look(tmp_path))
        assert (session.id, session.transcript, session.source) == (ID, str(path), "its status file")
        assert session.config_dir == str(tmp_path / ".claude")

    def test_the_status_file_counts_more_than_the_command_line_for_a_cleared_conversation_has_a_new_id(
        self, tmp_path: Path
    ):
        a_transcript(tmp_path, OTHER_ID)
        a_transcript(tmp_path, ID)
        write_status(tmp_path / ".claude", sessionId=ID)
        assert CLAUDE.session(a_look(tmp_path, ["claude", "--resume", OTHER_ID])).id == ID

    def test_a_conversation_without_a_transcript_is_known_and_cannot_be_resumed(self, tmp_path: Path):
        write_status(tmp_path / ".claude", sessionId=ID)
        session = CLAUDE.session(a_look(tmp_path))
        assert (session.id, session.transcript) == (ID, None)

    def test_before_the_status_file_is_there_the_command_line_tells(self, tmp_path: Path):
        path = a_transcript(tmp_path)
        session = CLAUDE.session(a_look(tmp_path, ["claude", "--resume", ID]))
        assert (session.id, session.transcript, session.source) == (ID, str(path), "its command line")

    def test_a_command_line_that_asks_for_a_conversation_that_is_not_there_tells_nothing(self, tmp_path: Path):
        session = CLAUDE.session(a_look(tmp_path, ["claude", "--resume", ID]))
        assert session.id is None
        assert "no status file" in session.source

    def test_the_status_file_of_a_crashed_process_with_the_same_number_tells_nothing(self, tmp_path: Path):
        a_transcript(tmp_path)
        write_status(tmp_path / ".claude", sessionId=ID, procStart="1")
        assert CLAUDE.session(a_look(tmp_path)).id is None

    def test_its_folder_may_be_another_one(self, tmp_path: Path):
        path = a_transcript(tmp_path / "other")
        folder = tmp_path / "other" / ".claude"
        write_status(folder, sessionId=ID)
        environ = {"HOME": str(tmp_path), "CLAUDE_CONFIG_DIR": str(folder)}
        session = CLAUDE.session(a_look(tmp_path, environ=environ))
        assert (session.id, session.transcript) == (ID, str(path))

    @pytest.mark.parametrize("folder", ["-home-ada-engine", "-home-ada--config-my-engine", "anything"])
    def test_a_transcript_is_found_whatever_its_folder_is_called(self, tmp_path: Path, folder: str):
        path = a_transcript(tmp_path, folder=folder)
        assert CLAUDE.find_transcript(tmp_path / ".claude", ID) == path
        assert CLAUDE.find_transcript(tmp_path / ".claude", OTHER_ID) is None

    def test_a_transcript_that_was_found_and_has_moved_is_found_again(self, tmp_path: Path):
        path = a_transcript(tmp_path, folder="-home-ada-engine")
        assert CLAUDE.find_transcript(tmp_path / ".claude", ID) == path
        there = path.parent.rename(path.parent.with_name("-home-ada-machine")) / path.name
        assert CLAUDE.find_transcript(tmp_path / ".claude", ID) == there
        there.unlink()
        assert CLAUDE.find_transcript(tmp_path / ".claude", ID) is None


class TestActivity:
    """What it does."""

    @pytest.mark.parametrize(
        ("status", "activity"),
        [
            pytest.param({"status": "busy"}, Activity.WORKING, id="busy"),
            pytest.param({"status": "idle"}, Activity.IDLE, id="idle"),
            pytest.param({"status": "shell"}, Activity.IDLE, id="a shell runs behind"),
            pytest.param(
                {"status": "waiting", "waitingFor": "permission prompt"}, Activity.PERMISSION, id="permission"
            ),
            pytest.param({"status": "waiting", "waitingFor": "input needed"}, Activity.QUESTION, id="question"),
            pytest.param({"status": "waiting", "waitingFor": "dialog open"}, Activity.QUESTION, id="a menu of its own"),
            pytest.param(
                {"status": "waiting", "waitingFor": "a coin"}, Activity.PERMISSION, id="waits for a new thing"
            ),
            pytest.param({"status": "waiting"}, Activity.PERMISSION, id="waits and does not say for what"),
            pytest.param({"status": "dreaming"}, Activity.UNKNOWN, id="a status of tomorrow"),
        ],
    )
    def test_the_status_file_tells(self, tmp_path: Path, status: dict[str, Any], activity: Activity):
        write_status(tmp_path / ".claude", **status)
        claim = CLAUDE.claims(a_look(tmp_path))[0]
        assert (claim.activity, claim.source) == (activity, "status file")

    @pytest.mark.parametrize(
        ("capture", "status", "activity"),
        [
            ("usage-limit", "idle", Activity.LIMITED),
            ("usage-limit-weekly", "idle", Activity.LIMITED),
            ("context-overflow", "idle", Activity.ERROR),
            ("after-interrupt", "idle", Activity.ERROR),
            ("idle-after-answer", "idle", Activity.IDLE),
            ("after-compact", "idle", Activity.IDLE),
            ("usage-limit", "busy", Activity.WORKING),
            ("after-interrupt", "busy", Activity.WORKING),
            ("idle-fresh", "busy", Activity.WORKING),
            ("working-thinking", "idle", Activity.IDLE),
            ("usage-limit-menu", "idle", Activity.LIMITED),
        ],
    )
    def test_the_screen_adds_limits_and_errors_to_a_quiet_status_and_nothing_else(
        self, tmp_path: Path, capture: str, status: str, activity: Activity
    ):
        write_status(tmp_path / ".claude", status=status)
        claims = CLAUDE.claims(a_look(tmp_path, screen=captured(f"claude/{capture}")))
        assert claims[0].activity is activity
        assert any(claim.source == "status file" for claim in claims)

    @pytest.mark.parametrize(
        ("capture", "waits_for", "activity"),
        [
            ("waiting-question", "permission prompt", Activity.QUESTION),
            ("permission-bash", "permission prompt", Activity.PERMISSION),
            ("usage-limit-menu", "dialog open", Activity.LIMITED),
            ("idle-fresh", "dialog open", Activity.QUESTION),
        ],
    )
    def test_the_screen_says_for_what_it_waits_where_its_status_has_no_word_for_it(
        self, tmp_path: Path, capture: str, waits_for: str, activity: Activity
    ):
        write_status(tmp_path / ".claude", status="waiting", waitingFor=waits_for)
        assert CLAUDE.claims(a_look(tmp_path, screen=captured(f"claude/{capture}")))[0].activity is activity

    @pytest.mark.parametrize(
        ("capture", "activity"),
        [
            ("working-tool-running", Activity.WORKING),
            ("permission-write", Activity.PERMISSION),
            ("waiting-question", Activity.QUESTION),
            ("startup-trust-dialog", Activity.PERMISSION),
            ("usage-limit", Activity.LIMITED),
            ("idle-fresh", Activity.IDLE),
            ("after-kill9", Activity.IDLE),
            ("exited-shell", Activity.UNKNOWN),
        ],
    )
    def test_without_a_status_file_the_screen_tells_what_it_can(self, tmp_path: Path, capture: str, activity: Activity):
        assert CLAUDE.claims(a_look(tmp_path, screen=captured(f"claude/{capture}")))[0].activity is activity

    @pytest.mark.parametrize("title", ["⠂ Fix the bug", "◐ Fix the bug", "  ⠐ Fix"])
    def test_a_title_that_spins_says_that_it_works(self, tmp_path: Path, title: str):
        claim = CLAUDE.claims(a_look(tmp_path, title=title))[0]
        assert (claim.activity, claim.source) == (Activity.WORKING, "title")

    @pytest.mark.parametrize("title", ["✳ Claude Code", "", "   ", "host"])
    def test_any_other_title_says_nothing(self, tmp_path: Path, title: str):
        (claim,) = CLAUDE.claims(a_look(tmp_path, title=title))
        assert (claim.activity, claim.source) == (Activity.UNKNOWN, "fallback")


class TestDraft:
    """Words that somebody has typed and not sent."""

    def test_a_half_typed_message_is_a_draft(self, tmp_path: Path):
        screen = captured("claude/idle-with-draft")
        assert CLAUDE.draft(a_look(tmp_path, screen=screen)) == "half typed draft, not sent"

    @pytest.mark.parametrize(
        "capture",
        ["idle-fresh", "after-interrupt", "context-overflow", "usage-limit", "usage-limit-weekly", "permission-bash"],
    )
    def test_a_hint_and_a_menu_are_none(self, tmp_path: Path, capture: str):
        assert CLAUDE.draft(a_look(tmp_path, screen=captured(f"claude/{capture}"))) == ""


class TestBackground:
    """Work behind the conversation."""

    def test_a_shell_behind_it_is_told_by_the_status(self, tmp_path: Path):
        write_status(tmp_path / ".claude", status="shell")
        assert CLAUDE.background(a_look(tmp_path)) == ("a background shell",)

    def test_the_footer_tells_of_more(self, tmp_path: Path):
        screen = "❯ \n────\n  2 background tasks running · ↓ to view"
        assert CLAUDE.background(a_look(tmp_path, screen=screen)) == ("2 background tasks running · ↓ to view",)

    @pytest.mark.parametrize("capture", ["idle-fresh", "working-tool-running", "usage-limit"])
    def test_a_usual_footer_tells_of_none(self, tmp_path: Path, capture: str):
        write_status(tmp_path / ".claude", status="idle")
        assert CLAUDE.background(a_look(tmp_path, screen=captured(f"claude/{capture}"))) == ()


class TestStart:
    """From the command to the first prompt."""

    @pytest.mark.parametrize("status", ["idle", "busy", "shell"])
    def test_it_is_ready_when_the_prompt_is_drawn_and_its_status_says_so(self, tmp_path: Path, status: str):
        look = a_look(tmp_path, screen=captured("claude/idle-fresh"))
        assert not CLAUDE.start_state(look, ID).is_ready, "no status file yet"
        write_status(tmp_path / ".claude", status=status)
        assert CLAUDE.start_state(look, ID).is_ready

    def test_it_is_not_ready_before_the_prompt_is_drawn(self, tmp_path: Path):
        write_status(tmp_path / ".claude", status="idle")
        assert not CLAUDE.start_state(a_look(tmp_path, screen="ada$ claude\n"), ID).is_ready

    def test_a_dialog_stands_in_the_way_and_is_named(self, tmp_path: Path):
        write_status(tmp_path / ".claude", status="idle")
        state = CLAUDE.start_state(a_look(tmp_path, screen=captured("claude/startup-trust-dialog")), ID)
        assert not state.is_ready
        assert "one you trust" in state.blocked_by

    @pytest.mark.parametrize("capture", ["idle-fresh", "idle-after-answer", "working-thinking"])
    def test_a_running_agent_shows_no_failure_to_start(self, capture: str):
        assert CLAUDE.start_failure(captured(f"claude/{capture}")) == ""

    def test_a_start_without_a_network_is_a_failure(self):
        assert "Unable to connect" in CLAUDE.start_failure(captured("claude/first-run-no-network"))


class TestEnd:
    """What it says and leaves when it exits."""

    @pytest.mark.parametrize(
        ("capture", "session_id"),
        [
            ("exited-shell", "418dcb28-3e52-4258-841b-dfe6b27fe888"),
            ("after-sigterm", "418dcb28-3e52-4258-841b-dfe6b27fe888"),
            ("after-sigterm-while-working", "453ed0a0-66b8-424c-b1d0-55e75d74a076"),
            ("idle-after-answer", None),
        ],
    )
    def test_the_farewell_names_the_conversation(self, capture: str, session_id: str | None):
        assert CLAUDE.session_said(captured(f"claude/{capture}")) == session_id

    def test_the_command_that_was_typed_is_no_farewell(self):
        assert CLAUDE.session_said(Screen(f"ada$ claude --resume {OTHER_ID}\nada$")) is None
        said = f"Resume this session with:\nclaude --permission-mode plan --resume {ID}\nada$"
        assert CLAUDE.session_said(Screen(f"ada$ claude --resume {OTHER_ID}\n{said}")) == ID

    @pytest.mark.parametrize("width", [20, 30, 40, 55])
    def test_the_farewell_is_read_in_a_narrow_pane(self, width: int):
        said = ["Resume this session with:", f"claude --permission-mode default --resume {ID}"]
        lines = [line[at : at + width] for line in said for at in range(0, len(line), width)]
        assert CLAUDE.session_said(Screen("\n".join(lines))) == ID

    def test_it_left_cleanly_if_it_has_removed_its_status_file(self, tmp_path: Path):
        path = write_status(tmp_path)
        agent = an_agent(config_dir=str(tmp_path), process=a_process(PID).id)
        assert not CLAUDE.left_cleanly(agent, None)
        path.unlink()
        assert CLAUDE.left_cleanly(agent, None)

    def test_a_checkpoint_takes_the_transcript_and_the_long_results_beside_it_and_no_keys(self, tmp_path: Path):
        path = a_transcript(tmp_path)
        beside = path.with_suffix("")
        (beside / "tool-results").mkdir(parents=True)
        (beside / "tool-results" / "1.txt").write_text("long")
        (beside / "secret.key").write_text("key")
        (beside / "link").symlink_to(tmp_path / "elsewhere")
        agent = an_agent(transcript=str(path), config_dir=str(tmp_path / ".claude"))
        assert [file.member for file in CLAUDE.session_files(agent)] == [
            f"projects/-home-ada-engine/{ID}.jsonl",
            f"projects/-home-ada-engine/{ID}/tool-results/1.txt",
        ]

    def test_there_is_nothing_to_take_of_a_conversation_that_was_never_written(self, tmp_path: Path):
        assert CLAUDE.session_files(an_agent(transcript=None)) == []
        gone = an_agent(transcript=str(tmp_path / "gone.jsonl"), config_dir=str(tmp_path))
        assert CLAUDE.session_files(gone) == []
