"""The commands metrics and savings, as a person and a Prometheus server use them."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from hive_tui.cli.main import run
from hive_tui.domain.counting import Gain, parts
from hive_tui.domain.handoffs import ContextMode, Handoff
from hive_tui.domain.metrics import MODEL_TOKENS
from hive_tui.domain.usage import Spent, Tokens
from hive_tui.store import agents, handoffs, ledger, metrics
from tests.builders import an_ended_agent
from tests.stage import CLOCK, Stage

Said = Callable[..., str]


@pytest.fixture
def said(stage: Stage, capsys: pytest.CaptureFixture[str]) -> Said:
    """Runs a command that has to succeed; what it prints."""

    def say(*words: str, code: int = 0) -> str:
        assert run(["--home", str(stage.home), "--tmux-socket", stage.socket, *words]) == code
        captured = capsys.readouterr()
        return captured.out if code == 0 else captured.err

    return say


def values(text: str) -> dict[tuple[str, tuple[str, ...]], float]:
    return {
        (one.name, tuple(one.labels.values())): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_a_real_nap_and_a_real_wake_stand_in_the_metrics(stage: Stage, said: Said):
    stage.agent_in_shell("shop")
    result = stage.nap()
    stage.wake(result.agent)
    found = values(said("metrics"))
    assert found["hive_nap_total", ("shop",)] == 1
    assert found["hive_memory_freed_bytes_total", ("shop",)] == result.freed_bytes > 1_000_000
    assert found["hive_open_handles", ("shop", "before")] >= 3, "at least its terminal, three times"
    assert found["hive_open_handles", ("shop", "after")] == 0
    assert found["hive_open_connections", ("shop", "before")] == 0
    assert found["hive_host_open_handles", ()] > 3
    assert found["hive_wake_total", ("shop", "manual", "wake")] == 1
    assert found["hive_resume_success_rate", ("shop",)] == 1
    assert found["hive_queue_latency_seconds_count", ("shop",)] == 1
    assert found["hive_checkpoint_seconds_count", ("shop",)] == 1
    assert found["hive_checkpoint_bytes_total", ("shop",)] == result.checkpoint.size_bytes
    assert found["hive_agent_asleep", ("shop",)] == 0
    assert stage.hive.measuring.prometheus().startswith("# HELP hive_state_seconds_total ")
    shaped = json.loads(said("metrics", "--agent", "shop", "--json"))
    assert {"name": "hive_nap_total", "type": "counter", "labels": {"agent": "shop"}, "value": 1.0} in shaped
    assert "There is no agent 'nobody'" in said("metrics", "--agent", "nobody", code=1)


def plant(stage: Stage) -> None:
    """Two days ago a conversation of 100,000 tokens was handed over; a week before that nothing was."""
    now = CLOCK.now()
    agent = an_ended_agent("ada", cwd=str(stage.folder_for("ada")), transcript=None, config_dir=None, session_id="new")
    stage.hive.database.write(agents.add, agent, now=now)
    spent = [
        Spent(f"{session}{hours}", now - timedelta(hours=hours), Tokens(0, 0, sent, 100), session, "m", sent + 100)
        for session, hours, sent in (
            ("old", 200, 40_000),
            ("old", 50, 99_900),
            ("new", 47, 10_000),
            ("new", 46, 20_000),
        )
    ]
    stage.hive.database.write(ledger.add, agent.id, spent, now=now)
    handed = Handoff("w", agent.id, ContextMode.HANDOFF, "asked for", now - timedelta(hours=48), "text", "old", "/t")
    stage.hive.database.write(handoffs.add, handed)
    stage.hive.database.write(handoffs.started, "w", now=now - timedelta(hours=48))
    additions = [
        metrics.Addition(name, value, now - timedelta(hours=49), agent.id, labels)
        for gain in (Gain(MODEL_TOKENS, 5_000, ("in",)), Gain(MODEL_TOKENS, 700, ("out",)))
        for name, labels, value in parts(gain)
    ]
    stage.hive.database.write(metrics.add, additions)


def test_savings_of_a_planted_day_are_those_known_by_hand(stage: Stage, said: Said):
    plant(stage)
    (stage.folder / "prices.toml").write_text("[prices]\ncache_read = 1.0\ncache_write = 2.0\ncurrency = 'EUR'\n")
    shape = json.loads(said("savings", "--days", "3", "--json"))
    total = shape["total"]
    # 100,000 tokens were left behind and 10,000 begun with: 90,000 more on each of the two turns after it.
    assert total["saved_by_handoffs_estimate"]["input_side"] == 180_000
    assert (total["turns"], total["recorded"]["input_side"]) == (3, 129_900)
    assert (total["own_spend"]["input"], total["own_spend"]["output"]) == (5_000, 700)
    assert total["saved_input_side_estimate"] == 175_000
    assert total["saved_share_estimate"] == 175_000 / 309_900
    assert "cost" not in total and shape["agents"][0]["agent"] == "ada"
    shown = said("savings", "--days", "3")
    assert "Estimate: 56.5% of the input side saved; 134.9k tokens were sent against 309.9k without" in shown
    assert all("estimate" in line.lower() for line in shown.splitlines() if "without" in line)
    priced = said("savings", "--days", "3", "--config", str(stage.folder / "prices.toml"))
    # 129,900 cache reads against those and 180,000 cache writes: an hour lay between the turns.
    assert "At your prices 0.13 EUR against 0.49 EUR (estimate)." in priced


def test_without_records_nothing_is_claimed(stage: Stage, said: Said):
    plant(stage)
    shape = json.loads(said("savings", "--days", "1", "--json"))
    assert shape["total"]["turns"] == 0 and shape["agents"] == []
    assert shape["total"]["saved_input_side_estimate"] is None and shape["total"]["saved_share_estimate"] is None
    nothing = "No turn of ada is recorded in the last 24 hours, so nothing can be said about savings.\n"
    assert said("savings", "--days", "1", "--agent", "ada") == nothing
    said("savings", "--days", "0", code=2)
