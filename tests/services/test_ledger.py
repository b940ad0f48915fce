"""What was planted in transcripts stands in the ledger, to the token, however files are cut, copied and replaced."""

import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_tui.adapters.tailing import read_on
from hive_tui.domain.agents import Agent
from hive_tui.domain.usage import Tokens
from hive_tui.services.ledger import Ledger
from hive_tui.store import agents, ledger
from hive_tui.store.database import Database
from tests.builders import NOON, an_agent, an_ended_agent
from tests.clocks import FakeClock
from tests.migrated import migrated
from tests.stage import CLOCK, Stage

TODAY = "2026-01-05"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(tmp_path: Path, clock: FakeClock) -> Iterator[Database]:
    opened = Database(migrated(tmp_path / "hive.db"), clock)
    yield opened
    opened.close()


def with_transcript(database: Database, path: Path, name: str = "ada", **facts: Any) -> Agent:
    path.parent.mkdir(parents=True, exist_ok=True)
    agent = an_agent(name, transcript=str(path), session_id=facts.pop("session_id", path.stem), **facts)
    database.write(agents.add, agent, now=NOON)
    return agent


def claude_line(
    number: int, tokens: Tokens, *, session: str = "s1", at: str = f"{TODAY}T09:00:00.000Z", **more: Any
) -> str:
    usage = {
        "input_tokens": tokens.input,
        "cache_creation_input_tokens": tokens.cache_write,
        "cache_read_input_tokens": tokens.cache_read,
        "output_tokens": tokens.output,
    }
    message = {"id": f"msg_{number}", "model": "m", "role": "assistant", "usage": usage, "content": []}
    record = {
        "type": "assistant",
        "sessionId": session,
        "timestamp": at,
        "requestId": f"req_{number}",
        "message": message,
    }
    return json.dumps({**record, **more}) + "\n"


def random_tokens(random: Random) -> Tokens:
    return Tokens(*(random.randrange(1, 100_000) for _ in range(4)))


def total(*parts: Tokens) -> Tokens:
    return sum(parts, Tokens())


def test_a_planted_claude_conversation_with_parts_helpers_and_copies(
    tmp_path: Path, database: Database, clock: FakeClock
):
    random = Random(7)
    path = tmp_path / "projects" / "p" / "s1.jsonl"
    agent = with_transcript(database, path)
    planted: list[Tokens] = []
    lines: list[str] = []
    for number in range(200):
        tokens = random_tokens(random)
        planted.append(tokens)
        for part in sorted(random.choices(range(1, tokens.output + 1), k=random.randrange(3))):
            growing = Tokens(tokens.input, tokens.cache_write, tokens.cache_read, part)
            lines.append(claude_line(number, growing))
        lines.append(claude_line(number, tokens, isSidechain=number % 5 == 0))
        lines.append(
            json.dumps({"type": "user", "message": {"usage": {"input_tokens": 9}}, "text": '"assistant"'}) + "\n"
        )
        lines += random.choices(["not json\n", "[]\n", '"assistant"\n', "\n", lines[-2]])
    path.write_text("".join(lines))
    # A helper in a folder of its own, with a copy of an answer; one of the older kind; a stranger's.
    helper = path.with_suffix("") / "subagents" / "agent-1.jsonl"
    helper.parent.mkdir(parents=True)
    planted.append(random_tokens(random))
    helper.write_text(claude_line(1000, planted[-1], agentId="1") + claude_line(3, planted[3]))
    planted.append(random_tokens(random))
    (path.parent / "agent-old.jsonl").write_text(claude_line(1001, planted[-1], isSidechain=True))
    (path.parent / "agent-other.jsonl").write_text(claude_line(1002, random_tokens(random), session="s9"))
    # A fork of the conversation: another agent's, which begins with a copy.
    fork = with_transcript(database, tmp_path / "projects" / "p" / "s2.jsonl", "bob")
    own = random_tokens(random)
    Path(fork.transcript or "").write_text(
        "".join(lines).replace('"s1"', '"s2"') + claude_line(2000, own, session="s2")
    )
    # And yesterday.
    with path.open("a") as file:
        file.write(claude_line(3000, Tokens(1, 2, 3, 4), at="2026-01-04T23:59:59.999Z"))
        file.write(claude_line(3001, Tokens(5, 6, 7, 8), at="2026-01-04T22:00:00.000-03:00"))
    planted.append(Tokens(5, 6, 7, 8))

    books = Ledger(database, clock)
    assert books.take_in() == 4
    assert books.today() == {agent.id: total(*planted), fork.id: own}
    assert books.by_day(days=2)[(agent.id, datetime(2026, 1, 4, tzinfo=UTC).date())] == Tokens(1, 2, 3, 4)
    assert books.take_in() == 0
    assert Ledger(database, clock).take_in() == 0, "another process begins where this one stopped"


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(st.integers(0, 2000), max_size=12), st.booleans(), st.randoms(use_true_random=False))
def test_a_file_may_grow_by_any_bytes_shrink_and_be_replaced(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int], replaced: bool, random: Random
):
    folder = tmp_path_factory.mktemp("grow")
    clock = FakeClock()
    database = Database(migrated(folder / "hive.db"), clock)
    path = folder / "s1.jsonl"
    agent = with_transcript(database, path)
    planted = [random_tokens(random) for _ in range(6)]
    body = "".join(claude_line(number, tokens) for number, tokens in enumerate(planted)).encode()
    books = Ledger(database, clock)
    for end in [*sorted(cuts), len(body)]:
        path.write_bytes(body[:end]) if not path.exists() else append(path, body[:end])
        books.take_in()
        if random.random() < 0.3:
            books = Ledger(database, clock)
    if replaced:
        copy = path.with_suffix(".new")
        copy.write_bytes(claude_line(77, Tokens(1)).encode() + body[: len(body) // 2])
        copy.replace(path)
        planted.append(Tokens(1))
    else:
        path.write_bytes(body[: len(body) // 3])
    books.take_in()
    assert books.today() == {agent.id: total(*planted)}
    database.close()


def append(path: Path, body: bytes) -> None:
    with path.open("ab") as file:
        file.write(body[path.stat().st_size :])


def test_a_file_written_anew_in_place_and_longer_is_noticed(tmp_path: Path):
    path = tmp_path / "file"
    path.write_bytes(b"one\ntwo\nhalf")
    first = read_on(path, None)
    assert first is not None and first.lines == [b"one", b"two"]
    assert read_on(path, first.mark) is None
    append(path, b"one\ntwo\nhalf a line\n")
    second = read_on(path, first.mark)
    assert second is not None and (second.lines, second.is_from_start) == ([b"half a line"], False)
    path.write_bytes(b"another\n" * 9)
    third = read_on(path, second.mark)
    assert third is not None and third.is_from_start and len(third.lines) == 9


def test_a_line_without_an_end_is_not_kept_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("hive_tui.adapters.tailing.PIECE_BYTES", 100)
    path = tmp_path / "file"
    path.write_bytes(b"x" * 1000)
    assert read_on(path, None) is None
    path.write_bytes(b"x" * 1000 + b"\nnext\n")
    skipped = read_on(path, None)
    assert skipped is not None and skipped.lines == [] and skipped.has_more
    after = read_on(path, skipped.mark)
    assert after is not None and after.lines == [b"next"]


def test_two_processes_that_read_at_once_count_once(tmp_path: Path, database: Database, clock: FakeClock):
    path = tmp_path / "s1.jsonl"
    agent = with_transcript(database, path)
    planted = [random_tokens(Random(3)) for _ in range(300)]
    path.write_text("".join(claude_line(number, tokens) for number, tokens in enumerate(planted)))
    other = Database(tmp_path / "hive.db", clock)
    threads = [Thread(target=Ledger(one, clock).take_in) for one in (database, other, database)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Ledger(database, clock).today() == {agent.id: total(*planted)}
    other.close()


def codex_line(counts: Tokens | None, at: str = f"{TODAY}T09:00:00.000Z", **more: Any) -> str:
    info = None
    if counts is not None:
        every_input = counts.input + counts.cache_read + counts.cache_write
        usage = {
            "input_tokens": every_input,
            "cached_input_tokens": counts.cache_read,
            "cache_write_input_tokens": counts.cache_write,
            "output_tokens": counts.output,
            "total_tokens": every_input + counts.output,
        }
        info = {"total_token_usage": usage, "last_token_usage": usage | {"total_tokens": 777}}
    payload = {"type": "token_count", "info": info, "rate_limits": {"primary": None}} | more
    return json.dumps({"timestamp": at, "type": "event_msg", "payload": payload}) + "\n"


def codex_meta(session: str, at: str, **more: Any) -> str:
    return json.dumps({"timestamp": at, "type": "session_meta", "payload": {"id": session, **more}}) + "\n"


def test_a_planted_codex_conversation_counts_up(tmp_path: Path, database: Database, clock: FakeClock):
    random = Random(5)
    planted = [random_tokens(random) for _ in range(50)]
    path = tmp_path / "rollout-x.jsonl"
    agent = with_transcript(database, path, kind="codex", session_id="c1")
    lines, counted = [codex_meta("c1", f"{TODAY}T08:00:00.000Z"), codex_line(None)], Tokens()
    for number, tokens in enumerate(planted):
        counted = tokens if number == 30 else counted + tokens  # it began to count anew once
        lines += [codex_line(counted)] * random.randrange(1, 4)
    books = Ledger(database, clock)
    for end in range(1, len(lines) + 1, 7):
        path.write_text("".join(lines[:end]))
        books.take_in()
        books = Ledger(database, clock)
    path.write_text("".join(lines))
    books.take_in()
    # Its fork begins with what was spent there.
    fork = with_transcript(database, tmp_path / "rollout-y.jsonl", "bob", kind="codex", session_id="c2")
    begun = codex_meta("c2", f"{TODAY}T09:30:00.000Z", forked_from_id="c1")
    own = counted + Tokens(10, 0, 5, 2)
    Path(fork.transcript or "").write_text(begun + "".join(lines) + codex_line(own, f"{TODAY}T10:00:00.000Z"))
    books.take_in()
    assert books.today() == {agent.id: total(*planted), fork.id: Tokens(10, 0, 5, 2)}
    assert books.wake_price(agent) == 777


def test_codex_tells_of_its_limit_by_a_record(tmp_path: Path, database: Database, clock: FakeClock):
    path = tmp_path / "rollout-x.jsonl"
    agent = with_transcript(database, path, kind="codex")
    full = {
        "primary": {
            "used_percent": 100,
            "window_minutes": 300,
            "resets_at": int((NOON + timedelta(hours=1)).timestamp()),
        }
    }
    path.write_text(codex_line(None, rate_limits=full))
    Ledger(database, clock).take_in()
    limit, said_at = database.read(ledger.limits)[agent.id]
    assert (limit.resets_at, limit.window) == (NOON + timedelta(hours=1), "5-hour")
    assert said_at == datetime(2026, 1, 5, 9, tzinfo=UTC)


def test_a_resumed_gemini_chat_repeats_what_was_spent(tmp_path: Path, database: Database, clock: FakeClock):
    def line(number: int, **tokens: int) -> str:
        record = {"id": f"m{number}", "type": "gemini", "timestamp": f"{TODAY}T09:00:0{number}Z", "tokens": tokens}
        return json.dumps(record) + "\n"

    head = json.dumps({"sessionId": "12345678-a", "startTime": "x"}) + "\n"
    first = tmp_path / "session-2026-01-05T08-00-12345678.jsonl"
    first.write_text(head + line(1, input=100, cached=60, output=7, thoughts=3, total=110))
    second = tmp_path / "session-2026-01-05T09-00-12345678.jsonl"
    second.write_text(first.read_text() + line(2, input=50, cached=0, output=5, tool=1))
    agent = with_transcript(database, second, kind="gemini", session_id="12345678-a")
    books = Ledger(database, clock)
    assert books.take_in() == 2
    assert books.today() == {agent.id: Tokens(91, 0, 60, 15)}
    assert books.wake_price(agent) == 56


def test_the_database_of_opencode_is_read_while_it_is_open(tmp_path: Path, database: Database, clock: FakeClock):
    path = tmp_path / "opencode.db"
    agent = with_transcript(database, path, kind="opencode", session_id="ses_1")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE session (id TEXT, parent_id TEXT)")
        db.execute("CREATE TABLE message (id TEXT, session_id TEXT, time_created INTEGER, data TEXT)")
        db.executemany("INSERT INTO session VALUES (?, ?)", [("ses_1", None), ("child", "ses_1"), ("ses_2", None)])
        at_ms = int(NOON.timestamp() * 1000)

        def say(name: str, session: str, role: str = "assistant", **tokens: Any) -> None:
            data = {"role": role, "time": {"created": at_ms}, "tokens": tokens, "modelID": "m"}
            db.execute("INSERT INTO message VALUES (?, ?, ?, ?)", (name, session, at_ms, json.dumps(data)))

        cache = {"read": 30, "write": 4}
        say("a", "ses_1", input=10, output=5, reasoning=2, cache=cache)
        say("b", "child", input=100, output=50)
        say("c", "ses_2", input=1_000_000, output=1)
        say("d", "ses_1", role="user", input=9)
        books = Ledger(database, clock)
        assert books.take_in() == 1
        assert books.today() == {agent.id: Tokens(110, 4, 30, 57)}
        db.execute("UPDATE message SET data = replace(data, '\"output\": 5,', '\"output\": 8,') WHERE id = 'a'")
        assert Ledger(database, clock).take_in() == 1, "a message that was not finished has grown"
        assert books.today() == {agent.id: Tokens(110, 4, 30, 60)}
        assert books.wake_price(agent) == 54
        db.execute("BEGIN EXCLUSIVE")
        assert Ledger(database, clock).take_in() == 1, "who writes holds up no reader"
    path.write_bytes(b"no database")
    assert books.take_in() == 0


def test_a_conversation_that_its_agent_has_left_is_read_on(tmp_path: Path, database: Database, clock: FakeClock):
    old, new = tmp_path / "s1.jsonl", tmp_path / "s2.jsonl"
    agent = with_transcript(database, old)
    old.write_text(claude_line(1, Tokens(1)))
    books = Ledger(database, clock)
    books.take_in()
    database.write(agents.put, an_agent("ada", transcript=str(new), session_id="s2"))
    append(old, (claude_line(1, Tokens(1)) + claude_line(2, Tokens(2))).encode())
    new.write_text(claude_line(3, Tokens(4), session="s2"))
    books.take_in()
    assert books.today() == {agent.id: Tokens(7)}


def test_old_answers_become_sums_and_are_not_counted_again(tmp_path: Path, database: Database, clock: FakeClock):
    path = tmp_path / "s1.jsonl"
    agent = with_transcript(database, path)
    path.write_text(claude_line(1, Tokens(1, 2, 3, 4)))
    Ledger(database, clock).take_in()
    books = Ledger(database, clock)
    clock.advance(37 * 86_400)
    books.take_in()
    shutil.copy(path, tmp_path / "copy")
    (tmp_path / "copy").replace(path)
    for _ in range(2):
        Ledger(database, clock).take_in()
        assert list(Ledger(database, clock).by_day(days=60).values()) == [Tokens(1, 2, 3, 4)]
    rows = database.read(
        lambda db: db.execute("SELECT (SELECT count(*) FROM token_usage), agent_id FROM token_days").fetchall()
    )
    assert [tuple(row) for row in rows] == [(0, agent.id)]


def test_agents_and_status_tell_the_tokens_of_today(stage: Stage):
    # The machine's clock counts here, so the answer is from now.
    path = stage.folder / "projects" / "p" / "s1.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text(claude_line(1, Tokens(100, 20, 3000, 4), at=CLOCK.now().isoformat()))
    asleep = an_ended_agent("ada", transcript=str(path), session_id="s1")
    stage.hive.database.write(agents.add, asleep, now=CLOCK.now())
    stage.hive.database.write(agents.add, an_ended_agent("bob", kind="aider", pane=None), now=CLOCK.now())
    shapes = {one["name"]: one for one in stage.json("agents")}
    assert shapes["ada"]["tokens_today"] == 3124
    assert shapes["ada"]["tokens"] == {"input": 100, "cache_write": 20, "cache_read": 3000, "output": 4, "total": 3124}
    assert shapes["bob"]["tokens_today"] is None, "its kind does not tell"
    assert stage.json("status")["tokens_today"] == 3124
    assert "3.1k today" in stage.command("status").stdout


def test_long_transcripts_are_read_bit_by_bit(
    tmp_path: Path, database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("hive_tui.adapters.tailing.PIECE_BYTES", 1000)
    agent = with_transcript(database, tmp_path / "s1.jsonl")
    Path(agent.transcript or "").write_text("".join(claude_line(number, Tokens(1)) for number in range(100)))
    books = Ledger(database, clock)
    monkeypatch.setattr(clock, "monotonic", iter(range(10_000)).__next__)
    rounds = 0
    while books.take_in(patience_s=6):
        rounds += 1
    assert rounds > 2
    assert books.today() == {agent.id: Tokens(100)}
