"""Screens: plain text out of escape sequences, rules that look at the last lines, drafts and hints."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.agents import Activity
from hive_tui.kinds.catalog import Kinds
from hive_tui.kinds.screen import Screen, ScreenRule, strong_text
from tests.kinds.looks import captured

KINDS = Kinds()


def rule(pattern: str, *, lines: int = 12, also: str | None = None, last_turn: bool = False) -> ScreenRule:
    line_beside = re.compile(also) if also else None
    return ScreenRule(Activity.WORKING, re.compile(pattern), "why", lines, line_beside, last_turn=last_turn)


@pytest.mark.parametrize(
    ("ansi", "plain"),
    [
        pytest.param("\x1b[1;31mred\x1b[0m and plain", "red and plain", id="colours"),
        pytest.param("\x1b[38;2;10;20;30mx\x1b[48:5:237my", "xy", id="colours by number"),
        pytest.param("\x1b]8;;https://example.com\x1b\\link\x1b]8;;\x1b\\!", "link!", id="a hyperlink"),
        pytest.param("\x1b]0;title\x07text", "text", id="a title"),
        pytest.param("\x0elqqk\x0f \x1b(0x\x1b(B", "lqqk x", id="line drawing"),
        pytest.param("❯\xa0ls", "❯ ls", id="a blank that does not break"),
        pytest.param("end   ", "end", id="blanks at the end"),
        pytest.param("end \x1b[0m \x1b[K", "end", id="blanks at the end between sequences"),
    ],
)
def test_lines_are_plain_text(ansi: str, plain: str):
    assert Screen(ansi).lines == [plain]


def test_the_bottom_is_the_last_lines_that_are_not_blank_from_top_to_bottom():
    screen = Screen("a\n\nb\n   \nc\n\n\n")
    assert screen.bottom(2) == ["b", "c"]
    assert screen.bottom(9) == ["a", "b", "c"]
    assert Screen("").bottom(3) == []


def test_the_first_rule_that_matches_counts_and_of_its_lines_the_lowest():
    found = Screen("one 1\none 2\ntwo").first_match([rule("^none"), rule("^one"), rule("^two")])
    assert found is not None
    assert (found[0].pattern.pattern, found[1]) == ("^one", "one 2")


def test_a_rule_looks_no_higher_than_its_lines():
    screen = Screen("busy\n\na\nb")
    assert screen.first_match([rule("busy", lines=2)]) is None
    assert screen.first_match([rule("busy", lines=3)]) is not None


def test_a_dialog_is_one_only_with_its_cursor():
    dialog = rule("^Do you want to proceed", also=r"^❯ \d")
    assert Screen("Do you want to proceed?\n❯ 1. Yes").first_match([dialog]) is not None
    assert Screen("Do you want to proceed?\nsaid the text").first_match([dialog]) is None


@pytest.mark.parametrize(
    ("lines", "is_found"),
    [
        pytest.param(["› hello", "■ error", "› "], True, id="below the last message"),
        pytest.param(["› hello", "■ error", "› again", "fine", "› "], False, id="above the last message"),
        pytest.param(["■ error", "› "], True, id="the message is out of sight"),
        pytest.param(["■ error"], True, id="no input line at all"),
        pytest.param(["› hello", "■ error", "› 1. Wait"], True, id="a menu in place of the input line"),
    ],
)
def test_an_error_counts_until_the_next_message(lines: list[str], is_found: bool):
    found = Screen("\n".join(lines)).first_match([rule("^■", last_turn=True)], "›")
    assert (found is not None) is is_found


@pytest.mark.parametrize(
    ("line", "strong"),
    [
        pytest.param("plain", "plain", id="no style"),
        pytest.param("a\x1b[2mhint\x1b[0mb", "ab", id="faint"),
        pytest.param("a\x1b[2mhint\x1b[22mb", "ab", id="faint is switched off alone"),
        pytest.param("a\x1b[2mhint\x1b[mb", "ab", id="an empty reset"),
        pytest.param("\x1b[2mhint", "", id="faint to the end"),
        pytest.param("\x1b[0;2;3mhint\x1b[0mb", "b", id="among other numbers"),
        pytest.param("\x1b[2m\x1b[31mhint\x1b[39m still\x1b[0m", "", id="a colour does not end it"),
        pytest.param("\x1b[38;2;1;2;3mred", "red", id="the 2 of an RGB colour"),
        pytest.param("\x1b[38:2:1:2:3mred", "red", id="the 2 of an RGB colour with colons"),
        pytest.param("\x1b[38;5;2mgreen", "green", id="colour number 2"),
        pytest.param("\x1b[48;5;2;1mgreen", "green", id="colour number 2 and bold"),
        pytest.param("\x1b[38;5;2;2mhint", "", id="colour number 2 and faint"),
        pytest.param("\x1b[7mR\x1b[0;2mesend it", "", id="the cursor on a hint"),
        pytest.param("\x1b[7m\x1b[39mR\x1b[0;2m\x1b[39mesend it", "", id="the cursor on a hint, with colours"),
        pytest.param("\x1b[7mR\x1b[0mesend it", "Resend it", id="the cursor on typed text"),
        pytest.param("R\x1b[7m \x1b[0m", "R ", id="the cursor behind typed text"),
        pytest.param("abc\x1b[7md\x1b[0;2m hint", "abc", id="the cursor on a completion"),
        pytest.param("\x1b[7mtwo\x1b[0;2mhint", "two", id="marked text before a hint"),
        pytest.param("\x1b[7mR\x1b[27m\x1b[2mhint", "", id="reverse is switched off alone"),
    ],
)
def test_faint_text_is_a_hint_and_nobodys_words(line: str, strong: str):
    assert strong_text(line) == strong


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])))
def test_text_without_styles_is_strong(text: str):
    assert strong_text(text) == text


@pytest.mark.parametrize(
    ("ansi", "draft"),
    [
        pytest.param("❯ half typed", "half typed", id="typed"),
        pytest.param("❯\xa0half typed\x1b[7m \x1b[0m", "half typed", id="typed, with a drawn cursor"),
        pytest.param("❯ /quit \u200b", "/quit", id="typed, with a cursor that is not seen"),
        pytest.param("❯ \u200b", "", id="nothing but such a cursor"),
        pytest.param("❯", "", id="nothing"),
        pytest.param("\x1b[1m❯\x1b[0m \x1b[2mAsk anything", "", id="a placeholder"),
        pytest.param("❯ sent before\n────\n❯ half\n────\n footer", "half", id="the lowest line counts"),
        pytest.param("no prompt here\n  ❯ 1. Yes", "", id="an indented glyph is a menu's"),
    ],
)
def test_a_draft_is_what_stands_in_the_input_line(ansi: str, draft: str):
    assert Screen(ansi).draft("❯") == draft


@pytest.mark.parametrize(
    ("capture", "draft"),
    [
        ("claude/idle-fresh", ""),
        ("claude/idle-with-draft", "half typed draft, not sent"),
        ("claude/after-interrupt", ""),
        ("claude/context-overflow", ""),
        ("claude/connection-refused-retrying", ""),
        ("claude/usage-limit", ""),
        ("codex/idle-fresh", ""),
        ("codex/rate-limit-429", ""),
        ("codex/working-streaming", ""),
    ],
)
def test_drafts_on_real_screens_are_told_from_hints(capture: str, draft: str):
    prompt = KINDS.get(capture.split("/")[0]).manifest.screen.prompt
    assert captured(capture).draft(prompt) == draft


@pytest.mark.parametrize("kind", ["claude", "codex"])
def test_what_a_tool_prints_is_not_taken_for_the_agents_own_words(kind: str):
    rules = KINDS.get(kind).manifest.screen
    printed = ["Do you want to proceed?", "● API Error", "■ You've hit your usage limit", "Enter to select"]
    screen = Screen("\n".join(f"     {line}" for line in printed) + f"\n{rules.prompt} ")
    assert screen.first_match(rules.rules, rules.prompt) is None


OLD = "said before\n» hello\n» /quit\n$ \n\n"


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("said before\n» hello\n» /quit\n$ agent --resume 1\n\n", []),
        ("said before\n» hello\n» /quit\n$ agent --resume 1\nwelcome\n» ", ["welcome", "»"]),
        ("» hello\n» /quit\n$ agent\n\x1b[2m»\x1b[0m ", ["»"]),
        ("» /quit\nRIGHT$ agent drawn anew\n» ", ["»"]),
        ("$ agent\n» ", ["»"]),
        ("welcome\n» hello\n» ", ["welcome", "» hello", "»"]),
        ("» hello\n» ", ["» hello", "»"]),
    ],
    ids=["typed", "below", "scrolled", "another prompt", "only the prompt", "cleared", "drawn like before"],
)
def test_what_stood_there_before_is_told_from_what_has_come_since(now: str, left: list[str]):
    since = Screen(now).since(Screen(OLD))
    assert [line for line in since.lines if line] == left


def test_of_a_screen_that_was_empty_everything_is_new():
    assert Screen("» ").since(Screen("\n\n")).lines == ["»"]
    assert Screen("").since(Screen(OLD)).lines == []


KILLED = "✦ word0\n────\n > Killed your message\nada$\n workspace\n /home/ada"


@pytest.mark.parametrize(
    ("now", "left"),
    [
        ("✦ word0\n────\n > Killed your message\nada$ gemini\n workspace\n /home/ada", [" workspace", " /home/ada"]),
        ("────\n > Killed your message\nada$ gemini\n\n >   Type", [" >   Type"]),
        ("✦ another\n >   Type", ["✦ another", " >   Type"]),
        ("", []),
    ],
    ids=["typed", "scrolled", "cleared", "empty"],
)
def test_what_a_killed_program_has_left_below_the_prompt_hides_nothing_of_what_is_old(now: str, left: list[str]):
    assert [line for line in Screen(now).since(Screen(KILLED)).lines if line] == left


def test_an_input_box_in_the_place_of_an_empty_one_is_new():
    assert Screen("welcome\n» Try this").since(Screen("welcome\n»\n status")).lines[-1] == "» Try this"


LEFT = """ logo v2
❯ hello one
● I see 1 message.
─────────
❯
─────────
  STATUS
  auto mode on
Resume this session with:
claude --resume 1234
rig$"""
RESUMED = """ logo v2
❯ hello one
● I see 1 message.
─────────
❯
─────────
  STATUS                        medium
  auto mode on · agents"""


def test_a_program_that_draws_the_same_again_with_a_longer_line_is_not_cut_off_there():
    before = Screen(LEFT, "claude --resume 1234")
    assert "❯" in Screen(RESUMED).since(before).lines


@pytest.mark.parametrize("shown", ["claude --resume 1234", "claude --resume 1234      12:03", "claude --r"])
def test_below_the_prompt_of_a_killed_program_is_what_came_after_the_command(shown: str):
    killed = "$ tool\nhello\nrig$\n  a status line that is left\n"
    now = f"$ tool\nhello\nrig$ {shown}\nnew one\n❯"
    assert Screen(now).since(Screen(killed, "claude --resume 1234")).lines == ["new one", "❯"]
