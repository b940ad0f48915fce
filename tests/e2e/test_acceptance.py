"""What a person relies on when all goes wrong at once: damaged generations, a lost machine, a gigabyte; measured."""

import json
import os
import resource
import shutil
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.settings import RedisSettings
from hive_tui.store import checkpoints
from tests.adapters.redis.conftest import everything, fill
from tests.e2e.test_fallback import damage, naps
from tests.redis_server import RedisServer
from tests.stage import CLOCK, TESTER, Stage, eventually, transcript_of

pytestmark = [pytest.mark.faults, pytest.mark.timeout(1800)]

AGENTS = 10
RECOVERY_S = 60.0
LARGE_BYTES = 1_000_000_000
CHECKPOINT_S = 120.0


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with TemporaryDirectory(prefix="hive-redis-") as folder, RedisServer(Path(folder)) as server:
        yield server


def store_of(stage: Stage) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in (stage.home / "checkpoints").rglob("*.zst")}


def test_three_damaged_generations_in_a_row_are_stepped_over_and_the_alert_names_all(stage: Stage):
    agent, found = naps(stage, 5)
    for checkpoint in found[:3]:
        damage(checkpoint)
    transcript_of(agent).unlink()
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert wakeup.result is not None
    assert (wakeup.result["generation"], wakeup.result["fallbacks"]) == (3, 3)
    stage.hive.alerting.alerts.tell()
    told = " ".join(body for _, body in stage.notifier.messages)
    assert all(f"generation {number}" in told for number in (0, 1, 2)), told


def test_with_four_damaged_generations_the_agent_stays_asleep_and_nothing_is_overwritten(stage: Stage):
    agent, found = naps(stage, 4)
    for checkpoint in found:
        damage(checkpoint)
    transcript_of(agent).unlink()
    before = store_of(stage)
    wakeup = stage.wake(agent)
    after = stage.stored(agent)
    assert (wakeup.status, after.lifecycle, after.process) == (WakeupStatus.FAILED, Lifecycle.FAILED, None)
    assert all(f"generation {number}" in after.reason for number in range(4)), after.reason
    assert store_of(stage) == before and not transcript_of(agent).exists()
    assert stage.processes_of_session(agent.session_id or "") == []


def test_ten_agents_come_back_after_tmux_their_conversations_and_redis_are_gone(stage: Stage, redis: RedisServer):
    stage.command_line()
    (stage.folder / "config.toml").write_text(f'[redis]\nurl = "{redis.url}"\n[notify]\ndesktop = false\n')
    stage.hive.close()
    stage.hive = stage.new_hive(redis=RedisSettings(url=redis.url))
    for number in range(AGENTS):
        stage.agent_in_shell(f"w{number}", folder=stage.repository(f"w{number}"), said=f"I am {number}")
    agents = {agent.name: agent for agent in stage.hive.observer.observe().agents}
    assert len(agents) == AGENTS
    queues = {name: f"agent:{name}:queue".encode() for name in agents}
    for queue in queues.values():
        fill(redis, queue)
    before = {name: everything(redis, queue) for name, queue in queues.items()}
    for name in agents:
        stage.json("checkpoint", name)
    stage.tmux("kill-server")
    eventually(lambda: sum(one.has_crashed for one in stage.hive.observer.observe().agents) == AGENTS)
    redis.run("FLUSHALL")
    for agent in agents.values():
        transcript_of(agent).unlink()
    gone = Path(agents["w0"].cwd)
    shutil.rmtree(gone)

    began = CLOCK.monotonic()
    done = stage.command("recover", timeout_s=300)
    took_s = CLOCK.monotonic() - began
    print(f"\nfull recovery of {AGENTS} agents: {took_s:.1f} s")
    assert done.returncode == 0, done.stderr
    now = {agent.name: agent for agent in stage.hive.observer.observe().agents}
    for name, agent in agents.items():
        assert now[name].lifecycle is Lifecycle.AWAKE and now[name].session_id == agent.session_id
        assert len(stage.processes_of_session(agent.session_id or "")) == 1
        assert everything(redis, queues[name]) == before[name]
    assert (gone / "staged.txt").read_text() == "staged\n"
    assert stage.hive.database.integrity_errors() == []
    assert took_s < RECOVERY_S
    assert stage.hive.returning.recovery.recover(TESTER, wake=False).agents == ()


@pytest.mark.parametrize("kind", ["git", "folder"])
def test_a_complete_checkpoint_of_one_gigabyte(stage: Stage, kind: str):
    folder = stage.repository("shop") if kind == "git" else stage.folder_for("shop")
    for number in range(LARGE_BYTES // 20_000_000):
        (folder / f"{number:03}.bin").write_bytes(os.urandom(20_000_000))
    stage.agent_in_shell("shop", folder=folder)
    agent = stage.look()
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), CLOCK.monotonic()
    done = stage.command("checkpoint", "shop", "--json", timeout_s=800)
    after, took_s = resource.getrusage(resource.RUSAGE_CHILDREN), CLOCK.monotonic() - began
    taken = json.loads(done.stdout)
    # The clock tells how busy the machine is; what the work costs is the time of the processors.
    cost_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    size = taken["size_bytes"]
    print(f"\ncomplete checkpoint of 1 GB ({kind}): {took_s:.1f} s, {cost_s:.1f} s of CPU, {size / 1e6:.0f} MB")
    assert size > LARGE_BYTES and taken["is_valid"]
    assert stage.hive.validator.check(stage.hive.database.read(checkpoints.of_agent, agent.id)[0], deep=True) == []
    assert cost_s < CHECKPOINT_S
