"""A server that is down is not asked by a process a second, and is met as soon as it is there."""

import socket
from pathlib import Path

import pytest

from hive_tui.adapters.tmux.absence import TRUST_S, Absence
from hive_tui.adapters.tmux.control import ControlClient
from hive_tui.domain.errors import TmuxDown, TmuxMissing
from tests.clocks import FakeClock
from tests.stage import Stage


@pytest.mark.parametrize("said", ["no server running on {}", "error connecting to {} (No such file or directory)"])
def test_what_tmux_says_names_the_socket_also_in_a_strange_folder(tmp_path: Path, said: str):
    folder = tmp_path / "a (b) c"
    folder.mkdir()
    path, absence = folder / "s", Absence(FakeClock())
    absence.note(said.format(path))
    assert absence.said() == said.format(path)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert absence.said(), "left behind by a server that was killed"
        server.listen()
        assert not absence.said()


def test_what_tmux_says_is_believed_for_a_minute_and_other_words_never(tmp_path: Path):
    clock = FakeClock()
    absence = Absence(clock)
    assert not absence.said()
    absence.note(f"no server running on {tmp_path}/s")
    clock.advance(TRUST_S - 1)
    assert absence.said()
    clock.advance(1)
    assert not absence.said()
    absence.note("server exited unexpectedly")
    assert not absence.said()


def test_a_watcher_starts_no_process_while_there_is_no_server(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    stage.tmux("kill-server", check=False)
    client = ControlClient(stage.socket, FakeClock())
    client.switch_on()
    with pytest.raises(TmuxDown) as first:
        client.fingerprint()
    with monkeypatch.context() as without_tmux:
        without_tmux.setenv("PATH", str(tmp_path))
        for ask in (client.fingerprint, lambda: client.run(["list-panes", "-a"])):
            with pytest.raises(TmuxDown) as again:
                ask()
            assert (again.value.what, again.value.hint) == (first.value.what, first.value.hint)
        with pytest.raises(TmuxMissing):
            client.run(["new-session", "-d"])
    stage.shell(tmp_path)
    assert client.fingerprint()
    client.close()
