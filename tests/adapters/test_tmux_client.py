"""What the tmux client says when tmux is missing, too old, down, hung or refuses."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from hive_tui.adapters.tmux.client import TmuxClient, as_format, is_installed, is_too_old
from hive_tui.adapters.tmux.panes import TmuxPanes, socket_path
from hive_tui.domain.errors import PaneGone, TmuxDown, TmuxError, TmuxHung, TmuxMissing
from tests.stage import CLOCK, Stage, eventually

QUICK_S = 0.5


@contextmanager
def stopped(stage: Stage) -> Iterator[None]:
    """The server does not answer: it is stopped, not dead."""
    pid = int(stage.tmux("display-message", "-p", "#{pid}"))
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Another program that is found as `tmux`."""
    program = folder / "bin" / "tmux"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def test_commands_run_in_one_step_and_their_lines_come_back(stage: Stage):
    pane_id = stage.shell(stage.folder)
    client = TmuxClient(stage.socket)
    lines = client.run(
        ["set-option", "-p", "-t", pane_id, "@one", "a;"], ["show-options", "-p", "-v", "-t", pane_id, "@one"],
        ["display-message", "-p", "日本 ; \\;"],
    )  # fmt: skip
    assert lines == ["a;", "日本 ; \\;"]


def test_wide_characters_come_through_in_a_c_locale(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    pane_id = stage.shell(stage.folder)
    for name in ("LANG", "LC_ALL"):
        monkeypatch.setenv(name, "C")
    panes = TmuxPanes(TmuxClient(stage.socket), stage.hive.processes)
    panes.set_title(pane_id, "日本 🐝")
    assert [pane.title for pane in panes.list().panes] == ["日本 🐝"]


def test_a_server_is_named_by_its_socket_or_by_the_path_of_it(stage: Stage):
    stage.shell(stage.folder)
    path = socket_path(TmuxClient(stage.socket))
    assert path is not None and path.name == stage.socket
    assert socket_path(TmuxClient(str(path))) == path
    assert TmuxClient(None).socket_arguments == []


def test_no_server_is_down(stage: Stage):
    client = TmuxClient(stage.socket)
    with pytest.raises(TmuxDown) as down:
        client.run(["list-panes", "-a"])
    assert down.value.what == f"No tmux server runs on socket '{stage.socket}'."
    assert "hive-tui recover" in down.value.hint
    assert socket_path(client) is None


def test_a_server_that_was_killed_is_down_although_its_socket_is_left(stage: Stage):
    stage.shell(stage.folder)
    client = TmuxClient(stage.socket)
    path = socket_path(client)
    os.kill(int(stage.tmux("display-message", "-p", "#{pid}")), signal.SIGKILL)
    assert path is not None and path.exists()
    with pytest.raises(TmuxDown):
        client.run(["list-panes", "-a"])


def test_a_socket_that_is_a_plain_file_is_down_and_stays_as_it_is(stage: Stage, tmp_path: Path):
    path = tmp_path / "socket"
    path.write_text("not one")
    with pytest.raises(TmuxDown):
        TmuxClient(str(path)).run(["list-panes", "-a"])
    assert path.read_text() == "not one"


def answers(client: TmuxClient, panes: int) -> bool:
    """Whether it lists so many; on a busy machine it may take longer than its short time once more."""
    with suppress(TmuxHung):
        return len(client.run(["list-panes", "-a"])) == panes
    return False


def test_a_server_that_does_not_answer_is_hung_after_the_time_that_was_set(stage: Stage):
    stage.shell(stage.folder)
    client = TmuxClient(stage.socket, timeout_s=QUICK_S)
    with stopped(stage):
        before = CLOCK.monotonic()
        with pytest.raises(TmuxHung) as hung:
            client.run(["list-panes", "-a"])
        assert QUICK_S <= CLOCK.monotonic() - before < 10
    assert hung.value.what == f"The tmux server on socket '{stage.socket}' did not answer within 0.5 s."
    assert "agents may be fine" in hung.value.hint
    eventually(lambda: answers(client, 1), "once it answers again, all is well")


def test_a_pane_a_window_and_a_session_that_are_not_there_are_gone(stage: Stage):
    stage.shell(stage.folder)
    client = TmuxClient(stage.socket)
    for command in (
        ["capture-pane", "-p", "-t", "%99"],
        ["list-panes", "-t", "@99"],
        ["new-window", "-t", "=none:"],
        ["set-option", "-p", "-t", "%99", "@x", "1"],
    ):
        with pytest.raises(PaneGone):
            client.run(command)


@pytest.mark.parametrize(
    ("command", "reason"),
    [(["no-such-command"], "unknown command: no-such-command"), (["list-panes", "-Q"], "unknown flag -Q")],
    ids=["command", "flag"],
)
def test_what_tmux_refuses_is_told_in_its_own_words(stage: Stage, command: list[str], reason: str):
    stage.shell(stage.folder)
    with pytest.raises(TmuxError, match=f"tmux refused `{command[0]}`.*{reason}") as refused:
        TmuxClient(stage.socket).run(command)
    assert type(refused.value) is TmuxError and refused.value.hint


def test_a_command_list_stops_where_it_fails(stage: Stage):
    pane_id = stage.shell(stage.folder)
    client = TmuxClient(stage.socket)
    with pytest.raises(PaneGone):
        client.run(["capture-pane", "-t", "%99"], ["set-option", "-p", "-t", pane_id, "@after", "1"])
    assert client.run(["show-options", "-p", "-q", "-v", "-t", pane_id, "@after"]) == []


def test_no_tmux_on_the_path_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    client = TmuxClient("none")
    assert not is_installed()
    for call in (lambda: client.run(["list-panes"]), client.check_version):
        with pytest.raises(TmuxMissing) as missing:
            call()
        assert missing.value.what == "There is no `tmux` program on your PATH."
        assert missing.value.hint == "Install tmux 3.2 or newer."


def test_a_tmux_that_may_not_be_run_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in(tmp_path, monkeypatch, "echo tmux 3.4")
    (tmp_path / "bin" / "tmux").chmod(0o644)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    client = TmuxClient("none")
    for call in (lambda: client.run(["list-panes"]), client.check_version):
        with pytest.raises(TmuxMissing, match="no `tmux` program"):
            call()


def test_a_text_that_is_too_long_for_a_command_is_one_sentence(stage: Stage):
    with pytest.raises(TmuxError, match="tmux could not be run") as refused:
        TmuxClient(stage.socket).run(["display-message", "x" * 4_000_000])
    assert len(refused.value.what) < 200


def test_a_tmux_that_is_too_old_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in(tmp_path, monkeypatch, "echo tmux 3.0")
    with pytest.raises(TmuxMissing) as old:
        TmuxClient("none").check_version()
    assert old.value.what == "tmux 3.0 is too old: hive-tui needs 3.2 or newer."
    assert old.value.hint == "Update tmux, then restart its server."


def test_a_tmux_that_does_not_tell_its_version_is_hung(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    stand_in(tmp_path, monkeypatch, "exec sleep 30")
    with pytest.raises(TmuxHung, match="`tmux -V` did not answer"):
        TmuxClient("none", timeout_s=QUICK_S).check_version()


def test_the_tmux_of_this_machine_is_new_enough(stage: Stage):
    assert f"tmux {TmuxClient(stage.socket).check_version()}" == stage.tmux("-V")


@pytest.mark.parametrize(
    ("version", "too_old"),
    [
        ("1.8", True), ("2.9a", True), ("3.0", True), ("3.1c", True), ("3.2", False), ("3.2-rc3", False),
        ("3.3a", False), ("3.10", False), ("4.0", False), ("next-3.5", False), ("master", False),
        ("openbsd-7.4", False), ("", False),
    ],
)  # fmt: skip
def test_versions_are_compared_as_numbers(version: str, too_old: bool):
    assert is_too_old(version) is too_old


@pytest.mark.parametrize(
    "text",
    ["plain", "#S", "##S", "#", "##", "#[x", "##[x", "#{pid}", "#(echo 1)", "a#,b#}c", "100% %H", "#[#S#{pid}##[#"],
)
def test_a_text_as_a_format_stands_for_itself(stage: Stage, text: str):
    pane_id = stage.shell(stage.folder)
    client = TmuxClient(stage.socket)
    client.run(["select-pane", "-t", pane_id, "-T", as_format(text)])
    assert client.run(["display-message", "-p", "-t", pane_id, "#{pane_title}"]) == [text]
