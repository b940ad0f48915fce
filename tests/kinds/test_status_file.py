"""Status files that agents write about themselves, and what a crash leaves of them."""

from pathlib import Path

import pytest

from hive_tui.kinds import status_file
from tests.builders import a_process, an_agent
from tests.kinds.looks import PID, write_status


def test_the_status_file_of_a_process_is_read(tmp_path: Path):
    write_status(tmp_path, status="busy", sessionId="session-1")
    read = status_file.read(tmp_path, a_process(PID))
    assert read is not None
    assert (read["status"], read["sessionId"]) == ("busy", "session-1")


def test_a_status_file_that_an_older_process_of_the_same_number_left_behind_is_not_believed(tmp_path: Path):
    write_status(tmp_path, status="busy")
    assert status_file.read(tmp_path, a_process(PID, started=999)) is None


@pytest.mark.parametrize("start", ["", '"procStart": "", ', '"procStart": "Mon Jan  5 12:00:00 2026", '])
def test_a_start_time_that_is_no_number_is_not_compared(tmp_path: Path, start: str):
    write_status(tmp_path).write_text(f'{{{start}"status": "idle"}}', encoding="utf-8")
    assert status_file.read(tmp_path, a_process(PID, started=999)) is not None


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b'"idle"', b"null", b'{"pid": 100}', b"\xff\xfe", b'{"status": "idle"'],
    ids=["empty", "cut", "a list", "a text", "null", "no status", "no UTF-8", "cut late"],
)
def test_a_status_file_that_is_only_half_written_says_nothing(tmp_path: Path, content: bytes):
    write_status(tmp_path).write_bytes(content)
    assert status_file.read(tmp_path, a_process(PID)) is None


def test_without_a_status_file_nothing_is_said(tmp_path: Path):
    assert status_file.read(tmp_path, a_process(PID)) is None
    (tmp_path / "sessions" / f"{PID}.json").mkdir(parents=True)
    assert status_file.read(tmp_path, a_process(PID)) is None, "a folder of that name"


def test_a_graceful_exit_removes_the_file_and_a_crash_leaves_it(tmp_path: Path):
    agent = an_agent(config_dir=str(tmp_path), process=a_process(PID).id)
    path = write_status(tmp_path)
    assert not status_file.was_removed(agent)
    path.unlink()
    assert status_file.was_removed(agent)


def test_a_file_that_never_was_there_is_no_proof_of_a_graceful_exit(tmp_path: Path):
    known = an_agent(config_dir=str(tmp_path / "gone"), process=a_process(PID).id)
    assert not status_file.was_removed(known), "the whole folder is missing"
    assert not status_file.was_removed(an_agent(config_dir=None)), "its folder is not known"
    (tmp_path / "sessions").mkdir()
    assert not status_file.was_removed(an_agent(config_dir=str(tmp_path), process=None)), "its process is not known"
