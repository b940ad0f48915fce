"""`hive-tui task` for people and scripts: tables, sentences, exit codes."""

import pytest

from hive_tui.cli.tasks import in_tree
from tests.domain.test_tasks import a_task
from tests.stage import Stage


def test_the_list_is_a_tree_with_what_belongs_together_together():
    tasks = [a_task("a"), a_task("b"), a_task("a1", "a"), a_task("b1", "b"), a_task("a11", "a1"), a_task("a2", "a")]
    tasks.append(a_task("of-one-that-is-not-listed", "z"))
    assert [(depth, task.id) for depth, task in in_tree(tasks)] == [
        (0, "a"), (1, "a1"), (2, "a11"), (1, "a2"), (0, "b"), (1, "b1"), (0, "of-one-that-is-not-listed"),
    ]  # fmt: skip


def test_people_read_a_tree_and_sentences(stage: Stage):
    assert "There is nothing to do." in stage.command("task").stdout
    goal = stage.json("task", "add", "--goal", "Ship 1.0")["id"][:8]
    added = stage.command("task", "split", goal, "Docs", "Build")
    assert added.returncode == 0 and "Docs (" in added.stdout and ") was added." in added.stdout
    listed = stage.command("task", "list").stdout.splitlines()
    assert listed[0].split() == ["ID", "STATUS", "AGENT", "TASK"]
    assert [line.partition("-")[2] for line in listed[1:]] == [
        f"      {text}" for text in ("Ship 1.0", "  Docs", "  Build")
    ]
    part = listed[2].split()[0]
    assert stage.command("task", "start", part).stdout == f"Docs ({part}) is doing.\n"
    assert stage.command("task", "done", part).stdout == f"Docs ({part}) is done.\n"
    assert "1 of 2 parts done:" in stage.command("task", "show", goal).stdout
    assert stage.command("task", "cancel", goal).stdout == f"Ship 1.0 ({goal}) is cancelled, and 1 of its parts.\n"
    assert stage.command("task", "move", part).stdout.splitlines()[1] == "Docs"


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("add", 2, "Missing option '--goal'"),
        ("add --goal x --routine nightly", 2, "--routine needs --assign"),
        ("add --goal x --assign nobody", 1, "Error: There is no agent 'nobody'."),
        ("add --goal x --parent zzzz", 1, "Error: There is no task 'zzzz'."),
        ("split zzzz", 2, "at least one PART"),
        ("split zzzz part", 1, "Error: There is no task 'zzzz'."),
        ("assign zzzz", 2, "Name an agent, or say --nobody."),
        ("assign zzzz --nobody", 1, "Error: There is no task 'zzzz'."),
        ("set nobody", 2, "Say --step"),
        ("set nobody --step x", 1, "Error: There is no agent 'nobody'."),
        ("done zzzz", 1, "Error: There is no task 'zzzz'."),
        ("show zzzz", 1, "Error: There is no task 'zzzz'."),
        ("list --agent nobody", 1, "Error: There is no agent 'nobody'."),
        ("frobnicate", 2, "No such command"),
    ],
)
def test_what_is_wrong_is_one_sentence_with_its_exit_code(stage: Stage, words: str, code: int, said: str):
    done = stage.command("task", *words.split())
    assert (done.returncode, done.stdout) == (code, "") and said in done.stderr
    assert "Traceback" not in done.stderr and (code == 2 or "Hint: " in done.stderr)


def test_bytes_that_are_no_utf8_and_escapes_in_a_goal_harm_nobody(stage: Stage):
    added = stage.json("task", "add", "--goal", "a\udcff\x1b[31mb", "--key", "k\udcff")
    assert added["goal"] == r"a\udcff[31mb" and added["idempotency_key"] == r"k\udcff"
    assert stage.json("task", "add", "--goal", "other", "--key", "k\udcff")["id"] == added["id"]
