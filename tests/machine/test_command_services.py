"""Plain commands as services: real processes, put to sleep, woken, killed."""

import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import NeedsPerson, WakeFailed
from hive_tui.domain.events import Actor
from hive_tui.domain.services import Actual, Desired, ServiceFailed, ServiceRefused
from hive_tui.settings import AgentSettings
from hive_tui.settings.machine import ServiceSettings
from hive_tui.store import agents as agent_store
from tests.machine.conftest import CALM, Rig, free_port, program
from tests.stage import eventually

YOU = Actor.person()
LISTENS = 'import socket,time; s=socket.create_server(("127.0.0.1",{port})); time.sleep(600)'


def calm(**more: object) -> ServiceSettings:
    return ServiceSettings(kind="command", start=program(CALM), **more)  # type: ignore[arg-type]


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_an_idle_service_is_stopped_after_an_hour_in_the_promised_words(rig: Rig):
    rig.services["ollama"] = calm()
    rig.hive.machine.start_service("ollama", YOU)
    pid = rig.pid("ollama")
    assert is_there(pid)
    rig.check()
    rig.check(minutes=55)
    assert is_there(pid) and rig.record("ollama").reason == "used 55m ago"
    rig.check(minutes=5)
    assert not is_there(pid) and rig.record("ollama").actual is Actual.STOPPED
    assert rig.said("service.idle") == ["Service ollama has been idle for 60 minutes, stopping..."]
    assert rig.said("service.stopped") == ["Successfully stopped idle service ollama"]
    assert rig.said("idle_monitor.*") == ["Idle monitor task started"]
    rig.check(minutes=10)
    assert rig.record("ollama").reason == "no awake agent needs it" and rig.record("ollama").crashes == 0


def test_a_connection_keeps_a_service_and_the_span_begins_anew_with_its_end(rig: Rig):
    port = free_port()
    rig.services["db"] = ServiceSettings(kind="command", start=program(LISTENS.format(port=port)))
    rig.hive.machine.start_service("db", YOU)
    eventually(lambda: _accepts(port), "the service listens")
    rig.check()
    with socket.create_connection(("127.0.0.1", port)):
        rig.check(minutes=70)
        assert rig.record("db").reason == "1 connection open"
        with pytest.raises(ServiceRefused, match="1 connection open"):
            rig.hive.machine.sleep_service("db", YOU)
    eventually(lambda: rig.hive.machine.keeper.look(rig.hive.machine.services["db"]).connections == 0)
    rig.check(minutes=50)
    assert rig.record("db").actual is Actual.RUNNING
    rig.check(minutes=15)
    assert rig.record("db").actual is Actual.STOPPED


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_service_runs_while_its_agent_is_awake_and_is_woken_for_it_in_order(rig: Rig):
    rig.services = {"web": calm(depends_on=("base",)), "base": calm(), "extra": calm()}
    rig.agents = {"shop": AgentSettings(needs=("web",), wants=("extra",))}
    rig.idle_sleep["preset"] = "aggressive"
    rig.put_agent("shop", Lifecycle.AWAKE)
    shop = rig.hive.database.read(agent_store.find, "shop")
    rig.hive.machine.ready_for(shop)
    assert [text.split()[1] for text in rig.said("service.started")] == ["extra", "base", "web"]
    rig.check(minutes=5)
    assert {rig.record(name).reason for name in ("web", "base")} == {"shop needs it"}
    rig.put_agent("shop", Lifecycle.ASLEEP)
    rig.check(minutes=15)
    assert [text.split()[-1] for text in rig.said("service.stopped")] == ["web", "extra", "base"]


def test_a_wake_fails_with_a_sentence_where_its_service_does_not_come_up(rig: Rig):
    rig.services = {"sick": ServiceSettings(kind="command", start="echo out of luck >&2; exit 3"), "off": calm()}
    rig.agents = {"shop": AgentSettings(needs=("sick",)), "toys": AgentSettings(needs=("off",), wants=("sick",))}
    for name in ("shop", "toys"):
        rig.put_agent(name, Lifecycle.WAKING)
    shop, toys = (rig.hive.database.read(agent_store.find, name) for name in ("shop", "toys"))
    with pytest.raises(WakeFailed, match="shop was not woken: The start command of sick ended with 3: out of luck"):
        rig.hive.machine.ready_for(shop)
    with pytest.raises(WakeFailed, match=r"has ended by itself 1 time; it is not started again before"):
        rig.hive.machine.ready_for(shop)
    rig.hive.machine.keeper.set_desired("off", Desired.OFF, YOU)
    with pytest.raises(NeedsPerson, match="toys was not woken: Service off is switched off"):
        rig.hive.machine.ready_for(toys)
    assert "toys is woken without a service that it wants" in rig.said("service.failed")[-1]


def test_a_killed_service_comes_back_for_whom_it_is_on_and_a_crash_loop_backs_off(rig: Rig):
    rig.services["base"] = calm()
    rig.hive.machine.keeper.set_desired("base", Desired.ON, YOU)
    rig.check()
    pids = [rig.pid("base")]
    for minutes in (5, 5, 5):
        os.kill(pids[-1], signal.SIGKILL)
        eventually(lambda: not is_there(pids[-1]))
        rig.check()
        assert rig.record("base").actual is Actual.STOPPED, "not at once"
        rig.check(minutes=minutes)
        pids.append(rig.pid("base"))
    assert len(set(pids)) == 4 and rig.record("base").crashes == 3
    assert rig.said("service.ended") == ["Service base has ended, and not by hive-tui"] * 3
    os.kill(pids[-1], signal.SIGKILL)
    eventually(lambda: not is_there(pids[-1]))
    rig.check()
    rig.check(minutes=5)
    assert rig.record("base").actual is Actual.STOPPED, "8 minutes after the fourth crash"
    rig.hive.machine.start_service("base", YOU)
    assert rig.record("base").crashes == 0, "a person passes over the wait"


def test_a_stop_by_hand_says_that_the_service_comes_back(rig: Rig):
    rig.services = {"base": calm(), "web": calm()}
    rig.hive.machine.keeper.set_desired("base", Desired.ON, YOU)
    assert rig.hive.machine.comes_back("base").startswith("it is to be on, so the next look starts it again")
    assert rig.hive.machine.comes_back("web") == ""


def test_one_that_does_not_listen_to_sigterm_is_killed_with_its_children(rig: Rig):
    stubborn = 'import signal,subprocess; signal.signal(15, signal.SIG_IGN); subprocess.run(["sleep","600"])'
    rig.services["mule"] = ServiceSettings(kind="command", start=program(stubborn), stop_timeout_s=0.3)
    rig.hive.machine.start_service("mule", YOU)
    table = rig.hive.processes.table
    eventually(lambda: len(table().tree(rig.pid("mule"))) == 2, "its child runs")
    family = [one.pid for one in table().tree(rig.pid("mule"))]
    assert rig.hive.machine.sleep_service("mule", YOU)
    assert not any(is_there(pid) for pid in family)
    assert not rig.hive.machine.sleep_service("mule", YOU), "it does not run"


def test_the_program_behind_a_shell_is_told_to_end_and_need_not_be_killed(rig: Rig, tmp_path: Path):
    code = f'import signal,time,pathlib; f=pathlib.Path("{tmp_path}/said")\n'
    code += 'def end(*_): f.write_text("ended well"); raise SystemExit\n'
    code += "signal.signal(15, end); f.touch(); time.sleep(600)"
    line = program(code).removeprefix("exec ")
    rig.services["kid"] = ServiceSettings(kind="command", start=f"{line}; echo over", stop_timeout_s=30)
    rig.hive.machine.start_service("kid", YOU)
    eventually((tmp_path / "said").exists, "it listens")
    eventually(lambda: len(rig.hive.processes.table().tree(rig.pid("kid"))) == 2)
    began_s = rig.clock.monotonic()
    assert rig.hive.machine.sleep_service("kid", YOU)
    assert (tmp_path / "said").read_text() == "ended well" and rig.clock.monotonic() - began_s < 25


@contextmanager
def held_up(rig: Rig, name: str, verb: str) -> Iterator[threading.Event]:
    """Hold a stop or start of the first hive up in its middle, until the event is set."""
    control = rig.hive.machine.controls["command"]
    go, begun, real = threading.Event(), threading.Event(), getattr(control, verb)

    def slow(service: object) -> None:
        begun.set()
        assert go.wait(20)
        real(service)

    setattr(control, verb, slow)
    worker = threading.Thread(target=lambda: rig.hive.machine.sleep_service(name, YOU))
    worker.start()
    try:
        assert begun.wait(20)
        yield go
    finally:
        go.set()
        worker.join()


def test_a_start_during_a_stop_waits_for_its_end_and_the_service_runs_afterwards(rig: Rig):
    rig.services["base"] = calm()
    rig.hive.machine.start_service("base", YOU)
    first, other = rig.pid("base"), rig.another()
    with held_up(rig, "base", "stop") as go:
        starter = threading.Thread(target=lambda: other.machine.start_service("base", YOU))
        starter.start()
        eventually(lambda: rig.record("base").start_asked_at is not None, "the start is queued")
        assert starter.is_alive() and is_there(first)
        go.set()
        starter.join(20)
    assert not is_there(first) and is_there(rig.pid("base"))
    assert rig.record("base").actual is Actual.RUNNING and rig.record("base").start_asked_at is None
    assert [text.split()[0] for text in rig.said("service.st*")] == ["Service", "Successfully", "Service"]
    other.close()


def test_an_idle_stop_gives_way_to_a_start_that_is_asked_for_meanwhile(rig: Rig):
    rig.services["base"] = calm()
    rig.hive.machine.start_service("base", YOU)
    rig.check(minutes=55)
    from hive_tui.store import services as service_store

    rig.clock.ahead += timedelta(minutes=5)
    rig.hive.database.write(service_store.ask_start, "base", now=rig.clock.now())
    rig.check()
    assert rig.record("base").reason == "a start waits" and is_there(rig.pid("base"))


def test_two_hives_do_not_work_on_a_service_at_once(rig: Rig):
    rig.services["base"] = calm(start_timeout_s=0.01, stop_timeout_s=0.01)
    service = rig.hive.machine.services["base"]
    other = rig.another()
    with rig.hive.machine.keeper.owned(service, "stop"):
        busy = pytest.raises(ServiceFailed, match="Another hive-tui works on service base")
        with busy, other.machine.keeper.owned(service, "start"):
            pass
        other.machine.monitor.check()
    other.close()
    assert rig.said("service.*") == []


def test_a_service_that_another_hive_started_is_known_and_not_started_twice(rig: Rig):
    rig.services["base"] = calm()
    rig.hive.machine.start_service("base", YOU)
    first, other = rig.pid("base"), rig.another()
    other.machine.start_service("base", YOU)
    assert other.machine.sleep_service("base", YOU) and not is_there(first)
    other.close()


def test_checks_of_its_own_decide_and_a_hanging_one_is_no_stop(rig: Rig, tmp_path: Path):
    flag = tmp_path / "up"
    rig.services["ext"] = ServiceSettings(
        kind="command", start=f"touch {flag}", stop=f"rm {flag}", check=f"test -e {flag}", busy=f"test -e {flag}.busy"
    )
    rig.hive.machine.start_service("ext", YOU)
    look = rig.hive.machine.keeper.look(rig.hive.machine.services["ext"])
    assert look.actual is Actual.RUNNING and look.cpu_s is None
    flag.with_suffix(".busy").touch()
    with pytest.raises(ServiceRefused, match="says that it works"):
        rig.hive.machine.sleep_service("ext", YOU)
    assert rig.hive.machine.sleep_service("ext", YOU, force=True) and not flag.exists()
    rig.services["hung"] = ServiceSettings(kind="command", start="true", check="sleep 60")
    rig.idle_sleep["timeout_s"] = 0.1
    other = rig.another()
    look = other.machine.keeper.look(other.machine.services["hung"])
    assert (look.actual, look.detail) == (Actual.UNKNOWN, "its check did not end within 0.1 s")
    other.close()


def test_nothing_is_made_and_nothing_polled_while_nothing_is_named(rig: Rig):
    assert rig.hive.machine.chores() == ()
    rig.services["base"] = calm()
    rig.idle_sleep.clear()
    other = rig.another()
    [chore] = other.machine.chores()
    chore.work()
    assert not {"monitor", "keeper", "controls", "servers"} & set(other.machine.__dict__)
    other.machine.change_settings(YOU, idleSleepEnabled=True, idleTimeout=15)
    chore.work()
    assert other.machine.monitor.wait(20)
    assert other.machine.idle_status()["idle_timeout_minutes"] == 15
    assert rig.said("idle*") == [
        "Idle sleep of services and models: on, services after 15 min",
        "Idle monitor task started",
    ]
    other.close()
