"""`hive-tui config list`, `set` and `unset`."""

import pytest

from hive_tui import config
from tests.stage import Stage


def test_a_setting_is_written_listed_and_taken_out(stage: Stage):
    file = stage.folder / "config.toml"
    done = stage.command("config", "set", "queue.debounce_s", "4.5", "agents.shop.watch", "tickets, ~/inbox")
    assert done.returncode == 0, done.stderr
    assert "queue.debounce_s = 4.5  [seconds]" in done.stdout and "next start" in done.stderr
    assert config.load(file).agents["shop"].watch == ("tickets", "~/inbox")
    listed = {one["key"]: one for one in stage.json("config", "list")}
    assert listed["queue.debounce_s"] == {
        "key": "queue.debounce_s",
        "value": 4.5,
        "default": 2.0,
        "unit": "seconds",
        "description": "Seconds without another request after which a burst of events from outside counts as over.",
        "is_set": True,
        "takes_effect": "at the next start",
    }
    assert not listed["prices.input"]["is_set"]
    line = next(line for line in stage.command("config", "list").stdout.splitlines() if "queue.debounce_s" in line)
    assert line.split()[:4] == ["*", "queue.debounce_s", "4.5", "seconds"]
    [taken_out] = stage.json("config", "unset", "queue.debounce_s")
    assert (taken_out["value"], taken_out["is_set"]) == (2.0, False)
    assert stage.command("config", "check").returncode == 0


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("queue.debounce_s", "soon"), 2, "queue.debounce_s is 'soon', but must be a number. Choose another"),
        (("queue.debounce_s", "-5"), 2, "must be from 0 to 86400"),
        (("queue.debounce", "5"), 2, "Did you mean queue.debounce_s"),
        (("alerts.quiet_from", "22:00"), 2, "Set quiet_from and quiet_until together."),
        (("queue.debounce_s",), 2, "There is no value for queue.debounce_s."),
        (("redis.url", "redis://***@h/0"), 2, "was shown without its secret"),
    ],
)
def test_what_is_wrong_is_said_and_not_written(stage: Stage, words: tuple[str, ...], code: int, said: str):
    file = stage.folder / "config.toml"
    stage.command("config", "check")
    before = file.read_text()
    done = stage.command("config", "set", *words)
    assert done.returncode == code and said in done.stderr and "Traceback" not in done.stderr
    assert file.read_text() == before


def test_no_command_shows_a_secret(stage: Stage):
    said = stage.command("config", "set", "alerts.ntfy", "https://ntfy.sh/my-own-topic").stdout
    for words in (("list",), ("list", "--json"), ("show",), ("show", "--json")):
        said += stage.command("config", *words).stdout
    assert "https://ntfy.sh/***" in said and "my-own-topic" not in said
