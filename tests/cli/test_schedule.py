"""The command schedule."""

import json

import pytest

from tests.stage import Stage


def test_a_window_by_commands_alone(stage: Stage):
    stage.agent_in_shell("shop")
    stage.json("agents")
    new = stage.json("schedule", "add", "--agent", "shop", "--start", "2:00", "--zone", "Europe/Berlin")
    assert (new["agent"], new["start_time"], new["end_time"], new["timezone"]) == (
        "shop",
        "02:00",
        "04:00",
        "Europe/Berlin",
    )
    assert new["active"] is False and new["next_nap_at"] is None and new["ticks"] == []
    short = new["id"][:8]
    on = stage.json("schedule", "enable", short)
    assert on["active"] is True and on["next_nap_at"].endswith(":00:00Z")
    edited = stage.json("schedule", "edit", short, "--end", "23:15", "--all")
    assert (edited["end_time"], edited["start_time"], edited["agent"]) == ("23:15", "02:00", None)
    said = stage.command("schedule", "list").stdout
    assert said.splitlines()[1].split()[:5] == [short, "all", "agents", "02:00", "23:15"]
    assert stage.json("schedule", "disable", short)["active"] is False
    stage.json("schedule", "remove", short)
    assert json.loads(stage.command("schedule", "--json").stdout) == []


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["add", "--all", "--zone", "Europe/Berlln"], 2, "'Europe/Berlln' is not a time zone that this machine knows."),
        (["add", "--all", "--start", "25:00"], 2, "'25:00' is not a time of day."),
        (["add", "--all", "--start", "4:00"], 2, "A window from 04:00 to 04:00 has no length."),
        (["add", "--agent", "nobody"], 1, "There is no agent 'nobody'."),
        (["enable", "abc"], 1, "There is no sleep window 'abc'."),
        (["add"], 2, "Name one agent with --agent NAME, or all with --all."),
        (["add", "--all", "--agent", "shop"], 2, "Name one agent with --agent NAME, or all with --all."),
    ],
)
def test_what_is_wrong_is_one_sentence_and_a_hint(stage: Stage, arguments: list[str], code: int, said: str):
    done = stage.command("schedule", *arguments)
    assert (done.returncode, done.stdout) == (code, "") and f"Error: {said}" in done.stderr
    assert code == 2 or "Hint: " in done.stderr
    assert stage.json("schedule") == []
