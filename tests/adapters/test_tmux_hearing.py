"""What a real tmux lets us hear of its panes, and that nobody notices that we listen."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hive_tui.adapters.tmux.ear import unescaped
from hive_tui.adapters.tmux.hearing import Hearing
from hive_tui.domain.agents import Activity
from tests.stage import CLOCK, Stage, eventually

RECORDED = Path(__file__).parents[1] / "domain/recorded/codex.bin"


@pytest.fixture
def hearing(stage: Stage) -> Iterator[Hearing]:
    stage.shell(stage.folder)
    stage.hive.looking.switch_on()
    made = Hearing(stage.hive.looking, CLOCK)
    yield made
    made.close()


def listen(stage: Stage, hearing: Hearing, *pane_ids: str) -> None:
    panes = [pane for pane in stage.hive.panes.list().panes if pane.id in pane_ids]
    hearing.follow(panes)
    eventually(lambda: all(hearing.of_pane(pane.ref) is not None for pane in panes), "it listens")


def state(stage: Stage, hearing: Hearing, pane_id: str) -> Activity | None:
    pane = next(pane for pane in stage.hive.panes.list().panes if pane.id == pane_id)
    heard = hearing.of_pane(pane.ref)
    return heard.status.activity if heard and heard.status else None


def report(stage: Stage, pane_id: str, words: str) -> None:
    stage.type(pane_id, f"printf '\\033]7501;{words}\\033\\\\'")


def ears(stage: Stage) -> list[int]:
    lines = stage.tmux("list-clients", "-F", "#{client_pid} #{client_flags}", check=False).splitlines()
    return [int(line.split()[0]) for line in lines if "pause-after" in line]


def test_reports_are_heard_pane_by_pane(stage: Stage, hearing: Hearing):
    other = stage.shell(stage.folder)
    listen(stage, hearing, "%0", other)
    report(stage, "%0", "state=working")
    report(stage, other, "state=blocked:kind=question")
    eventually(lambda: state(stage, hearing, "%0") is Activity.WORKING)
    eventually(lambda: state(stage, hearing, other) is Activity.QUESTION)
    assert hearing.changes
    report(stage, "%0", "state=clear")
    eventually(lambda: state(stage, hearing, "%0") is None)
    assert state(stage, hearing, other) is Activity.QUESTION


def test_a_recorded_stream_comes_through_tmux_as_it_was(stage: Stage, hearing: Hearing):
    listen(stage, hearing, "%0")
    # Up to the question, which stays: all else of the recording would be overtaken by its end.
    upto = RECORDED.read_bytes().partition(b"kind=permission")
    recorded = stage.folder / "recorded.bin"
    recorded.write_bytes(upto[0] + upto[1] + b"\x1b\\")
    stage.type("%0", f"cat {recorded}")
    eventually(lambda: state(stage, hearing, "%0") is Activity.PERMISSION)


def test_each_session_has_an_ear_of_its_own_while_there_is_something_to_hear(stage: Stage, hearing: Hearing):
    other = stage.shell(stage.folder, session="other")
    listen(stage, hearing, "%0", other)
    assert len(ears(stage)) == 2
    report(stage, other, "state=working")
    eventually(lambda: state(stage, hearing, other) is Activity.WORKING)
    hearing.follow([])
    eventually(lambda: ears(stage) == [])
    assert state(stage, hearing, other) is None


def test_nobody_notices_that_it_listens(stage: Stage, hearing: Hearing):
    sizes = "#{window_width}x#{window_height}"
    before = stage.tmux("list-windows", "-a", "-F", sizes)
    listen(stage, hearing, "%0")
    assert stage.tmux("list-windows", "-a", "-F", sizes) == before
    assert [pane.is_watched for pane in stage.hive.panes.list().panes] == [False]


def test_other_panes_are_not_sent_and_can_be_asked_for_later(stage: Stage, hearing: Hearing):
    other = stage.shell(stage.folder)
    listen(stage, hearing, "%0")
    # The first words of a stranger show that it is one; from the next look on it is not sent.
    stage.type(other, "echo once")
    eventually(lambda: "once\n" in stage.screen(other))
    listen(stage, hearing, "%0")
    report(stage, "%0", "state=working")
    eventually(lambda: state(stage, hearing, "%0") is Activity.WORKING)
    listen(stage, hearing, "%0", other)
    before = hearing.changes

    def is_heard() -> bool:
        report(stage, other, "state=error")
        return state(stage, hearing, other) is Activity.ERROR

    eventually(is_heard)
    assert hearing.changes > before
    assert state(stage, hearing, "%0") is Activity.WORKING


def test_a_flood_and_a_stop_of_ours_hold_up_no_program(stage: Stage, hearing: Hearing):
    listen(stage, hearing, "%0")
    [client] = ears(stage)
    os.kill(client, signal.SIGSTOP)
    try:
        stage.type("%0", "head -c 3000000 /dev/zero | tr '\\0' x; clear; echo through")
        eventually(lambda: "through" in stage.screen("%0").splitlines(), "the program has written all of it")
    finally:
        os.kill(client, signal.SIGCONT)


def test_a_lost_ear_forgets_what_it_heard(stage: Stage, hearing: Hearing):
    listen(stage, hearing, "%0")
    report(stage, "%0", "state=working")
    eventually(lambda: state(stage, hearing, "%0") is Activity.WORKING)
    os.kill(ears(stage)[0], signal.SIGKILL)
    eventually(lambda: state(stage, hearing, "%0") is None, "what came meanwhile would not have been heard")


def test_it_does_not_listen_where_its_client_would_be_taken_for_a_person(stage: Stage, hearing: Hearing):
    listen(stage, hearing, "%0")
    stage.tmux("set-option", "-g", "focus-events", "on")
    eventually(lambda: ears(stage) == [])


def test_octal_numbers_are_taken_back():
    assert unescaped(r"a\033]0;t\007\134x") == b"a\x1b]0;t\x07\\x"
    assert unescaped("\\134033 é") == "\\033 é".encode()


CODEX = """
import sys
print("\\x1b[2J\\x1b[H› ", flush=True)
for line in sys.stdin:
    sys.stdout.write("\\x1b]7501;" + line.strip() + ":app=codex\\x1b\\\\")
    sys.stdout.flush()
"""


def test_what_an_agent_reports_is_shown_and_explained(stage: Stage):
    """The whole way: a program that is taken for Codex, tmux, the looks of a heartbeat, and what `explain` says."""
    script = stage.folder / "program"
    script.write_text(CODEX)
    pane_id = stage.shell(stage.folder, command=f"exec -a codex {sys.executable} {script}")
    hive = stage.new_hive()
    hive.looking.switch_on()
    try:
        eventually(lambda: hive.observer.observe().agents and ears(stage), "it is found, and heard")
        for words, activity in (
            ("state=working", Activity.WORKING),
            ("state=blocked:kind=permission", Activity.PERMISSION),
        ):
            stage.type(pane_id, words)
            eventually(lambda wanted=activity: hive.observer.observe().agents[0].activity is wanted)  # type: ignore[misc]
        observation = hive.observer.observe()
        explained = "\n".join(hive.explainer.explain(observation.agents[0], observation).lines())
        assert "says         permission (terminal status): it reports blocked (permission) by OSC 7501" in explained
    finally:
        hive.close()
    assert ears(stage) == []
