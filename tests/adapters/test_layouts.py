"""Sessions, windows and splits are built again as they were, after the tmux server has gone."""

import os
import re
import signal
from pathlib import Path

import pytest
from libtmux import Server

from hive_tui.adapters.tmux.client import as_format
from hive_tui.adapters.tmux.layouts import REBUILT, LayoutBuilder
from hive_tui.adapters.tmux.panes import TmuxPanes
from hive_tui.domain.errors import TmuxError
from hive_tui.domain.panes import Pane, Topology, topology
from tests.stage import PROMPT, SHELL, Stage, eventually


@pytest.fixture(autouse=True)
def no_tmux_settings(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that is started here reads nothing of the developer's."""
    for name, value in stage.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(stage.folder))


@pytest.fixture
def layouts(stage: Stage) -> LayoutBuilder:
    return LayoutBuilder(stage.hive.tmux)


@pytest.fixture
def panes(stage: Stage) -> TmuxPanes:
    return TmuxPanes(stage.hive.tmux, stage.hive.processes)


def split(stage: Stage, pane_id: str, *options: str, cwd: Path | None = None) -> str:
    where = ["-c", as_format(str(cwd))] if cwd else []
    return stage.tmux("split-window", "-d", "-t", pane_id, *options, *where, "-PF", "#{pane_id}", SHELL)


def two_sessions(stage: Stage) -> str:
    """A day's work: two sessions, four windows, nine panes; the id of one pane that hosts an agent."""
    first = stage.shell(stage.folder_for("engine"), session="work")
    right = split(stage, first, "-h", "-l", "40", cwd=stage.folder_for("docs"))
    split(stage, right, "-v", "-l", "7", cwd=stage.folder_for("it's #S 日本"))
    stage.tmux("rename-window", "-t", first, "code")
    logs = stage.tmux(
        "new-window", "-d", "-t", "work:5", "-n", "logs #1", "-c", str(stage.folder_for("logs")), "-PF", "#{pane_id}",
        SHELL,
    )  # fmt: skip
    for _ in range(2):
        split(stage, logs, "-v")
    stage.tmux("select-layout", "-t", logs, "even-vertical")
    other = stage.shell(stage.folder_for("shop"), session="my play")
    split(stage, other, "-h", "-b", "-l", "25%")
    stage.tmux("select-pane", "-t", other)
    stage.tmux("select-pane", "-t", right)
    stage.tmux("select-window", "-t", "work:5")
    return first


def crash(stage: Stage) -> None:
    """The server is killed, and all its panes with it."""
    pid = int(stage.tmux("display-message", "-p", "#{pid}"))
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: stage.hive.processes.table().get(pid) is None, "the server is gone")


def shape(panes: TmuxPanes) -> list[tuple[object, ...]]:
    """Everything about the panes that must be the same again, ids and checksums aside."""

    def one(pane: Pane) -> tuple[object, ...]:
        # A layout begins with a checksum, and each of its cells ends with the number of its pane.
        cells = re.sub(r"(\d+x\d+,\d+,\d+),\d+", r"\1", pane.layout.split(",", 1)[1])
        return (
            *(pane.session_name, pane.window_index, pane.window_name, pane.pane_index, pane.cwd),
            *(cells, pane.width, pane.height, pane.window_size, pane.is_active),
        )

    return sorted((one(pane) for pane in panes.list().panes), key=repr)


def saved(panes: TmuxPanes, *shells: str) -> Topology:
    """The layout as it is kept, through JSON."""
    listed = panes.list()
    kept = topology(listed.server, listed.panes, {pane.id: "an-agent" for pane in listed.panes}, shells)
    return Topology.from_json(kept.to_json())


def test_several_sessions_are_built_again_as_they_were(stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes):
    two_sessions(stage)
    before, kept = shape(panes), saved(panes)
    assert len(before) == 8 and "it's #S 日本" in str(before)
    ids = {pane.id: (pane.session_name, pane.window_index, pane.pane_index) for pane in panes.list().panes}
    crash(stage)

    mapped: dict[str, str] = {}
    for session in kept.sessions:
        mapped |= layouts.rebuild(session, kept.server)
    eventually(lambda: shape(panes) == before, f"{shape(panes)}\n{before}")
    assert set(mapped) == set(ids), "each old pane has a new one"
    places = {pane.id: (pane.session_name, pane.window_index, pane.pane_index) for pane in panes.list().panes}
    assert {old: places[new] for old, new in mapped.items()} == ids, "and it stands at its place"
    assert all(pane.is_rebuilt for pane in panes.list().panes)


def test_a_second_rebuild_builds_nothing_twice(stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes):
    two_sessions(stage)
    kept = saved(panes)
    crash(stage)
    first = [layouts.rebuild(session, kept.server) for session in kept.sessions]
    listed = [pane.id for pane in panes.list().panes]
    assert [layouts.rebuild(session, kept.server) for session in kept.sessions] == first
    assert [pane.id for pane in panes.list().panes] == listed


def test_a_rebuild_that_was_interrupted_goes_on_where_it_stopped(
    stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes
):
    two_sessions(stage)
    before, kept = shape(panes), saved(panes)
    crash(stage)
    [_, work] = kept.sessions
    layouts.rebuild(type(work)(work.name, work.windows[:1]), kept.server)
    for session in kept.sessions:
        layouts.rebuild(session, kept.server)
    eventually(lambda: shape(panes) == before, f"{shape(panes)}\n{before}")


def test_what_is_there_is_not_touched(stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes):
    two_sessions(stage)
    kept = saved(panes)
    crash(stage)
    mine = stage.shell(stage.folder_for("mine"), session="work")
    stage.type(mine, "precious words", enter=False)
    eventually(lambda: "precious words" in stage.screen(mine))
    for session in kept.sessions:
        layouts.rebuild(session, kept.server)
    now = {pane.id: pane for pane in panes.list().panes}
    assert now[mine].place == "work:0.0" and not now[mine].is_rebuilt
    assert "precious words" in stage.screen(mine)
    assert now[mine].window_size == (100, 30)
    names = {pane.window_name for pane in now.values() if pane.session_name == "work"}
    assert {"code", "logs #1"} <= names, "a window whose number is taken gets another one"
    assert len(now) == 9


def test_the_shell_of_an_agent_is_started_as_it_was(stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes):
    pane_id = two_sessions(stage)
    kept = saved(panes, pane_id)
    crash(stage)
    mapped: dict[str, str] = {}
    for session in kept.sessions:
        mapped |= layouts.rebuild(session, kept.server)
    eventually(lambda: PROMPT.strip() in stage.screen(mapped[pane_id]), "the prompt that only this command gives")


def test_a_folder_that_is_gone_does_not_keep_a_pane_from_being_built(
    stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes
):
    two_sessions(stage)
    kept = saved(panes)
    crash(stage)
    (stage.folder / "work" / "docs").rmdir()
    for session in kept.sessions:
        layouts.rebuild(session, kept.server)
    assert len(panes.list().panes) == 8


def test_a_layout_that_this_tmux_does_not_take_leaves_the_panes_tiled(
    stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes
):
    stage_pane = stage.shell(stage.folder, session="work")
    split(stage, stage_pane)
    kept = saved(panes).to_json()
    kept["sessions"][0]["windows"][0]["layout"] = "0000,nonsense"
    crash(stage)
    broken = Topology.from_json(kept)
    assert len(layouts.rebuild(broken.sessions[0], broken.server)) == 2
    assert len(panes.list().panes) == 2


def await_cats(stage: Stage, panes: TmuxPanes) -> None:
    """Before its program is there, a new process may stand in another folder and have other variables."""
    processes, cats = stage.hive.processes, ("cat",)
    others = [pane.pid for pane in panes.list().panes if "bash" in pane.start_command]
    eventually(lambda: all(processes.argv(one.pid) == cats for one in panes.list().panes if one.pid not in others))


@pytest.mark.parametrize("session", ["hive", "%3", "$0", "@1", "=x", "-", "two words", "日本", "c#S"])
def test_a_pane_is_opened_in_a_session_of_any_name(
    stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes, session: str
):
    folder = stage.folder_for("c#S #(touch trap) it's 日本")
    stage.shell(stage.folder)
    env = {"WORDS": "two words; #S"}
    opened = [
        layouts.open_pane(session=session, window="w#S", cwd=str(folder), command="exec cat", env=env) for _ in range(2)
    ]
    await_cats(stage, panes)
    found = {pane.id: pane for pane in panes.list().panes}
    for pane_id in opened:
        pane = found[pane_id]
        assert (pane.session_name, pane.window_name, pane.cwd) == (session, "w#S", str(folder))
        assert stage.hive.processes.environ(pane.pid)["WORDS"] == "two words; #S"
    assert found[opened[0]].window_id != found[opened[1]].window_id
    assert not list(stage.folder.rglob("trap")) and not Path("trap").exists()


def test_a_pane_is_opened_also_where_no_server_runs(stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes):
    pane_id = layouts.open_pane(session="hive", window="ada", cwd="/", command="exec cat", env={})
    await_cats(stage, panes)
    [pane] = panes.list().panes
    assert (pane.id, pane.session_name, pane.window_name, pane.cwd) == (pane_id, "hive", "ada", "/")
    assert stage.tmux("show-options", "-p", "-v", "-q", "-t", pane_id, REBUILT) == ""


def test_a_persons_client_is_not_taken_elsewhere_by_a_new_pane(stage: Stage, layouts: LayoutBuilder, panes: TmuxPanes):
    watched = stage.shell(stage.folder)
    layouts.open_pane(session="main", window="ada", cwd="/", command=None, env={})
    assert [pane.id for pane in panes.list().panes if pane.is_active] == [watched]


def test_what_libtmux_refuses_is_a_clear_error(stage: Stage, panes: TmuxPanes, monkeypatch: pytest.MonkeyPatch):
    stage.shell(stage.folder, session="work")
    kept = saved(panes).to_json()
    kept["sessions"][0]["name"] = "a.b"
    crash(stage)
    with pytest.raises(TmuxError, match="tmux could not build the panes"):
        LayoutBuilder(stage.hive.tmux).rebuild(Topology.from_json(kept).sessions[0], "1:1")
    assert not Server(socket_name=stage.socket).is_alive()
