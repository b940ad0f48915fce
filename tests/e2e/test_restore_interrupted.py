"""A restore that is stopped or killed: past its first file it goes to its end, whoever brings it there, and says so."""

import signal

import pytest

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.budget import Budget, BudgetMode, next_day
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.usage import Spent, Tokens
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.store import effects, journal, ledger, wakeups
from tests.e2e.test_killed import run_killed
from tests.e2e.test_restore import generation, state_of
from tests.stage import CLOCK, TESTER, Stage

THEN = {"kept.txt": "first\nchanged\n", "staged.txt": "staged\n", "untracked.txt": "untracked\n"}


@pytest.fixture
def agent(stage: Stage) -> Agent:
    """Awake, with a generation to go back to and files that have changed since."""
    folder = stage.repository("shop")
    stage.agent_in_shell("shop", folder=folder)
    found = stage.look()
    stage.json("checkpoint", "shop")
    (folder / "kept.txt").write_text("spoilt\n")
    (folder / "staged.txt").unlink()
    return found


def ids_of_events(stage: Stage) -> list[str]:
    return [entry.event.text for entry in stage.hive.database.read(journal.events)]


def test_ctrl_c_while_files_are_changed_says_at_once_that_it_is_too_late_and_the_restore_is_done(
    stage: Stage, agent: Agent
):
    arguments = stage.command_line("restore", "shop", "-g", "0", "--yes")[3:]
    done = stage.python("-m", "tests.e2e.interrupted", *arguments)
    assert done.returncode == 0, done.stderr
    assert "This cannot be stopped any more, since files are changed already" in done.stderr
    assert state_of(stage.folder_for("shop")) == THEN
    assert stage.look().lifecycle is Lifecycle.AWAKE


def test_recover_finishes_a_restore_that_was_killed_and_wakes_the_agent_that_was_awake(stage: Stage, agent: Agent):
    assert run_killed(stage, "restore", agent, "conversation").returncode == -9
    assert stage.hive.database.read(journal.operations)[0].step == "conversation"
    assert stage.hive.database.read(effects.everything)[0].state == "intent"
    assert stage.hive.effecting.log.look_after() == 0, "its journal decides, and nobody is asked"
    done = stage.command("recover")
    assert done.returncode == 0, done.stderr
    assert "shop: an interrupted restore to generation" in done.stdout and "Agents woken: shop" in done.stdout
    assert state_of(stage.folder_for("shop")) == THEN and stage.look().lifecycle is Lifecycle.AWAKE
    assert any("had been interrupted, and was finished now" in text for text in ids_of_events(stage))
    assert stage.hive.database.read(effects.everything)[0].state == "done"


def test_an_agent_that_was_ended_for_a_restore_which_never_began_is_woken(stage: Stage, agent: Agent):
    before = state_of(stage.folder_for("shop"))
    assert run_killed(stage, "restore", agent, "exiting").returncode == -9
    assert agent.process is not None
    stage.hive.processes.signal(agent.process, signal.SIGTERM)  # as if the kill had come right after it
    done = stage.command("recover")
    assert done.returncode == 0 and "Agents woken: shop" in done.stdout, done
    assert state_of(stage.folder_for("shop")) == before, "nothing of it was restored"
    assert stage.look().lifecycle is Lifecycle.AWAKE
    assert len(stage.processes_of_session(agent.session_id or "")) == 1


@pytest.mark.faults
@pytest.mark.parametrize("step", ["unpacking the checkpoint", "apply the changes"])
def test_a_restore_killed_before_it_changes_anything_leaves_nothing_but_wakes_the_agent(
    stage: Stage, agent: Agent, step: str
):
    before = state_of(stage.folder_for("shop"))
    assert run_killed(stage, "restore", agent, step).returncode == -9
    assert stage.look().lifecycle is Lifecycle.ASLEEP
    done = stage.command("recover")
    assert "was interrupted before it changed anything, and its wake was asked for" in done.stdout, done
    assert state_of(stage.folder_for("shop")) == before
    assert list((stage.home / "restores").glob("*")) == []
    assert stage.look().lifecycle is Lifecycle.AWAKE


@pytest.mark.faults
def test_a_wake_killed_after_a_restore_is_taken_up_by_recover(stage: Stage, agent: Agent):
    calls = int(run_killed(stage, "wake", agent, 0).stdout)
    result = stage.hive.returning.restorer.restore(agent, generation(stage, agent, 0), TESTER, Unwatched())
    assert result.wakeup is not None and result.wakeup.status is WakeupStatus.PENDING
    assert run_killed(stage, "wake", agent, max(3, calls // 2)).returncode == -9
    assert stage.hive.database.read(wakeups.get, result.wakeup.id).status is WakeupStatus.PROCESSING
    done = stage.command("recover")
    assert done.returncode == 0 and "shop: an interrupted wake goes back to the queue" in done.stdout, done
    assert "Agents woken: shop" in done.stdout
    assert stage.hive.database.read(wakeups.get, result.wakeup.id).status is WakeupStatus.COMPLETED
    assert len(stage.processes_of_session(agent.session_id or "")) == 1


def test_a_checkpoint_is_restored_by_the_id_that_commands_print(stage: Stage, agent: Agent):
    wanted = generation(stage, agent, 0)
    done = stage.command("restore", wanted.id[:8], "--yes", "--no-wake")
    assert done.returncode == 0 and f"back at generation {wanted.generation}" in done.stdout, done
    assert state_of(stage.folder_for("shop")) == THEN
    safety = generation(stage, agent, 0).id[:8]
    assert f"To undo it: `hive-tui restore {safety}`" in done.stdout
    assert stage.command("restore", wanted.id, "-g", "0", "--yes").returncode == 2


def test_the_wake_after_a_restore_waits_for_the_budget_as_nobody_is_there_to_be_asked(stage: Stage, agent: Agent):
    now = CLOCK.now()
    spent = Spent("a turn", now, Tokens(input=5000), agent.session_id or "", context=5000)
    stage.hive.database.write(ledger.add, agent.id, [spent], now=now)
    stage.hive.spending.budgets.set(None, Budget(1000, BudgetMode.HARD), TESTER)
    done = stage.command("restore", "shop", "-g", "0", "--yes")
    assert done.returncode == 0 and "its wake waits until" in done.stderr and "5.0k of 1.0k" in done.stderr, done
    assert state_of(stage.folder_for("shop")) == THEN, "only the wake waits"
    [waiting] = stage.hive.database.read(wakeups.unfinished_wakes, agent.id)
    assert (waiting.status, waiting.attempts) == (WakeupStatus.PENDING, 0)
    assert next_day(now) <= waiting.scheduled_for <= next_day(CLOCK.now())
    [attempt] = stage.hive.database.read(wakeups.attempts_of, waiting.id)
    assert attempt.outcome == "deferred" and (attempt.verdict or "").startswith("defer: budget: ")
    assert stage.look().lifecycle is Lifecycle.ASLEEP
    woken = stage.wake(agent, confirmed=True)
    assert woken.id == waiting.id and woken.status is WakeupStatus.COMPLETED, "a person may say that it is worth it"
    assert stage.look().lifecycle is Lifecycle.AWAKE
