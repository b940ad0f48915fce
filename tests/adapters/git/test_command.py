"""How git is run: fed in full, ended in time, and with errors that a person can read."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.adapters.git.command import STANDING_BACK, TICK_S, Git, GitFailed, end, failed, is_full
from hive_tui.adapters.git.pipes import Fed, Read
from hive_tui.domain.errors import Cancelled, WorkspaceError

NewProgram = Callable[..., Git]


@pytest.fixture
def git_that(tmp_path: Path) -> NewProgram:
    """A git that is a shell script."""

    def make(script: str, *, timeout_s: float = 20.0, cancelled: threading.Event | None = None) -> Git:
        program = tmp_path / "git"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return Git(tmp_path, tmp_path, timeout_s, cancelled, str(program))

    return make


def test_a_git_that_begins_to_read_late_gets_all_of_its_input(git_that: NewProgram):
    git = git_that(f"sleep {TICK_S * 2}; wc -c")
    assert int(git.run("hash-object", stdin=b"x" * 3_000_000)) == 3_000_000


def test_a_git_that_says_more_than_fits_a_pipe_does_not_block(git_that: NewProgram):
    git = git_that("head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2")
    printed, said = git.run_and_listen("status")
    assert (len(printed), len(said)) == (300_000, 300_000)


def test_a_git_that_stands_back_leaves_the_processor_to_others(git_that: NewProgram):
    git = git_that("read -r _; nice")  # the input comes after its priority was set
    own = os.getpriority(os.PRIO_PROCESS, 0)
    process = git.standing_back().start(["pack-objects"], stdin=subprocess.PIPE)
    try:
        assert process.communicate(b"\n", timeout=20)[0] == b"%d\n" % min(19, own + STANDING_BACK)
    finally:
        end(process)
    assert int(git.run("status", stdin=b"\n")) == own


def test_a_failure_is_told_with_the_command_and_git_s_own_reason(git_that: NewProgram):
    git = git_that("echo 'warning: this and that' >&2; echo 'fatal: bad object 12ab' >&2; exit 128")
    with pytest.raises(GitFailed, match=r"^`git log` failed: bad object 12ab\.$"):
        git.run("-c", "some.setting=1", "log")


def test_a_git_that_ends_while_it_is_fed_is_a_failure(git_that: NewProgram):
    git = git_that("echo 'fatal: no more' >&2; exit 1")
    with pytest.raises(GitFailed, match="no more"), Fed(git, "fast-import") as feed:
        for _ in range(100):
            feed.write(b"x" * 100_000)


def test_a_git_that_takes_nothing_counts_as_hung(git_that: NewProgram):
    git = git_that("exec sleep 600", timeout_s=0.2)
    with pytest.raises(WorkspaceError, match="did not finish"), Fed(git, "fast-import") as feed:
        feed.write(b"x" * 1_000_000)


def test_output_is_read_in_lines_and_pieces(git_that: NewProgram, tmp_path: Path):
    asked = tmp_path / "asked"
    asked.write_text("one\ntwo\n")
    with Read(git_that("cat; printf '%70000d' 1; echo; echo end"), "cat-file", stdin=asked) as answers:
        assert (answers.line(), answers.line()) == (b"one", b"two")
        left = 70_000
        while left:
            left -= len(answers.some(left))
        assert (answers.line(), answers.line()) == (b"", b"end")


def test_output_that_ends_too_early_is_a_failure(git_that: NewProgram, tmp_path: Path):
    asked = tmp_path / "asked"
    asked.touch()
    with (
        pytest.raises(GitFailed, match="ended early"),
        Read(git_that("printf half"), "cat-file", stdin=asked) as answers,
    ):
        answers.line()


def test_work_that_a_person_stops_ends_at_once(git_that: NewProgram):
    cancelled = threading.Event()
    cancelled.set()
    with pytest.raises(Cancelled):
        git_that("exec sleep 600", cancelled=cancelled).run("status")


@pytest.mark.parametrize(
    "said", ["error: unable to write file: No space left on device", "fatal: write error. Out of diskspace"]
)
def test_a_full_disk_is_told_from_a_damaged_repository(said: str):
    assert is_full(failed(["fast-import"], 128, said.encode()))
    assert not is_full(failed(["fast-import"], 128, b"fatal: bad object HEAD"))
