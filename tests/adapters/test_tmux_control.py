"""The standing client: what it may do, that nobody notices it, and what happens when it fails."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.adapters.tmux.client import Command, TmuxClient
from hive_tui.adapters.tmux.connection import Connection, Lost, quoted
from hive_tui.adapters.tmux.control import ControlClient, is_look
from hive_tui.adapters.tmux.replies import Notification
from hive_tui.domain.errors import TmuxDown
from tests.clocks import FakeClock
from tests.stage import CLOCK, ROOT, Stage, eventually

LOOK: Command = ["list-panes", "-a", "-F", "#{pane_id}"]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def standing(stage: Stage, clock: FakeClock) -> Iterator[ControlClient]:
    client = ControlClient(stage.socket, clock, timeout_s=5)
    client.switch_on()
    yield client
    client.close()


def clients(stage: Stage) -> list[str]:
    return stage.tmux("list-clients", "-F", "#{client_pid} #{client_session}", check=False).splitlines()


def end_client(stage: Stage, client: ControlClient) -> None:
    [found] = clients(stage)
    os.kill(int(found.split()[0]), signal.SIGKILL)
    eventually(lambda: not client.is_connected)


@pytest.mark.parametrize(
    "command",
    [
        ["list-panes", "-a"],
        ["list-panes", "-t", "%1", "-f", "0"],
        ["list-clients", "-F", "x"],
        ["capture-pane", "-p", "-e", "-t", "%1"],
        ["display-message", "-p", "-t", "%1", "#{pane_id}"],
        ["show-options", "-p", "-q", "-v", "-t", "%1", "@x"],
    ],
    ids=" ".join,
)
def test_what_only_looks_may_be_asked_twice(command: list[str]):
    assert is_look(command)


@pytest.mark.parametrize(
    "command",
    [
        ["send-keys", "-t", "%1", "x"],
        ["set-option", "-p", "-t", "%1", "@x", "1"],
        ["capture-pane", "-t", "%1"],
        ["display-message", "-t", "%1", "shown to a person"],
        ["display-message", "-p", "#{pane_id}"],
        ["list-panes"],
        ["switch-client", "-t", "%1"],
        ["display-message", "-p", "-t", "%1", "two\nlines"],
    ],
    ids=" ".join,
)
def test_what_changes_something_or_depends_on_who_asks_is_no_look(command: list[str]):
    assert not is_look(command)


def test_it_starts_nothing_before_it_is_switched_on(stage: Stage):
    stage.shell(stage.folder)
    client = ControlClient(stage.socket, CLOCK)
    assert client.run(LOOK) == ["%0"]
    assert clients(stage) == [] and not client.is_connected


def test_looks_run_no_program(stage: Stage, standing: ControlClient, monkeypatch: pytest.MonkeyPatch):
    pane_id = stage.shell(stage.folder)
    assert standing.run(LOOK) == [pane_id]
    assert standing.is_connected and len(clients(stage)) == 1
    monkeypatch.setenv("PATH", "/nowhere")
    assert standing.run(LOOK) == [pane_id]


def test_many_threads_ask_at_once_and_each_gets_its_own_answer(stage: Stage, standing: ControlClient):
    pane_id = stage.shell(stage.folder)
    standing.run(LOOK)
    wrong: list[str] = []

    def ask(name: str) -> None:
        for number in range(50):
            text = f"{name} {number}"
            lines = standing.run(["display-message", "-p", "-t", pane_id, text])
            wrong.extend([] if lines == [text] else [text])

    threads = [threading.Thread(target=ask, args=(str(number),)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == [] and standing.is_connected


def test_a_change_in_any_session_is_pushed(stage: Stage):
    stage.shell(stage.folder)
    other = stage.shell(stage.folder, session="other")
    pushed = threading.Event()
    client = ControlClient(stage.socket, CLOCK)
    client.switch_on(pushed.set)
    try:
        assert client.told() is None, "nobody listens yet"
        client.run(LOOK)
        assert pushed.wait(5), "the first value"
        before = client.told()
        assert before == client.fingerprint()
        pushed.clear()
        stage.type(other, "x", enter=False)
        assert pushed.wait(5)
        assert client.told() not in (None, before)
    finally:
        client.close()
    assert client.told() is None


def test_it_changes_no_size_no_environment_and_no_session(stage: Stage, standing: ControlClient):
    stage.shell(stage.folder)
    stage.tmux("set-option", "-g", "update-environment", "HIVE_TEST_DISPLAY")
    stage.tmux("set-environment", "-t", "main", "HIVE_TEST_DISPLAY", "of the person")
    before = stage.tmux("list-windows", "-a", "-F", "#{window_width}x#{window_height} #{window_layout}")
    standing.run(LOOK)
    assert standing.is_connected
    assert stage.tmux("list-windows", "-a", "-F", "#{window_width}x#{window_height} #{window_layout}") == before
    assert stage.tmux("show-environment", "-t", "main", "HIVE_TEST_DISPLAY").endswith("=of the person")
    assert [pane.is_watched for pane in stage.hive.panes.list().panes] == [False]


def test_it_attaches_where_somebody_is_attached_already(stage: Stage, standing: ControlClient):
    for name in ("a", "b", "c"):
        stage.shell(stage.folder, session=name)
    person = subprocess.Popen(
        ["tmux", "-L", stage.socket, "-C", "attach-session", "-t", "b"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        eventually(lambda: len(clients(stage)) == 1)
        standing.run(LOOK)
        assert [line.split()[1] for line in clients(stage)] == ["b", "b"]
    finally:
        person.kill()
        person.communicate()


@pytest.mark.parametrize("option", ["exit-unattached", "destroy-unattached", "focus-events"])
def test_it_stays_away_where_it_would_not_be_a_mere_onlooker(stage: Stage, standing: ControlClient, option: str):
    pane_id = stage.shell(stage.folder)
    person = subprocess.Popen(
        ["tmux", "-L", stage.socket, "-C", "attach-session"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    try:
        eventually(lambda: len(clients(stage)) == 1)
        stage.tmux("set-option", *(["-g"] if option == "destroy-unattached" else ["-s"]), option, "on")
        assert standing.run(LOOK) == [pane_id]
        assert len(clients(stage)) == 1 and standing.trouble == f"the tmux option {option} is on"
    finally:
        person.kill()
        person.communicate()


def test_it_leaves_when_it_would_no_longer_be_a_mere_onlooker(stage: Stage, standing: ControlClient, clock: FakeClock):
    pane_id = stage.shell(stage.folder)
    standing.run(LOOK)
    stage.tmux("set-option", "-s", "focus-events", "on")
    eventually(lambda: not clients(stage))
    clock.advance(30)
    assert standing.run(LOOK) == [pane_id]
    assert not clients(stage) and standing.trouble == "the tmux option focus-events is on"
    stage.tmux("set-option", "-s", "focus-events", "off")
    clock.advance(61)
    standing.run(LOOK)
    assert standing.is_connected


def test_it_keeps_no_session_and_no_server_alive(stage: Stage, standing: ControlClient):
    pane_id = stage.shell(stage.folder)
    standing.run(LOOK)
    stage.tmux("kill-pane", "-t", pane_id)
    eventually(lambda: not standing.is_connected)
    with pytest.raises(TmuxDown):
        standing.run(LOOK)


def test_it_moves_on_when_its_session_is_gone(stage: Stage, standing: ControlClient, clock: FakeClock):
    for name in ("a", "b"):
        stage.shell(stage.folder, session=name)
    standing.run(LOOK)
    [mine] = clients(stage)
    stage.tmux("kill-session", "-t", mine.split()[1])
    eventually(lambda: not standing.is_connected)
    assert len(standing.run(LOOK)) == 1
    clock.advance(1)
    assert len(standing.run(LOOK)) == 1 and standing.is_connected


def test_it_survives_that_its_session_is_renamed(stage: Stage, standing: ControlClient):
    stage.shell(stage.folder)
    standing.run(LOOK)
    stage.tmux("rename-session", "-t", "main", "new name")
    assert standing.run(["list-sessions", "-F", "#{session_name}"]) == ["new name"] and standing.is_connected


def test_after_a_loss_it_rests_longer_each_time_while_looks_go_on(
    stage: Stage, standing: ControlClient, clock: FakeClock
):
    pane_id = stage.shell(stage.folder)
    for rest_s in (1, 2, 4):
        assert standing.run(LOOK) == [pane_id] and standing.is_connected
        end_client(stage, standing)
        assert standing.run(LOOK) == [pane_id], "by a client of its own"
        clock.advance(rest_s - 0.5)
        assert standing.run(LOOK) == [pane_id]
        assert clients(stage) == [] and standing.trouble
        clock.advance(0.5)
    standing.run(LOOK)
    clock.advance(100)
    end_client(stage, standing)
    standing.run(LOOK)
    clock.advance(1)
    assert standing.run(LOOK) == [pane_id] and standing.is_connected, "it had been well for long"


def test_another_server_on_the_same_socket_is_not_mixed_up_with_the_first(
    stage: Stage, standing: ControlClient, clock: FakeClock
):
    stage.shell(stage.folder)
    standing.run(LOOK)
    first = int(stage.tmux("display-message", "-p", "#{pid}"))
    Path(stage.tmux("display-message", "-p", "#{socket_path}")).unlink()
    try:
        with pytest.raises(TmuxDown):
            standing.run(LOOK)
        stage.shell(stage.folder, session="main")
        stage.shell(stage.folder)
        clock.advance(2)
        assert len(standing.run(LOOK)) == 2 and standing.is_connected
    finally:
        os.kill(first, signal.SIGTERM)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP], ids=lambda number: number.name)
def test_it_ends_with_the_process_that_started_it_however_that_ends(stage: Stage, number: signal.Signals):
    stage.shell(stage.folder)
    script = (
        "from hive_tui.adapters.tmux.control import ControlClient; from hive_tui.adapters.clock import SystemClock\n"
        f"client = ControlClient({stage.socket!r}, SystemClock()); client.switch_on()\n"
        f"client.run({list(LOOK)!r}); print(client.is_connected, flush=True); input()"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert parent.stdout is not None and parent.stdout.readline() == "True\n"
    [mine] = clients(stage)
    parent.send_signal(number)
    parent.communicate()
    eventually(lambda: not clients(stage))
    eventually(lambda: not Path(f"/proc/{mine.split()[0]}").exists())


def test_a_closed_one_leaves_no_process_and_no_thread(stage: Stage, standing: ControlClient):
    pane_id = stage.shell(stage.folder)
    standing.run(LOOK)
    standing.close()
    eventually(lambda: not clients(stage))
    assert [thread.name for thread in threading.enumerate() if thread.name == "tmux-control"] == []
    assert standing.run(LOOK) == [pane_id], "it can still be asked"
    assert clients(stage) == []


ANSWERED = 'read commands; read token; token=${token##* }; printf "%%begin 1 2 1\\nx\\n%%end 1 2 1\\n'


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("exit 0", "ended the connection|Broken pipe"),
        ("read line; printf '%%begin 1 2 1\\nhalf'; exit 0", "ended the connection"),
        ("read line; printf '%%begin 1 2 1\\nhalf'; kill -9 $$", "ended the connection"),
        ("read line; echo what is this; exec sleep 1000", "no reply: what is this"),
        ("read line; printf '%%end 1 2 1\\n'; exec sleep 1000", "no reply: %end 1 2 1"),
        ("exec sleep 1000", "no answer within 0.3 s"),
        (f'{ANSWERED}%%begin 1 3 1\\n$token\\n%%end 1 3 1\\n"; exec sleep 1000', "1 replies to 2 commands"),
        (
            f"{ANSWERED}%%begin 1 3 1\\n%%end 1 3 1\\n%%begin 1 4 1\\n%%end 1 4 1\\n"
            '%%begin 1 5 1\\n$token\\n%%end 1 5 1\\n"; exec sleep 1000',
            "3 replies to 2 commands",
        ),
    ],
    ids=["gone", "half", "killed", "garbage", "end without begin", "silent", "too few", "too many"],
)
def test_what_cannot_be_trusted_ends_the_connection_and_its_client(script: str, why: str):
    connection = Connection(["sh", "-c", script], lambda _: None)
    with pytest.raises(Lost, match=why):
        connection.ask([["list-panes"], ["list-panes"]], 0.3 if "no answer" in why else 10)
    assert connection.lost
    with pytest.raises(Lost):
        connection.ask([["list-panes"]], 1)
    eventually(lambda: connection._process.poll() is not None)


def test_notifications_come_between_replies_and_hooks_do_not_count():
    heard: list[Notification] = []
    script = (
        f"{ANSWERED}%%sessions-changed\\n%%begin 1 9 0\\nof a hook\\n%%end 1 9 0\\n"
        '%%begin 1 3 1\\n$token\\n%%end 1 3 1\\n"'
        "; exec sleep 1000"
    )
    connection = Connection(["sh", "-c", script], heard.append)
    assert connection.ask([["list-panes"]], 10).lines == ["x"]
    assert heard == [Notification("%sessions-changed", "")]
    connection.close()


@pytest.mark.parametrize(
    "word", ["", "a b", "it's", "'", "''", '"', "$HOME", "~", "{", "}", ";", "a;", "\\", "#x", "%if"]
)
def test_every_word_stands_for_itself(stage: Stage, standing: ControlClient, word: str):
    pane_id = stage.shell(stage.folder)
    stage.tmux("set-option", "-p", "-t", pane_id, "@word", f"-{word}-")
    shown = standing.run(["list-panes", "-a", "-F", f"-{word}- #{{@word}}"])
    assert shown == TmuxClient(stage.socket).run(["list-panes", "-a", "-F", f"-{word}- #{{@word}}"])
    assert standing.is_connected
    assert "\n" not in quoted(word)
