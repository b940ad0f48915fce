"""The log of a service: in the journal's own format, in files that are rotated, on standard error."""

import io
import json
import os
import socket
import struct
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hive_tui.adapters.serving.logs import Journal, RotatingFile, StandardError, log_for
from hive_tui.domain.events import Event, EventKind, Severity
from hive_tui.domain.log_records import LogRecord, is_loud_enough

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def record(text: str = "shop crashed", severity: Severity = Severity.FAILURE) -> LogRecord:
    return LogRecord(
        AT, Event(EventKind.AGENT_CRASHED, text, "id-of-shop", severity=severity, payload={"said": "plum"})
    )


def fields_of(datagram: bytes) -> dict[str, str]:
    """What the journal reads, by the description of its protocol."""
    found: dict[str, str] = {}
    while datagram:
        line, _, rest = datagram.partition(b"\n")
        name, is_short, value = line.partition(b"=")
        if not is_short:
            (length,) = struct.unpack("<Q", rest[:8])
            value, rest = rest[8 : 8 + length], rest[8 + length + 1 :]
        found[name.decode()] = value.decode()
        datagram = rest
    return found


@pytest.mark.parametrize("text", ["shop crashed", "shop crashed:\nit said = no\n"])
def test_the_journal_gets_fields_to_search_by_and_no_payload(tmp_path: Path, text: str):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as journal:
        journal.bind(str(tmp_path / "j"))
        Journal(StandardError(io.StringIO(), with_priority=True), str(tmp_path / "j")).write(record(text))
        sent = journal.recv(65536)
    assert fields_of(sent) == {
        "MESSAGE": text,
        "PRIORITY": "3",
        "SYSLOG_IDENTIFIER": "hive-tui",
        "HIVE_EVENT": "agent.crashed",
        "HIVE_AGENT": "id-of-shop",
        "HIVE_ACTOR": "heartbeat",
    }


def test_without_a_journal_the_priority_stands_before_the_line(tmp_path: Path):
    said = io.StringIO()
    Journal(StandardError(said, with_priority=True), str(tmp_path / "nobody")).write(record("two\nlines"))
    assert said.getvalue() == "<3>two lines\n"


def test_a_journal_that_reads_nothing_holds_up_nobody_and_loses_nothing(tmp_path: Path):
    said = io.StringIO()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(tmp_path / "j"))
        log = Journal(StandardError(said, with_priority=True), str(tmp_path / "j"))
        for _ in range(2000):
            log.write(record())
    assert "<3>shop crashed\n" in said.getvalue()


def test_files_are_rotated_by_size_and_only_as_many_are_kept(tmp_path: Path):
    log = RotatingFile(tmp_path / "logs" / "hive.log", max_bytes=600, keep=2)
    for number in range(40):
        log.write(record(f"number {number}"))
    files = sorted(path.name for path in (tmp_path / "logs").iterdir())
    assert files == ["hive.log", "hive.log.1", "hive.log.2"]
    assert all((tmp_path / "logs" / name).stat().st_size <= 600 for name in files)
    ordered = [json.loads(line) for name in reversed(files) for line in (tmp_path / "logs" / name).open()]
    numbers = [int(one["text"].split()[1]) for one in ordered]
    assert numbers == list(range(40 - len(numbers), 40)), "the newest, in order, without a gap"
    assert ordered[-1] == {
        "at": "2026-01-05T12:00:00Z",
        "level": "failure",
        "event": "agent.crashed",
        "agent": "id-of-shop",
        "actor": "heartbeat",
        "text": "number 39",
    }
    assert {(tmp_path / "logs" / name).stat().st_mode & 0o777 for name in files} == {0o600}


def test_a_log_that_cannot_be_written_stops_nobody(tmp_path: Path):
    (tmp_path / "taken").write_text("no folder")
    RotatingFile(tmp_path / "taken" / "hive.log", max_bytes=600, keep=0).write(record())
    (tmp_path / "link").symlink_to(tmp_path / "taken")
    RotatingFile(tmp_path / "link", max_bytes=600, keep=0).write(record())
    assert (tmp_path / "taken").read_text() == "no folder", "nothing is written through a link"


def test_the_journal_is_used_only_where_standard_error_leads_there():
    found = os.fstat(2)
    assert isinstance(log_for({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}, "", max_bytes=1, keep=1), Journal)
    inherited = log_for({"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino + 1}"}, "", max_bytes=1, keep=1)
    assert isinstance(inherited, StandardError)


@pytest.mark.parametrize(
    ("level", "kept"),
    [("info", ["info", "warning", "failure"]), ("warning", ["warning", "failure"]), ("failure", ["failure"])],
)
def test_a_level_leaves_out_what_is_below_it(level: str, kept: list[str]):
    assert [str(one) for one in Severity if is_loud_enough(record(severity=one).event, level)] == kept
