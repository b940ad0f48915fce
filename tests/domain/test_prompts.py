"""Shell prompts: is anything typed in the line at the cursor?"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hive_tui.domain.prompts import PromptLine, is_empty, width

POWERLINE = "\ue0b0"


def at_end(line: str) -> PromptLine:
    """The line with the cursor behind its last letter; tmux drops the blanks at the end of a line."""
    return PromptLine.at_cursor(line.rstrip(), sum(map(width, line)))


KNOWN = {
    "bash, Debian": "ada@host:~/engine$ ",
    "bash, Fedora": "[ada@host engine]$ ",
    "bash without settings": "bash-5.2$ ",
    "sh": "$ ",
    "a dollar without a blank": "$",
    "bash, root": "root@host:/etc# ",
    "sh, root": "# ",
    "bash in a virtual environment": "(engine-py3.12) ada@host:~/engine$ ",
    "bash in two environments": "(base) (engine) ada@host:~/engine$ ",
    "bash with git": "ada@host:~/engine (main *%)$ ",
    "bash with a clock": "[12:00:01] ada@host ~/engine $ ",
    "bash with a clock of another kind": "12:00 ada@host:~/engine$ ",
    "a folder only": "~/my.engine $ ",
    "a word": "dash$ ",
    "the second line of two": "└─$ ",
    "bash, a folder with blanks": "ada@host:~/my engine$ ",
    "zsh": "host% ",
    "zsh, macOS": "ada@mac engine % ",
    "zsh, root": "root@host engine # ",
    "fish": "ada@host ~/engine> ",
    "fish with git": "ada@host ~/engine (main)> ",
    "fish, root": "root@host /etc# ",
    "starship": "❯ ",
    "starship on one line": "engine on \ue0a0 main [!] via 🐍 v3.12 ❯ ",
    "pure, in a virtual environment": "engine ❯ ",
    "a lambda": "λ ",
    "wide characters": "アダ@機械:~/エンジン$ ",
}
"""Prompts that say by themselves where they end."""

REMEMBERED_ONLY = {
    "oh-my-zsh, robbyrussell": "➜  engine ",
    "oh-my-zsh, robbyrussell with git": "➜  engine git:(main) ✗ ",
    "oh-my-zsh, agnoster": f" ada@host {POWERLINE} ~/engine {POWERLINE} ",
    "a colon": "engine: ",
    "an angle bracket": "> ",
    "a pipe": "ada | engine | ",
    "no mark at all": "ada@host ~/engine ",
    "an emoji": "🐝 ",
    "an emoji with a selector": "⚙️ ",
}
"""Prompts that are known only if they were seen with nothing typed."""

PROMPTS = KNOWN | REMEMBERED_ONLY


@pytest.mark.parametrize("prompt", KNOWN.values(), ids=KNOWN.keys())
def test_a_prompt_with_a_known_mark_is_empty_also_when_it_was_never_seen_before(prompt: str):
    assert is_empty(at_end(prompt), None)


@pytest.mark.parametrize("prompt", REMEMBERED_ONLY.values(), ids=REMEMBERED_ONLY.keys())
def test_any_other_prompt_is_taken_for_typed_text_until_it_was_seen_empty(prompt: str):
    line = at_end(prompt)
    assert not is_empty(line, None)
    assert is_empty(line, line)


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
def test_a_prompt_that_was_seen_empty_is_empty_when_it_looks_the_same(prompt: str):
    assert is_empty(at_end(prompt), at_end(prompt))


@pytest.mark.parametrize("prompt", KNOWN.values(), ids=KNOWN.keys())
def test_a_known_mark_counts_also_after_the_folder_has_changed(prompt: str):
    assert is_empty(at_end(prompt), at_end("ada@host:~/elsewhere$ "))


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
@pytest.mark.parametrize(
    "typed",
    [
        "l",
        "ls -la",
        "echo $",
        "echo 50%",
        "ls #",
        "50%",
        "a$",
        "$",
        "%",
        "❯",
        "git commit -m 'wip",
        "x>",
        "echo >",
        "機",
    ],
)
def test_a_half_typed_line_is_not_empty(prompt: str, typed: str):
    assert not is_empty(at_end(prompt + typed), at_end(prompt))
    if prompt != "ada@host ~/engine ":  # nothing tells where such a prompt ends
        assert not is_empty(at_end(prompt + typed), None)


@pytest.mark.parametrize("prompt", PROMPTS.values(), ids=PROMPTS.keys())
@pytest.mark.parametrize("typed", ["ls -la", "$", "❯", "機械"])
def test_a_half_typed_line_is_not_empty_when_the_cursor_was_moved_to_its_beginning(prompt: str, typed: str):
    line = PromptLine.at_cursor(prompt + typed, sum(map(width, prompt)))
    assert not is_empty(line, at_end(prompt))
    assert not is_empty(line, None)


TYPED = st.text(
    st.one_of(st.characters(categories=["L", "N", "P", "S", "Zs", "Mn"]), st.sampled_from("$#%❯➜λ»›> @:()[]|'\"")),
    min_size=1,
    max_size=30,
).filter(lambda text: bool(text.strip()))


@settings(max_examples=200, deadline=None)
@given(prompt=st.sampled_from(list(PROMPTS.values())), typed=TYPED, data=st.data())
def test_text_typed_after_a_prompt_that_was_seen_empty_is_never_overlooked(
    prompt: str, typed: str, data: st.DataObject
):
    whole = (prompt + typed).rstrip()
    cursor = data.draw(st.integers(sum(map(width, prompt)), sum(map(width, prompt + typed))))
    assert not is_empty(PromptLine.at_cursor(whole, cursor), at_end(prompt))


@settings(max_examples=200, deadline=None)
@given(prompt=st.sampled_from(list(KNOWN.values())), typed=TYPED)
def test_text_typed_after_a_known_mark_is_never_overlooked(prompt: str, typed: str):
    assert not is_empty(at_end(prompt + typed), None)


@pytest.mark.parametrize(
    "line",
    [
        "> ",
        "> costs 5$",
        "quote> ",
        "dquote> ",
        "bquote> ",
        "cmdsubst dquote> ",
        "heredoc> ",
        "for> ",
        "if cmdand> ",
        "∙ ",
        "... ",
        ">>> ",
        "In [1]: ",
        "Password: ",
        "password for ada: ",
        "Continue? [Y/n] ",
        "mysql> ",
        "(reverse-i-search)`ls': ls",
        "(failed reverse-i-search)`$': ",
        "--More--",
        ":",
        "",
        "    ",
    ],
)
def test_a_question_or_a_line_that_goes_on_is_no_place_to_type(line: str):
    assert not is_empty(at_end(line), None)
    assert not is_empty(at_end(line), at_end("ada@host:~/engine$ "))


def test_an_empty_line_is_no_prompt_even_if_it_was_remembered():
    assert not is_empty(PromptLine("", ""), PromptLine("", ""))
    assert not is_empty(PromptLine("", "12:00"), PromptLine("", "12:00"))


class TestRightHandPrompts:
    """What stands behind the cursor may be drawn by the shell, or typed."""

    PROMPT = "ada@host ~ % "
    WITH_CLOCK = PromptLine.at_cursor(f"{PROMPT}{'':60}[main] 0", len(PROMPT))

    def test_it_belongs_to_the_prompt_if_it_was_seen_with_it(self):
        assert (self.WITH_CLOCK.before, self.WITH_CLOCK.after) == ("ada@host ~ %", "[main] 0")
        assert is_empty(self.WITH_CLOCK, self.WITH_CLOCK)

    def test_without_having_been_seen_it_could_be_typed_text(self):
        assert not is_empty(self.WITH_CLOCK, None)

    def test_another_one_than_was_seen_could_be_typed_text(self):
        other = PromptLine.at_cursor(f"{self.PROMPT}{'':60}[main] 1", len(self.PROMPT))
        assert not is_empty(other, self.WITH_CLOCK)

    def test_text_typed_before_it_is_seen(self):
        typed = PromptLine.at_cursor(f"{self.PROMPT}ls{'':58}[main] 0", len(self.PROMPT))
        assert not is_empty(typed, self.WITH_CLOCK)

    def test_one_that_the_shell_has_taken_away_does_no_harm(self):
        assert is_empty(at_end(self.PROMPT), self.WITH_CLOCK)


@pytest.mark.parametrize(
    ("letter", "columns"),
    [("a", 1), ("é", 1), ("\u0301", 0), ("機", 2), ("🐍", 2), ("\ufe0f", 0), ("\u200d", 0), ("ａ", 2), ("❯", 1)],
)
def test_a_letter_takes_as_many_columns_as_in_a_terminal(letter: str, columns: int):
    assert width(letter) == columns


@pytest.mark.parametrize(
    ("line", "cursor", "before", "after"),
    [
        ("$ ls", 2, "$", "ls"),
        ("$ ls", 4, "$ ls", ""),
        ("$ ls", 99, "$ ls", ""),
        ("$", 2, "$", ""),
        ("", 0, "", ""),
        ("機械$ ls", 6, "機械$", "ls"),
        ("機械", 2, "機", "械"),
        ("e\u0301$ ls", 3, "e\u0301$", "ls"),
        ("e\u0301", 1, "e\u0301", ""),
    ],
)
def test_a_line_is_parted_at_the_column_of_the_cursor(line: str, cursor: int, before: str, after: str):
    assert PromptLine.at_cursor(line, cursor) == PromptLine(before, after)


@given(st.text(st.characters(exclude_characters="\n")), st.text())
def test_a_remembered_line_comes_back_from_the_database_as_it_was(before: str, after: str):
    assert PromptLine.from_text(PromptLine(before, after).to_text()) == PromptLine(before, after)
