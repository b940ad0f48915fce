"""What a queue costs while it waits: CPU milliseconds a second and memory, with nothing and with 10,000 wakeups ahead.

Each program has a process of its own and all wait side by side; the windows, `--seconds` long, begin when
they have been up for a while. `queue` is the heartbeat over the database alone, as the peer is a scheduler alone:
nobody looks at panes, and nothing else is kept in order. `serve` is the whole program on a machine without a
tmux server. Beside both: APScheduler 3 on SQLite in WAL with as many jobs ahead.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import psutil

from hive_tui.domain.wakeups import Trigger
from hive_tui.hive import Hive
from hive_tui.settings import Settings
from hive_tui.store import agents
from hive_tui.store.values import to_us
from tests.bench.figures import Goal, Row, Section
from tests.bench.idle import cost
from tests.bench.plan import Plan
from tests.builders import an_ended_agent
from tests.stage import CLOCK, ROOT, Stage

AHEAD = 10_000
SETTLING_S = 15.0
WINDOWS = 2
MOST_MS, MOST_MB = 0.1, 1.05

QUEUE = """
import asyncio, sys
from pathlib import Path
from hive_tui.adapters.changes import DatabaseWatch
from hive_tui.adapters.clock_watch import ClockWatch
from hive_tui.hive import Hive
from hive_tui.services.heartbeat import Heartbeat
from hive_tui.settings import Settings

hive = Hive(Path(sys.argv[1]), Settings(), sys.argv[1] + "/no-server")
heartbeat = Heartbeat(
    hive.database, hive.observer, hive.dispatcher, hive.returning.recovery, hive.alerting.alerts, hive.heartbeat_lock,
    hive.doorbell, hive.clock, hive.hub, observe_every_s=3600.0, changes=lambda: DatabaseWatch(hive.database.path),
    clock_watch=ClockWatch(),
)
asyncio.run(heartbeat.run(asyncio.Event()))
"""

PEER = """
import sys, threading
from pathlib import Path
from tests.bench.peers import ApScheduler3
peer = ApScheduler3(Path(sys.argv[1]) / "apscheduler.db", "{}")
peer.wait_with(int(sys.argv[2]))
threading.Event().wait()
"""


def measure(plan: Plan) -> Section:
    """All six side by side."""
    with ExitStack() as open_ones:
        pids = {}
        for ahead in (0, AHEAD):
            folder = plan.folder / f"waiting-{ahead}"
            for name, command in _commands(folder, ahead).items():
                pids[name, ahead] = open_ones.enter_context(_running(*command))
        time.sleep(SETTLING_S)  # noqa: TID251 - a window has to begin
        costs: dict[tuple[str, int], list[float]] = {key: [] for key in pids}
        memory = {key: [_megabytes(pid)] for key, pid in pids.items()}
        for _ in range(min(plan.runs, WINDOWS)):
            before = {key: cost(pid) for key, pid in pids.items()}
            time.sleep(plan.seconds)  # noqa: TID251 - a window has to pass
            for key, pid in pids.items():
                costs[key].append(cost(pid).since(before[key]))
                memory[key].append(_megabytes(pid))
    return Section("A queue that waits", "APScheduler 3", _rows(costs, memory))


def _rows(costs: Mapping[tuple[str, int], list[float]], memory: Mapping[tuple[str, int], list[float]]) -> list[Row]:
    rows = []
    for name in ("queue", "serve"):
        for ahead in (0, AHEAD):
            title = f"{name}, {ahead:,} ahead"
            grown = [max(memory[name, ahead]) - memory[name, ahead][0]]
            rows.append(Row(f"{title}, CPU", "ms/s", costs[name, ahead], costs["peer", ahead], Goal("ours", MOST_MS)))
            rows.append(Row(f"{title}, memory grown by", "MB", grown, goal=Goal("ours", MOST_MB)))
    return rows


def _commands(folder: Path, ahead: int) -> dict[str, tuple[list[str], Mapping[str, str] | None]]:
    stage = Stage(folder / "serve")
    for home in (folder / "queue", stage.home):
        _fill(home, ahead)
    (folder / "peer").mkdir()
    return {
        "queue": ([sys.executable, "-c", QUEUE, str(folder / "queue")], None),
        # Sockets of its own: where no server runs, nobody makes any.
        "serve": ([*stage.command_line("serve")], {**stage.environment, "TMUX_TMPDIR": str(stage.folder)}),
        "peer": ([sys.executable, "-c", PEER, str(folder / "peer"), str(ahead)], None),
    }


def _fill(home: Path, ahead: int) -> None:
    hive, now = Hive(home, Settings()), CLOCK.now()
    hive.database.write(agents.add, an_ended_agent("ada"), now=now)
    due = to_us(now + timedelta(days=30))
    rows = [(f"ahead-{at:06}", Trigger.ROUTINE.value, due + at, to_us(now)) for at in range(ahead)]
    hive.database.write(
        lambda db: db.executemany(
            'INSERT INTO wakeup_requests (id, agent_id, action, "trigger", priority, scheduled_for, max_attempts,'
            " context, created_at, also) VALUES (?, 'id-of-ada', 'nap', ?, 60, ?, 5, '{}', ?, '')",
            rows,
        )
    )
    hive.close()


@contextmanager
def _running(command: list[str], environment: Mapping[str, str] | None) -> Iterator[int]:
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            yield process.pid
        finally:
            process.terminate()


def _megabytes(pid: int) -> float:
    return float(psutil.Process(pid).memory_full_info().uss) / 1e6
