"""OpenCode, Gemini CLI and aider: which conversation a pane shows, and how each goes on."""

import json
import os
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.domain.processes import ProcessTable
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.screen import Screen
from tests.builders import NOON, a_process, an_agent
from tests.kinds.looks import ID, OTHER_ID, PID, StandingProcesses, a_look, captured, write_lines

FOLDER = "/home/ada/engine"
NOW_MS = int(NOON.timestamp() * 1000) + 60_000


def kind(name: str):
    return Kinds().get(name)


class TestOpenCode:
    """A database for all sessions of a home."""

    def a_database(self, home: Path, *sessions: tuple[str, str, str, bool], at_ms: int = NOW_MS) -> Path:
        """Sessions of the folder: id, the last words of each side, and whether the answer has ended."""
        path = home / ".local/share/opencode/opencode.db"
        path.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE session (id, parent_id, directory, time_updated)")
            db.execute("CREATE TABLE message (id, session_id, time_created, data)")
            db.execute("CREATE TABLE part (id, message_id, data)")
            for session, asked, said, has_ended in sessions:
                db.execute("INSERT INTO session VALUES (?, NULL, ?, ?)", (session, FOLDER, at_ms))
                for at, (role, text) in enumerate((("user", asked), ("assistant", said))):
                    message = f"{session}{at}"
                    facts = {"role": role, "finish": "stop", "time": {"completed": at_ms} if has_ended else {}}
                    db.execute("INSERT INTO message VALUES (?, ?, ?, ?)", (message, session, at, json.dumps(facts)))
                    part = json.dumps({"type": "text", "text": text})
                    db.execute("INSERT INTO part VALUES (?, ?, ?)", (message, message, part))
        return path

    def test_of_two_sessions_in_one_folder_the_one_on_the_screen_is_meant(self, tmp_path: Path):
        one, two = (
            ("ses_one", "mend the parser", "the parser is mended", True),
            ("ses_two", "draw", "drawn it is", True),
        )
        path = self.a_database(tmp_path, one, two)
        found = kind("opencode").session(a_look(tmp_path, ("opencode",), screen="  ┃  the parser\n  ┃  is mended"))
        assert (found.id, found.transcript) == ("ses_one", str(path))
        assert kind("opencode").session(a_look(tmp_path, ("opencode",), screen="fresh")).id is None

    def test_a_session_of_before_is_meant_only_if_it_was_asked_for(self, tmp_path: Path):
        self.a_database(tmp_path, ("ses_old", "hello there", "hello to you", True), at_ms=NOW_MS - 10**7)
        screen = "hello to you"
        assert kind("opencode").session(a_look(tmp_path, ("opencode",), screen=screen)).id is None
        assert kind("opencode").session(a_look(tmp_path, ("opencode", "-s", "ses_old"), screen=screen)).id == "ses_old"

    @pytest.mark.parametrize(("has_ended", "activity"), [(True, Activity.IDLE), (False, Activity.WORKING)])
    def test_the_database_tells_whether_the_answer_has_ended(self, tmp_path: Path, has_ended: bool, activity: Activity):
        self.a_database(tmp_path, ("ses_one", "hello there", "hello to you", has_ended))
        claim = kind("opencode").claims(a_look(tmp_path, ("opencode",), screen="hello to you"))[0]
        assert (claim.activity, claim.source) == (activity, "database")

    def test_a_turn_that_ended_with_a_no_has_ended_though_its_answer_shows_no_duration(self, tmp_path: Path):
        screen = captured("opencode/idle-after-reject").ansi
        claim = kind("opencode").claims(a_look(tmp_path, ("opencode",), screen=screen))[0]
        assert (claim.activity, claim.source) == (Activity.IDLE, "screen")

    def test_its_transcript_is_the_database_while_that_holds_the_session(self, tmp_path: Path):
        path = self.a_database(tmp_path, ("ses_one", "a", "b", True))
        assert kind("opencode").find_transcript(path.parent, "ses_one") == path
        assert kind("opencode").find_transcript(path.parent, "ses_two") is None
        assert kind("opencode").find_transcript(tmp_path, "ses_one") is None
        (file,) = kind("opencode").session_files(an_agent(transcript=str(path)))
        assert file.is_database and "credential" in file.empty_tables

    def test_a_draft_is_what_stands_in_its_box(self):
        box = "  ┃  sent before\n\n  ┃\n  ┃  half\n  ┃  typed\n  ┃\n  ┃  Build · Model\n  ╹▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀▀\n   /x"
        assert kind("opencode").typed(Screen(box)) == "half typed"
        assert kind("opencode").typed(captured("opencode/idle-fresh")) == ""

    def test_it_goes_on_with_its_session_and_its_options(self):
        argv = ("opencode", "--continue", "--model", "mock/m", "-s", "ses_old", "../x")
        wanted = ("opencode", "--session", "ses_new", "--model", "mock/m")
        assert kind("opencode").resume_command(argv, "ses_new") == wanted


class TestGemini:
    """A file for each process, and one more for each resume."""

    def a_chat(
        self, home: Path, session_id: str, said: Sequence[str], *, name: str = "12-00", cwd: str = FOLDER
    ) -> Path:
        folder = home / ".gemini/tmp" / Path(cwd).name
        lines: list[dict[str, object]] = [{"sessionId": session_id, "kind": "main", "startTime": "x"}]
        context = {"type": "user", "content": [{"text": "<session_context>\nhello"}]}
        lines.append({"$set": {"messages": [context]}})
        for at, text in enumerate(said):
            lines.append({"type": ("user", "gemini")[at % 2], "content": text if at % 2 else [{"text": text}]})
        path = write_lines(folder / "chats" / f"session-2026-01-05T{name}-{session_id[:8]}.jsonl", lines)
        (folder / ".project_root").write_text(cwd)
        return path

    def test_of_two_conversations_in_one_folder_the_one_on_the_screen_is_meant(self, tmp_path: Path):
        path = self.a_chat(tmp_path, ID, ["mend the parser", "the parser is mended"])
        self.a_chat(tmp_path, OTHER_ID, ["draw a cat", "here is the cat"])
        found = kind("gemini").session(
            a_look(tmp_path, ("gemini",), screen=" > mend the parser\n✦ the parser is mended")
        )
        assert (found.id, found.transcript) == (ID, str(path))
        assert kind("gemini").session(a_look(tmp_path, ("gemini",), screen=captured("gemini/startup"))).id is None

    def test_of_several_files_of_one_conversation_the_newest_tells_its_last_words(self, tmp_path: Path):
        newest = self.a_chat(tmp_path, ID, ["one", "two", "three", "the fourth word"], name="11-00")
        self.a_chat(tmp_path, ID, ["one", "the second word"])
        os.utime(newest, (NOON.timestamp() + 60,) * 2)
        found = kind("gemini").session(a_look(tmp_path, ("gemini",), screen="✦ the fourth word"))
        assert (found.id, found.transcript) == (ID, str(newest))

    def test_all_files_of_a_conversation_are_kept_and_no_key(self, tmp_path: Path):
        first = self.a_chat(tmp_path, ID, ["one", "two"])
        second = self.a_chat(tmp_path, ID, ["one", "two", "three", "four"], name="13-00")
        os.utime(second, (NOON.timestamp() + 60,) * 2)
        self.a_chat(tmp_path, OTHER_ID, ["one", "two"])
        folder = tmp_path / ".gemini"
        assert kind("gemini").find_transcript(folder, ID) == second
        files = kind("gemini").session_files(an_agent(session_id=ID, config_dir=str(folder), transcript=str(second)))
        assert [file.path for file in files] == [first, second, first.parent.parent / ".project_root"]
        assert kind("gemini").is_secret(Path("oauth_creds.json"))

    def test_an_input_box_without_its_conversation_is_not_ready_but_for_one_that_stays_so(self, tmp_path: Path):
        box = "\n ────────\n >   Type your message or @path/to/file\n workspace"
        resuming = "✦ the parser is mended\n ⠋ Resuming session...\n ────────\n workspace"
        shown = f"✦ the parser is mended{box}"

        def is_ready(screen: str, *, quiet_s: float = 0.5) -> bool:
            now_s = NOON.timestamp()
            look = a_look(tmp_path, ("gemini",), screen=screen, output_at=int(now_s), now_s=now_s + quiet_s)
            return bool(kind("gemini").start_state(look, ID).is_ready)

        assert is_ready(box), "nothing is known of what it should show"
        self.a_chat(tmp_path, ID, ["mend the parser", "the parser is mended"])
        assert [is_ready(screen) for screen in (box, resuming, shown)] == [False, False, True]
        assert is_ready(box, quiet_s=11), "its words may be drawn as others"

    def test_its_farewell_names_the_conversation(self):
        said = kind("gemini").session_said(captured("gemini/after-quit"))
        assert said is not None and len(said) == 36


class TestAider:
    """One history a repository."""

    def a_history(self, folder: Path, *, said: bool = True) -> Path:
        added = "> Added kept.txt to the chat\n> Added gone.txt to the chat\n"
        text = f"\n# aider chat started at 2026-01-05 12:00:00\n\n{added}"
        path = folder / ".aider.chat.history.md"
        path.write_text(text + ("\n#### hello  \n\nhi\n\n> Tokens: 5 sent, 2 received.  \n" if said else ""))
        (folder / "kept.txt").write_text("x")
        return path

    def test_its_conversation_is_the_history_at_the_top_of_its_repository(self, tmp_path: Path):
        (tmp_path / ".git").mkdir()
        (tmp_path / "below").mkdir()
        path = self.a_history(tmp_path)
        look = a_look(tmp_path, ("aider",), cwd=str(tmp_path / "below"))
        session = kind("aider").session(look)
        assert (session.id, session.transcript) == (str(path), str(path))
        assert kind("aider").stored_claims(look)[0].activity is Activity.IDLE
        assert kind("aider").find_transcript(tmp_path, str(path)) == path

    def test_before_the_first_message_there_is_nothing_to_resume(self, tmp_path: Path):
        self.a_history(tmp_path, said=False)
        assert kind("aider").session(a_look(tmp_path, ("aider",), cwd=str(tmp_path))).transcript is None

    def test_two_of_them_in_one_repository_have_no_conversation_of_their_own(self, tmp_path: Path):
        self.a_history(tmp_path)

        class Two(StandingProcesses):
            def table(self) -> ProcessTable:
                return ProcessTable([a_process(PID, comm="aider", tty=1), a_process(PID + 1, comm="python3", tty=2)])

            def argv(self, pid: int) -> tuple[str, ...]:
                return ("python3", "/usr/bin/aider")

            def cwd(self, pid: int) -> str:
                return str(tmp_path)

        session = kind("aider").session(a_look(tmp_path, ("aider",), cwd=str(tmp_path), processes=Two()))
        assert session.id is None and "several aiders" in session.source

    def test_it_goes_on_with_its_files_and_those_that_were_added(self, tmp_path: Path):
        path = self.a_history(tmp_path)
        argv = ("python3", "/usr/bin/aider", "--model", "m", "a.py", "--load", "x")
        wanted = ("python3", "/usr/bin/aider", "--restore-chat-history", "--model", "m", "a.py", "kept.txt")
        assert kind("aider").resume_command(argv, str(path)) == wanted
