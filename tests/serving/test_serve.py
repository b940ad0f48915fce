"""`hive-tui serve` as a service: what its manager hears, how it ends, and who watches beside it."""

import asyncio
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hive_tui.adapters.serving.manager import ServiceManager
from hive_tui.assembly.beating import new_heartbeat
from hive_tui.domain.beat import Beat
from hive_tui.services import serving as serving_module
from hive_tui.services.heartbeat_thread import HeartbeatThread
from tests.stage import CLOCK, Stage, eventually


class Manager:
    """A service manager that listens, as systemd does."""

    def __init__(self, folder: Path) -> None:
        self.address = str(folder / "n")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(self.address)
        self._socket.setblocking(False)
        self.heard: list[str] = []

    def listen(self) -> list[str]:
        while True:
            try:
                self.heard += self._socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return self.heard

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    made = Manager(tmp_path)
    yield made
    made.close()


@contextmanager
def serving(stage: Stage, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """The service, ended in any case."""
    process = subprocess.Popen(
        stage.command_line("serve"), env={**stage.environment, **environment}, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def test_an_address_that_others_reach_is_refused_before_anything_is_served(stage: Stage):
    done = stage.command("serve", "--http", "0.0.0.0:80")
    assert done.returncode == 2 and "is no address that only this machine reaches" in done.stderr
    assert "hive-tui serves" not in done.stderr


def test_the_manager_hears_that_it_is_ready_alive_and_ending(stage: Stage, manager: Manager):
    stage.shell(stage.folder)
    with serving(stage, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="300000") as process:
        eventually(lambda: "READY=1" in manager.listen(), "ready")
        assert stage.hive.heartbeat_lock.is_held()
        before = manager.listen().count("WATCHDOG=1")
        eventually(lambda: manager.listen().count("WATCHDOG=1") >= before + 3, "alive")
        assert "STATUS=Works, 0 under way" in manager.heard
        assert "STOPPING=1" not in manager.heard
        process.terminate()
        assert process.wait(12) == 0
    assert manager.listen().index("STOPPING=1") > manager.heard.index("READY=1")


def test_a_service_that_hangs_gives_no_sign_of_life(stage: Stage, manager: Manager):
    with serving(stage, NOTIFY_SOCKET=manager.address, WATCHDOG_USEC="300000") as process:
        eventually(lambda: "WATCHDOG=1" in manager.listen(), "alive")
        process.send_signal(signal.SIGSTOP)
        manager.listen()
        manager.heard.clear()
        CLOCK.sleep(0.3)  # what is proved is that nothing comes
        assert manager.listen().count("WATCHDOG=1") <= 1, "one may have been on its way"
        process.send_signal(signal.SIGCONT)
        eventually(lambda: manager.listen().count("WATCHDOG=1") > 1, "alive again")


def test_what_it_starts_does_not_speak_for_it(manager: Manager):
    environ = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "5000000", "WATCHDOG_PID": "1", "PATH": "/bin"}
    told = ServiceManager(environ, pid=2)
    assert environ == {"PATH": "/bin"}
    assert told.watchdog_s is None, "the watchdog is that of another process"
    assert told.tell("READY=1") and manager.listen() == ["READY=1"]
    manager.close()
    Path(manager.address).unlink()
    assert not told.tell("READY=1")


def test_it_stops_in_time_although_a_step_hangs(stage: Stage, manager: Manager):
    """tmux that never answers, with a time limit that is longer than the stop may take."""
    (stage.folder / "bin").mkdir()
    tmux = stage.folder / "bin" / "tmux"
    tmux.write_text('#!/bin/sh\n[ "$1" = -V ] && { echo tmux 3.4; exit; }\nexec sleep 60\n')
    tmux.chmod(0o755)
    config = stage.folder / "config.toml"
    config.write_text("[tmux]\ntimeout_s = 50\n")
    path = f"{tmux.parent}:{stage.environment['PATH']}"
    with serving(stage, PATH=path, NOTIFY_SOCKET=manager.address, HIVE_CONFIG=str(config)) as process:
        eventually(stage.hive.heartbeat_lock.is_held, "it has the heartbeat")
        began_at = CLOCK.monotonic()
        process.terminate()
        assert process.wait(40) == 0
        assert CLOCK.monotonic() - began_at < 25.0


async def test_a_heartbeat_that_does_not_end_is_left_in_time(manager: Manager, monkeypatch: pytest.MonkeyPatch):
    class Hangs:
        beat = Beat()
        is_busy = is_stuck = False

        async def run(self, stop: asyncio.Event) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr(serving_module, "STOP_S", 0.05)
    stop = asyncio.Event()
    stop.set()
    told = ServiceManager({"NOTIFY_SOCKET": manager.address}, pid=1)
    assert await asyncio.wait_for(serving_module.Serving(told, CLOCK).run(Hangs(), stop), 10) is True
    assert "STOPPING=1" in manager.listen() and "READY=1" not in manager.heard


async def test_a_heartbeat_that_fails_is_heard_of():
    class Fails:
        beat = Beat()
        is_busy = is_stuck = False

        async def run(self, stop: asyncio.Event) -> None:
            raise RuntimeError("a mistake of ours")

    with pytest.raises(RuntimeError, match="a mistake of ours"):
        await serving_module.Serving(ServiceManager({}, pid=1), CLOCK).run(Fails(), asyncio.Event())


def test_a_dashboard_watches_beside_it_and_takes_over_when_it_ends(stage: Stage):
    stage.shell(stage.folder)
    with serving(stage) as process:
        eventually(stage.hive.heartbeat_lock.is_held, "it has the heartbeat")
        viewer = HeartbeatThread(lambda beat: new_heartbeat(stage.hive, observe_every_s=0.2, beat=beat))
        viewer.start()
        try:
            eventually(lambda: viewer.beat.beat_at is not None, "it watches")
            assert not viewer.beat.is_working
            eventually(stage.hive.heartbeat_lock.successor().is_held, "others know that it waits")
            process.terminate()
            assert process.wait(12) == 0
            eventually(lambda: viewer.beat.is_working, "it takes over")
            assert not stage.hive.heartbeat_lock.successor().is_held()
        finally:
            viewer.stop()


def test_it_writes_the_log_that_the_settings_name(stage: Stage):
    config = stage.folder / "config.toml"
    config.write_text(f'[log]\nfile = "{stage.folder}/logs/hive.log"\nlevel = "info"\n')
    stage.agent_in_shell("shop")
    log = stage.folder / "logs" / "hive.log"
    with serving(stage, HIVE_CONFIG=str(config)) as process:
        eventually(lambda: log.exists() and "agent.found" in log.read_text(), "the find is logged")
        process.terminate()
        _, said = process.communicate(timeout=15)
    [found] = [one for one in map(json.loads, log.read_text().splitlines()) if one["event"] == "agent.found"]
    assert found["level"] == "info" and "shop" in found["text"]
    assert found["text"] not in said
