"""What the HTTP surface costs: a wake by it beside one by the queue itself, and an idle `serve` with and without it.

Wakes are asked for by another process in turn, by `WakeupQueue` and by `POST /wake`, on one hive with a heartbeat;
each value is the time from just before the request to the first line of what runs the wake. For the cost of idling
two `serve` run side by side on homes of their own; one reader listens to `/events` of a third one.
"""

import socket
import subprocess
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import psutil

from hive_tui.domain.addresses import TcpAddress
from hive_tui.http.server import HttpServer
from hive_tui.http.token import TokenFile
from tests.bench.figures import Goal, Row, Section, percentile
from tests.bench.idle import SETTLING_S, cost
from tests.bench.latency import OTHER, Idle, rested
from tests.bench.plan import Plan
from tests.stage import Stage

SAMPLES = 100
P95 = 0.95
WITHIN_MS = 50.0
TWO_PER_MILLE = 2.0
"""0.2 per cent of a core, in milliseconds a second."""
MEGABYTES = 15.0

BY_HTTP = """
import http.client, sys
from time import perf_counter
port, token, keep = int(sys.argv[2]), sys.argv[3], sys.argv[4] == "keep"
link = http.client.HTTPConnection("127.0.0.1", port)
print("ready", flush=True)
for _ in sys.stdin:
    print(perf_counter(), flush=True)
    link.request("POST", "/agents/ada/wake", headers={"Authorization": "Bearer " + token})
    link.getresponse().read()
    if not keep:
        link.close()
"""


def measure(plan: Plan) -> Section:
    """Both, one after the other."""
    window_s = max(10.0, plan.seconds / 2)
    return Section("The HTTP surface", "the same without it", [*_wakes(plan), *_idling(plan.folder, window_s)])


def _wakes(plan: Plan) -> list[Row]:
    found: dict[str, list[list[float]]] = defaultdict(list)
    with Idle(plan.folder / "wakes") as idle:
        server = HttpServer(idle.hive, "127.0.0.1:0")
        server.start()
        assert isinstance(server.address, TcpAddress)
        access = (str(server.address.port), server.token.ensure())
        with (
            idle.asking(OTHER) as queue,
            idle.asking(BY_HTTP, *access, "keep") as kept,
            idle.asking(BY_HTTP, *access, "new") as fresh,
        ):
            ways = {"queue": queue, "kept connection": kept, "new connection": fresh}
            for _ in range(max(1, min(plan.runs, 3))):
                samples: dict[str, list[float]] = defaultdict(list)
                for _ in range(SAMPLES):
                    for name, ask in ways.items():
                        samples[name].append(rested(partial(idle.sample, partial(ask, ""))))
                for name, values in samples.items():
                    found[name].append(values)
        server.stop()
    shares = {name: [percentile(one, P95) * 1000 for one in rounds] for name, rounds in found.items()}
    return [
        Row(f"POST /wake, {name}, p95", "ms", shares[name], shares["queue"], Goal("more", WITHIN_MS))
        for name in ("kept connection", "new connection")
    ]


def _idling(folder: Path, window_s: float) -> list[Row]:
    with (
        Stage(folder / "without") as bare,
        Stage(folder / "with") as listening,
        Stage(folder / "read") as followed,
        serving(bare) as (without, _),
        serving(listening, http=True) as (by_http, _),
        serving(followed, http=True) as (with_reader, port),
        following(followed, port),
    ):
        pids = {"without": without, "on": by_http, "with a reader": with_reader}
        time.sleep(SETTLING_S)  # noqa: TID251 - starting costs more than idling
        before = {name: cost(pid) for name, pid in pids.items()}
        time.sleep(window_s)  # noqa: TID251 - a window has to pass
        cpu = {name: [cost(pid).since(before[name])] for name, pid in pids.items()}
        memory = {name: [psutil.Process(pid).memory_full_info().uss / 1e6] for name, pid in pids.items()}
    rows = []
    for name in ("on", "with a reader"):
        rows.append(Row(f"idle, {name}, CPU", "ms/s", cpu[name], cpu["without"], Goal("more", TWO_PER_MILLE)))
        rows.append(Row(f"idle, {name}, USS", "MB", memory[name], memory["without"], Goal("more", MEGABYTES)))
    return rows


@contextmanager
def serving(stage: Stage, *, http: bool = False) -> Iterator[tuple[int, int]]:
    """`hive-tui serve`; its pid and port."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = stage.command_line("serve", *(("--http", f"127.0.0.1:{port}") if http else ()))
    with subprocess.Popen(command, env=stage.environment, stderr=subprocess.DEVNULL) as program:
        try:
            yield program.pid, port
        finally:
            program.terminate()


@contextmanager
def following(stage: Stage, port: int) -> Iterator[None]:
    """A reader of the events that says nothing."""
    deadline = time.monotonic() + 20  # noqa: TID251 - until it is up
    while True:
        try:
            link = socket.create_connection(("127.0.0.1", port))
            break
        except ConnectionRefusedError:
            assert time.monotonic() < deadline, "it is not up"  # noqa: TID251
            time.sleep(0.1)  # noqa: TID251
    token = TokenFile(stage.home).ensure()
    link.sendall(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
    assert link.recv(15) == b"HTTP/1.1 200 OK"
    yield
    link.close()
