"""What agents report to their terminal, and how long it is evidence."""

from pathlib import Path

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.domain.escapes import OscParser
from hive_tui.domain.terminal import BAR_HOLDS_S, Heard

RECORDED = Path(__file__).parent / "recorded"


def after(*contents: str, at_s: float = 100.0) -> Heard:
    heard = Heard()
    for content in contents:
        heard = heard.after(content.encode(), at_s)
    return heard


def said(heard: Heard, *, app: str = "codex", started_s: float = 0.0, now_s: float = 101.0) -> list[tuple[str, str]]:
    return [(str(claim.activity), claim.source) for claim in heard.claims(app, started_s, now_s)]


def test_a_recorded_conversation_of_codex_goes_through_all_its_states():
    heard, states = Heard(), []
    for content in OscParser().feed((RECORDED / "codex.bin").read_bytes()):
        before, heard = heard, heard.after(content, 100.0)
        if heard != before:
            states.append(str(heard.status.activity) if heard.status else "nothing")
    assert states == [
        *("idle", "working", "idle", "working", "permission", "working"),
        *("idle", "idle", "nothing"),  # done, then idle, then it has left
    ]


def test_a_question_for_the_terminal_says_nothing():
    heard = Heard()
    for content in OscParser().feed((RECORDED / "claude.bin").read_bytes()):
        heard = heard.after(content, 100.0)
    assert heard == Heard()


@pytest.mark.parametrize(
    ("content", "activity"),
    [
        ("7501;state=blocked:app=codex:kind=permission", "permission"),
        ("7501;state=blocked:app=codex:kind=question", "question"),
        ("7501;state=blocked:app=codex", "permission"),
        ("7501;state=error:app=codex", "error"),
        ("7501;app=codex:state=working:later=more", "working"),
        ("7501;state=done", "idle"),
    ],
)
def test_a_status_is_taken_as_it_is_meant(content: str, activity: str):
    assert said(after(content)) == [(activity, "terminal status")]


@pytest.mark.parametrize(
    "content",
    [
        *("7501;?", "7501;", "7501;state=", "7501;state=dancing:app=codex", "7501;state=\x9bidle"),
        *("7501", "75010;state=idle"),
        *("9;4", "9;4;9", "9;4;1;1000", "9;an ordinary notification", "0;working"),
    ],
)
def test_what_is_no_report_changes_nothing(content: str):
    known = after("7501;state=working:app=codex", "9;4;1;5")
    assert known.after(content.encode(), 200.0) == known


def test_each_state_of_a_progress_bar_has_its_meaning():
    shown = {state: said(after(f"9;4;{state};10")) for state in range(5)}
    bars = {0: "idle", 1: "working", 2: "error", 3: "working"}
    assert shown == {**{state: [(activity, "progress")] for state, activity in bars.items()}, 4: []}


def test_a_status_is_taken_back_and_a_bar_stays():
    assert said(after("7501;state=working", "9;4;3", "7501;state=clear")) == [("working", "progress")]


def test_reports_of_another_program_or_of_an_earlier_process_are_none_of_its_business():
    heard = after("7501;state=working:app=codex")
    assert said(heard, app="claude") == []
    assert said(heard, started_s=100.5) == []
    assert said(heard, started_s=99.5) == [("working", "terminal status")]


def test_a_report_is_believed_for_as_long_as_a_step_may_take():
    working, idle = after("7501;state=working", "9;4;3"), after("7501;state=idle")
    assert said(working, now_s=100 + BAR_HOLDS_S) == [("working", "terminal status")]
    assert said(working, now_s=100 + 601) == []
    assert said(idle, now_s=100 + 3600) == [("idle", "terminal status")]


def test_it_says_in_words_what_was_told_and_when():
    [claim] = after("7501;state=blocked:app=codex:kind=permission").claims("codex", 0, 107)
    assert claim.activity is Activity.PERMISSION
    assert claim.detail == "it reports blocked (permission) by OSC 7501 since 00:01:40 UTC"
