"""The command routine, and the two others that add one."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hive_tui.adapters.clock import SystemClock
from hive_tui.cli.main import run
from hive_tui.store import agents
from hive_tui.store.database import Database
from tests.builders import NOON, an_ended_agent

Command = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a command in this process, on a hive with one agent and without tmux; code, document and stderr."""
    (tmp_path / "home").mkdir()
    database = Database(tmp_path / "home" / "hive.db", SystemClock())
    database.write(agents.add, an_ended_agent("shop"), now=NOON)
    database.close()

    def call(*arguments: str, as_json: bool = True) -> tuple[int, Any, str]:
        where = ("--home", str(tmp_path / "home"), "--tmux-socket", "hive-test-none")
        code = run([*where, *arguments, *(("--json",) if as_json else ())])
        out, err = capsys.readouterr()
        return code, json.loads(out) if as_json and out else out, err

    return call


def test_a_routine_by_commands_alone(command: Command):
    goal = ("--goal", "look at the shop")
    _, new, _ = command("task", "add", *goal, "--every", "daily 9:00 Europe/Berlin", "--assign", "shop")
    assert (new["name"], new["agent"], new["every"], new["backfill"]) == (
        "look at the shop",
        "shop",
        "daily 9:00 Europe/Berlin",
        "once",
    )
    assert new["active"] is True and new["next_at"].endswith(":00:00Z") and new["runs"] == []
    _, wake, _ = command("wake", "shop", "--every", "4h", "--message", "Go on.")
    assert (wake["goal"], wake["message"], wake["name"]) == (None, "Go on.", "wake shop")
    _, off, _ = command("routine", "disable", new["id"][:8])
    assert off["active"] is False and off["next_at"] is None
    assert command("routine", "enable", "look at the shop")[1]["next_at"] == new["next_at"]
    listed = command("routine", as_json=False)[1].splitlines()
    assert listed[0].split()[:3] == ["ID", "NAME", "AGENT"] and len(listed) == 3
    code, said, note = command("routine", "add", "--agent", "shop", "--every", "1h", "--name", "x", as_json=False)
    assert code == 0 and said.startswith("The routine x (") and "no heartbeat runs now" in note
    assert command("routine", "remove", "wake shop")[0] == command("routine", "remove", "x")[0] == 0
    assert [one["id"] for one in command("routine", "list")[1]] == [new["id"]]
    assert command("task")[1] == [], "nothing is due yet"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["routine", "add", "--agent", "shop", "--every", "often"], 2, "'often' does not say how often."),
        (["routine", "add", "--agent", "shop", "--every", "4h", "--backfill", "x"], 2, "'x'"),
        (
            ["task", "add", "--goal", "x", "--assign", "shop", "--every", "seldom"],
            2,
            "'seldom' does not say how often.",
        ),
        (["wake", "shop", "--every", "daily 25:00"], 2, "25:00"),
        (["routine", "add", "--agent", "nobody", "--every", "4h"], 1, "There is no agent 'nobody'."),
        (["routine", "add", "--agent", "shop", "--every", "4h", "--goal", "x", "--message", "y"], 2, "not both"),
        (["task", "add", "--goal", "x", "--every", "4h"], 2, "--every needs --assign AGENT"),
        (["task", "add", "--goal", "x", "--backfill", "once"], 2, "--backfill needs --every WHEN."),
        (["wake", "shop", "--every", "4h", "--in", "2h"], 2, "--every goes with --message alone."),
        (["routine", "enable", "none"], 1, "There is no routine 'none'."),
    ],
)
def test_what_is_wrong_is_one_sentence(command: Command, arguments: list[str], code: int, said: str):
    returned, printed, told = command(*arguments)
    assert (returned, printed) == (code, "") and "Error: " in told and said in told
    assert command("routine")[1] == []
