"""Tasks by commands alone: the agent is woken, and told what it is to do and what for."""

import json
from pathlib import Path
from typing import Any

from hive_tui.archive import reader
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.wakeups import WakeupStatus, messages_of
from hive_tui.store import wakeups
from tests.stage import Stage, eventually, transcript_of


def run_wakes(stage: Stage, *given: dict[str, Any]) -> None:
    """Make the attempt of each wake, as a heartbeat would."""
    asked = [stage.hive.database.read(wakeups.get, one["wakeup_id"]) for one in given]
    done = stage.hive.foreground.run(asked, timeout_s=60)
    assert [one.status for one in done] == [WakeupStatus.COMPLETED] * len(done), [one.last_error for one in done]


def said_to(stage: Stage, name: str) -> list[str]:
    """What the agent was told, by its own transcript."""
    lines = [json.loads(line) for line in transcript_of(stage.look(name)).read_text().splitlines()]
    return [line["text"] for line in lines if line["type"] == "user"]


def test_an_agent_that_sleeps_is_woken_and_told_the_chain_from_the_goal_to_its_task(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    goal = stage.json("task", "add", "--goal", "Ship 1.0 to everyone", "--title", "Ship 1.0")
    assert goal["agent"] is None and goal["wakeup_id"] is None
    task = stage.json("task", "add", "--goal", "Write the README", "--parent", goal["id"][:8], "--assign", "shop")
    assert task["parent_id"] == goal["id"] and task["agent"] == "shop" and task["status"] == "open"
    [queued] = stage.json("queue")
    assert (queued["id"], queued["trigger"], queued["priority"]) == (task["wakeup_id"], "assignment", 70)
    [chain] = queued["context"]["goal_ancestry"]
    assert [one["title"] for one in chain] == ["Ship 1.0", "Write the README"]

    run_wakes(stage, task)
    assert stage.look().lifecycle is Lifecycle.AWAKE
    eventually(lambda: len(said_to(stage, "shop")) == 2, "it was told")
    told = said_to(stage, "shop")[1]
    assert told == messages_of(queued["context"])[0]
    assert told.index("Write the README") < told.index("1. Ship 1.0 to everyone") < told.index("task done")

    again = stage.json("task", "assign", task["id"], "shop")
    assert again["wakeup_id"] is None and "already" in again["note"]
    assert len(stage.json("queue")) == 1

    shown = stage.json("task", "show", task["id"][:8])
    assert [one["title"] for one in shown["goal_ancestry"]] == ["Ship 1.0", "Write the README"]
    early = stage.command("task", "done", goal["id"])
    assert early.returncode == 1 and "1 of its 1 parts are not" in early.stderr and "Hint:" in early.stderr
    for one in (task, goal):
        assert stage.json("task", "done", one["id"])["status"] == "done"
    assert stage.json("task", "list") == [] and len(stage.json("task", "list", "--all")) == 2


def test_two_tasks_in_one_wake_are_both_told(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    stage.nap()
    first = stage.json("task", "add", "--goal", "Build it", "--assign", "shop")
    tests = ("task", "add", "--goal", "Test it", "--assign", "shop", "--routine", "nightly", "--key", "today")
    second = stage.json(*tests)
    assert first["wakeup_id"] == second["wakeup_id"]
    repeated = stage.json(*tests)
    assert repeated["id"] == second["id"] and repeated["wakeup_id"] is None
    run_wakes(stage, first)
    eventually(lambda: len(said_to(stage, "shop")) > 1, "it was told")
    told = "\n".join(said_to(stage, "shop")[1:])
    assert told.count("Build it") == 1 and told.count("Test it") == 1


def test_the_agents_of_a_split_goal_are_told_each_its_part_awake_or_not(stage: Stage):
    for name in ("shop", "docs"):
        stage.agent_in_shell(name)
        stage.look(name)
    stage.nap("docs")
    goal = stage.json("task", "add", "--goal", "Ship 1.0")
    parts = stage.json("task", "split", goal["id"], "--assign", "shop", "Build it", "--for", "docs", "Write it up")
    assert [(one["agent"], one["title"]) for one in parts] == [("shop", "Build it"), ("docs", "Write it up")]
    assert {one["trigger"] for one in stage.json("queue")} == {"goal"}
    run_wakes(stage, *parts)
    for name, mine, other in (("shop", "Build it", "Write it up"), ("docs", "Write it up", "Build it")):
        eventually(lambda name=name: len(said_to(stage, name)) == 2, "it was told")  # type: ignore[misc]
        assert mine in said_to(stage, name)[1] and "1. Ship 1.0" in said_to(stage, name)[1]
        assert other not in said_to(stage, name)[1]


def test_a_checkpoint_has_the_tasks_of_its_agent_and_how_far_it_is(stage: Stage):
    stage.agent_in_shell("shop")
    stage.look()
    goal = stage.json("task", "add", "--goal", "Ship 1.0")
    task = stage.json("task", "add", "--goal", "Build it", "--parent", goal["id"])
    other = stage.json("task", "add", "--goal", "Something else")
    stage.json("task", "assign", task["id"], "shop")
    said = ("--step", "compile", "--done-step", "read", "--next", "link", "--next", "test", "--failed", "flaky")
    state = stage.json("task", "set", "shop", *said)
    assert (state["step"], state["done_steps"], state["next_steps"]) == ("compile", ["read"], ["link", "test"])
    assert state["failure_counts"] == {"flaky": 1} and state["reason_tags"] == ["flaky"]
    shown = stage.json("task", "show", "shop")
    assert shown["tasks"][0]["id"] == task["id"] and {**shown, "tasks": 0} == {**state, "tasks": 0}
    taken = stage.json("checkpoint", "shop")
    saved = json.loads(reader.read_member(Path(taken["path"]), "queue/tasks.json"))
    assert [one["id"] for one in saved["tasks"]] == [task["id"]]
    assert [[one["title"] for one in chain] for chain in saved["goal_ancestry"]] == [["Ship 1.0", "Build it"]]
    assert saved["state"]["step"] == "compile" and other["id"] not in json.dumps(saved)
