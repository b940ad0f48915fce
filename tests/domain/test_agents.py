"""Names of agents, and which state may follow which."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.agents import FOLLOWS, NAME, Activity, Lifecycle, checked_name, new_name
from hive_tui.domain.errors import NameTaken
from tests.builders import an_agent, an_ended_agent

KINDS = ["claude", "codex", "scripted", "generic", "opencode"]


@pytest.mark.parametrize("name", ["ada", "0", "a.b_c-d", "9lives", "a" * 32])
def test_a_short_plain_word_is_a_name(name: str):
    assert checked_name(name) == name


@pytest.mark.parametrize("name", ["", "Ada", "-ada", ".ada", "_ada", "a b", "a/b", "a\n", "ä", "a" * 33, "..", "a$b"])
def test_what_would_need_quotes_or_hides_as_a_folder_is_no_name(name: str):
    with pytest.raises(NameTaken) as caught:
        checked_name(name)
    assert repr(name) in caught.value.what
    assert caught.value.hint


def test_a_taken_name_is_refused_with_the_name_in_the_sentence():
    with pytest.raises(NameTaken, match="'ada' is taken") as caught:
        checked_name("ada", {"ada", "bob"})
    assert "forget" in caught.value.hint


@pytest.mark.parametrize(
    ("folder", "kind", "taken", "name"),
    [
        pytest.param("/home/ada/engine", "claude", {}, "engine", id="the folder's name"),
        pytest.param("/home/ada/engine/", "claude", {}, "engine", id="a slash at the end"),
        pytest.param("/home/ada/My Engine (2)", "claude", {}, "my-engine-2", id="blanks and brackets"),
        pytest.param("/home/ada/.dotfiles", "claude", {}, "dotfiles", id="a hidden folder"),
        pytest.param("/", "codex", {}, "codex", id="the root has no name"),
        pytest.param("/home/ada/机器", "codex", {}, "codex", id="no letter that may stand in a name"),
        pytest.param("/home/ada/engine", "codex", {"engine": "claude"}, "engine-codex", id="another kind has it"),
        pytest.param("/home/ada/engine", "claude", {"engine": "claude"}, "engine-2", id="the same kind has it"),
        pytest.param(
            "/home/ada/engine", "claude", {"engine": "claude", "engine-2": "codex"}, "engine-3", id="2 is taken as well"
        ),
        pytest.param(
            "/home/ada/engine",
            "codex",
            {"engine": "claude", "engine-codex": "codex"},
            "engine-2",
            id="the name with the kind is taken as well",
        ),
        pytest.param("/x/" + "a" * 60, "claude", {}, "a" * 24, id="a long name is cut"),
        pytest.param(
            "/x/" + "a" * 60, "opencode", {"a" * 24: "claude"}, "a" * 23 + "-opencode", id="and more for a long kind"
        ),
        pytest.param("/x/" + "a" * 23 + "-b", "claude", {}, "a" * 23, id="and ends with a letter"),
    ],
)
def test_a_found_agent_is_called_after_its_folder(folder: str, kind: str, taken: dict[str, str], name: str):
    assert new_name(folder, kind, taken) == name


@given(
    folders=st.lists(
        st.one_of(st.text(max_size=30), st.text("ab.-_Z ", min_size=20, max_size=60)).map(lambda name: f"/home/{name}"),
        min_size=1,
        max_size=8,
    ),
    kinds=st.lists(st.sampled_from(KINDS), min_size=8, max_size=8),
)
def test_every_new_name_is_a_name_and_free(folders: list[str], kinds: list[str]):
    taken: dict[str, str] = {}
    for folder, kind in zip(folders * 3, kinds * 3, strict=False):
        name = new_name(folder, kind, taken)
        assert NAME.fullmatch(name), name
        assert name not in taken
        taken[name] = kind


def test_a_sleeping_agent_cannot_go_to_sleep_and_everyone_can_fail():
    assert Lifecycle.NAPPING not in FOLLOWS[Lifecycle.ASLEEP]
    assert Lifecycle.WAKING not in FOLLOWS[Lifecycle.AWAKE]
    assert all(Lifecycle.FAILED in FOLLOWS[state] for state in Lifecycle if state is not Lifecycle.FAILED)
    assert set(FOLLOWS) == set(Lifecycle)


@pytest.mark.parametrize(
    ("lifecycle", "reason", "has_crashed"),
    [
        (Lifecycle.FAILED, "crashed: its process ended by itself", True),
        (Lifecycle.FAILED, "5 attempts to wake it failed", False),
        (Lifecycle.ASLEEP, "crashed: its process ended by itself", False),
    ],
)
def test_an_agent_has_crashed_if_it_failed_because_its_process_ended(
    lifecycle: Lifecycle, reason: str, has_crashed: bool
):
    assert an_ended_agent(lifecycle=lifecycle, reason=reason).has_crashed is has_crashed


def test_an_agent_runs_only_with_a_process_in_a_state_that_has_one():
    assert an_agent().is_running
    assert an_agent(lifecycle=Lifecycle.NAPPING, activity=Activity.UNKNOWN).is_running
    assert not an_agent(process=None).is_running
    assert not an_ended_agent(lifecycle=Lifecycle.WAKING).is_running
