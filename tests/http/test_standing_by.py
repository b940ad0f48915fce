"""One process of the hive answers at the address of the settings; the next takes over; the dashboard is one of them."""

import os
import socket
import threading
from collections.abc import Callable

from hive_tui.cli.beside import Beside
from hive_tui.domain.addresses import TcpAddress
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import EventKind
from hive_tui.hive import Hive
from hive_tui.http.standing_by import StandingBy
from hive_tui.services.answering import answers_at, lock_of
from hive_tui.settings.http import HttpSettings
from hive_tui.store import journal
from tests.http.client import Client
from tests.http.test_serving import Served, is_up
from tests.stage import Stage, eventually


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def client_of(hive: Hive, port: int) -> Client:
    client = Client.__new__(Client)
    client.address, client.token = TcpAddress("127.0.0.1", port), ""
    return client


def test_the_second_process_stands_by_and_takes_over(make_hive: Callable[..., Hive]):
    port = free_port()
    hive = make_hive(http=HttpSettings(f"127.0.0.1:{port}"))
    first, second = (StandingBy(hive, look_every_s=0.05) for _ in range(2))
    first.start()
    eventually(lambda: first.address, "the first one answers")
    second.start()
    assert is_up(client_of(hive, port)) and answers_at(hive.home) == f"127.0.0.1:{port}" and not second.address
    first.stop()
    assert not first.address and not first.is_busy
    eventually(lambda: second.address == f"127.0.0.1:{port}", "the second one takes over")
    assert is_up(client_of(hive, port))
    second.stop()
    assert not lock_of(hive.home).is_held() and answers_at(hive.home) == ""
    assert not is_up(client_of(hive, port))


def test_the_dashboard_draws_more_than_once_and_answers_once(make_hive: Callable[..., Hive]):
    port = free_port()
    beside = Beside(make_hive(http=HttpSettings(f"127.0.0.1:{port}")))
    failed: list[HiveError] = []
    for _ in range(2):
        beside.start(failed.append)
    eventually(lambda: beside.address == f"127.0.0.1:{port}", "it answers")
    threads = [one.name for one in threading.enumerate()]
    assert threads.count("http beside") == 1 and not failed
    beside.stop()
    assert beside.address == "" and not beside.is_busy


def test_a_port_that_is_taken_is_told_once_and_tried_again(make_hive: Callable[..., Hive]):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        hive = make_hive(http=HttpSettings(f"127.0.0.1:{port}"))
        beside = StandingBy(hive, look_every_s=0.05, try_every_s=0.05)
        beside.start()

        def told() -> list[str]:
            return [one.event.text for one in hive.database.read(journal.events, kinds=(EventKind.HTTP_FAILED,))]

        eventually(told, "it is told")
        before = os.times().elapsed
        eventually(lambda: os.times().elapsed - before > 0.3, "it is tried some more times")
        assert len(told()) == 1 and "something else is there already" in told()[0]
    eventually(lambda: beside.address, "it answers once the port is free")
    beside.stop()


def test_the_dashboard_answers_shows_where_and_ends_cleanly(stage: Stage):
    port = free_port()
    with (stage.folder / "config.toml").open("a") as file:
        file.write(f"[http]\naddress = '127.0.0.1:{port}'\n")
    client = Served(stage, port)
    pane = stage.shell(stage.folder)
    stage.tmux("resize-window", "-t", pane, "-x", "160", "-y", "40")
    stage.type(pane, f"{' '.join(stage.command_line())}; echo code: $?")
    eventually(lambda: is_up(client), "the dashboard answers")
    eventually(lambda: f"HTTP 127.0.0.1:{port}" in stage.screen(pane), "it shows where")
    findings = {one["what"]: one for one in stage.json("doctor")}
    assert findings["HTTP"]["status"] == "ok" and str(port) in findings["HTTP"]["found"]
    listening = client.connection()
    listening.request("GET", "/events", headers={"Authorization": f"Bearer {client.token}"})
    stream = listening.getresponse()
    stage.tmux("send-keys", "-t", pane, "q")
    eventually(lambda: "code: 0" in stage.screen(pane), "it ends without a question")
    stream.close()
    listening.close()
    assert not is_up(client)
