"""Containers, against a server that speaks the Engine API on a unix socket."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from hive_tui.adapters.services import sockets
from hive_tui.domain.events import Actor
from hive_tui.domain.services import Actual, Around, Desired, Look, Service, ServiceFailed, ServiceRefused
from hive_tui.settings.machine import ServiceSettings
from tests.machine.conftest import Rig
from tests.machine.servers import Docker

YOU = Actor.person()


@pytest.fixture
def docker(rig: Rig) -> Iterator[Docker]:
    # A unix socket's path must be short.
    with TemporaryDirectory(prefix="hd") as folder, Docker(Path(folder) / "d.sock") as made:
        rig.services["qdrant"] = ServiceSettings(ports=(1,), stop_timeout_s=3)
        rig.idle_sleep |= {"docker": made.address, "timeout_s": 2.0}
        yield made


def look(rig: Rig) -> Look:
    return rig.hive.machine.keeper.look(rig.hive.machine.services["qdrant"])


def test_a_container_is_looked_at_stopped_when_idle_and_started_again(rig: Rig, docker: Docker):
    docker.cpu_ns, docker.bytes = 3_500_000_000, 1234
    seen = look(rig)
    assert (seen.actual, seen.cpu_s, seen.network_bytes, seen.connections) == (Actual.RUNNING, 3.5, 1234, 0)
    rig.check()
    rig.check(minutes=60)
    assert docker.is_down and docker.posted() == ["/containers/qdrant/stop?t=3"]
    assert rig.said("service.*") == [
        "Service qdrant has been idle for 60 minutes, stopping...",
        "Successfully stopped idle service qdrant",
    ]
    rig.hive.machine.start_service("qdrant", YOU)
    assert docker.runs and docker.posted()[1:] == ["/containers/qdrant/start"]


@pytest.mark.parametrize("used", ["cpu_ns", "bytes"])
def test_work_between_two_looks_begins_the_span_anew(rig: Rig, docker: Docker, used: str):
    rig.check()
    rig.check(minutes=30)
    setattr(docker, used, 60_000_000_000)
    rig.check(minutes=55)
    assert docker.runs and docker.posted() == []
    rig.check(minutes=20)
    assert docker.is_down


def test_an_exec_that_runs_inside_is_work_in_flight(rig: Rig, docker: Docker):
    docker.exec_runs = True
    with pytest.raises(ServiceRefused, match="docker exec"):
        rig.hive.machine.sleep_service("qdrant", YOU)
    docker.exec_runs = False
    assert rig.hive.machine.sleep_service("qdrant", YOU)


HEALTH_CHECKS = [
    (["CMD-SHELL", "ping db"], ["/bin/sh", "-c", "ping db"]),
    (["CMD", "ping", "db"], ["ping", "db"]),
]


@pytest.mark.parametrize(("test", "runs"), HEALTH_CHECKS)
def test_the_engine_s_own_health_check_is_no_work_in_flight(rig: Rig, docker: Docker, test: list[str], runs: list[str]):
    docker.exec_runs, docker.health_check, docker.exec_command = True, test, runs
    assert look(rig).in_flight == ""
    docker.exec_command = ["sh", "-c", "ping cache"]
    assert look(rig).in_flight, "a person's is"


def test_a_container_that_ends_again_and_again_is_told_once_and_can_be_switched_off(rig: Rig, docker: Docker):
    rig.check()
    docker.restarts = 11
    rig.check()
    docker.restarts = 12
    rig.check(minutes=12)
    assert rig.said("service.*") == [
        "Service qdrant has ended, and not by hive-tui: Docker starts it again and again (11 times)"
    ]
    assert rig.record("qdrant").actual is Actual.STARTING
    rig.hive.machine.keeper.set_desired("qdrant", Desired.OFF, YOU)
    rig.check()
    assert docker.is_down


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 71 1
   1: 0100007F:2328 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 72 1
   2: 0100007F:2328 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 73 1
   3: 0100007F:2328 0100007F:9C41 01 00000000:00000000 00:00000000 00000000     0        0 74 1
   4: 0100007F:1F40 0100007F:9C42 01 00000000:00000000 00:00000000 00000000     0        0 75 1
"""


def test_in_the_machine_s_own_network_only_connections_to_the_container_s_processes_count(
    rig: Rig, docker: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    proc = tmp_path / "proc"
    for pid in ("self", "41"):
        (proc / pid / "net").mkdir(parents=True)
        (proc / pid / "net" / "tcp").write_text(TCP)
        (proc / pid / "fd").mkdir()
    (proc / "41" / "fd" / "3").symlink_to("socket:[71]")
    (proc / "41" / "cgroup").write_text(f"0::/system.slice/docker-{'f' * 64}.scope\n")
    monkeypatch.setattr(sockets, "PROC", proc)
    monkeypatch.setattr(sockets, "_last_look", sockets._LastLook())
    rig.services["qdrant"] = ServiceSettings()
    docker.pid, docker.network = 41, "host"
    assert look(rig).connections == 1, "two others are connected to a server that is none of its"
    docker.network = "bridge"
    assert look(rig).connections == 3


def test_an_engine_that_lies_about_a_stop_is_found_out_told_and_not_asked_at_each_look(
    rig: Rig, docker: Docker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hive_tui.services.service_keeper.STOP_SHOWS_S", -2.5)
    docker.lies = True
    rig.check()
    rig.check(minutes=60)
    assert rig.record("qdrant").actual is Actual.RUNNING
    assert "was told to stop, and after 0.5 s it is still running" in rig.said("service.failed")[0]
    rig.check(minutes=30)
    assert len(docker.posted()) == 1


def test_an_engine_that_hangs_or_is_gone_is_no_stop_and_no_crash(rig: Rig, docker: Docker):
    rig.idle_sleep["timeout_s"] = 0.2
    rig.check()
    docker.hangs.set()
    rig.check()
    record = rig.record("qdrant")
    assert record.actual is Actual.UNKNOWN and "did not answer within 0.2 s" in record.reason
    with pytest.raises(ServiceFailed, match="cannot be started"):
        rig.hive.machine.start_service("qdrant", YOU)
    docker.hangs.clear()
    docker.released.set()
    rig.check()
    assert rig.record("qdrant").crashes == 0 and rig.said("service.ended") == []


def test_a_container_that_is_not_healthy_in_time_is_a_failure_and_one_that_gets_healthy_is_ready(
    rig: Rig, docker: Docker
):
    rig.services["qdrant"] = ServiceSettings(start_timeout_s=0.4)
    docker.runs, docker.health = False, "starting"
    with pytest.raises(ServiceFailed, match=r"not ready after 0.4 s: its health check says starting"):
        rig.hive.machine.start_service("qdrant", YOU)
    docker.health = "healthy"
    rig.hive.machine.start_service("qdrant", YOU)


def test_what_has_come_between_the_look_and_the_stop_is_seen(rig: Rig, docker: Docker):
    rig.check()
    rig.check(minutes=55)
    rig.clock.ahead += timedelta(minutes=5)
    keeper, real = rig.hive.machine.keeper, rig.hive.machine.keeper.around

    def around(service: Service) -> Around:
        docker.exec_runs = True  # right behind the look that says that it is idle
        return real(service)

    keeper.around = around  # type: ignore[method-assign]
    rig.hive.machine.monitor.check()
    assert docker.runs and rig.record("qdrant").reason == "a `docker exec` runs in it"
    assert rig.said("service.*") == []


def test_a_missing_container_is_said_to_be_missing(rig: Rig, docker: Docker):
    docker.name = "other"
    assert look(rig) == Look(Actual.MISSING, "there is no container qdrant")
    rig.check(minutes=10)
    assert rig.said("service.*") == []


@pytest.mark.parametrize("garbage", [[], 7, "no", {}, {"State": []}, {"State": {"Running": True, "Health": 3}}, b"{"])
def test_an_answer_that_makes_no_sense_is_no_stop_and_no_crash(rig: Rig, docker: Docker, garbage: object):
    rig.check()
    docker.garbage = garbage
    rig.check()
    assert rig.record("qdrant").actual is Actual.UNKNOWN and rig.said("service.*") == []


def test_a_paused_container_goes_on_where_it_is_needed(rig: Rig, docker: Docker):
    docker.paused = True
    assert look(rig).actual is Actual.STOPPED
    rig.hive.machine.start_service("qdrant", YOU)
    assert docker.posted() == ["/containers/qdrant/unpause"] and look(rig).actual is Actual.RUNNING


def test_a_span_in_which_the_engine_could_not_be_asked_is_no_idle_span(rig: Rig, docker: Docker):
    rig.check()
    docker.garbage = []
    rig.check(minutes=48)
    docker.garbage = None
    rig.check(minutes=24)
    assert docker.runs, "only what was seen to be idle counts"
