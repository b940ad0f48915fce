"""Damaged checkpoints and missing transcripts: an older generation, an alert, or a question."""

from pathlib import Path

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint, CheckpointReason
from hive_tui.domain.errors import ErrorClass
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.store import checkpoints, wakeups
from tests.stage import TESTER, Stage, pane_of, transcript_of


def naps(stage: Stage, count: int) -> tuple[Agent, list[Checkpoint]]:
    """An asleep agent with that many checkpoints, newest first."""
    pane_id = stage.agent_in_shell("shop", said="message 1")
    agent = stage.look()
    for number in range(2, count + 1):
        stage.nap()
        stage.wake(agent)
        stage.say(pane_id, f"message {number}")
    stage.nap()
    return stage.look(), stage.hive.database.read(checkpoints.of_agent, agent.id)


def damage(checkpoint: Checkpoint) -> None:
    path = Path(checkpoint.path)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)


def test_a_missing_transcript_comes_back_from_the_checkpoint(stage: Stage):
    agent, _ = naps(stage, 1)
    transcript_of(agent).unlink()
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert wakeup.result is not None and wakeup.result["restored"] == ["the transcript"]
    assert "(resumed with 1 messages)" in stage.screen(pane_of(stage.look()))


def test_a_damaged_newest_checkpoint_and_a_missing_transcript_fall_back_with_an_alert(stage: Stage):
    agent, found = naps(stage, 3)
    damage(found[0])
    transcript_of(agent).unlink()
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert wakeup.result is not None
    assert (wakeup.result["generation"], wakeup.result["fallbacks"]) == (1, 1)
    assert "(resumed with 2 messages)" in stage.screen(pane_of(stage.look()))
    [alert] = [event for event in stage.events if event.kind == "checkpoint.skipped"]
    assert "generation 0" in alert.text and alert.severity == "failure"
    assert not stage.hive.database.read(checkpoints.get, found[0].id).is_valid


def test_three_damaged_generations_are_stepped_over_and_all_are_named(stage: Stage):
    agent, found = naps(stage, 4)
    for checkpoint in found[:3]:
        damage(checkpoint)
    transcript_of(agent).unlink()
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert wakeup.result is not None
    assert (wakeup.result["generation"], wakeup.result["fallbacks"]) == (3, 3)
    [alert] = [event for event in stage.events if event.kind == "checkpoint.skipped"]
    assert all(f"generation {number}" in alert.text for number in (0, 1, 2))


def test_with_all_damaged_and_no_transcript_the_wake_fails_for_good_and_nothing_is_overwritten(stage: Stage):
    agent, found = naps(stage, 2)
    for checkpoint in found:
        damage(checkpoint)
    transcript_of(agent).unlink()
    before = {path: path.read_bytes() for path in (stage.home / "checkpoints").rglob("*.zst")}
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.FAILED, "trying again by itself would bring nothing"
    assert "all checkpoints of it are damaged" in (wakeup.last_error or "")
    assert stage.stored(agent).lifecycle is Lifecycle.FAILED
    assert {path: path.read_bytes() for path in (stage.home / "checkpoints").rglob("*.zst")} == before
    assert not transcript_of(agent).exists()


def test_after_four_damaged_ones_in_a_row_it_names_the_older_one_that_a_restore_goes_back_to(stage: Stage):
    agent, _ = naps(stage, 1)
    for _ in range(4):
        stage.hive.snapshotter.take(agent, CheckpointReason.MANUAL, TESTER, Unwatched())
    for checkpoint in stage.hive.database.read(checkpoints.of_agent, agent.id)[:4]:
        damage(checkpoint)
    transcript_of(agent).unlink()
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.FAILED and stage.stored(agent).lifecycle is Lifecycle.FAILED
    assert "4 checkpoints in a row of it are damaged (generation 0: " in (wakeup.last_error or "")
    assert "`hive-tui restore shop --generation 4` goes back further." in (wakeup.last_error or "")
    stage.json("restore", "shop", "--generation", "4", "--yes")
    assert stage.stored(agent).lifecycle is Lifecycle.ASLEEP, "and no longer failed"
    assert stage.wake(agent).status is WakeupStatus.COMPLETED


def test_with_all_damaged_and_the_transcript_there_the_wake_asks(stage: Stage):
    agent, found = naps(stage, 2)
    for checkpoint in found:
        damage(checkpoint)
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.FAILED, "a retry would not help; a person has to say yes"
    assert wakeup.result == {"needs_person": True, "confirmable": True}
    (attempt,) = stage.hive.database.read(wakeups.attempts_of, wakeup.id)
    assert attempt.error_class is ErrorClass.NEEDS_PERSON
    done = stage.command("wake", "shop")
    assert done.returncode == 1 and "--yes" in done.stderr
    assert stage.json("wake", "shop", "--yes")["generation"] is None
    assert stage.look().lifecycle is Lifecycle.AWAKE


def test_a_transcript_that_is_there_is_never_overwritten(stage: Stage):
    agent, _ = naps(stage, 1)
    path = transcript_of(agent)
    path.write_text(path.read_text().replace("message 1", "message X"))
    stage.wake(agent)
    assert "message X" in path.read_text()


def test_a_folder_that_is_gone_is_made_again(stage: Stage):
    agent, _ = naps(stage, 1)
    Path(agent.cwd).rmdir()
    wakeup = stage.wake(agent)
    assert wakeup.status is WakeupStatus.COMPLETED, wakeup.last_error
    assert Path(agent.cwd).is_dir()
