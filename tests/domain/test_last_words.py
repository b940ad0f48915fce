"""One sentence for a notification."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.last_words import LONGEST, last_sentence, on_screen


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("I have changed the parser. All 41 tests pass now.", "All 41 tests pass now."),
        ("Done.\n\n- **Shall I** also rename `feed`?\n", "Shall I also rename feed?"),
        ("I could remove the cache. OK?", "I could remove the cache. OK?"),
        ("The end is version 2.1 of the file", "The end is version 2.1 of the file"),
        ("first\x1b[31m red\x07\nsecond\r\n\x00\u202e\n---\n", "second"),
        ("Ich bin fertig。", "Ich bin fertig。"),
        ("", ""),
        ("\n  \n```\n", ""),
        ("word " * 100, ("word " * 100)[: LONGEST - 1].rstrip() + "…"),
    ],
)
def test_it_is_the_last_sentence_on_one_line(text: str, said: str):
    assert last_sentence(text) == said


@given(st.text(max_size=400))
def test_whatever_was_said_it_is_short_and_has_no_control_characters(text: str):
    said = last_sentence(text)
    assert len(said) <= LONGEST
    assert not any(unicodedata.category(letter) in ("Cc", "Cf", "Cs") for letter in said)


def test_a_message_without_end_takes_no_time():
    assert last_sentence("a. " * 5_000_000 + "Really the end of it.") == "Really the end of it."


def test_on_a_screen_it_stands_above_the_input_line():
    lines = [
        "● I have looked at all of it.",
        "  Two things are left to do.",
        "─────",
        "❯ a draft that I wrote",
        "─────",
        "  hints",
    ]
    assert on_screen(lines, "❯") == "Two things are left to do."
    assert on_screen([], "❯") == ""
