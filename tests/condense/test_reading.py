"""Transcripts as they really are: cut, huge, doubled, in odd encodings, of several kinds."""

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hive_tui.condense.reading import read
from hive_tui.condense.records import Reading, Record, Says

DATA = Path(__file__).parent / "transcripts"


def said(role: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"type": role, "message": {"role": role, "content": content}, "cwd": "/w", "gitBranch": "b", **more}


def write(path: Path, *rows: Any) -> Path:
    lines = [row if isinstance(row, bytes) else json.dumps(row, ensure_ascii=False).encode() for row in rows]
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def all_of(path: Path) -> tuple[list[Record], Reading]:
    reading = Reading()
    return list(read(path, reading)), reading


def test_a_conversation_that_claude_code_wrote_itself():
    records, reading = all_of(DATA / "claude.jsonl")
    users = [record.text for record in records if record.says is Says.USER]
    assert users[0] == "mock:tool_bash cmd='ls -la; false'" and len(users) == 3
    calls = {record.call_id: record for record in records if record.says is Says.CALL}
    results = [record for record in records if record.says is Says.RESULT]
    assert [calls[record.call_id].tool for record in results] == ["Bash", "Write", "Edit"]
    assert [(record.exit_code, record.failed) for record in results] == [(1, True), (None, False), (None, False)]
    assert all(record.at is not None and record.at.tzinfo is not None for record in results)
    assert reading.skipped["a summary of what stands above"] == 1
    assert reading.lines == 50


def test_a_rollout_that_codex_wrote_itself():
    records, reading = all_of(DATA / "codex.jsonl")
    assert [record.text for record in records if record.says is Says.USER] == [
        "mock:tool_bash cmd='ls -la; false'",
        "mock:tool_write path=note.txt content='hello there'",
    ]
    result = next(record for record in records if record.says is Says.RESULT)
    assert result.exit_code == 1 and result.text.startswith("total 16")
    call = next(record for record in records if record.says is Says.CALL)
    assert call.arguments == {"cmd": "ls -la; false"} and call.call_id == result.call_id
    assert reading.skipped["a summary of what stands above"] == 1


def test_what_cannot_be_used_is_counted_with_its_reason(tmp_path: Path):
    copy = said("user", "hello", uuid="u1")
    path = write(
        tmp_path / "t",
        copy,
        b"",
        b'{"type": "user", "message": {"role": "user", "content": "cut in the mid',
        b"[1, 2]",
        b"[" * 100_000,
        copy,
        said("user", "of a subagent", isSidechain=True),
        said("user", "inserted", isMeta=True),
        said("user", "summary", isCompactSummary=True),
        said("user", "<system-reminder>be good</system-reminder>"),
        said("assistant", [{"type": "thinking", "thinking": "hm"}, {"type": "text", "text": "done"}]),
        {"type": "brand-new-type"},
        said("user", "caf\u00e9 \U0001f41d").__repr__().encode(),
        json.dumps(said("user", "caf\u00e9"), ensure_ascii=False).encode("latin-1"),
    )
    records, reading = all_of(path)
    assert [record.text for record in records if record.text] == ["hello", "done", "caf\u00e9"]
    assert reading.lines == 14
    assert dict(reading.skipped) == {
        "an empty line": 1,
        "no JSON, or cut in the middle": 2,
        "JSON that is no object": 1,
        "it is nested too deep": 1,
        "a copy of an earlier line": 1,
        "a subagent's own conversation": 1,
        "inserted by the program, not by a person": 2,
        "a summary of what stands above": 1,
        "a block of type 'thinking'": 1,
        "a record of type 'brand-new-type'": 1,
        "bytes that are no UTF-8 (the rest of the line is used)": 1,
    }


def test_a_summary_counts_where_nothing_else_is_left_of_what_it_sums_up(tmp_path: Path):
    path = write(tmp_path / "t", said("user", "we came from afar", isCompactSummary=True))
    assert [record.text for record in all_of(path)[0] if record.text] == ["we came from afar"]


def test_utf_16_with_its_mark_and_long_lines_are_read(tmp_path: Path):
    long = "x" * 65_000 + " end"
    rows = "\n".join(json.dumps(said("user", text)) for text in ("first", long))
    (tmp_path / "t").write_bytes(rows.encode("utf-16"))
    assert [record.text for record in all_of(tmp_path / "t")[0] if record.text] == ["first", long]


def test_an_empty_file_and_one_of_zeros_say_nothing(tmp_path: Path):
    (tmp_path / "none").touch()
    assert all_of(tmp_path / "none")[0] == []
    (tmp_path / "zeros").write_bytes(b"\0" * 10_000)
    assert all_of(tmp_path / "zeros")[0] == []


def test_rows_with_roles_alone_are_understood(tmp_path: Path):
    call = {"id": "c1", "type": "function", "function": {"name": "run_shell_command", "arguments": '{"command": "ls"}'}}
    path = write(
        tmp_path / "t",
        {"sessionId": "s"},
        {"role": "user", "content": "hello", "cwd": "/w"},
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "nothing\nexit code: 2"},
        {"type": "gemini", "content": "hm", "toolCalls": [{"id": "c2", "name": "glob", "args": {"pattern": "*.py"}}]},
        {"type": "agent", "text": "hello yourself", "at": 1_767_600_000.0},
    )
    records, _ = all_of(path)
    assert [str(record.says) for record in records] == ["place", "user", "call", "result", "agent", "call", "agent"]
    assert records[2].arguments == {"command": "ls"} and records[3].exit_code == 2
    assert records[5].tool == "glob" and records[6].at is not None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Exit code 127\nsh: not found", 127),
        ("all is well", None),
        ("lots of output\n\nExit code 3", 3),
        ("Command exited with code 1", 1),
        ("the exit code 5 of this program means that", None),
    ],
)
def test_exit_codes_stand_on_lines_of_their_own(tmp_path: Path, text: str, code: int | None):
    result = {"type": "tool_result", "tool_use_id": "t", "content": text}
    records, _ = all_of(write(tmp_path / "t", said("user", [result])))
    assert records[-1].exit_code == code


@pytest.mark.faults
@pytest.mark.timeout(3_000)
def test_five_hundred_megabytes_are_condensed_in_little_memory(tmp_path: Path):
    path = tmp_path / "huge.jsonl"
    block = "".join(
        json.dumps(said("assistant", [{"type": "text", "text": f"We use lib{n} because part{n}_of is {n}."}]))
        + "\n"
        + json.dumps(said("user", [{"type": "tool_result", "tool_use_id": f"t{n}", "content": f"line {n}\n" * 6_000}]))
        + "\n"
        for n in range(100)
    )
    with path.open("w") as file:
        while file.tell() < 500_000_000:
            file.write(block)
    script = (
        "import re, sys\nfrom pathlib import Path\nfrom hive_tui.condense.ledger import condense\n"
        "tokens = condense(Path(sys.argv[1])).tokens\n"
        # What getrusage tells begins with the peak of the process that has started this one.
        "print(tokens, re.search(r'VmHWM:\\s+(\\d+)', Path('/proc/self/status').read_text())[1])"
    )
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True)
    tokens, peak_kib = map(int, done.stdout.split())
    cpu_s = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    print(f"{path.stat().st_size / 1e6:.0f} MB: {cpu_s:.0f} s CPU, {peak_kib / 1024:.0f} MiB, {tokens} tokens")
    assert 0 < tokens <= 12_000
    assert peak_kib < 150 * 1024
    assert cpu_s < path.stat().st_size / 1e6
