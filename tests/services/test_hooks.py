"""The way of an event from an agent's hook into what the hive knows, with real processes and real kills."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from hive_tui.adapters.hooks import command, spool
from hive_tui.adapters.processes import system_processes
from hive_tui.domain.agents import Activity, PaneRef
from hive_tui.domain.hooks import HookReport
from hive_tui.domain.processes import ProcessId
from hive_tui.services.hooks import HookReports
from hive_tui.store import hooks
from hive_tui.store.database import Database
from tests.adapters.killing import run_until
from tests.builders import NOON, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

ROOT = Path(__file__).parents[2]
HEAVY = {"asyncio", "click", "contextlib", "dataclasses", "pathlib", "platformdirs", "sqlite3", "typing", "zstandard"}


@pytest.fixture(autouse=True)
def runtime(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "run"
    folder.mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(folder))
    monkeypatch.delenv("TMUX_PANE", raising=False)
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def database(home: Path, clock: FakeClock) -> Iterator[Database]:
    opened = Database(migrated(home / "hive.db"), clock)
    yield opened
    opened.close()


@pytest.fixture
def reports(home: Path, database: Database, clock: FakeClock) -> HookReports:
    return HookReports(home, database, clock)


def run_hook(home: Path, *words: str, stdin: bytes = b"", **env: str) -> subprocess.CompletedProcess[bytes]:
    line = [sys.executable, "-m", "hive_tui", "hook", *words, "--home", str(home)]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **env}
    return subprocess.run(line, input=stdin, capture_output=True, env=environment, check=False, timeout=20)


def put(home: Path, clock: FakeClock, kind: str, event: str, session: str = "s1", **fields: Any) -> None:
    """An event in the spool, one second after the last."""
    clock.advance(1)
    at_us = int(clock.now().timestamp() * 1_000_000)
    place = {name: fields.pop(name) for name in ("pane", "tmux_pid", "ancestors") if name in fields}
    told = {"hook_event_name": event, "session_id": session, **fields}
    body = json.dumps({"kind": kind, "at_us": at_us, **place, "event": told})
    spool.keep(str(home), f"{at_us:020d}-1-{event}.json", body.encode())


def report_of(reports: HookReports, kind: str = "claude", session: str = "s1") -> HookReport:
    reports.take_in()
    found = reports.read().of_session(kind, session)
    assert found is not None
    return found


def test_the_command_keeps_an_event_without_a_heartbeat_and_says_nothing(home: Path, reports: HookReports):
    event = {"session_id": "s1", "hook_event_name": "Stop", "cwd": "/work", "transcript_path": "/t/s1.jsonl"}
    done = run_hook(home, "claude", stdin=json.dumps(event).encode(), TMUX="/tmp/tmux-0/x,900,0", TMUX_PANE="%7")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    # The hook's clock is the machine's, which is ahead of the test's.
    found = report_of(reports)
    assert (found.activity, found.cwd, found.transcript) == (Activity.IDLE, "/work", "/t/s1.jsonl")
    assert (found.pane_id, found.tmux_pid) == ("%7", 900)
    own = system_processes().table().get(os.getpid())
    assert own is not None
    assert reports.of_process("claude", own.id) == found == reports.of_session("claude", "s1")
    assert reports.of_process("claude", ProcessId(own.pid, own.started + 1)) is None
    assert spool.waiting(str(home)) == []


def test_the_command_imports_nothing_that_takes_time(home: Path):
    script = (
        "import sys; before = set(sys.modules)\nfrom hive_tui.__main__ import main\n"
        f"sys.argv = ['hive-tui', 'hook', 'claude', '--home', {str(home)!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert end.code == 0\n"
        "print(*sorted(set(sys.modules) - before), file=sys.stderr)"
    )
    # Isolated from the environment's start-up files, which import what they like.
    line = [sys.executable, "-S", "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r})\n{script}"]
    done = subprocess.run(line, input=b'{"hook_event_name": "Stop"}', capture_output=True, check=True, timeout=20)
    imported = done.stderr.decode().splitlines()[-1].split()
    assert set(imported) & HEAVY == set()
    assert [name for name in imported if name.startswith("hive_tui.")] == [
        "hive_tui.__main__",
        "hive_tui.adapters",
        "hive_tui.adapters.clock",
        "hive_tui.adapters.hooks",
        "hive_tui.adapters.hooks.command",
        "hive_tui.adapters.hooks.spool",
    ]
    assert len(imported) < 60, "each module costs a fraction of a millisecond"


@pytest.mark.parametrize(
    "stdin", [b"", b"{", b"[1]", b"null", b"\xff\xfe{", b'{"a"', b"[" * 100_000, b'{"session_id": '], ids=repr
)
def test_what_is_no_event_neither_breaks_the_agent_nor_is_kept(home: Path, stdin: bytes):
    done = run_hook(home, "claude", stdin=stdin[:50_000])
    assert (done.returncode, done.stdout) == (0, b"")
    assert done.stderr.startswith(b"hive-tui hook: ")
    assert spool.waiting(str(home)) == []


def test_an_agent_that_never_closes_the_pipe_is_not_waited_for(home: Path):
    line = [sys.executable, "-m", "hive_tui", "hook", "claude", "--home", str(home)]
    environment = {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(line, stdin=subprocess.PIPE, env=environment) as process:
        assert process.stdin is not None
        process.stdin.write(b'{"session_id": "s1", "hook_event_name": "Stop"}')
        process.stdin.flush()
        assert process.wait(timeout=20) == 0
    assert len(spool.waiting(str(home))) == 1


def test_of_a_huge_event_the_fields_before_the_long_one_are_kept_and_nothing_secret(home: Path, reports: HookReports):
    head = b'{"session_id": "s1", "hook_event_name": "PostToolUse", "prompt": "hunter2", "tool_response": "'
    done = run_hook(home, "claude", stdin=head + b"x" * 3_000_000 + b'"}')
    assert (done.returncode, done.stderr) == (0, b"")
    [path] = spool.waiting(str(home))
    assert Path(path).stat().st_size < 400
    assert b"hunter2" not in Path(path).read_bytes()
    assert report_of(reports).activity is Activity.WORKING


@pytest.mark.parametrize("before", range(12))
def test_a_hook_that_is_killed_leaves_a_whole_event_or_none(
    home: Path, reports: HookReports, before: int, monkeypatch: pytest.MonkeyPatch
):
    event = json.dumps({"session_id": "s1", "hook_event_name": "Stop"})
    was_killed = run_until(before, lambda: command.main(["claude", event, "--home", str(home)]))
    paths = spool.waiting(str(home))
    assert was_killed or len(paths) == 1
    assert reports.take_in() == len(paths), "what has a name is whole"


def test_an_event_is_taken_in_once_though_the_taker_is_killed_at_any_point(
    home: Path, database: Database, clock: FakeClock, reports: HookReports
):
    for number in range(3):
        put(home, clock, "claude", "UserPromptSubmit", f"s{number}")
    kills = 0

    def take() -> None:
        mine = Database(home / "hive.db", clock)
        HookReports(home, mine, clock).take_in()

    while run_until(kills, take):
        kills += 1
    assert kills >= 3, "it was killed before each file that it removes"
    assert spool.waiting(str(home)) == []
    rows = database.read(lambda db: [tuple(row) for row in db.execute("SELECT session_id FROM hook_events")])
    assert sorted(rows) == [("s0",), ("s1",), ("s2",)]


def test_a_home_that_cannot_be_written_sends_the_event_to_the_runtime_folder(
    tmp_path: Path, reports: HookReports, home: Path
):
    (home / "hooks").write_text("a file where the folder should be")
    done = run_hook(
        home,
        "gemini",
        '{"hook_event_name": "BeforeAgent", "session_id": "s1"}',
        XDG_RUNTIME_DIR=os.environ["XDG_RUNTIME_DIR"],
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert report_of(reports, "gemini").activity is Activity.WORKING


def test_a_disk_that_is_full_leaves_no_half_event(home: Path, monkeypatch: pytest.MonkeyPatch, runtime: Path):
    import resource

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
        runtime.rmdir()
        runtime.write_text("")
        assert command.main(["claude", '{"session_id": "s1"}', "--home", str(home)]) == 0

    import signal

    monkeypatch.setattr(sys, "stderr", sys.__stderr__)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        run_until(10_000, full)
    finally:
        signal.signal(signal.SIGXFSZ, before)
    assert list((home / "hooks").iterdir()) == []


def test_a_sequence_of_events_ends_in_what_the_agent_does(home: Path, reports: HookReports, clock: FakeClock):
    put(home, clock, "claude", "SessionStart", source="startup")
    assert report_of(reports).activity is Activity.IDLE
    put(home, clock, "claude", "UserPromptSubmit")
    put(home, clock, "claude", "PermissionRequest", tool_name="Bash")
    assert report_of(reports).activity is Activity.PERMISSION
    put(home, clock, "claude", "PostToolUse")
    put(home, clock, "claude", "SubagentStop")
    put(home, clock, "claude", "Stop", agent_id="helper")
    put(home, clock, "claude", "SessionStart", source="compact")
    found = report_of(reports)
    assert (found.activity, found.activity_event) == (Activity.WORKING, "PostToolUse"), "a helper is not the agent"
    put(home, clock, "claude", "StopFailure", error="rate_limit")
    claim = report_of(reports).claim(clock.now())
    assert claim is not None
    assert (claim.activity, claim.source) == (Activity.LIMITED, "hook")


def test_an_event_is_believed_for_a_time_only(home: Path, reports: HookReports, clock: FakeClock):
    put(home, clock, "claude", "UserPromptSubmit")
    found = report_of(reports)
    assert found.claim(clock.now() + timedelta(minutes=9, seconds=59)) is not None
    assert found.claim(clock.now() + timedelta(minutes=10)) is None


def test_an_event_that_comes_late_changes_nothing_newer(home: Path, reports: HookReports, clock: FakeClock):
    put(home, clock, "claude", "UserPromptSubmit", cwd="/old")
    [path] = spool.waiting(str(home))
    late = Path(path).rename(home / "late")
    put(home, clock, "claude", "Stop", cwd="/new")
    reports.take_in()
    late.rename(path)
    found = report_of(reports)
    assert (found.activity, found.cwd) == (Activity.IDLE, "/new")


def test_a_cleared_conversation_is_followed_by_the_one_in_its_pane(home: Path, reports: HookReports, clock: FakeClock):
    place = {"pane": "%1", "tmux_pid": "900"}
    agent = an_agent(session_id="s1", pane=PaneRef("900:1", "%1"), started_at=NOON)
    put(home, clock, "claude", "SessionStart", "s1", source="startup", **place)
    put(home, clock, "claude", "SessionEnd", "s1", reason="clear", **place)
    put(home, clock, "claude", "SessionStart", "s2", source="clear", **place)
    put(home, clock, "claude", "SessionStart", "s3", pane="%2", tmux_pid="900")
    reports.take_in()
    known = reports.read()
    found = known.of(agent)
    assert found is not None and found.session_id == "s2"
    old = known.of_session("claude", "s1")
    assert old is not None and old.claim(clock.now()) is None, "it has ended"
    assert known.in_pane("claude", 901, "%1", since=NOON) is None, "another server's pane"
    assert known.in_pane("claude", 900, "%1", since=clock.now()) is None, "told before this process began"


def test_the_pane_of_a_codex_hook_is_that_of_its_server_and_not_believed(
    home: Path, reports: HookReports, clock: FakeClock
):
    put(home, clock, "codex", "UserPromptSubmit", pane="%1", tmux_pid="900", ancestors=["1:2"])
    found = report_of(reports, "codex")
    assert (found.pane_id, found.ancestors) == (None, ())


@pytest.mark.parametrize("body", [b"", b"{}", b"\0" * 80, b'{"kind": "claude", "at_us": 1e300, "event": {}}'])
def test_a_damaged_event_does_not_hold_up_the_others(home: Path, reports: HookReports, clock: FakeClock, body: bytes):
    spool.keep(str(home), "00000000000000000000-1-a.json", body)
    put(home, clock, "claude", "Stop", message="\ud800 half a letter")
    assert report_of(reports).activity is Activity.IDLE
    assert spool.waiting(str(home)) == []


def test_old_events_are_forgotten_but_not_those_that_still_lie_there(
    home: Path, database: Database, reports: HookReports, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
):
    put(home, clock, "claude", "Stop", "stays")
    put(home, clock, "claude", "Stop", "goes")
    stays, goes = spool.waiting(str(home))
    with monkeypatch.context() as patch:
        patch.setattr(spool, "drop", lambda path: Path(path).unlink() if path == goes else None)
        assert reports.take_in() == 2
        rest = home / "hooks" / ".rest"
        rest.write_text("")
        os.utime(rest, (clock.now().timestamp(), clock.now().timestamp()))
        clock.advance(8 * 86400)
        assert reports.take_in() == 0, "one of them could not be removed"
    assert database.read(lambda db: [row[0] for row in db.execute("SELECT name FROM hook_events")]) == [
        Path(stays).name
    ]
    assert database.read(hooks.report, "claude", "goes") is None


def test_an_agent_that_runs_another_one_as_a_tool_keeps_its_own_conversation(
    home: Path, reports: HookReports, clock: FakeClock
):
    put(home, clock, "claude", "UserPromptSubmit", "outer", ancestors=["100:1000"])
    put(home, clock, "claude", "Stop", "inner", ancestors=["200:2000", "100:1000"])
    reports.take_in()
    found = reports.of_process("claude", ProcessId(100, 1000))
    assert found is not None and found.session_id == "outer"
    put(home, clock, "claude", "SessionEnd", "outer", reason="clear", ancestors=["100:1000"])
    put(home, clock, "claude", "SessionStart", "cleared", source="clear", ancestors=["100:1000"])
    reports.take_in()
    found = reports.of_process("claude", ProcessId(100, 1000))
    assert found is not None and found.session_id == "cleared"


def test_a_shell_between_agent_and_hook_does_not_hide_the_agent(home: Path, reports: HookReports):
    line = f"{sys.executable} -m hive_tui hook claude --home {home}; true"
    event = '{"session_id": "s1", "hook_event_name": "Stop"}'
    subprocess.run(["bash", "-c", line], input=event, text=True, env={"PYTHONPATH": str(ROOT)}, check=True, timeout=20)
    own = system_processes().table().get(os.getpid())
    assert own is not None
    assert report_of(reports).ancestors[0] == f"{own.pid}:{own.started}"
