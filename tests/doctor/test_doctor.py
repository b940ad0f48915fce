"""What the doctor finds, in which order, and what it says about it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.breaker import BreakerPolicy
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.domain.wakeups import NewWakeup, Trigger
from hive_tui.hive import Hive
from hive_tui.services.checks.finding import AREAS, Check
from hive_tui.services.doctor import Doctor, Finding
from hive_tui.settings import Settings
from hive_tui.settings.serving import LogSettings
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, settings, wake_states
from tests.builders import an_agent
from tests.clocks import FakeClock
from tests.migrated import home_with_database
from tests.stage import TESTER, Heard, Stage


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("CLAUDE_CONFIG_DIR", "CODEX_HOME", "OPENCODE_CONFIG_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    return tmp_path / "hive"


@pytest.fixture
def hive(home: Path, clock: FakeClock) -> Iterator[Hive]:
    made = Hive(home_with_database(home), Settings(), "hive-test-no-such-server", clock=clock, notifier=Heard())
    yield made
    made.close()


@pytest.fixture
def asleep(hive: Hive, clock: FakeClock) -> Agent:
    agent = an_agent("shop", lifecycle=Lifecycle.ASLEEP, session_id="session-of-shop-1234", process=None)
    hive.database.write(agent_store.add, agent, now=clock.now())
    return agent


def found(hive: Hive, what: str) -> Finding:
    matching = [one for one in hive.examining.doctor.examine() if one.what == what]
    assert matching, f"{what} is not looked at"
    return matching[0]


def test_it_looks_in_the_order_of_a_forensic_look(hive: Hive):
    places = [AREAS.index(one.area) for one in hive.examining.doctor.examine()]
    assert places == sorted(places)
    assert {AREAS[place] for place in places} == {*AREAS}


def test_whatever_is_wrong_says_what_it_means_and_what_mends_it(hive: Hive):
    wrong = [one for one in hive.examining.doctor.examine() if one.status != "ok"]
    assert {"heartbeat", "database copies", "tmux"} <= {one.what for one in wrong}
    assert all(one.meaning and one.mend for one in wrong), [one.what for one in wrong if not (one.meaning and one.mend)]


def test_a_check_that_fails_is_a_finding_and_stops_no_other():
    def gone() -> Iterator[Finding]:
        raise FileNotFoundError(2, "No such file or directory", "/mnt/gone")

    fine = Check("checkpoints", "fine", lambda: [Finding("fine", "ok", "good")])
    after, before = Doctor([Check("hooks", "hooks", gone), fine]).examine()[::-1]
    assert (before.what, before.area) == ("fine", "checkpoints")
    assert (after.what, after.status, after.area) == ("hooks", "broken", "hooks") and "/mnt/gone" in after.found


def test_what_keeps_several_checks_from_looking_is_told_in_full_once(home: Path, clock: FakeClock, tmp_path: Path):
    (tmp_path / "tool.toml").write_text("colour = 3\n")
    hive = Hive(home_with_database(home), Settings(), "hive-test-no-such-server", clock=clock, kinds_folder=tmp_path)
    kinds, catalog = found(hive, "kinds"), found(hive, "catalog")
    assert (kinds.status, kinds.area) == ("broken", "dependencies and versions")
    assert "tool.toml:1: colour is not a key" in kinds.found and kinds.meaning and kinds.mend
    assert catalog.status == "broken" and "told at 'kinds'" in catalog.found and "tool.toml" not in catalog.found
    hive.close()


def test_the_kinds_of_a_person_are_named(home: Path, clock: FakeClock, tmp_path: Path):
    (tmp_path / "tool.toml").write_text('name = "tool"\ntitle = "Tool"\n')
    hive = Hive(home_with_database(home), Settings(), "hive-test-no-such-server", clock=clock, kinds_folder=tmp_path)
    said = found(hive, "kinds")
    assert said.status == "ok" and said.found.endswith("your own manifests: tool")
    hive.close()


def test_a_process_that_holds_a_sleeping_conversation_is_named(hive: Hive, asleep: Agent):
    assert found(hive, "left processes").status == "ok"
    waits = [sys.executable, "-c", "input()", f"--resume={asleep.session_id}"]
    with subprocess.Popen(waits, stdin=subprocess.PIPE) as left:
        said = found(hive, "left processes")
        left.communicate(b"\n")
    assert said.status == "warning" and f"process {left.pid}" in said.found and "shop" in said.found
    assert f"kill {left.pid}" in said.mend
    assert found(hive, "left processes").status == "ok"


def test_temporary_files_count_once_they_are_old(hive: Hive, home: Path, clock: FakeClock):
    cut_off = home / "checkpoints" / "shop" / ".20260105.tar.zst.77-ab.tmp"
    cut_off.parent.mkdir(parents=True)
    cut_off.write_bytes(bytes(5000))
    os.utime(cut_off, (clock.now().timestamp(),) * 2)
    assert found(hive, "temporary files").status == "ok", "it may be under way"
    clock.advance(2 * 3600)
    said = found(hive, "temporary files")
    assert said.status == "warning" and str(cut_off) in said.found and "recover" in said.mend


def test_what_waits_too_long_is_told(hive: Hive, asleep: Agent, clock: FakeClock):
    hive.queue.enqueue(NewWakeup(asleep.id, Trigger.MANUAL, clock.now()), TESTER)
    clock.advance(60)
    assert found(hive, "overdue").status == "ok"
    clock.advance(600)
    assert "was due 11m ago" in found(hive, "overdue").found
    hive.database.write(settings.put, settings.PAUSED, True, now=clock.now())
    assert "unpause" in found(hive, "overdue").mend


def test_failed_wakes_open_breakers_and_failed_steps_are_told_for_a_day(hive: Hive, asleep: Agent, clock: FakeClock):
    hive.database.write(wake_states.failed, asleep.id, BreakerPolicy(1, 900), now=clock.now())
    step = Event(EventKind.STEP_FAILED, "The heartbeat could not look", severity=Severity.FAILURE)
    hive.database.write(journal.log, step, now=clock.now())
    assert "shop" in found(hive, "circuit breakers").found
    assert "could not look" in found(hive, "steps").found
    clock.advance(25 * 3600)
    names = [one.what for one in hive.examining.doctor.examine()]
    assert "circuit breakers" not in names and found(hive, "steps").status == "ok"


def test_a_heartbeat_that_gives_no_sign_is_broken(hive: Hive, clock: FakeClock):
    hive.database.write(settings.put, settings.HEARTBEAT, {}, now=clock.now())
    assert hive.heartbeat_lock.try_take("heartbeat")
    try:
        assert found(hive, "heartbeat").status == "ok"
        clock.advance(timedelta(minutes=4).total_seconds())
        said = found(hive, "heartbeat")
    finally:
        hive.heartbeat_lock.release()
    assert said.status == "broken" and f"kill {os.getpid()}" in said.mend


@pytest.mark.parametrize(
    ("prepared", "status", "said"),
    [
        (lambda program: None, "ok", "not installed"),
        (lambda program: str(program), "ok", "installed in"),
        (lambda program: f"{program.parent}/gone/hive-tui", "broken", "is not there"),
    ],
    ids=["none", "good", "of a program that is gone"],
)
def test_hooks_are_looked_at(hive: Hive, home: Path, prepared: Callable[[Path], str | None], status: str, said: str):
    from hive_tui.services.hook_install import HookInstaller

    program = home.parent / "bin" / "hive-tui"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    (home.parent / ".claude").mkdir()
    command = prepared(program)
    if command is not None:
        installer = HookInstaller(home, os.environ, (command,), hive.clock)
        installer.apply(installer.plan_install("claude"))
    one = found(hive, "hooks of claude")
    assert one.status == status and said in one.found


def test_a_log_that_cannot_be_written_is_broken(home: Path, clock: FakeClock):
    (home.parent / "file").write_text("")
    named = Settings(log=LogSettings(file=str(home.parent / "file" / "hive.log")))
    hive = Hive(home, named, "hive-test-no-such-server", clock=clock, notifier=Heard())
    assert found(hive, "log").status == "broken"
    hive.close()


def test_the_command_exits_with_one_only_if_something_is_broken(stage: Stage):
    done = stage.command("doctor", "--json")
    assert done.returncode == 0, done.stderr
    assert {"what", "status", "found", "mend", "meaning", "area"} == set(json.loads(done.stdout)[0])
    (stage.folder / "config.toml").write_text(f'[log]\nfile = "{stage.folder}"\n')
    assert stage.command("doctor").returncode == 1
