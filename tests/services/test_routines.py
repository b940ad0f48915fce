"""Recurring routines: each run makes its task or its wake once, late ones as the routine says, through kills."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hive_tui.domain.errors import HiveError
from hive_tui.domain.routines import MOST_OPEN
from hive_tui.domain.tasks import TaskStatus
from hive_tui.domain.wakeups import Trigger, WakeupStatus, messages_of
from hive_tui.hive import Hive
from hive_tui.services.routines import RoutineView
from hive_tui.settings import Settings
from hive_tui.store import agents, routines, settings, tasks, wakeups
from tests.builders import an_agent
from tests.clocks import FakeClock
from tests.migrated import home_with_database
from tests.stage import ROOT, TESTER, Heard


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


class Days:
    """A hive without tmux, on a clock that the test moves; the scheduler ticks as the heartbeat would."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock(at("2026-01-05 08:00"))
        self.hive = Hive(
            home_with_database(folder / "home"), Settings(), "no-server", clock=self.clock, notifier=Heard()
        )
        self.database = self.hive.database
        self.ada = an_agent("ada")
        self.database.write(agents.add, self.ada, now=self.clock.now())

    def add(self, every: str, **facts: str | None) -> str:
        return self.hive.recurring.routines.add(every, self.ada, TESTER, **{"goal": "review", **facts}).id  # type: ignore[arg-type]

    def go_to(self, text: str, *, step: timedelta = timedelta(minutes=10)) -> None:
        while self.clock.now() < at(text):
            self.clock.advance(min(step, at(text) - self.clock.now()).total_seconds())
            self.hive.listening.scheduler.tick()

    def jump_to(self, text: str) -> int:
        self.clock.step(at(text) - self.clock.now())
        return self.hive.listening.scheduler.tick()

    def view(self, named: str) -> RoutineView:
        return self.hive.recurring.routines.get(named)

    def runs(self, named: str) -> list[str]:
        return [f"{one.due_at:%d %H:%M} {one.outcome}" for one in self.view(named).runs]

    def titles(self) -> list[str]:
        return [one.title for one in self.database.read(tasks.everything, finished=True)]


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    made = Days(tmp_path)
    yield made
    made.hive.close()


def test_each_run_makes_one_task_and_wakes_its_agent_with_the_chain_from_the_goal(days: Days):
    top = days.hive.tasks.add("ship it", TESTER).task
    routine = days.add("daily 09:00 UTC", parent_id=top.id[:8], name="morning")
    days.go_to("2026-01-07 12:00")
    assert days.runs("morning") == ["05 09:00 done", "06 09:00 done", "07 09:00 done"]
    made = [one for one in days.database.read(tasks.everything) if one.routine]
    assert [(one.title, one.agent_id, one.parent_id) for one in made] == [("review", days.ada.id, top.id)] * 3
    [wake] = days.database.read(wakeups.unfinished_wakes, days.ada.id)
    assert wake.trigger is Trigger.ROUTINE and wake.priority == 60 and len(messages_of(wake.context)) == 3
    assert "1. ship it" in messages_of(wake.context)[0]
    view = days.view(routine[:6])
    assert (view.next_at, view.open_tasks, view.agent_name) == (at("2026-01-08 09:00"), 3, "ada")


@pytest.mark.parametrize(
    ("backfill", "made"),
    [
        ("skip", ["missed", "missed", "missed"]),
        ("once", ["missed", "missed", "late"]),
        ("all(2)", ["missed", "late", "late"]),
    ],
)
def test_what_was_missed_is_made_up_for_as_the_routine_says(days: Days, backfill: str, made: list[str]):
    days.add("daily 09:00 UTC", name="morning", backfill=backfill)
    assert days.jump_to("2026-01-07 12:00") == made.count("late")
    assert [one.split()[-1] for one in days.runs("morning")] == made
    assert len(days.titles()) == made.count("late")
    assert days.jump_to("2026-01-07 12:01") == 0


def test_a_clock_that_goes_back_and_a_second_process_make_nothing_twice(days: Days):
    days.add("4h", name="often")
    days.go_to("2026-01-05 20:30")
    assert len(days.titles()) == 3
    days.jump_to("2026-01-05 10:00")
    days.go_to("2026-01-05 20:30")
    assert len(days.titles()) == 3
    other = Hive(days.hive.home, Settings(), "no-server", clock=days.clock, notifier=Heard())
    days.clock.step(timedelta(hours=4))
    assert (other.listening.scheduler.tick(), days.hive.listening.scheduler.tick()) == (1, 0)
    other.close()
    assert len(days.titles()) == 4


def test_it_rests_while_it_is_off_or_all_is_paused_and_a_removed_one_leaves_its_tasks(days: Days):
    days.add("4h", name="often")
    days.hive.recurring.routines.enable("often", False, TESTER)
    assert days.jump_to("2026-01-05 13:00") == 0 and days.view("often").next_at is None
    days.hive.recurring.routines.enable("often", True, TESTER)
    assert days.jump_to("2026-01-05 16:59") == 0, "counted from when it was switched on"
    days.database.write(settings.put, settings.PAUSED, True, now=days.clock.now())
    assert days.jump_to("2026-01-05 17:05") == 0
    days.database.write(settings.put, settings.PAUSED, False, now=days.clock.now())
    assert days.jump_to("2026-01-05 17:06") == 1 and days.runs("often") == ["05 17:00 late"]
    removed = days.hive.recurring.routines.remove("often", TESTER)
    assert days.jump_to("2026-01-06 17:00") == 0 and days.titles() == ["review"]
    days.hive.recurring.routines.put_back(removed, TESTER)
    assert days.jump_to("2026-01-06 21:00") == 1


def test_tasks_that_nobody_does_do_not_pile_up_and_one_that_is_done_makes_room(days: Days):
    days.add("1h", name="often")
    days.go_to("2026-01-06 08:00", step=timedelta(minutes=30))
    assert len(days.titles()) == MOST_OPEN
    last = days.view("often").runs[-1]
    assert (last.outcome, last.why) == ("held", f"{MOST_OPEN} of its tasks wait already.")
    first = days.database.read(tasks.everything)[0]
    days.hive.tasks.set_status(first.id, TaskStatus.DONE, TESTER)
    assert days.jump_to("2026-01-06 09:00") == 1


def test_a_routine_without_a_goal_wakes_its_agent_as_a_timer_does(days: Days):
    days.add("daily 09:00", goal=None, message="Look at the inbox.")
    days.go_to("2026-01-05 09:00")
    [wake] = days.database.read(wakeups.unfinished_wakes, days.ada.id)
    assert (wake.trigger, messages_of(wake.context)) == (Trigger.SCHEDULE, ("Look at the inbox.",))
    days.database.write(wakeups.cancel, wake.id, now=days.clock.now())
    days.jump_to("2026-01-05 08:00")
    days.go_to("2026-01-05 10:00")
    assert days.database.read(wakeups.unfinished_wakes, days.ada.id) == [], "one run is one wake"
    assert days.database.read(wakeups.get, wake.id).status is WakeupStatus.CANCELLED


def test_one_whose_agent_is_gone_or_whose_zone_nobody_knows_stops_no_other(days: Days):
    bob = an_agent("bob")
    days.database.write(agents.add, bob, now=days.clock.now())
    of_bob = days.hive.recurring.routines.add("daily 09:00", bob, TESTER, goal="sweep")
    days.database.write(agents.forget, bob.id, now=days.clock.now())
    broken = days.database.read(routines.get, days.add("daily 09:00", name="broken"))
    days.database.write(routines.put, replace(broken, every="daily 09:00 Nowhere/Here"))
    days.add("daily 09:00", name="well")
    with pytest.raises(HiveError, match="Nowhere/Here"):
        days.jump_to("2026-01-05 09:01")
    assert days.titles() == ["review"] and days.runs("well") == ["05 09:00 done"]
    assert [one.why for one in days.database.read(routines.runs, of_bob.id)] == ["Its agent was forgotten."]


def test_a_name_stands_for_one_routine_and_what_is_wrong_is_not_stored(days: Days):
    days.add("4h", name="often")
    for wrong in ({"name": "often"}, {"backfill": "twice"}, {"parent_id": "nothing"}, {"goal": " "}):
        with pytest.raises(HiveError):
            days.add("4h", **wrong)
    with pytest.raises(HiveError, match="begins with '/'"):
        days.add("4h", goal=None, message="/clear")
    assert len(days.hive.recurring.routines.view()) == 1


# Lets a day pass with a tick each hour; kills itself before the statement whose number it is given.
TICKS = """
import os, signal, sys
from datetime import timedelta
from itertools import count
from pathlib import Path
from hive_tui.hive import Hive
from hive_tui.settings import Settings
from tests.clocks import FakeClock
from tests.stage import Heard

clock, statements, fatal = FakeClock(), count(1), int(sys.argv[2])

def execute(statement):
    if next(statements) == fatal:
        os.kill(os.getpid(), signal.SIGKILL)

hive = Hive(Path(sys.argv[1]), Settings(), "no-server", clock=clock, notifier=Heard())
hive.database._writer.set_trace_callback(execute)
for _ in range(12):
    clock.advance(3600)
    hive.listening.scheduler.tick()
hive.close()
"""


@pytest.mark.faults
@pytest.mark.parametrize("fatal", range(1, 120, 6))
def test_a_kill_in_the_middle_loses_no_run_and_repeats_none(tmp_path: Path, fatal: int):
    home = tmp_path / "home"
    hive = Hive(home_with_database(home), Settings(), "no-server", clock=FakeClock(), notifier=Heard())
    ada = an_agent("ada")
    hive.database.write(agents.add, ada, now=hive.clock.now())
    hive.recurring.routines.add("2h", ada, TESTER, goal="review", name="often", backfill="all(99)")
    command = [sys.executable, "-c", TICKS, str(home)]
    killed = subprocess.run([*command, str(fatal)], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    again = subprocess.run([*command, "0"], capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert again.returncode == 0, again.stderr

    assert hive.database.integrity_errors() == []
    runs = hive.recurring.routines.get("often").runs
    made = {one.id: one for one in hive.database.read(tasks.everything)}
    assert len(runs) == 6 == len(made) and {one.task_id for one in runs} == set(made)
    [wake] = hive.database.read(wakeups.unfinished_wakes, ada.id)
    assert len(messages_of(wake.context)) == 6
    hive.close()
