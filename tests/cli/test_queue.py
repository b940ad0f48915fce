"""The command queue, from the request to the purge."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from hive_tui.adapters.clock import SystemClock
from hive_tui.cli.main import cli
from hive_tui.domain.errors import ErrorClass
from hive_tui.store import agents, claims, journal, purge, wakeups
from hive_tui.store.database import Database
from tests.builders import an_ended_agent

CLOCK = SystemClock()


class Shell:
    """Runs `hive-tui queue ...` on a home of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home
        (home / "config.toml").write_text("")
        self.database = Database(home / "hive.db", CLOCK)
        for name in ("ada", "bob"):
            self.database.write(agents.add, an_ended_agent(name), now=CLOCK.now())

    def run(self, *words: str) -> Result:
        options = ["--home", str(self.home), "--config", str(self.home / "config.toml")]
        return CliRunner().invoke(cli, [*options, "queue", *words])

    def json(self, *words: str) -> Any:
        done = self.run(*words, "--json")
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


def test_a_wakeup_by_commands_alone(shell: Shell):
    asked = shell.json("add", "ada", "--key", "k", "--key-window", "1h", "--message", "go on")
    assert (asked["context"], asked["also"], asked["status"]) == ({"message": "go on"}, [], "pending")
    assert shell.json("priority", asked["id"], "15")["priority"] == 15
    assert shell.json("add", "ada", "--key", "k")["id"] == asked["id"]
    assert [len(shell.json("list", "--status", one)) for one in ("due", "pending", "failed")] == [1, 1, 0]
    shell.json("postpone", asked["id"], "2h")
    assert [len(shell.json("list", "--status", one)) for one in ("due", "pending")] == [0, 1]
    shell.json("cancel", asked["id"])
    again = shell.run("add", "ada", "--key", "k")
    assert "a request with this key was cancelled 0s ago" in again.output
    assert shell.json("list", "--status", "cancelled")[0]["id"] == asked["id"]
    stats = shell.json("stats")
    assert (stats["now"]["cancelled"], stats["now"]["pending"]) == (1, 0)
    counted = {(one["trigger"], one["what"]): one["count"] for one in stats["days"]}
    assert counted == {("manual", "asked"): 1, ("manual", "repeated"): 2, ("manual", "cancelled"): 1}
    assert "now: 0 pending, 0 processing, 0 completed, 0 failed, 1 cancelled" in shell.run("stats").output


def test_every_change_of_a_wakeup_stands_in_the_log_with_who_made_it(shell: Shell):
    asked = shell.json("add", "ada")["id"]
    changes = (("priority", "15"), ("postpone", "2h"), ("retry",), ("cancel",))
    for verb, *value in changes:
        shell.json(verb, asked, *value)
        assert shell.run(verb, "no-such-id", *value).exit_code == 1
    assert shell.run("postpone", asked, "2h").exit_code == 1
    logged = [one.event for one in shell.database.read(journal.events)][1:]
    said = ("has priority 15 now", "was put off until", "is tried again now", "was cancelled")
    assert [one.text[: len(f"The wake of ada {text}")] for one, text in zip(logged, said, strict=True)] == [
        f"The wake of ada {text}" for text in said
    ]
    assert [one.kind for one in logged] == ["wakeup.scheduled"] * 3 + ["wakeup.cancelled"]
    assert {(one.actor.kind, one.payload["wakeup_id"]) for one in logged} == {("person", asked)}


def test_the_class_of_an_error_is_shown_with_it(shell: Shell):
    asked = shell.json("add", "bob")
    claimed = shell.database.write(claims.claim_one, asked["id"], by="test", now=CLOCK.now())
    assert claimed is not None
    facts: dict[str, Any] = {"error": "its transcript is gone", "next_at": None, "error_class": ErrorClass.PERMANENT}
    shell.database.write(claims.fail, claimed, now=CLOCK.now(), **facts)
    (listed,) = shell.json("list", "--status", "failed")
    assert listed["attempt_log"][0]["error_class"] == "permanent"
    assert "permanent: its transcript is gone" in shell.run("list").output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["add", "ada", "--key-window", "1h"], 2, "--key-window needs --key."),
        (["priority", "no-such-id", "5"], 1, "There is no wakeup 'no-such-id'."),
        (["priority", "no-such-id", "101"], 2, "101 is not in the range 0<=x<=100."),
        (["purge", "--older-than", "soon"], 2, "'soon' is not a duration. Write it like 90s"),
        (["add", "ada", "--in", "-1h"], 2, "'-1h' is not a duration. Write it like 90s"),
    ],
)
def test_what_is_wrong_is_said(shell: Shell, words: list[str], code: int, said: str):
    done = shell.run(*words)
    assert said in (done.output if code == 2 else str(done.exception))
    assert done.exit_code == code


def test_a_purge_removes_what_ended_long_ago_and_nothing_else(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(purge, "BATCH", 2)
    kept = shell.json("add", "bob", "--in", "1h")["id"]
    for number in range(5):
        keyed = ["--key", "k", "--key-window", "1h"] if number == 4 else []
        shell.json("cancel", shell.json("add", "ada", *keyed)["id"])
    assert shell.json("purge", "--older-than", "1h") == {"removed": 0, "would_remove": 0}
    assert shell.json("purge", "--older-than", "0s", "--dry-run") == {"removed": 0, "would_remove": 4}
    assert shell.run("purge", "--older-than", "0s").output == "4 wakeups were removed.\n"
    left = shell.json("list")
    assert [one["status"] for one in left] == ["pending", "cancelled"] and left[0]["id"] == kept
    assert left[1]["idempotency_key"] == "k", "its key still stands for it"
    assert shell.json("stats")["now"]["cancelled"] == 1
    nap_free = shell.database.read(purge.count_old, CLOCK.now() + timedelta(days=1), now=CLOCK.now())
    assert nap_free == 0 and shell.database.read(wakeups.depth) == 1
