"""What was done stands in the metrics once: whatever is purged, repeated, interrupted, or done to the clock."""

import math
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from prometheus_client.parser import text_string_to_metric_families

from hive_tui.domain import metrics as known
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.consolidation import Stage, StageStatus, Used
from hive_tui.domain.counting import Seen, spans
from hive_tui.domain.errors import ErrorClass
from hive_tui.domain.events import Event, EventKind
from hive_tui.domain.usage import Spent, Tokens
from hive_tui.domain.wakeups import NewWakeup, Outcome, Trigger
from hive_tui.services.commit_checks import CommitChecks
from hive_tui.services.counting import Counting
from hive_tui.services.exposition import samples, text_of
from hive_tui.store import agents, claims, consolidations, journal, ledger, metrics, migrations, purge, wakeups
from hive_tui.store.database import Database
from hive_tui.store.values import to_us
from tests.builders import NOON, an_agent, an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path, clock: FakeClock) -> Iterator[Database]:
    opened = Database(migrated(tmp_path / "hive.db"), clock)
    yield opened
    opened.close()


@pytest.fixture
def counting(database: Database, clock: FakeClock) -> Counting:
    return Counting(database, clock)


def add(database: Database, agent: Agent) -> Agent:
    database.write(agents.add, agent, now=NOON)
    return agent


def exported(database: Database, clock: FakeClock, agent_id: str | None = None) -> Samples:
    """What a real parser reads out of the exposition."""
    text = text_of(database.read(samples, now=clock.now(), agent_id=agent_id))
    found = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            found[one.name, frozenset(one.labels.items())] = one.value
    return found


def value(found: Samples, name: str, **labels: str) -> float | None:
    return found.get((f"hive_{name}", frozenset(labels.items())))


def wake(
    database: Database, agent: Agent, clock: FakeClock, number: int, outcome: str = "ok", waits_s: float = 0.0
) -> str:
    """Ask for a wake, begin it after a while, and end it."""
    new = NewWakeup(agent.id, Trigger.WEBHOOK, clock.now(), max_attempts=2, context={"payload": {"n": number}})
    wakeup_id = database.write(wakeups.enqueue, new, f"wakeup-{number}", now=clock.now()).wakeup.id
    clock.advance(waits_s)
    claimed = database.write(claims.claim_one, wakeup_id, by="test", now=clock.now())
    assert claimed is not None
    now = clock.now()
    if outcome == "ok":
        database.write(claims.complete, claimed, now=now, verdict="wake: due: it is time", result={})
    elif outcome == "skip":
        said = "skip: actionable: nothing to do"
        database.write(claims.complete, claimed, now=now, verdict=said, result={}, outcome=Outcome.SKIPPED)
    elif outcome == "defer":
        database.write(claims.defer, claimed, now=now, until=now, verdict="defer: held: a person", reason="held")
    else:
        again = now + timedelta(minutes=2) if outcome == "retry" else None
        database.write(claims.fail, claimed, now=now, error="no answer", next_at=again, error_class=ErrorClass.TIMEOUT)
    return wakeup_id


def sleeps(database: Database, agent: Agent, clock: FakeClock, **payload: Any) -> None:
    event = Event(EventKind.AGENT_SLEEPING, f"{agent.name} sleeps", agent.id, payload=payload)
    database.write(journal.log, event, now=clock.now())


def answers(database: Database, agent: Agent, at: datetime) -> None:
    database.write(ledger.add, agent.id, [Spent(f"{agent.id}{at}", at, Tokens(1, 2, 3, 4), "s", "m", 10)], now=at)


def test_wakes_are_counted_by_source_and_verdict_and_stay_when_their_rows_are_purged(
    database: Database, clock: FakeClock, counting: Counting
):
    ada = add(database, an_ended_agent())
    bob, eve = (add(database, an_ended_agent(name, session_id=name)) for name in ("bob", "eve"))
    for number, (agent, outcome) in enumerate(
        ((ada, "ok"), (ada, "skip"), (bob, "retry"), (eve, "defer"), (ada, "lost"), (ada, "ok"))
    ):
        wake(database, agent, clock, number, outcome, waits_s=number * 0.4)
        clock.advance(10)
    counting.count()
    before = exported(database, clock)
    clock.advance(86_400 * 30)
    gone = database.write(purge.remove_batch, clock.now(), now=clock.now(), limit=500)
    assert gone == 4
    counting.count()
    counting.count()
    found = exported(database, clock)
    for told in (before, found):
        for name, verdict, count in (("ada", "wake", 2), ("ada", "skip", 1), ("ada", "failed", 1)):
            assert value(told, "wake_total", agent=name, source="webhook", verdict=verdict) == count
        assert value(told, "wake_total", agent="bob", source="webhook", verdict="failed") == 1
        assert value(told, "wake_total", agent="eve", source="webhook", verdict="defer") == 1
        assert value(told, "resume_total", agent="ada", result="ok") == 2
        assert value(told, "retry_total", agent="bob", operation="wake") == 1
        assert value(told, "retry_total", agent="ada", operation="wake") is None, "it was the last one"
        assert value(told, "timeout_total", agent="ada", operation="wake") == 1
    assert value(before, "resume_success_rate", agent="ada") == pytest.approx(2 / 3)
    assert value(found, "resume_success_rate", agent="ada") is None, "nothing was tried in the last 7 days"
    assert value(found, "queue_latency_seconds_count", agent="ada") == 4
    assert value(found, "queue_latency_seconds_sum", agent="ada") == pytest.approx(0.4 + 1.6 + 2.0)
    for bound, count in (("0.25", 1), ("0.5", 2), ("2.5", 4), ("+Inf", 4)):
        assert value(found, "queue_latency_seconds_bucket", agent="ada", le=bound) == count


def test_a_counter_that_dies_in_the_middle_counts_nothing_twice_and_nothing_never(
    database: Database, clock: FakeClock, counting: Counting, monkeypatch: pytest.MonkeyPatch
):
    ada = add(database, an_ended_agent())
    for number in range(7):
        wake(database, ada, clock, number)
        sleeps(database, ada, clock, freed_bytes=100)
    real, calls = metrics.add, iter(range(100))

    def dies(db: sqlite3.Connection, additions: Any) -> None:
        real(db, additions)
        if next(calls) in (3, 9, 17):
            raise RuntimeError("killed")

    monkeypatch.setattr(metrics, "add", dies)
    for _ in range(6):
        try:
            counting.count()
        except RuntimeError:
            continue
    found = exported(database, clock)
    assert value(found, "wake_total", agent="ada", source="webhook", verdict="wake") == 7
    assert value(found, "nap_total", agent="ada") == 7
    assert value(found, "memory_freed_bytes_total", agent="ada") == 700
    assert database.read(metrics.take, limit=1) == []


def test_a_wake_is_judged_by_whether_the_agent_was_answered_in_time(
    database: Database, clock: FakeClock, counting: Counting
):
    useful, idle, back, other = (
        add(database, an_ended_agent(name, session_id=name, kind=kind))
        for name, kind in (("ada", "claude"), ("bob", "claude"), ("eve", "claude"), ("old", "aider"))
    )
    for number, agent in enumerate((useful, idle, back, other)):
        wake(database, agent, clock, number)
    counting.count()
    answers(database, useful, clock.now() + timedelta(minutes=29))
    answers(database, idle, clock.now() + timedelta(minutes=31))
    clock.advance(300)
    sleeps(database, back, clock)
    answers(database, back, clock.now() + timedelta(minutes=1))
    counting.count()
    rates = exported(database, clock)
    assert value(rates, "wake_judged_total", agent="eve", source="webhook", use="false") is None, "the grace runs"
    clock.advance(3600)
    counting.count()
    counting.count()
    found = exported(database, clock)
    for name, use in (("ada", "useful"), ("bob", "false"), ("eve", "false"), ("old", "unknown")):
        mine = {labels: one for (kind, labels), one in found.items() if kind == "hive_wake_judged_total"}
        assert mine[frozenset({("agent", name), ("source", "webhook"), ("use", use)})] == 1
    assert len(mine) == 4
    assert (value(found, "false_wake_rate", agent="ada"), value(found, "false_wake_rate", agent="bob")) == (0, 1)
    assert value(found, "false_wake_rate", agent="old") is None, "nothing is known of it"


def test_what_a_nap_closes_what_checkpoints_cost_and_how_consolidation_went(
    database: Database, clock: FakeClock, counting: Counting
):
    ada = add(database, an_ended_agent())
    sleeps(database, ada, clock, freed_bytes=5, open={"handles_before": 9, "handles_after": 0, "connections_before": 2})
    clock.advance(1)
    opened = {"handles_before": 12, "handles_after": 1, "connections_before": 3, "host_handles_after": 1400}
    sleeps(database, ada, clock, freed_bytes=7, open=opened)
    rewritten = {"accepted": False, "why": "it is not smaller", "tokens_in": 900, "tokens_out": 80}
    audited = {"tokens_in": 1000, "tokens_out": 150, "kept_ratio": 0.15}
    stages: tuple[tuple[str, dict[str, Any]], ...] = (("prose", rewritten), ("audit", audited))
    for stage, told in stages:
        database.write(consolidations.enter, ada.id, f"s:{stage}", now=clock.now(), stages=tuple(Stage))
        seq = next(one.id for one in database.read(consolidations.of_agent, ada.id)[::-1] if one.stage == stage)
        database.write(consolidations.begin, seq, now=clock.now())
        failed: dict[str, Any] = {"error": "x", "error_class": ErrorClass.TIMEOUT, "due_at": clock.now()}
        database.write(consolidations.end, seq, StageStatus.PENDING, Used(0.0, 2.0), now=clock.now(), **failed)
        database.write(consolidations.begin, seq, now=clock.now())
        database.write(consolidations.reset_running)  # killed: that is no timeout once more
        database.write(consolidations.begin, seq, now=clock.now())
        clock.advance(4)
        database.write(consolidations.end, seq, StageStatus.DONE, Used(3.0, 4.0), now=clock.now(), result=told)
    counting.count()
    found = exported(database, clock)
    assert value(found, "open_handles", agent="ada", when="before") == 12
    assert value(found, "open_handles", agent="ada", when="after") == 1
    assert value(found, "open_connections", agent="ada", when="before") == 3
    assert value(found, "host_open_handles") == 1400
    assert value(found, "memory_freed_bytes_total", agent="ada") == 12
    assert value(found, "consolidation_tokens_total", agent="ada", direction="in") == 1000
    assert value(found, "consolidation_model_tokens_total", agent="ada", direction="in") == 900
    assert value(found, "consolidation_model_tokens_total", agent="ada", direction="out") == 80
    assert value(found, "consolidation_runs_total", agent="ada", stage="prose", status="done") == 1
    assert value(found, "consolidation_kept_ratio", agent="ada") == 0.15
    assert value(found, "offpeak_cpu_used_seconds_total", agent="ada") == pytest.approx(6.0)
    assert value(found, "offpeak_cpu_allotted_seconds_total", agent="ada") == pytest.approx(12.0)
    assert value(found, "offpeak_cpu_share") == pytest.approx(0.5)
    assert value(found, "consolidation_seconds_total", agent="ada") == pytest.approx(8.0)
    assert value(found, "retry_total", agent="ada", operation="consolidation") == 4
    assert value(found, "timeout_total", agent="ada", operation="consolidation") == 2


STATES = st.sampled_from(["asleep", "awake", ""])


@given(STATES, STATES, st.integers(-4000, 400_000), st.integers(-400_000, 400_000))
def test_no_more_time_is_told_than_has_passed_and_none_across_a_long_gap_that_nobody_saw(
    before: str, after: str, passed_s: int, since_s: int
):
    now = NOON + timedelta(seconds=passed_s)
    seen = Seen(after, now, NOON + timedelta(seconds=since_s))
    found = list(spans(Seen(before, NOON, NOON), seen))
    told = sum((until - start).total_seconds() for _, start, until in found)
    assert all(NOON <= start <= until <= now for _, start, until in found)
    assert told <= max(0, passed_s)
    if passed_s > known.WATCHED_GAP.total_seconds() and after != "asleep":
        assert not found
    if 0 < passed_s <= known.WATCHED_GAP.total_seconds():
        assert told == passed_s


def test_the_share_of_sleep_over_days_off_and_clocks_that_are_set_back(
    database: Database, clock: FakeClock, counting: Counting
):
    ada = add(database, an_ended_agent(since_at=NOON))
    bob = add(database, an_agent("bob", session_id="b"))
    counting.count()
    for _ in range(6):
        clock.advance(600)
        counting.count()
    clock.advance(3 * 86_400)  # hive-tui did not run
    counting.count()
    clock.step(timedelta(hours=-2))
    counting.count()
    counting.count()
    found = exported(database, clock)
    assert value(found, "state_seconds_total", agent="ada", state="asleep") == 3600 + 3 * 86_400
    assert value(found, "state_seconds_total", agent="bob", state="awake") == 3600, "nobody saw it for three days"
    assert value(found, "watched_seconds_total") == 3600
    awake = structs.replace(ada, lifecycle=Lifecycle.AWAKE, since_at=clock.now() + timedelta(seconds=100))
    database.write(agents.put, awake)
    clock.advance(300)
    counting.count()
    found = exported(database, clock)
    assert value(found, "state_seconds_total", agent="ada", state="asleep") == 3600 + 3 * 86_400 + 100
    assert value(found, "state_seconds_total", agent="ada", state="awake") == 200
    assert bob


def test_hours_and_days_are_bounded_and_what_was_counted_for_ever_stays(
    database: Database, clock: FakeClock, counting: Counting
):
    ada = add(database, an_ended_agent(lifecycle=Lifecycle.FAILED))
    for day in range(0, 500, 20):
        sleeps(database, ada, clock, freed_bytes=day)
        clock.advance(20 * 86_400)
        counting.count()
    for scale, kept in (("hour", metrics.HOURS_KEPT), ("day", metrics.DAYS_KEPT)):
        unit = {"hour": metrics.HOUR_US, "day": metrics.DAY_US}[scale]
        oldest = min(one.bucket for one in database.read(metrics.sums, scale))
        assert oldest >= to_us(clock.now() - kept) // unit
    assert value(exported(database, clock), "nap_total", agent="ada") == 25


def test_names_that_are_hard_to_write_are_read_back_by_a_real_parser(database: Database, clock: FakeClock):
    odd = 'a\\b"c\nd{}, é 🧺=1\udcff'
    readable = odd.replace("\udcff", "\\udcff")
    add(database, an_ended_agent())
    database.write(
        lambda db: metrics.add(db, [metrics.Addition("wake", 1, NOON, "id-of-ada", known.joined("a,b", "wake"))])
    )
    database.write(agents.add, an_ended_agent("eve", session_id="e"), now=NOON)
    found = database.read(samples, now=NOON)
    changed = [replace(one, labels=tuple((key, odd) for key, _ in one.labels)) for one in found if one.labels]
    labels = {
        text
        for family in text_string_to_metric_families(text_of(changed))
        for one in family.samples
        for text in one.labels.values()
    }
    assert labels == {readable}
    assert value(exported(database, clock), "wake_total", agent="ada", source="a b", verdict="wake") == 1


def test_every_family_is_told_with_its_type_and_follows_the_rules_of_names(database: Database, clock: FakeClock):
    text = text_of(database.read(samples, now=clock.now()))
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert len(families) == len(known.ALL)
    for metric in known.ALL:
        assert f"# TYPE {metric.exported} {metric.kind}\n" in text
        assert metric.help[0].isupper() or metric.help[0].isdigit()
        assert not metric.name.endswith(("_total", "_count", "_sum", "_bucket")), "reserved"
        assert list(metric.buckets) == sorted(set(metric.buckets)) and math.inf not in metric.buckets


def test_what_was_done_before_there_were_figures_is_counted(tmp_path: Path):
    db = sqlite3.connect(":memory:", isolation_level=None)
    db.row_factory = sqlite3.Row
    before = migrations.STEPS.index("0014.sql")
    migrations.migrate(db, Path(":memory:"), now=NOON, steps=migrations.STEPS[:before])
    now = to_us(NOON)
    agents.add(db, an_ended_agent(), now=NOON)
    db.execute(
        'INSERT INTO wakeup_requests (id, agent_id, "trigger", priority, status, scheduled_for, created_at,'
        " finished_at) VALUES ('w', 'id-of-ada', 'goal', 75, 'completed', ?, ?, ?)",
        (now, now, now),
    )
    db.execute(
        "INSERT INTO wakeup_attempts (wakeup_id, number, started_at, finished_at, outcome)"
        " VALUES ('w', 1, ?, ?, 'succeeded')",
        (now, now),
    )
    migrations.migrate(db, tmp_path / "hive.db", now=NOON)
    [entry] = metrics.take(db, limit=10)
    assert (entry.what, entry.agent_id) == ("ended", "id-of-ada")
    assert (entry.body["source"], entry.body["outcome"]) == ("goal", "succeeded")
    db.close()


def git(folder: Path, *arguments: str, at: datetime = NOON) -> None:
    when = {"GIT_AUTHOR_DATE": at.isoformat(), "GIT_COMMITTER_DATE": at.isoformat(), "PATH": "/usr/bin:/bin"}
    identity = ("-c", "user.name=ada", "-c", "user.email=ada@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=folder, env=when | {"HOME": str(folder)}, check=True)


def test_a_commit_that_is_made_again_after_a_wake_is_a_duplicate(
    tmp_path: Path, database: Database, clock: FakeClock, counting: Counting
):
    folder = tmp_path / "engine"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    log = folder / "log.txt"

    def commit(line: str, at: datetime) -> None:
        log.write_text(log.read_text() + line if log.exists() else line)
        git(folder, "add", "-A", at=at)
        git(folder, "commit", "-q", "-m", "note it", at=at)

    ada = add(database, an_ended_agent(cwd=str(folder)))
    commit("begun\n", NOON - timedelta(hours=2))
    commit("released 1.0\n", NOON - timedelta(hours=1))
    wake(database, ada, clock, 1)
    commit("tested\n", NOON + timedelta(minutes=1))
    commit("released 1.0\n", NOON + timedelta(minutes=2))
    answers(database, ada, clock.now() + timedelta(minutes=2))
    clock.advance(600)
    counting.count()
    checks = CommitChecks(database, clock)
    assert checks.due() == [], "it is awake, and may make more"
    sleeps(database, ada, clock)
    commit("after\n", NOON + timedelta(minutes=30))
    clock.advance(60)
    assert checks.check_due() == 1 and checks.check_due() == 0
    found = exported(database, clock)
    assert value(found, "commit_total", agent="ada") == 2
    assert value(found, "duplicate_commit_total", agent="ada") == 1
