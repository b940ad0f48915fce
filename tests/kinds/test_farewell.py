"""What agents print when they leave, and what shells say of those that did not leave by themselves."""

import pytest

from hive_tui.kinds import farewell
from hive_tui.kinds.screen import Screen
from tests.kinds.looks import ID, OTHER_ID

FAREWELL = "Resume with: tool --resume ([0-9a-f-]{36})"
SAID = f"Resume with: tool --resume {ID}"


@pytest.mark.parametrize(
    ("screen", "is_last"),
    [
        pytest.param(f"{SAID}\nada$", True, id="left"),
        pytest.param(f"{SAID[:40]}\n{SAID[40:]}\nada$", True, id="left in a narrow pane"),
        pytest.param(f"{SAID}\nada$ ls\nnotes.txt\nada$", True, id="left some time ago"),
        pytest.param(f"{SAID}\nada$ tool --resume {ID}\n> hello\n{SAID}\nada$", True, id="left twice"),
        pytest.param(f"{SAID}\nada$ tool --resume {ID}\n> hello\nada$", False, id="resumed, and gone without a word"),
        pytest.param(f"{SAID}\nada$ tool\n> Killed\nada$", False, id="killed later"),
        pytest.param(f"ada$ tool\n> Killed\nada$ tool --resume {ID}\n{SAID}\nada$", True, id="killed before"),
        pytest.param(f"Resume with: tool --resume {OTHER_ID}\nada$", False, id="another conversation"),
        pytest.param("ada$", False, id="no word"),
    ],
)
def test_a_farewell_counts_only_if_nothing_was_resumed_or_killed_below_it(screen: str, is_last: bool):
    assert farewell.is_its_last_word(Screen(screen), FAREWELL, ID) is is_last


def test_of_two_farewells_the_last_one_names_the_conversation():
    screen = Screen(f"{SAID}\nada$ tool\nResume with: tool --resume {OTHER_ID}\nada$")
    assert farewell.session_of(screen, FAREWELL) == OTHER_ID
    assert farewell.session_of(screen, "") is None
    assert farewell.session_of(Screen("ada$"), FAREWELL) is None


@pytest.mark.parametrize(
    "screen",
    [
        "> Killed\nada$",
        "Terminated\n\nada ~/engine\n❯",
        "half an answerzsh: x\nSegmentation fault (core dumped)\n$",
        "zsh: killed     llm chat\nada%",
        "> Illegal instruction (core dumped)\nada$",
        "fish: Job 1, 'llm chat' terminated by signal SIGKILL (Forced quit)\nada>",
    ],
)
def test_shells_say_that_a_signal_has_ended_a_program(screen: str):
    assert farewell.was_killed(Screen(screen), ["tool"])


@pytest.mark.parametrize(
    "screen", ["Aborted!\nada$", "Killed 3 flies.\nada$", "zsh: command not found: llm\nada%", "Killed\n1\n2\n3\nada$"]
)
def test_what_a_program_says_itself_is_no_word_of_the_shell(screen: str):
    assert not farewell.was_killed(Screen(screen), ["tool"])


@pytest.mark.parametrize(
    ("screen", "is_killed"),
    [
        ("ada$ ./tool\nKilled\nada$ ./tool --fast\nada$", False),
        ("zsh: killed     ./tool\nada% ./tool\nada%", False),
        ("ada$ ./tool\nada$ ./tool\nKilled\nada$", True),
        ("ada% ./tool\nzsh: killed     ./tool\nada%", True),
    ],
)
def test_what_was_said_of_an_earlier_end_says_nothing_of_this_one(screen: str, is_killed: bool):
    assert farewell.was_killed(Screen(screen), ["./tool"]) is is_killed
