"""The catalog from the command line: list, compare, export, import, delete, prune, drill, mend."""

import json
import sqlite3
import stat
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.wakeups import WakeupStatus
from hive_tui.store import checkpoints
from tests.stage import TESTER, Stage, transcript_of


@pytest.fixture
def two(stage: Stage) -> tuple[Stage, Agent, Path]:
    """An agent that sleeps, with two generations between which it worked."""
    folder = stage.repository("shop")
    pane_id = stage.agent_in_shell("shop", folder=folder, said="message 1")
    agent = stage.look()
    stage.nap()
    stage.wake(agent)
    stage.say(pane_id, "message 2")
    (folder / "kept.txt").write_text("first\nchanged\nagain\n")
    (folder / "untracked.txt").unlink()
    (folder / "new.txt").write_text("n" * 500)
    stage.nap()
    return stage, agent, folder


def catalog(stage: Stage, agent: Agent) -> list[Checkpoint]:
    return stage.hive.database.read(checkpoints.of_agent, agent.id)


def said_no(stage: Stage, *arguments: str) -> str:
    done = stage.command(*arguments)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stderr


def lines(path: Path) -> list[Any]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_the_list_tells_what_each_checkpoint_cost_and_where_it_is(two: tuple[Stage, Agent, Path]):
    stage, _, _ = two
    newest = stage.json("checkpoints", "shop")[0]
    assert newest["new_bytes"] == newest["size_bytes"] and newest["took_seconds"] > 0
    assert (newest["proven_at"], newest["offsite"], newest["is_local"]) == (None, None, True)
    head = stage.command("checkpoints").stdout.splitlines()[0].split()
    assert head == "AGENT GEN AGE SIZE NEW TOOK VALID PROVEN OFF-SITE WHY ID CONTENT".split()


def test_two_generations_are_compared_file_by_file(two: tuple[Stage, Agent, Path]):
    stage, _, _ = two
    found = stage.json("diff", "shop")
    changes = {one["path"]: (one["change"], one["old_bytes"], one["new_bytes"]) for one in found["files"]}
    assert changes == {
        "kept.txt": ("changed", 14, 20),
        "new.txt": ("added", None, 500),
        "untracked.txt": ("removed", 10, None),
    }
    assert found["transcript"]["from"]["messages"] == 2 and found["transcript"]["to"]["messages"] == 4
    backwards = stage.json("diff", "shop", "--from", "0", "--to", "1")
    assert {one["path"]: one["change"] for one in backwards["files"]}["new.txt"] == "removed"
    said = stage.command("diff", "shop").stdout
    assert "+ new.txt  500 B" in said and "conversation: 2 -> 4 messages (+2)" in said
    assert stage.json("diff", "shop", "--from", "1", "--to", "1")["files"] == []


def test_an_export_comes_back_where_it_belongs(two: tuple[Stage, Agent, Path]):
    stage, agent, _ = two
    old = catalog(stage, agent)[1]
    file = stage.folder / "saved.tar.zst"
    exported = stage.json("export", old.id, str(file))
    assert exported["sha256"] == old.sha256 and stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "already a file" in said_no(stage, "export", old.id, str(file))
    stage.json("export", old.id, str(file), "--force")
    assert "in the catalog already: generation 1" in said_no(stage, "import", str(file))
    assert not (stage.home / "checkpoints/imported").exists(), "it is refused before it is copied"
    stage.json("delete", old.id, "--yes")
    assert not Path(old.path).exists() and len(catalog(stage, agent)) == 1
    entered = stage.json("import", str(file))
    assert (entered["generation"], entered["sha256"], entered["reason"]) == (1, old.sha256, "nap")
    assert entered["imported_at"] and Path(entered["path"]).stat().st_mode & 0o777 == 0o600
    stage.json("restore", "shop", "--generation", "1", "--yes")
    assert (stage.folder / "work/shop/kept.txt").read_text() == "first\nchanged\n"


@pytest.mark.parametrize("damage", ["bits", "truncated", "text", "empty"])
def test_a_file_that_is_not_whole_is_refused_and_nothing_is_left(two: tuple[Stage, Agent, Path], damage: str):
    stage, agent, _ = two
    raw = bytearray(Path(catalog(stage, agent)[0].path).read_bytes())
    file = stage.folder / "hostile.tar.zst"
    if damage == "bits":
        raw[len(raw) // 2] ^= 1
    file.write_bytes({"bits": bytes(raw), "truncated": bytes(raw[:-40]), "text": b"hello", "empty": b""}[damage])
    assert "was not imported" in said_no(stage, "import", str(file))
    assert len(catalog(stage, agent)) == 2
    assert not (stage.home / "checkpoints/imported").exists() or not list(
        (stage.home / "checkpoints/imported").iterdir()
    )


def test_an_import_on_another_machine_makes_an_agent_that_can_be_woken(two: tuple[Stage, Agent, Path]):
    stage, agent, _ = two
    file = stage.folder / "saved.tar.zst"
    stage.json("export", catalog(stage, agent)[0].id, str(file))
    stage.hive.registry.forget(stage.stored(agent), TESTER)
    assert "which is no agent here" in said_no(stage, "import", str(file))
    assert "in the catalog already" in said_no(stage, "import", str(file), "--agent", "moved"), "nobody is asked"
    forgotten = catalog(stage, agent)
    for one in forgotten:
        stage.json("delete", one.id, "--yes")
    assert "There is no terminal to ask at" in said_no(stage, "import", str(file), "--agent", "moved")
    stage.json("import", str(file), "--agent", "moved", "--yes")
    moved = stage.look("moved")
    assert moved.lifecycle is Lifecycle.ASLEEP and moved.session_id == agent.session_id and moved.id != agent.id
    transcript_of(agent).unlink()
    woken = stage.wake(moved)
    assert woken.status is WakeupStatus.COMPLETED, woken.last_error
    assert "message 2" in [one["text"] for one in lines(transcript_of(agent))]


def test_the_last_good_checkpoint_of_a_sleeping_agent_is_not_deleted(two: tuple[Stage, Agent, Path]):
    stage, agent, _ = two
    newest, older = catalog(stage, agent)
    assert "There is no terminal to ask at" in said_no(stage, "delete", newest.id)
    stage.json("delete", newest.id, "--yes")
    assert stage.stored(agent).checkpoint_id == older.id, "a wake starts from the other one now"
    assert "last good checkpoint" in said_no(stage, "delete", older.id, "--yes")
    assert Path(older.path).exists() and [one.id for one in catalog(stage, agent)] == [older.id]
    assert stage.wake(agent).status is WakeupStatus.COMPLETED
    stage.json("delete", older.id, "--yes")
    assert catalog(stage, agent) == []


def test_a_drill_proves_a_checkpoint_and_touches_nothing(two: tuple[Stage, Agent, Path]):
    stage, agent, folder = two
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    done = stage.json("drill", "shop")
    assert [(one["is_proven"], one["generation"], one["agent"]) for one in done] == [(True, 0, "shop")]
    assert "the work tree as it was" in done[0]["note"]
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
    assert catalog(stage, agent)[0].proven_at is not None
    assert list((stage.home / "scratch").iterdir()) == []
    assert stage.json("checkpoints", "shop")[0]["proven_at"]


def test_the_doctor_brings_files_and_rows_together_again(two: tuple[Stage, Agent, Path]):
    stage, agent, _ = two
    newest, older = catalog(stage, agent)
    Path(older.path).unlink()
    with closing(sqlite3.connect(stage.home / "hive.db")) as db:
        db.execute("DELETE FROM checkpoints WHERE id = ?", (newest.id,))
        db.commit()
    found = stage.command("doctor", "--json")
    assert found.returncode == 1
    strays = next(one for one in json.loads(found.stdout) if one["what"] == "catalog")
    assert strays["found"] == "1 file without an entry, 1 entry without a file"
    stage.command("doctor", "--mend")
    mended = {one.sha256: one for one in catalog(stage, agent)}
    assert mended[newest.sha256].is_valid and mended[newest.sha256].generation == 0
    assert mended[newest.sha256].session_id == newest.session_id
    assert [error.kind for error in mended[older.sha256].validation_errors] == ["missing_file"]
    assert stage.hive.keeping.mender.mend(TESTER) == []


def test_a_lost_database_is_built_again_from_the_files(two: tuple[Stage, Agent, Path]):
    stage, agent, folder = two
    hashes = [one.sha256 for one in catalog(stage, agent)]
    stage.hive.close()
    for file in stage.home.glob("hive.db*"):
        file.unlink()
    stage.hive = stage.new_hive()
    stage.command("doctor", "--mend")
    again = stage.look("shop")
    assert (again.id, again.session_id, again.cwd) == (agent.id, agent.session_id, str(folder))
    found = catalog(stage, agent)
    assert [one.sha256 for one in found] == hashes and again.checkpoint_id == found[0].id
    assert stage.wake(again).status is WakeupStatus.COMPLETED


def test_files_of_an_agent_that_was_found_anew_meanwhile_become_its_generations(two: tuple[Stage, Agent, Path]):
    """A second agent with the same conversation would let a wake start it twice."""
    stage, agent, _ = two
    stage.wake(agent)
    hashes = [one.sha256 for one in catalog(stage, agent)]
    stage.hive.close()
    for file in stage.home.glob("hive.db*"):
        file.unlink()
    stage.hive = stage.new_hive()
    anew = stage.look("shop")
    assert anew.id != agent.id and anew.session_id == agent.session_id
    said = stage.command("doctor", "--mend").stdout
    assert [one["name"] for one in stage.json("agents")] == ["shop"]
    assert [one.sha256 for one in catalog(stage, anew)] == hashes
    assert said.count("is in the catalog again, as a checkpoint of shop") == len(hashes)
    assert stage.hive.keeping.mender.mend(TESTER) == []


def test_a_checkpoint_says_what_is_not_in_it(two: tuple[Stage, Agent, Path]):
    stage, agent, folder = two
    (folder / ".env").write_text("KEY=1\n")
    said = stage.command("checkpoint", "shop").stdout
    assert "not in it: .env: looks like a secret" in said
    newest = stage.json("checkpoints", "shop")[0]
    assert newest["summary"]["workspace"]["left_out"] == [".env: looks like a secret"]
    export = stage.folder / "one.tar.zst"
    stage.json("export", newest["id"], str(export))
    stage.json("delete", newest["id"], "--yes")
    stage.json("import", str(export))
    assert catalog(stage, agent)[0].summary["workspace"]["skipped"] == 1


def test_a_restore_names_its_parts_and_the_way_back(two: tuple[Stage, Agent, Path]):
    stage, _, folder = two
    now = {path.name: path.read_text() for path in folder.glob("*.txt")}
    said = stage.command("restore", "shop", "--only", "workspace", "--yes").stdout
    assert "is back at generation 1 (workspace only)" in said
    assert {path.name: path.read_text() for path in folder.glob("*.txt")} != now
    undo = next(line for line in said.splitlines() if line.startswith("To undo it: ")).split("`")[1]
    done = stage.command(*undo.split()[1:], "--yes")
    assert done.returncode == 0, done.stderr
    assert {path.name: path.read_text() for path in folder.glob("*.txt")} == now


def test_a_prune_removes_what_is_beyond_the_settings(two: tuple[Stage, Agent, Path]):
    stage, agent, _ = two
    for _ in range(4):
        stage.json("checkpoint", "shop")
    assert len(catalog(stage, agent)) == 4, "a command that takes one prunes after it"
    newest = catalog(stage, agent)[0]
    stage.wake(agent)
    (stage.folder / "config.toml").write_text("[checkpoint]\nkeep = 1\nkeep_daily = 0\nkeep_weekly = 0\n")
    would = stage.json("prune", "--dry-run")
    assert len(would["removed"]) == 3 and len(catalog(stage, agent)) == 4
    done = stage.json("prune")
    assert [one["id"] for one in done["removed"]] == [one["id"] for one in would["removed"]]
    assert [one.id for one in catalog(stage, agent)] == [newest.id]
    assert [path.name for path in (stage.home / "checkpoints/shop").iterdir()] == [Path(newest.path).name]


def test_one_checkpoint_names_all_that_is_not_in_it(two: tuple[Stage, Agent, Path]):
    stage, agent, folder = two
    (folder / "keys").mkdir()
    for number in range(30):
        (folder / f"keys/{number:02}.pem").write_text("KEY=1\n")
    stage.command("checkpoint", "shop")
    newest = catalog(stage, agent)[0]
    said = stage.command("checkpoints", newest.id[:8]).stdout
    assert said.count("looks like a secret") == 30 and "generation 0" in said and newest.path in said
    shown = stage.json("checkpoints", newest.id)
    assert len(shown["left_out"]) == 30 and shown["id"] == newest.id
    Path(newest.path).unlink()
    said = stage.command("checkpoints", newest.id[:8]).stdout
    assert said.count("looks like a secret") == 20 and "and 10 more" in said, "the catalog alone knows the first"
    assert stage.command("checkpoints", "nobody").returncode == 1
