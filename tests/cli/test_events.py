"""`hive-tui events` as scripts use it."""

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from hive_tui.domain.durations import parse_past
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import Event, EventKind
from hive_tui.store import agents, journal
from tests.builders import NOON, an_agent
from tests.stage import CLOCK, Stage


def log(stage: Stage, kind: EventKind, text: str, agent: str | None = None, *, ago: timedelta = timedelta(0)) -> None:
    stage.hive.database.write(journal.log, Event(kind, text, agent), now=CLOCK.now() - ago)


@contextmanager
def following(stage: Stage, *options: str) -> Iterator[subprocess.Popen[str]]:
    command = stage.command_line("events", "--follow", *options)
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=stage.environment, cwd=stage.folder,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a test worker may ignore it
    ) as program:  # fmt: skip
        try:
            yield program
        finally:
            program.kill()


def test_events_are_chosen_by_agent_kind_number_and_time(stage: Stage):
    stage.hive.database.write(agents.add, an_agent("ada"), now=NOON)
    log(stage, EventKind.RECOVERED, "long ago", ago=timedelta(hours=5))
    log(stage, EventKind.WAKEUP_FAILED, "failed", "id-of-ada", ago=timedelta(hours=1))
    log(stage, EventKind.WAKEUP_STARTED, "started", "id-of-ada")

    def texts(*options: str) -> list[str]:
        return [one["text"] for one in stage.json("events", *options)]

    assert texts("--agent", "ada") == texts("ada") == ["failed", "started"]
    assert texts("--kind", "wakeup.failed", "--kind", "hive.*") == ["long ago", "failed"]
    assert texts("--since", "2h") == texts("--since", "1") == ["failed", "started"]
    assert texts("--since", "0", "--limit", "1") == ["started"]
    refused = stage.command("events", "--kind", "wakeup.fialed")
    assert refused.returncode == 2 and "wakeup.failed" in refused.stderr
    vague = stage.command("events", "--since", "lately")
    assert vague.returncode == 2 and "'lately' is not a time. Write it like" in vague.stderr
    assert "agent.found" not in refused.stderr
    assert "Did you mean wakeup.failed" in stage.command("events", "--kind", "wakup.failed").stderr
    assert "wakeup.*, " not in stage.command("events", "--kind", "x").stderr.partition("Known are")[0]


def test_following_prints_what_other_processes_write_until_ctrl_c(stage: Stage):
    log(stage, EventKind.RECOVERED, "before")
    with following(stage, "--json", "--since", "0") as program:
        assert program.stdout is not None and program.stderr is not None
        assert json.loads(program.stdout.readline())["text"] == "before"
        log(stage, EventKind.RECOVERED, "after")
        said = json.loads(program.stdout.readline())
        assert (said["text"], said["seq"]) == ("after", 2)
        program.send_signal(signal.SIGINT)
        assert program.wait(20) == 0
        assert (program.stdout.read(), program.stderr.read()) == ("", "")


def test_following_ends_quietly_once_nobody_reads_it_though_nothing_happens(stage: Stage):
    log(stage, EventKind.RECOVERED, "before")
    with following(stage) as program:
        assert program.stdout is not None and program.stderr is not None
        assert "before" in program.stdout.readline()
        program.stdout.close()
        assert program.wait(20) in (0, 1)
        assert program.stderr.read() == ""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14:30", NOON - timedelta(hours=21, minutes=30)),
        ("11:00", NOON - timedelta(hours=1)),
        ("1h30m", NOON - timedelta(minutes=90)),
        ("2026-01-05T13:00:00+02:00", NOON - timedelta(hours=1)),
    ],
)
def test_a_time_in_the_past_is_the_last_one_of_its_name(text: str, expected: object):
    assert parse_past(text, NOON) == expected


@pytest.mark.parametrize("text", ["yesterday", "25:00", "2x", ""])
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(HiveError):
        parse_past(text, NOON)
