"""Going back to a generation: workspace and conversation, after a safety checkpoint."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.errors import NapRefused, RestoreError, WorkspaceError
from hive_tui.domain.events import Severity
from hive_tui.domain.progress import Unwatched
from hive_tui.store import checkpoints, effects, journal
from tests.e2e.refusals import refused
from tests.e2e.test_killed import DIED
from tests.stage import TESTER, Stage, eventually, pane_of


def two_generations(stage: Stage, hosted: str = "shell") -> tuple[Agent, Path, str]:
    """An awake agent whose files and conversation have gone on since generation 1."""
    folder = stage.repository("shop")
    start = stage.agent_in_shell if hosted == "shell" else stage.agent_as_command
    pane_id = start("shop", folder=folder, said="message 1")
    agent = stage.look()
    stage.nap()
    stage.wake(agent)
    stage.say(pane_id, "message 2")
    (folder / "kept.txt").write_text("spoilt\n")
    (folder / "staged.txt").unlink()
    (folder / "later.txt").write_text("made later\n")
    stage.nap()
    stage.wake(agent)
    return agent, folder, pane_id


def generation(stage: Stage, agent: Agent, number: int) -> Checkpoint:
    return stage.hive.database.read(checkpoints.generation, agent.id, number)


def state_of(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir() if path.is_file()}


def test_a_restore_brings_back_files_index_and_conversation_and_keeps_what_it_does_not_know(stage: Stage):
    agent, folder, pane_id = two_generations(stage)
    done = stage.json("restore", "shop", "--generation", "1", "--yes")
    assert done["generation"] == 1 and done["files_changed"] == 2 and done["kept"] == ["later.txt"]
    assert state_of(folder) == {
        "kept.txt": "first\nchanged\n",
        "staged.txt": "staged\n",
        "untracked.txt": "untracked\n",
        "later.txt": "made later\n",
    }
    status = subprocess.run(
        ["git", "-C", str(folder), "status", "--porcelain"], capture_output=True, text=True, check=True
    )
    assert status.stdout.splitlines() == [" M kept.txt", "A  staged.txt", "?? later.txt", "?? untracked.txt"]
    eventually(lambda: stage.look().lifecycle is Lifecycle.AWAKE, "it is awake again")
    assert "(resumed with 1 messages)" in stage.screen(pane_id), "the conversation went back too"
    logged = stage.hive.database.read(effects.everything, agent_id=agent.id)
    assert [(one.kind, one.state) for one in logged] == [("restore", "done")]
    assert stage.look().session_id == agent.session_id


def test_the_safety_checkpoint_undoes_a_restore(stage: Stage):
    agent, folder, _ = two_generations(stage)
    before = state_of(folder)
    stage.json("restore", "shop", "--generation", "1", "--yes", "--no-wake")
    assert state_of(folder) != before
    safety = generation(stage, agent, 0)
    assert safety.reason == "safety"
    stage.json("restore", "shop", "--generation", "0", "--yes")
    assert state_of(folder) == before
    assert "(resumed with 2 messages)" in stage.screen(pane_of(stage.look()))


def test_undone_a_restore_leaves_none_of_the_files_that_it_has_brought_back(stage: Stage):
    agent, folder, _ = two_generations(stage)
    (folder / "untracked.txt").unlink()
    before = state_of(folder)
    stage.json("restore", "shop", "--generation", "1", "--yes", "--no-wake")
    assert (folder / "untracked.txt").exists()
    stage.json("restore", "shop", "--generation", "0", "--yes", "--no-wake")
    assert state_of(folder) == before
    assert agent.id == stage.look().id


def test_a_file_that_a_restore_has_brought_back_and_somebody_has_changed_stays(stage: Stage):
    _, folder, _ = two_generations(stage)
    (folder / "untracked.txt").unlink()
    stage.json("restore", "shop", "--generation", "1", "--yes", "--no-wake")
    (folder / "untracked.txt").write_text("worked on since\n")
    done = stage.json("restore", "shop", "--generation", "0", "--yes", "--no-wake")
    assert (folder / "untracked.txt").read_text() == "worked on since\n"
    assert "untracked.txt" in done["kept"]


def test_the_files_alone_go_back_and_the_conversation_goes_on(stage: Stage):
    agent, folder, pane_id = two_generations(stage)
    stage.json("restore", "shop", "--generation", "1", "--only", "workspace", "--yes")
    assert (folder / "kept.txt").read_text() == "first\nchanged\n"
    eventually(lambda: stage.look().lifecycle is Lifecycle.AWAKE)
    assert "(resumed with 2 messages)" in stage.screen(pane_id)
    assert stage.look().checkpoint_id == generation(stage, agent, 0).id, "it stands at what is there"


def test_the_conversation_alone_goes_back_and_the_files_stay(stage: Stage):
    _, folder, pane_id = two_generations(stage)
    before = state_of(folder)
    stage.json("restore", "shop", "--generation", "1", "--only", "conversation", "--yes")
    assert state_of(folder) == before
    eventually(lambda: "(resumed with 1 messages)" in stage.screen(pane_id))


def test_a_preview_changes_nothing(stage: Stage):
    agent, folder, _ = two_generations(stage)
    before = state_of(folder)
    preview = stage.hive.returning.restorer.preview(stage.look(), generation(stage, agent, 1), Unwatched())
    assert preview.lines()[1] == "  2 files change, 3 lines added, 1 removed"
    assert "    + staged.txt" in preview.lines() and "    ~ kept.txt" in preview.lines()
    assert "  conversation: 2 lines" in "\n".join(preview.lines())
    assert state_of(folder) == before and stage.look().lifecycle is Lifecycle.AWAKE


def test_without_a_terminal_a_restore_wants_yes(stage: Stage):
    agent, folder, _ = two_generations(stage)
    before = state_of(folder)
    done = stage.command("restore", "shop", "--generation", "1")
    assert done.returncode == 1
    assert "There is no terminal to ask at." in done.stderr and "--yes" in done.stderr
    assert state_of(folder) == before and stage.stored(agent).lifecycle is Lifecycle.AWAKE


def test_a_damaged_generation_is_not_restored(stage: Stage):
    agent, folder, _ = two_generations(stage)
    path = Path(generation(stage, agent, 1).path)
    path.write_bytes(path.read_bytes()[:-9])
    before = state_of(folder)
    with pytest.raises(RestoreError, match="Generation 1 is damaged"):
        stage.hive.returning.restorer.restore(stage.look(), generation(stage, agent, 1), TESTER, Unwatched())
    assert state_of(folder) == before and stage.look().lifecycle is Lifecycle.AWAKE


def test_an_agent_that_was_woken_meanwhile_is_ended_before_its_files_change(stage: Stage):
    agent, _, _ = two_generations(stage)
    stage.nap()
    before_the_wake = stage.stored(agent)
    wanted = generation(stage, agent, 2)
    stage.wake(agent)
    done = stage.hive.returning.restorer.restore(before_the_wake, wanted, TESTER, Unwatched())
    assert done.was_awake
    assert agent.id not in stage.hive.observer.observe().sightings


def test_a_restore_that_stops_after_the_nap_says_that_the_agent_sleeps(stage: Stage):
    agent, folder, _ = two_generations(stage)
    before = state_of(folder)

    def fails(*_: Any, **__: Any) -> Any:
        raise WorkspaceError("git does not answer.")

    stage.hive.returning.restorer._prepare = fails  # type: ignore[method-assign]
    with pytest.raises(WorkspaceError):
        stage.hive.returning.restorer.restore(stage.look(), generation(stage, agent, 1), TESTER, Unwatched())
    said = [entry.event for entry in stage.hive.database.read(journal.events, limit=4)]
    assert any(
        event.severity is Severity.FAILURE and "w wakes it" in event.text and "git does not answer" in event.text
        for event in said
    )
    assert state_of(folder) == before


def test_a_working_agent_is_not_restored(stage: Stage):
    agent, folder, pane_id = two_generations(stage)
    stage.type(pane_id, "/work 60")
    eventually(lambda: stage.look().activity == "working")
    before = state_of(folder)
    with pytest.raises(NapRefused, match="it is working"):
        stage.hive.returning.restorer.restore(stage.look(), generation(stage, agent, 1), TESTER, Unwatched())
    for arguments in (["--yes"], []):
        refused(stage.command("restore", "shop", "-g", "1", *arguments), "it is working")  # without any preview
    assert state_of(folder) == before
    with stage.hive.locks.agent(agent.id, purpose="checkpoint"):
        refused(stage.command("restore", "shop", "-g", "1", "--yes"), "works on this agent (checkpoint")


def restore_killed_at(stage: Stage, agent: Agent, point: int) -> str:
    arguments = [str(stage.home), stage.socket, "restore", agent.id, str(point)]
    done = stage.python("-m", "tests.e2e.killed", *arguments)
    assert done.returncode in DIED, done.stderr
    return done.stdout


@pytest.mark.timeout(300)
def test_killed_at_any_point_a_restore_is_finished_or_undone_at_the_next_start(stage: Stage):
    agent, folder, _ = two_generations(stage)
    stage.nap()
    now = state_of(folder)
    then = {**now, "kept.txt": "first\nchanged\n", "staged.txt": "staged\n"}

    def spoil() -> None:
        (folder / "kept.txt").write_text("spoilt\n")
        (folder / "staged.txt").unlink(missing_ok=True)

    calls = int(restore_killed_at(stage, agent, 0))
    spoil()
    seen = set()
    for point in range(calls - 9, calls):
        restore_killed_at(stage, agent, point)
        stage.hive.returning.recovery.finish_interrupted()
        assert stage.hive.database.read(journal.operations) == []
        found = state_of(folder)
        assert found in (now, then), "all of it or nothing of it"
        seen.add("then" if found == then else "now")
        spoil()
    assert seen == {"now", "then"}, "the points lie on both sides"
