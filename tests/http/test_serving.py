"""The real program: `hive-tui serve --http` puts a real agent to sleep and wakes it, and ends cleanly."""

import http.client
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from hive_tui.domain.addresses import TcpAddress
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import ConfigError, HiveError
from hive_tui.domain.events import ActorKind, EventKind
from hive_tui.hive import Hive
from hive_tui.http.server import HttpServer
from hive_tui.http.token import TokenFile
from hive_tui.store import journal
from tests.http.client import Client
from tests.stage import Stage, eventually, is_asleep, process_of


class Served(Client):
    """A client of another process."""

    def __init__(self, stage: Stage, port: int) -> None:
        self.address = TcpAddress("127.0.0.1", port)
        self.token = TokenFile(stage.home).ensure()


@contextmanager
def served(stage: Stage, *, by_settings: bool = False) -> Iterator[tuple[Served, subprocess.Popen[bytes]]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    line = stage.command_line("serve", *(() if by_settings else ("--http", f"127.0.0.1:{port}")))
    if by_settings:
        with (stage.folder / "config.toml").open("a") as file:
            file.write(f"[http]\naddress = 'localhost:{port}'\n")
    process = subprocess.Popen(line, env=stage.environment, stderr=subprocess.DEVNULL)
    try:
        client = Served(stage, port)
        eventually(lambda: is_up(client), "it answers")
        yield client, process
    finally:
        process.kill()
        process.wait()


def is_up(client: Client) -> bool:
    try:
        return client.get("/healthz").status == 200
    except OSError:
        return False


def test_an_agent_naps_and_wakes_by_http(stage: Stage):
    stage.agent_in_shell("shop", said="remember the plum")
    before = stage.look()
    with served(stage) as (client, process):
        napped = client.post("/agents/shop/sleep", {"reason": "the day is over"}, **{"X-Hive-Client": "script"})
        assert napped.status == 200, napped.body
        assert napped.json["agent"] == "shop" and napped.json["processes_ended"] == 1
        assert is_asleep(stage.stored(before))
        shown = client.get(f"/checkpoints/{napped.json['checkpoint_id']}").json
        assert shown["is_valid"] and shown["agent"] == "shop"
        assert client.post(f"/checkpoints/{shown['id']}/validate").json["validation_errors"] == []
        again = client.post("/agents/shop/sleep")
        assert again.status == 409 and again.code and again.json["detail"]

        woken = client.post("/agents/shop/wake", {"wait_seconds": 60})
        assert woken.status == 200, woken.body
        assert (woken.json["agent"], woken.json["resumed"]) == ("shop", True)
        assert woken.json["session_id"] == before.session_id
        awake = stage.look()
        assert awake.lifecycle is Lifecycle.AWAKE and process_of(awake) != process_of(before)
        [one] = [agent for agent in client.get("/agents").json if agent["name"] == "shop"]
        assert (one["lifecycle"], one["pid"]) == ("awake", process_of(awake).pid)

        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    told = stage.hive.database.read(journal.events, kinds=(EventKind.AGENT_SLEEPING,))
    assert [(one.event.actor.kind, one.event.actor.name) for one in told] == [(ActorKind.API, "http:script")]


def test_many_wakes_at_once_beside_a_heartbeat_are_one(stage: Stage):
    stage.agent_in_shell("shop", said="remember the plum")
    before = stage.look()
    with served(stage) as (client, _):
        assert client.post("/agents/shop/sleep").status == 200
        with ThreadPoolExecutor(8) as pool:
            asked = list(pool.map(lambda _: client.post("/agents/shop/wake", {"wait_seconds": 60}), range(8)))
        assert {one.status for one in asked} <= {200, 202}, [one.body for one in asked]
        assert sum(one.json.get("resumed") is True for one in asked) >= 1
        eventually(lambda: not client.get("/queue?status=pending").json, "nothing is left")
    awake = stage.look()
    assert awake.lifecycle is Lifecycle.AWAKE and awake.session_id == before.session_id
    resumed = stage.hive.database.read(journal.events, kinds=(EventKind.AGENT_AWAKE,))
    assert len(resumed) == 1, "it was started once"


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_naps_and_wakes_of_many_clients_beside_a_heartbeat_leave_one_agent(stage: Stage):
    stage.agent_in_shell("shop", said="remember the plum")
    before = stage.look()
    with served(stage) as (client, _):

        def ask(number: int) -> int:
            verb, said = ("sleep", {"force": True}) if number % 3 == 0 else ("wake", {"wait_seconds": number % 7})
            return client.post(f"/agents/shop/{verb}", said).status

        with ThreadPoolExecutor(6) as pool:
            statuses = set(pool.map(ask, range(60)))
        assert statuses <= {200, 202, 409}
        eventually(lambda: not client.get("/queue?status=pending").json, "the queue is empty", timeout_s=60)
        assert client.post("/agents/shop/wake", {"wait_seconds": 60}).status in (200, 202)
        eventually(lambda: stage.look().lifecycle is Lifecycle.AWAKE, "it is awake at the end")
    awake = stage.look()
    assert awake.session_id == before.session_id
    running = [
        one for one in stage.hive.processes.table() if "scripted_agent" in " ".join(stage.hive.processes.argv(one.pid))
    ]
    mine = [
        one
        for one in running
        if stage.hive.processes.environ(one.pid).get("HIVE_SCRIPTED_HOME") == str(stage.agents_home)
    ]
    assert len(mine) == 1, "never two at once"


def test_switched_on_by_the_settings_a_stop_does_not_wait_for_clients_that_stay(stage: Stage):
    with served(stage, by_settings=True) as (client, process):
        idle = client.raw()
        kept = client.connection()
        kept.request("GET", "/queue", headers={"Authorization": f"Bearer {client.token}"})
        kept.getresponse().read()
        listening = client.connection()
        listening.request("GET", "/events", headers={"Authorization": f"Bearer {client.token}"})
        stream = listening.getresponse()
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
        with pytest.raises((http.client.HTTPException, OSError)):
            kept.request("GET", "/queue")
            kept.getresponse()
        stream.close()
        for link in (idle, kept, listening):
            link.close()


@pytest.mark.parametrize(
    "address", ["0.0.0.0:8477", "192.168.1.1:80", "[::]:1", "example.org:80", "", "127.0.0.1:99999", "unix:x"]
)
def test_nothing_but_this_machine_can_be_served(hive: Hive, address: str):
    with pytest.raises(ConfigError):
        HttpServer(hive, address)


@pytest.mark.parametrize("written", ["8477", ":8477", "127.0.0.1", "localhost:8477", "[::1]:8477", "::1"])
def test_an_address_can_be_written_short(hive: Hive, written: str):
    address = HttpServer(hive, written).address
    assert isinstance(address, TcpAddress) and address.port == 8477 and address.host in ("127.0.0.1", "::1")


def test_an_address_that_is_taken_is_told_and_left_alone(
    hive: Hive, serving: Callable[..., HttpServer], tmp_path: Path
):
    first = serving(hive)
    assert isinstance(first.address, TcpAddress)
    with pytest.raises(HiveError, match="something else is there"):
        HttpServer(hive, f"127.0.0.1:{first.address.port}").start()
    path = tmp_path / "s"
    serving(hive, f"unix:{path}")
    with pytest.raises(HiveError, match="something else is there"):
        HttpServer(hive, f"unix:{path}").start()
    assert path.is_socket()
    file = tmp_path / "mine"
    file.write_text("precious")
    with pytest.raises(HiveError):
        HttpServer(hive, f"unix:{file}").start()
    assert file.read_text() == "precious"


def test_the_socket_of_a_server_that_was_killed_is_no_obstacle(
    hive: Hive, serving: Callable[..., HttpServer], tmp_path: Path
):
    path = tmp_path / "s"
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(path))
    left.close()
    assert Client(serving(hive, f"unix:{path}")).get("/healthz").status == 200


class TestToken:
    """The file, and the command that prints it."""

    def test_it_is_for_its_owner_alone_and_a_rotation_counts_at_once(self, stage: Stage, hive: Hive, client: Client):
        file = TokenFile(hive.home)
        assert file.path.stat().st_mode & 0o777 == 0o600 and len(client.token) >= 43
        new = TokenFile(hive.home).rotate()
        assert client.get("/queue").code == "wrong-token"
        assert client.ask("GET", "/queue", token=new).status == 200
        assert [one.name for one in hive.home.glob("*token*")] == ["http.token"], "nothing is left beside it"

    def test_one_that_others_can_read_is_not_taken(self, hive: Hive, client: Client):
        path = TokenFile(hive.home).path
        path.chmod(0o640)
        answer = client.get("/queue")
        assert answer.status == 503 and "can be read by others" in answer.json["detail"]
        path.chmod(0o600)
        assert client.get("/queue").status == 200
        path.unlink()
        assert client.get("/queue").status == 503
        path.write_text("")
        path.chmod(0o600)
        assert client.ask("GET", "/queue", headers={"Authorization": "Bearer "}).status == 503, "empty is no token"

    def test_the_command_prints_it_and_makes_a_new_one(self, stage: Stage):
        first = stage.json("http", "token")
        assert stage.command("http", "token").stdout.strip() == first["token"]
        assert stage.json("http", "token", "--rotate")["token"] != first["token"]
        assert Path(first["path"]).stat().st_mode & 0o777 == 0o600


def test_without_its_package_a_sentence_says_so(tmp_path: Path):
    script = (
        "import sys; sys.modules['h11'] = None\n"
        f"sys.argv = ['hive-tui', '--home', {str(tmp_path)!r}, 'serve', '--http', '127.0.0.1:0']\n"
        "from hive_tui.__main__ import main\nmain()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "Hint: `pip install 'hive-tui[http]'`" in done.stderr, done.stderr


def test_nothing_of_it_is_imported_unless_it_is_switched_on(stage: Stage):
    script = (
        "import json, sys\nimport hive_tui.cli.running, hive_tui.cli.dashboard, hive_tui.cli.main, hive_tui.hive\n"
        "print(json.dumps(list(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    loaded = json.loads(done.stdout)
    assert not [name for name in loaded if name == "h11" or name.startswith("hive_tui.http")]
