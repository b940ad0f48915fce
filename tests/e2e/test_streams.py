"""Redis streams through nap, flush, wake and restore; and Redis that fails meanwhile."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from hive_tui.archive import reader
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.comparison import Comparison, StreamDelta
from hive_tui.domain.errors import StreamsError
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.settings import RedisSettings
from hive_tui.store import checkpoints, journal
from tests.adapters.redis.conftest import everything, fill
from tests.redis_server import RedisServer
from tests.stage import ROOT, TESTER, Stage, is_asleep

QUEUE = b"agent:shop:queue"


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with TemporaryDirectory(prefix="hive-redis-") as folder, RedisServer(Path(folder)) as server:
        yield server


@pytest.fixture
def shop(stage: Stage, redis: RedisServer) -> Agent:
    use(stage, redis)
    fill(redis, QUEUE)
    stage.agent_in_shell("shop")
    return stage.look()


def use(stage: Stage, redis: RedisServer, **settings: Any) -> None:
    stage.hive.close()
    stage.hive = stage.new_hive(redis=RedisSettings(url=redis.url, timeout_s=1.0, patience_s=5.0, **settings))


def warnings(stage: Stage) -> list[str]:
    return [event.text for event in stage.events if event.kind == "redis.trouble"]


def generation(stage: Stage, agent: Agent, number: int) -> Checkpoint:
    return stage.hive.database.read(checkpoints.generation, agent.id, number)


def test_a_flush_between_nap_and_wake_brings_back_groups_and_pending(stage: Stage, shop: Agent, redis: RedisServer):
    before = everything(redis, QUEUE)
    checkpoint = stage.nap().checkpoint
    assert checkpoint.summary["streams"]["words"] == "1 stream, 6 entries, 5 pending"
    assert stage.hive.validator.check(checkpoint, deep=True) == []
    members = {member.name for member in reader.read_manifest(Path(checkpoint.path)).members}
    assert {"redis/index.json", "redis/0.json", "redis/0.dump"} <= members
    redis.run("FLUSHALL")
    wakeup = stage.wake(shop)
    assert wakeup.result is not None and wakeup.result["restored"] == ["stream agent:shop:queue"]
    assert everything(redis, QUEUE) == before
    assert warnings(stage) == []


def test_a_server_that_came_back_without_its_data_gets_them(stage: Stage, shop: Agent, redis: RedisServer):
    before = everything(redis, QUEUE)
    stage.nap()
    redis.kill()
    redis.start()
    stage.wake(shop)
    assert everything(redis, QUEUE) == before


def test_a_stream_that_was_drained_meanwhile_stays_drained(stage: Stage, shop: Agent, redis: RedisServer):
    stage.nap()
    redis.run("DEL", QUEUE)
    wakeup = stage.wake(shop)
    assert wakeup.result is not None and wakeup.result["restored"] == []
    assert redis.run("EXISTS", QUEUE) == 0


def test_an_agent_that_was_renamed_is_no_flushed_server(stage: Stage, shop: Agent, redis: RedisServer):
    stage.nap()
    stage.hive.registry.rename(stage.stored(shop), "bakery", TESTER)
    redis.run("DEL", QUEUE)
    stage.wake(shop)
    assert redis.run("EXISTS", QUEUE) == 0


def test_two_generations_tell_how_their_streams_differ(stage: Stage, shop: Agent, redis: RedisServer):
    def compared() -> Comparison:
        before, after = generation(stage, shop, 1), generation(stage, shop, 0)
        return stage.hive.keeping.comparer.compare(before, after, Unwatched())

    take(stage, shop)
    redis.run("XADD", QUEUE, "3000-1", "task", "one more")
    take(stage, shop)
    assert compared().streams == (StreamDelta("agent:shop:queue", (6, 5), (7, 5)),)
    assert "  stream agent:shop:queue: 6 entries, 5 pending -> 7 entries, 5 pending" in compared().lines()
    take(stage, shop)
    assert compared().streams == () and compared().others == ()
    redis.kill()
    take(stage, shop)
    assert compared().streams == () and compared().notes == ("generation 0 is without streams",)


def take(stage: Stage, agent: Agent) -> Checkpoint:
    """A checkpoint of it while it runs on."""
    return stage.hive.snapshotter.take(agent, CheckpointReason.MANUAL, TESTER, Unwatched())


def test_without_redis_the_checkpoint_is_good_and_says_what_is_missing(stage: Stage, shop: Agent, redis: RedisServer):
    redis.kill()
    checkpoint = stage.nap().checkpoint
    assert is_asleep(stage.stored(shop))
    assert "cannot be reached" in checkpoint.summary["streams"]["missing"]
    [warning] = warnings(stage)
    assert "without its streams" in warning
    assert stage.wake(shop).status is WakeupStatus.COMPLETED


def test_with_redis_required_a_nap_without_it_is_refused_and_the_agent_runs_on(
    stage: Stage, shop: Agent, redis: RedisServer
):
    use(stage, redis, required=True)
    redis.kill()
    with pytest.raises(StreamsError, match="cannot be reached"):
        stage.nap()
    assert stage.look().lifecycle is Lifecycle.AWAKE
    assert not list((stage.home / "checkpoints").rglob("*.zst"))


def test_with_redis_required_a_wake_without_it_is_tried_again(stage: Stage, shop: Agent, redis: RedisServer):
    use(stage, redis, required=True)
    stage.nap()
    redis.signal(signal.SIGSTOP)
    try:
        wakeup = stage.wake(shop)
    finally:
        redis.signal(signal.SIGCONT)
    assert wakeup.status is WakeupStatus.PENDING and "did not answer" in (wakeup.last_error or "")


def test_a_hung_server_is_waited_for_once_and_not_by_each_agent(stage: Stage, shop: Agent, redis: RedisServer):
    redis.signal(signal.SIGSTOP)
    try:
        for _ in range(2):
            stage.hive.snapshotter.take(shop, CheckpointReason.MANUAL, TESTER, Unwatched())
    finally:
        redis.signal(signal.SIGCONT)
    first, second = warnings(stage)
    assert "did not answer within 1 s" in first and "has just failed to answer" in second


def test_a_flush_while_the_agent_was_awake_is_told_at_the_next_checkpoint(
    stage: Stage, shop: Agent, redis: RedisServer
):
    stage.hive.snapshotter.take(shop, CheckpointReason.MANUAL, TESTER, Unwatched())
    redis.run("FLUSHALL")
    stage.hive.snapshotter.take(shop, CheckpointReason.MANUAL, TESTER, Unwatched())
    [warning] = warnings(stage)
    assert "has lost its data" in warning and "6 entries" in warning


class TestRestore:
    """Going back to a generation."""

    def test_the_streams_go_back_and_the_safety_checkpoint_undoes_it(
        self, stage: Stage, shop: Agent, redis: RedisServer
    ):
        then = everything(redis, QUEUE)
        stage.nap()
        redis.run("XADD", QUEUE, "3000-1", "task", "finished")
        for group in (b"work\xff", b"audit", b"late"):
            redis.run("XREADGROUP", "GROUP", group, "x", "NOACK", "STREAMS", QUEUE, ">")
        now = everything(redis, QUEUE)
        asleep = stage.stored(shop)
        preview = stage.hive.returning.restorer.preview(asleep, generation(stage, shop, 0), Unwatched())
        assert "  stream agent:shop:queue: 6 entries, 5 pending instead of 7, 5 pending" in preview.lines()
        assert everything(redis, QUEUE) == now, "a preview changes nothing"
        done = stage.hive.returning.restorer.restore(asleep, generation(stage, shop, 0), TESTER, Unwatched())
        assert done.warnings == ()
        assert everything(redis, QUEUE) == then
        stage.hive.returning.restorer.restore(stage.stored(shop), done.safety, TESTER, Unwatched())
        assert everything(redis, QUEUE) == now

    def test_tasks_that_still_wait_survive_a_restore(self, stage: Stage, shop: Agent, redis: RedisServer):
        stage.nap()
        redis.run("XADD", QUEUE, "3000-1", "task", "waits")
        wanted = generation(stage, shop, 0)
        done = stage.hive.returning.restorer.restore(stage.stored(shop), wanted, TESTER, Unwatched())
        assert "kept, since they still wait: 1 newer entry" in done.warnings
        assert redis.run("XRANGE", QUEUE, "3000-1", "+") == [[b"3000-1", [b"task", b"waits"]]]

    def test_streams_are_not_touched_where_the_safety_checkpoint_lacks_them(
        self, stage: Stage, shop: Agent, redis: RedisServer
    ):
        stage.nap()
        redis.run("XADD", QUEUE, "3000-1", "task", "new")
        wanted = generation(stage, shop, 0)
        use(stage, redis, entries_limit=1, size_limit_mb=1)
        for number in range(1_200):
            redis.run("XADD", QUEUE, f"4000-{number}", "task", "x" * 1_000)
        now = everything(redis, QUEUE)
        done = stage.hive.returning.restorer.restore(stage.stored(shop), wanted, TESTER, Unwatched())
        assert any("the safety checkpoint does not have all of today's" in one for one in done.warnings)
        assert everything(redis, QUEUE) == now

    def test_with_redis_down_the_rest_is_restored_and_that_is_said(self, stage: Stage, shop: Agent, redis: RedisServer):
        stage.nap()
        redis.kill()
        asleep, wanted = stage.stored(shop), generation(stage, shop, 0)
        lines = stage.hive.returning.restorer.preview(asleep, wanted, Unwatched()).lines()
        assert any("cannot be set back" in line for line in lines)
        done = stage.hive.returning.restorer.restore(asleep, wanted, TESTER, Unwatched())
        assert any("the streams stay as they are" in one for one in done.warnings)


def test_doctor_says_whether_redis_answers_and_shows_no_password(stage: Stage, redis: RedisServer):
    stage.command("agents")  # writes the settings file
    file = stage.folder / "config.toml"
    url = redis.url.replace("unix://", "unix://ada:pa55word@")
    file.write_text(f'{file.read_text()}[redis]\nurl = "{url}"\n')
    said = stage.command("doctor").stdout
    assert "wrong user or password" in said and "pa55word" not in said
    assert "pa55word" not in stage.command("config").stdout + stage.command("config", "--json").stdout
    redis.run("ACL", "SETUSER", "ada", "on", ">pa55word", "~*", "+@all")
    assert "it answers" in stage.command("doctor").stdout


@pytest.mark.faults
@pytest.mark.timeout(300)
def test_killed_at_any_point_of_a_restore_newer_tasks_are_there_once(stage: Stage, shop: Agent, redis: RedisServer):
    """Tasks come between the kill and the next start: what was set back is not set back again over them."""
    stage.nap()
    script = (
        "import os, sys\nfrom pathlib import Path\n"
        "from hive_tui.settings import RedisSettings, Settings\n"
        "from hive_tui.domain.events import Actor\n"
        "from hive_tui.domain.progress import Unwatched\n"
        "from hive_tui.hive import Hive\n"
        "from hive_tui.store import agents, checkpoints\n"
        "home, socket, url, agent_id, point = sys.argv[1:]\n"
        "hive = Hive(Path(home), Settings(redis=RedisSettings(url=url)), socket)\n"
        "agent = hive.database.read(agents.get, agent_id)\n"
        "wanted = hive.database.read(checkpoints.of_agent, agent_id)[-1]\n"
        "calls, real = [0], hive.database.write\n"
        "def write(*arguments, **options):\n"
        "    calls[0] += 1\n"
        "    if calls[0] == int(point): os.kill(os.getpid(), 9)\n"
        "    return real(*arguments, **options)\n"
        "hive.database.write = write\n"
        "hive.returning.restorer.restore(agent, wanted, Actor.person('test'), Unwatched())\n"
    )
    died = 0
    for point in range(1, 9):
        arguments = [str(stage.home), stage.socket, redis.url, shop.id, str(point)]
        done = subprocess.run([sys.executable, "-c", script, *arguments], env=stage.environment, cwd=ROOT, check=False)
        died += done.returncode == -9
        task = redis.run("XADD", QUEUE, f"{5000 + point}-1", "task", "came after the kill")
        stage.hive.returning.recovery.finish_interrupted()
        assert stage.hive.database.read(journal.operations) == []
        listed = [entry[0] for entry in redis.run("XRANGE", QUEUE, "5000-0", "+")]
        assert listed == [f"{5000 + number}-1".encode() for number in range(1, point + 1)] and task in listed
    assert died >= 3
