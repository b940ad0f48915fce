"""The hive in one line of any width."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.strip import LETTERS, NEEDS, StripAgent, strip

HIVE = [
    StripAgent(name, state)
    for name, state in [
        *(("ada", "idle"), ("bob", "question"), ("cyd", "working"), ("dan", "asleep"), ("eve", "permission")),
        *(("fay", "failed"), ("gus", "working"), ("hal", "done")),
    ]
]


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (90, "! eve permission, bob question, fay failed · 2 working · 1 done · 1 idle · 1 asleep"),
        (70, "! eve, bob, fay · 2 working · 1 done · 1 idle · 1 asleep"),
        (40, "! eve, bob, fay · 2w 1d 1i 1z"),
        (27, "!3 eve,bob,fay 2w 1d 1i 1z"),
        (24, "!3 eve,bob… 2w 1d 1i 1z"),
        (20, "!3 eve… 2w 1d 1i 1z"),
        (15, "!3 2w 1d 1i 1z"),
        (4, "!3 2"),
    ],
)
def test_the_longest_form_that_fits_is_shown(width: int, shown: str):
    assert strip(HIVE, width=width) == shown


def test_notes_come_first_and_a_hive_without_agents_says_so():
    assert strip(HIVE[:1], width=40, notes=["PAUSED"]) == "PAUSED · 1 idle"
    assert strip([], width=40) == "no agents"
    assert strip([], width=4) == "no a"


names = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
states = st.sampled_from([*NEEDS, *LETTERS, "failed"])


@given(st.lists(st.builds(StripAgent, names, states), max_size=30), st.integers(1, 200))
def test_it_never_is_too_wide(agents: list[StripAgent], width: int):
    assert 1 <= len(strip(agents, width=width)) <= width
