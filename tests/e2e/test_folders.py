"""Agents in folders that are no git repository: their files are in the checkpoint and come back from it."""

import json
import shutil
from pathlib import Path

import pytest

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.store import journal
from tests.e2e.test_restore import generation, restore_killed_at
from tests.stage import Stage, eventually, transcript_of

NOW = {
    "plan.md": "second\n",
    "figures/one.csv": "1,2\n",
    "later.txt": "made later\n",
    ".env": "KEY=2\n",
}


def files_of(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def fill(folder: Path) -> None:
    for name, text in {"plan.md": "first\n", "figures/two.csv": "3,4\n", ".env": "KEY=1\n"}.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    (folder / "node_modules").mkdir()
    (folder / "node_modules/x.js").write_text("x\n")


def spoil(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()
    for name, text in NOW.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def two_generations(stage: Stage) -> tuple[Agent, Path, str]:
    """An agent asleep, whose files and conversation have gone on since generation 1."""
    pane_id = stage.agent_in_shell("shop", said="message 1")
    agent = stage.look()
    folder = Path(agent.cwd)
    fill(folder)
    stage.nap()
    stage.wake(agent)
    stage.say(pane_id, "message 2")
    spoil_in_place(folder)
    stage.nap()
    return agent, folder, pane_id


def spoil_in_place(folder: Path) -> None:
    """As `spoil`, but for a folder that processes stand in."""
    shutil.rmtree(folder / "figures")
    shutil.rmtree(folder / "node_modules")
    for name, text in NOW.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def test_files_and_conversation_come_back_and_the_safety_checkpoint_undoes_it(stage: Stage):
    agent, folder, _ = two_generations(stage)
    assert files_of(folder) == NOW
    done = stage.json("restore", "shop", "--generation", "1", "--yes")
    assert done["files_changed"] == 2 and sorted(done["kept"]) == ["figures/one.csv", "later.txt"]
    assert files_of(folder) == NOW | {"plan.md": "first\n", "figures/two.csv": "3,4\n"}
    lines = [json.loads(line)["text"] for line in transcript_of(agent).read_text().splitlines()]
    assert "message 1" in lines and "message 2" not in lines
    stage.json("restore", "shop", "--generation", "0", "--yes")
    assert files_of(folder)["plan.md"] == "second\n"


def test_the_checkpoint_says_what_it_left_out(stage: Stage):
    agent, folder, _ = two_generations(stage)
    fill(folder)
    stage.json("checkpoint", "shop")
    taken = generation(stage, agent, 0)
    assert taken.summary["workspace"]["kind"] == "folder"
    done = stage.command("restore", "shop", "--generation", "0", "--yes")
    assert "looks like a secret: 1 file (6 bytes): '.env'" in done.stdout + done.stderr
    assert stage.command("validate", "shop", "--deep").returncode == 0


def test_a_folder_that_is_gone_is_back_with_its_files_after_the_wake(stage: Stage):
    agent, folder, _ = two_generations(stage)
    shutil.rmtree(folder)
    result = stage.wake(agent).result or {}
    assert result["restored"] == [f"the folder {folder} (not in it: looks like a secret: 1 file (6 bytes): '.env')"]
    eventually(lambda: stage.look().lifecycle is Lifecycle.AWAKE, "it is awake again")
    assert files_of(folder) == {name: text for name, text in NOW.items() if name != ".env"}


def test_a_wake_never_touches_a_folder_that_is_there(stage: Stage):
    agent, folder, _ = two_generations(stage)
    (folder / "plan.md").unlink()
    (folder / "later.txt").write_text("third\n")
    before = files_of(folder)
    stage.wake(agent)
    assert files_of(folder) == before


@pytest.mark.timeout(300)
def test_killed_at_any_point_a_restore_is_finished_or_undone_at_the_next_start(stage: Stage):
    agent, folder, _ = two_generations(stage)
    then = NOW | {"plan.md": "first\n", "figures/two.csv": "3,4\n"}
    calls = int(restore_killed_at(stage, agent, 0))
    spoil(folder)
    seen = set()
    for point in range(calls - 9, calls):
        restore_killed_at(stage, agent, point)
        stage.hive.returning.recovery.finish_interrupted()
        assert stage.hive.database.read(journal.operations) == []
        assert files_of(folder) in (NOW, then), "all of it or nothing of it"
        seen.add("then" if files_of(folder) == then else "now")
        spoil(folder)
    assert seen == {"now", "then"}, "the points lie on both sides"
