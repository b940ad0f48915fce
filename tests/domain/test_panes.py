"""Panes, and the layout that is kept of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from hive_tui.domain.agents import PaneRef
from hive_tui.domain.panes import PaneList, SavedPane, SavedSession, SavedWindow, Topology, topology
from tests.builders import SERVER, a_pane

WORDS = st.text(max_size=12)
NUMBERS = st.integers(0, 300)
SAVED_PANES = st.builds(SavedPane, WORDS, NUMBERS, WORDS, WORDS, st.booleans(), WORDS)
SAVED_WINDOWS = st.builds(
    SavedWindow,
    *(WORDS, NUMBERS, WORDS, WORDS, NUMBERS, NUMBERS, st.booleans()),
    st.lists(SAVED_PANES, max_size=3).map(tuple),
)
SAVED_SESSIONS = st.builds(SavedSession, WORDS, st.lists(SAVED_WINDOWS, max_size=3).map(tuple))


@given(st.builds(Topology, WORDS, st.lists(SAVED_SESSIONS, max_size=3).map(tuple)))
def test_a_layout_comes_back_from_json_as_it_was(saved: Topology):
    assert Topology.from_json(json.loads(json.dumps(saved.to_json()))) == saved


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {"server": "1:1"},
        {"server": "1:1", "sessions": [{"name": "work"}]},
        {"server": "1:1", "sessions": [{"name": "work", "windows": [{"panes": []}]}]},
        {"server": "1:1", "sessions": [{"name": "work", "windows": [{"panes": [{"what": 1}]}]}]},
        {"server": "1:1", "sessions": 3},
    ],
)
def test_something_else_is_no_layout(broken: dict[str, Any]):
    with pytest.raises((KeyError, TypeError)):
        Topology.from_json(broken)


def test_a_layout_keeps_sessions_windows_and_panes_in_order():
    panes = [
        a_pane("%9", session_name="zoo", window_id="@9"),
        a_pane("%3", window_id="@2", window_index=4, window_name="logs", is_active=False),
        a_pane("%2", pane_index=1, is_active=False, cwd="/home/ada/b"),
        a_pane("%1", pane_index=0, is_active=True, cwd="/home/ada/a"),
    ]
    saved = topology(SERVER, panes, {"%2": "id-of-ada", "%9": "id-of-bob"})
    assert [session.name for session in saved.sessions] == ["work", "zoo"]
    code, logs = saved.sessions[0].windows
    assert (code.name, code.index, code.is_active) == ("code", 0, True)
    assert (logs.name, logs.index, logs.is_active) == ("logs", 4, False)
    assert [(pane.pane_id, pane.cwd, pane.agent_id) for pane in code.panes] == [
        ("%1", "/home/ada/a", ""),
        ("%2", "/home/ada/b", "id-of-ada"),
    ]
    assert saved.sessions[0].agent_ids == {"id-of-ada"}
    assert saved.sessions[1].agent_ids == {"id-of-bob"}


def test_only_the_command_of_a_shell_that_hosts_an_agent_is_kept():
    panes = [
        a_pane("%1", pane_index=0, start_command="exec bash --norc"),
        a_pane("%2", pane_index=1, start_command="rm -rf build"),
    ]
    (session,) = topology(SERVER, panes, {"%1": "a", "%2": "b"}, shells={"%1"}).sessions
    assert [pane.shell_command for pane in session.windows[0].panes] == ["exec bash --norc", ""]


def test_a_pane_belongs_to_one_run_of_the_server():
    listed = PaneList(SERVER, (a_pane("%1"), a_pane("%2")))
    assert listed.get(PaneRef(SERVER, "%2")) == listed.panes[1]
    assert listed.get(PaneRef("901:5", "%2")) is None, "ids start again with each run"
    assert listed.get(PaneRef(SERVER, "%3")) is None
    assert listed.get(None) is None


def test_a_place_reads_like_tmux_targets():
    assert structs.replace(a_pane("%7"), window_index=3, pane_index=1).place == "work:3.1"
