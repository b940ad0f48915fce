"""Codex: which conversation a pane shows, and what its title, screen and rollout say."""

import re
import textwrap
from collections.abc import Sequence
from datetime import UTC, timedelta
from pathlib import Path
from typing import Any

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.domain.limits import parse_limit
from hive_tui.kinds import manifest_reader as manifest
from hive_tui.kinds.codex import Codex, read_rollout
from hive_tui.kinds.conversations import is_shown
from hive_tui.kinds.kind import Look
from hive_tui.kinds.screen import Screen
from tests.builders import NOON, an_agent
from tests.kinds.looks import ID, OTHER_ID, PID, a_look, captured, write_lines

ANSWER = "The parser lost the last token because the buffer was flushed one byte too early; it is fixed now."
OTHER_ANSWER = "All forty-two tests of the payment module pass, and the flaky one has been rewritten without a timer."


@pytest.fixture
def codex() -> Codex:
    return Codex(manifest.read("codex"))


def message(role: str, text: str) -> dict[str, Any]:
    kind = "input_text" if role == "user" else "output_text"
    return {
        "type": "response_item",
        "payload": {"type": "message", "role": role, "content": [{"type": kind, "text": text}]},
    }


def event(kind: str) -> dict[str, Any]:
    return {"type": "event_msg", "payload": {"type": kind}}


def a_rollout(
    home: Path,
    session_id: str = ID,
    *,
    said: str = ANSWER,
    asked: str = "why does the parser fail?",
    cwd: str = "/home/ada/engine",
    source: Any = "cli",
    after_s: float = 60,
    ends: Sequence[str] = ("task_complete",),
) -> Path:
    """A conversation of one turn, as Codex writes it."""
    about = {"id": session_id, "cwd": cwd, "cli_version": "0.169.0", "source": source}
    return write_lines(
        home / ".codex/sessions/2026/01/05" / f"rollout-2026-01-05T12-00-00-{session_id}.jsonl",
        [
            {"type": "session_meta", "payload": about},
            message("user", "<environment_context>\n  <cwd>/home/ada/engine</cwd>\n</environment_context>"),
            event("task_started"),
            message("user", asked),
            {"type": "turn_context", "payload": {"cwd": cwd, "model": "gpt-5"}},
            message("assistant", said),
            event("token_count"),
            *(event(kind) for kind in ends),
        ],
        at=NOON + timedelta(seconds=after_s),
    )


def a_codex_look(home: Path, *words: str, **facts: Any) -> Look:
    return a_look(home, ("codex", *words), **facts)


def showing(*texts: str) -> Screen:
    """The texts as Codex draws them: wrapped, indented, with marks, above the input line."""
    lines = [f"  {text[at : at + 40]}" for text in texts for at in range(0, len(text), 40)]
    return Screen(
        "\n".join([*lines, "", "\x1b[1m›\x1b[0m \x1b[2mAsk Codex to do anything\x1b[0m", "  ? for shortcuts"])
    )


class TestSession:
    """Which conversation a pane shows: never just the newest one."""

    def test_the_rollout_that_the_process_holds_open_is_its_own(self, codex: Codex, tmp_path: Path):
        path, _ = a_rollout(tmp_path), a_rollout(tmp_path, OTHER_ID)
        session = codex.session(a_codex_look(tmp_path, open_files={PID: ["/dev/null", str(path)]}))
        assert (session.id, session.transcript) == (ID, str(path))
        assert "holds open" in session.source

    def test_of_two_conversations_in_one_folder_the_one_on_the_screen_is_meant(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, ID)
        a_rollout(tmp_path, OTHER_ID, said=OTHER_ANSWER, asked="run the tests of the payment module please")
        assert codex.session(a_codex_look(tmp_path, screen=showing(ANSWER))).id == ID
        later = a_codex_look(tmp_path, screen=showing(OTHER_ANSWER), output_at=1)
        assert codex.session(later).id == OTHER_ID

    def test_a_screen_that_fits_two_conversations_tells_neither(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, ID)
        a_rollout(tmp_path, OTHER_ID)
        session = codex.session(a_codex_look(tmp_path, screen=showing(ANSWER)))
        assert (session.id, session.source) == (None, "several conversations fit its screen")

    def test_then_the_command_line_tells(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, ID)
        a_rollout(tmp_path, OTHER_ID)
        session = codex.session(a_codex_look(tmp_path, "resume", ID, screen=showing(ANSWER)))
        assert (session.id, session.source) == (ID, "its command line")

    def test_or_what_this_very_process_was_seen_with_before(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, ID)
        a_rollout(tmp_path, OTHER_ID)
        session = codex.session(a_codex_look(tmp_path, screen=showing(ANSWER), known_session=OTHER_ID))
        assert (session.id, session.source) == (OTHER_ID, "seen before in this process")

    def test_the_newest_conversation_is_not_taken_because_it_is_the_newest(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, ID)
        session = codex.session(a_codex_look(tmp_path, screen=captured("codex/idle-fresh")))
        assert (session.id, session.transcript) == (None, None)
        assert "no conversation on disk fits" in session.source

    def test_a_conversation_of_before_the_process_began_is_meant_only_if_it_was_asked_for(
        self, codex: Codex, tmp_path: Path
    ):
        a_rollout(tmp_path, ID, after_s=-3600)
        assert codex.session(a_codex_look(tmp_path, screen=showing(ANSWER))).id is None
        assert codex.session(a_codex_look(tmp_path, "resume", ID, screen=showing(ANSWER))).id == ID

    def test_a_conversation_of_another_folder_is_not_meant(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, cwd="/home/ada/other")
        assert codex.session(a_codex_look(tmp_path, screen=showing(ANSWER))).id is None

    def test_a_resumed_conversation_of_another_folder_is(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, cwd="/home/ada/other")
        assert codex.session(a_codex_look(tmp_path, "resume", ID, screen=showing(ANSWER))).id == ID

    def test_a_subagents_rollout_is_no_conversation_of_a_person(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, source={"subagent": "review"})
        assert codex.session(a_codex_look(tmp_path, screen=showing(ANSWER))).id is None

    def test_a_new_conversation_in_the_same_process_is_seen_with_the_new_screen(self, codex: Codex, tmp_path: Path):
        a_rollout(tmp_path, ID)
        assert codex.session(a_codex_look(tmp_path, screen=showing(ANSWER))).id == ID
        a_rollout(tmp_path, OTHER_ID, said=OTHER_ANSWER, asked="now run all of the payment tests again")
        assert codex.session(a_codex_look(tmp_path, screen=showing(OTHER_ANSWER))).id == OTHER_ID

    def test_what_was_not_found_is_looked_for_again_on_the_same_screen(self, codex: Codex, tmp_path: Path):
        look = a_codex_look(tmp_path, screen=showing(ANSWER))
        assert codex.session(look).id is None
        a_rollout(tmp_path)
        assert codex.session(look).id == ID

    def test_a_transcript_is_found_by_its_id(self, codex: Codex, tmp_path: Path):
        path = a_rollout(tmp_path)
        assert codex.find_transcript(tmp_path / ".codex", ID) == path
        assert codex.find_transcript(tmp_path / ".codex", OTHER_ID) is None


class TestActivity:
    """What it does."""

    @pytest.mark.parametrize(
        ("title", "activity"),
        [
            ("⠹ engine", Activity.WORKING),
            ("[ ! ] Action Required | engine", Activity.PERMISSION),
            ("[ . ] Action Required | engine", Activity.PERMISSION),
        ],
    )
    def test_the_title_tells(self, codex: Codex, tmp_path: Path, title: str, activity: Activity):
        claim = codex.claims(a_codex_look(tmp_path, title=title))[0]
        assert (claim.activity, claim.source) == (activity, "title")

    @pytest.mark.parametrize(
        ("capture", "activity"),
        [
            ("working-tool-running", Activity.WORKING),
            ("permission-bash", Activity.PERMISSION),
            ("usage-limit", Activity.LIMITED),
            ("overloaded-503", Activity.ERROR),
            ("startup-hooks-review", Activity.QUESTION),
        ],
    )
    def test_under_a_quiet_title_the_screen_tells(self, codex: Codex, tmp_path: Path, capture: str, activity: Activity):
        claims = codex.claims(a_codex_look(tmp_path, title="engine", screen=captured(f"codex/{capture}")))
        assert (claims[0].activity, claims[0].source) == (activity, "screen")

    @pytest.mark.parametrize(
        ("ends", "activity"),
        [
            (("task_complete",), Activity.IDLE),
            (("turn_aborted",), Activity.IDLE),
            ((), Activity.WORKING),
            (("task_complete", "task_started"), Activity.WORKING),
        ],
    )
    def test_else_the_rollout_tells_whether_its_turn_has_ended(
        self, codex: Codex, tmp_path: Path, ends: Sequence[str], activity: Activity
    ):
        a_rollout(tmp_path, ends=ends)
        claim = codex.claims(a_codex_look(tmp_path, title="engine", screen=showing(ANSWER)))[0]
        assert (claim.activity, claim.source) == (activity, "rollout")

    def test_an_empty_prompt_without_a_conversation_is_idle(self, codex: Codex, tmp_path: Path):
        claim = codex.claims(a_codex_look(tmp_path, screen=captured("codex/idle-fresh")))[0]
        assert (claim.activity, claim.source) == (Activity.IDLE, "screen")

    def test_where_nothing_tells_nothing_is_claimed(self, codex: Codex, tmp_path: Path):
        (claim,) = codex.claims(a_codex_look(tmp_path, screen="starting"))
        assert (claim.activity, claim.source) == (Activity.UNKNOWN, "fallback")


def test_its_footer_counts_what_runs_in_the_background(codex: Codex, tmp_path: Path):
    running = a_codex_look(tmp_path, screen=captured("codex/working-tool-running"))
    assert codex.background(running) == ("1 background terminal running",)
    assert codex.background(a_codex_look(tmp_path, screen=captured("codex/idle-after-answer"))) == ()


@pytest.mark.parametrize("capture", ["idle-fresh", "permission-bash", "usage-limit", "startup-hooks-review"])
def test_a_placeholder_and_a_menu_are_no_draft(codex: Codex, tmp_path: Path, capture: str):
    assert codex.draft(a_codex_look(tmp_path, screen=captured(f"codex/{capture}"))) == ""


@pytest.mark.parametrize("typed", ["half typed", "1. fix the parser", "2. "])
def test_what_was_typed_is_a_draft_also_if_it_is_a_list(codex: Codex, tmp_path: Path, typed: str):
    screen = f"\x1b[1m›\x1b[0m {typed}\n\n  gpt-5 default · /home/ada/engine\n  ? for shortcuts"
    assert codex.draft(a_codex_look(tmp_path, screen=screen)) == typed.strip()


@pytest.mark.parametrize(
    ("capture", "session_id"),
    [
        ("after-ctrl-c", "01a1fc4a-fdbf-7a23-a0b2-38e2ac47842f"),
        ("after-quit", "01a1fc53-a130-7f60-868d-676a4efd34ea"),
        ("after-kill9", None),
        ("idle-after-answer", None),
    ],
)
def test_its_farewell_names_the_conversation(codex: Codex, capture: str, session_id: str | None):
    screen = captured(f"codex/{capture}")
    assert codex.session_said(screen) == session_id
    assert codex.left_cleanly(an_agent(session_id=session_id), screen) is (session_id is not None)


def test_its_farewell_is_known_where_it_names_the_conversation_by_its_title(codex: Codex):
    farewell = f"Token usage: total=6,359\nTo continue this session, run codex resume, then select fix\n it ({ID})"
    agent = an_agent(session_id=ID)
    assert codex.session_said(Screen(farewell)) == ID
    assert codex.left_cleanly(agent, Screen(f"{farewell}\nada$ ^C\nada$"))
    assert not codex.left_cleanly(
        agent, Screen(f"{farewell}\nada$ codex resume {ID}\n› Killeddex to do anything\nada$")
    )


def test_the_command_that_was_typed_is_no_farewell_of_an_agent_that_was_killed(codex: Codex):
    screen = Screen(f"ada$ codex resume {ID}\nKilled\nada$")
    assert codex.session_said(screen) is None
    assert not codex.left_cleanly(an_agent(session_id=ID), screen)
    assert not codex.left_cleanly(an_agent(session_id=ID), None), "the pane is gone"


@pytest.mark.parametrize("argv", ["codex app-server", "/home/ada/.codex/bin/codex app-server daemon"])
def test_its_background_server_is_shared(codex: Codex, argv: str):
    assert codex.is_shared(argv.split())
    assert not codex.is_shared(["codex", "resume", ID])


def test_a_rollout_that_its_server_has_packed_is_taken_as_it_is(codex: Codex, tmp_path: Path):
    path = a_rollout(tmp_path)
    agent = an_agent(transcript=str(path), config_dir=str(tmp_path / ".codex"))
    member = str(path.relative_to(tmp_path / ".codex"))
    assert [file.member for file in codex.session_files(agent)] == [member]
    path.rename(f"{path}.zst")
    assert [file.member for file in codex.session_files(agent)] == [f"{member}.zst"]
    Path(f"{path}.zst").unlink()
    assert codex.session_files(agent) == []


class TestRollout:
    """Reading one."""

    def test_it_tells_its_id_its_folder_and_the_last_words(self, tmp_path: Path):
        rollout = read_rollout(a_rollout(tmp_path))
        assert rollout is not None
        assert (rollout.session_id, rollout.cwd, rollout.is_open_turn) == (ID, "/home/ada/engine", False)
        assert rollout.last_said == ("why does the parser fail?", ANSWER)

    @pytest.mark.parametrize("content", ["", "\n", "{", "[]", '{"type": "event_msg", "payload": {"id": "x"}}', "null"])
    def test_something_else_is_none(self, tmp_path: Path, content: str):
        path = tmp_path / "rollout.jsonl"
        path.write_text(content)
        assert read_rollout(path) is None
        assert read_rollout(tmp_path / "gone.jsonl") is None

    def test_a_last_line_that_is_only_half_written_does_no_harm(self, tmp_path: Path):
        path = a_rollout(tmp_path)
        path.write_text(path.read_text() + '{"type": "response_item", "payl')
        rollout = read_rollout(path)
        assert rollout is not None
        assert rollout.last_said[1] == ANSWER

    def test_of_a_very_long_one_the_last_words_are_read(self, tmp_path: Path):
        path = a_rollout(tmp_path, said="x" * 400_000)
        long = path.read_text()
        path.write_text(long + a_rollout(tmp_path / "short").read_text())
        rollout = read_rollout(path)
        assert rollout is not None
        assert rollout.last_said[1] == ANSWER

    @pytest.mark.parametrize(
        ("said", "shown", "is_there"),
        [
            pytest.param(ANSWER, showing(ANSWER), True, id="wrapped and indented"),
            pytest.param(f"{OTHER_ANSWER} {ANSWER}", showing(ANSWER), True, id="its end"),
            pytest.param(f"{ANSWER} {OTHER_ANSWER}", showing(ANSWER), True, id="its beginning"),
            pytest.param("**Done**: `ok`", Screen("• Done: ok"), True, id="without its marks"),
            pytest.param(OTHER_ANSWER, showing(ANSWER), False, id="another one"),
            pytest.param("ok", Screen("ok ok ok"), False, id="too short to tell"),
        ],
    )
    def test_its_last_words_are_found_on_a_screen(self, tmp_path: Path, said: str, shown: Screen, is_there: bool):
        rollout = read_rollout(a_rollout(tmp_path, said=said, asked="-"))
        assert rollout is not None
        assert is_shown(rollout, shown) is is_there


@pytest.mark.parametrize("width", [110, 80, 50])
def test_the_reset_of_a_limit_is_told_however_its_message_wraps(codex: Codex, tmp_path: Path, width: int):
    text = "\n".join(captured("codex/usage-limit").lines)
    message = re.search(r"■ .*? [AP]M\.", text, re.DOTALL)
    assert message is not None
    shown = text.replace(message[0], textwrap.fill(" ".join(message[0].split()), width))
    [claim] = codex.screen_claims(a_look(tmp_path, ["codex"], screen=shown))
    assert claim.activity is Activity.LIMITED
    limit = parse_limit(claim.detail, said_at=NOON, zone=UTC)
    assert limit is not None and limit.resets_at is not None


def test_a_prompt_below_a_conversation_that_is_still_loaded_is_not_ready_but_for_one_that_stays_so(
    codex: Codex, tmp_path: Path
):
    def is_ready(screen: Screen, *, quiet_s: float = 0.5) -> bool:
        now_s = NOON.timestamp()
        return codex.start_state(
            a_codex_look(tmp_path, screen=screen, output_at=int(now_s), now_s=now_s + quiet_s), ID
        ).is_ready

    resuming = captured("codex/resuming")
    only_loading = Screen(resuming.ansi.replace("  Resuming session…\n", ""))
    only_resuming = Screen(resuming.ansi.replace("loading", "gpt-5-m"))
    assert [is_ready(one) for one in (resuming, only_loading, only_resuming)] == [False, False, False]
    assert is_ready(captured("codex/resumed-after-ctrl-c"))
    assert is_ready(resuming, quiet_s=11), "its words may be drawn as others"
