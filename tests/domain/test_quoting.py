"""Command lines that a shell reads as exactly the words that were meant."""

import os
import shlex
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_tui.domain.quoting import POSIX, quoted

NASTY = [
    *("", " ", "a b", " a ", "a  b", "it's", "''", "'", '"', '"$HOME"', "$HOME", "$(false)", "`false`", "${x}"),
    *("\\", "\\'", "a\\", "!", "!!", "it's!"),
    *("*", "?", "[a]", "{a,b}", "~", "~root", "a;b", "a&&b", "a|b", ">a", "<a", "#a", "a#", "(a)"),
    *("=ls", "=", "%1", "%self", "%", "@a", "a=b", "--model=x y", "-", "--", "機械", "ä", "\u00a0", "^a", "a^b", ":"),
]  # fmt: skip
"""Words that some shell reads as something else if they stand bare."""

WORD = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=20)


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh", "mksh", "fish"])
def test_a_real_shell_reads_exactly_the_words(shell: str):
    options = {"zsh": ["-f"], "fish": ["--no-config"]}.get(shell, [])
    line = quoted(["printf", "%s\\0", *NASTY], shell)
    assert line is not None
    read = subprocess.run([shell, *options, "-c", line], capture_output=True, check=True).stdout
    assert read.decode().split("\0")[:-1] == NASTY


@given(st.lists(WORD, min_size=1, max_size=5))
def test_any_words_come_out_of_a_posix_line_as_they_went_in(words: list[str]):
    line = quoted(words, "bash")
    assert line is not None
    assert shlex.split(line) == words


@settings(max_examples=25, deadline=None)
@given(st.lists(WORD, min_size=1, max_size=20))
def test_sh_reads_any_words_as_they_are(words: list[str]):
    line = quoted(["printf", "%s\\0", *words], "sh")
    assert line is not None
    read = subprocess.run(["sh", "-c", line], capture_output=True, check=True).stdout
    assert read.decode().split("\0")[:-1] == words


@pytest.mark.parametrize(
    ("word", "in_fish"),
    [
        pytest.param("a b", "'a b'", id="a blank"),
        pytest.param("it's", r"'it\'s'", id="a quote"),
        pytest.param("a\\b c", r"'a\\b c'", id="a backslash"),
        pytest.param("\\'", r"'\\\''", id="a backslash and a quote"),
        pytest.param("%self", "'%self'", id="its own process id"),
        pytest.param("", "''", id="nothing"),
    ],
)
def test_fish_has_quotes_of_its_own(word: str, in_fish: str):
    assert quoted(["claude", word], "fish") == f"claude {in_fish}"


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "tcsh", "nu", "elvish", "a-shell-of-tomorrow"])
def test_plain_words_stand_as_they_are_in_every_shell(shell: str):
    words = ["/usr/bin/claude", "--resume", "0b5c8a4e-1f2d-4c3b-8a7e-9d6f5e4c3b2a", "--model=opus", "a@b", "1:2,3+4%"]
    assert quoted(words, shell) == " ".join(words)


@pytest.mark.parametrize("shell", ["tcsh", "csh", "nu", "elvish", "xonsh", ""])
@pytest.mark.parametrize("word", ["a b", "it's", "$HOME", "", "=ls"])
def test_nothing_is_quoted_for_a_shell_whose_quotes_are_not_known(shell: str, word: str):
    assert quoted(["claude", word], shell) is None


@pytest.mark.parametrize("shell", sorted({*POSIX, "fish", "nu"}))
@pytest.mark.parametrize(
    "control",
    ["\n", "\r", "\x1b", "\t", "\x03", "\x04", "\x15", "\x00", "\x7f", "\x9b"],
    ids=["line feed", "return", "escape", "tab", "Ctrl-C", "Ctrl-D", "Ctrl-U", "null", "delete", "CSI"],
)
def test_a_word_with_a_key_in_it_that_a_terminal_acts_upon_cannot_be_typed(shell: str, control: str):
    assert quoted(["claude", f"a{control}b"], shell) is None


@pytest.mark.parametrize("shell", ["bash", "dash", "zsh"])
def test_bytes_that_are_no_utf8_are_written_so_that_a_terminal_can_take_them(shell: str, tmp_path: Path):
    folder = tmp_path / "it's" / os.fsdecode(b"caf\xe9 %s\\ $HOME")
    folder.mkdir(parents=True)
    line = quoted(["cd", str(folder)], shell)
    assert line is not None and line.isascii()
    done = subprocess.run([shell, "-c", f"{line} && pwd -P"], capture_output=True, check=True)
    assert done.stdout == os.fsencode(folder) + b"\n"
