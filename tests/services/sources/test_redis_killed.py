"""A source that is killed before any of its steps loses no wake and doubles none."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.redis_server import RedisServer
from tests.services.sources.conftest import Sleepers
from tests.services.sources.test_redis import KEY, STREAM, source
from tests.stage import ROOT

# Looks at both sources once. Kills itself before the step whose number it is given: a statement of SQL, or a command.
LISTENER = """
import os, signal, sys
from itertools import count
from pathlib import Path
from hive_tui.adapters.redis import signals
from hive_tui.settings import RedisSettings, Settings
from hive_tui.hive import Hive

steps, fatal = count(1), int(sys.argv[3])

def step(*_):
    if next(steps) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

hive = Hive(Path(sys.argv[1]), Settings(redis=RedisSettings(url=sys.argv[2])))
made = hive.listening._made(hive.listening.sources)
run = signals.Line.run
signals.Line.run = lambda line, *command: (step(), run(line, *command))[1]
signals.RedisSignals.rest = lambda *_: True
hive.database._writer.set_trace_callback(step)
for one in made[:2]:
    one.listen()
"""


@pytest.mark.faults
def test_a_kill_before_any_step_loses_no_wake_and_doubles_none(tmp_path: Path, redis: RedisServer):
    for fatal in range(1, 100):
        folder = tmp_path / str(fatal)
        folder.mkdir()
        redis.run("FLUSHALL")
        redis.run("SET", KEY, "by key")
        redis.run("XADD", STREAM, "*", "agent", "bob", "message", "by stream")
        sleepers = Sleepers(folder, redis)
        command = [sys.executable, "-c", LISTENER, str(folder / "home"), redis.url, str(fatal)]
        killed = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
        assert killed.returncode in (0, -signal.SIGKILL), killed.stderr
        for name in ("Redis keys", "Redis stream"):
            after = source(sleepers, name)
            if name == "Redis keys":
                after._server.rest = lambda _: True  # type: ignore[attr-defined]
            after.listen()
            after.close()
        assert (sleepers.told("ada"), sleepers.told("bob")) == (["by key"], ["by stream"]), f"killed at {fatal}"
        assert redis.run("EXISTS", KEY) == 0 and redis.run("XPENDING", STREAM, "hive-tui")[0] == 0
        assert sleepers.database.integrity_errors() == []
        sleepers.hive.close()
        if killed.returncode == 0:
            assert fatal > 20, "there are as many steps"
            return
    pytest.fail("it never came to its end")
