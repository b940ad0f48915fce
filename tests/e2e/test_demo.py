"""`hive-tui demo` in a real terminal: the story comes to its end, and nothing is left however it ends."""

import json
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

import pytest

from hive_tui.adapters.processes import system_processes
from hive_tui.demo import leftovers
from hive_tui.demo.script import load
from hive_tui.demo.stage import DemoStage
from hive_tui.domain.agents import Activity, Agent
from hive_tui.domain.events import Event
from hive_tui.store import agents as agent_store
from hive_tui.store import journal, wakeups
from hive_tui.store.database import Database
from tests.stage import CLOCK, Stage, eventually

PROCESSES = system_processes()
OVER = "nothing of it is left"


def quick_story() -> str:
    """The packaged story with short pauses, works and limits."""
    text = files("hive_tui.demo").joinpath("story.toml").read_text()
    for pattern, short in (
        (r"pause_s = [\d.]+", "pause_s = 0.3"),
        (r"limit_s = [\d.]+", "limit_s = 45.0"),
        (r"waits_s = \[[^\]]*\]", "waits_s = [1.0, 1.0, 1.0, 1.0]"),
        (r"/work \d+", "/work 3"),
        (r"/limit \d+", "/limit 8"),
        (r"after_said_s = [\d.]+", "after_said_s = 9.0"),
    ):
        text, count = re.subn(pattern, short, text)
        assert count, pattern
    return text


class Theatre:
    """A terminal in which demos are run, and the folder that they make theirs in."""

    def __init__(self, stage: Stage, base: Path) -> None:
        self._stage = stage
        self.base = base
        self.story = stage.folder / "story.toml"
        self.story.write_text(quick_story())
        self.pane = stage.shell(stage.folder)

    def open(self, *, until: str = "1/10", path: str = "") -> None:
        """Start a demo and wait until the screen shows that."""
        setting = f"PATH={path} " if path else ""
        command = f"{setting}TMPDIR={self.base} {sys.executable} -m hive_tui demo --story {self.story}"
        self._stage.type(self.pane, f"clear; {command}; echo code: $?")
        self.shows(until, timeout_s=30)

    def shows(self, text: str, *, timeout_s: float = 20) -> None:
        eventually(lambda: text in self.screen, f"the screen shows {text!r}", timeout_s=timeout_s)

    @property
    def screen(self) -> str:
        return self._stage.screen(self.pane)

    def press(self, key: str) -> None:
        self._stage.tmux("send-keys", "-t", self.pane, key)

    def close(self) -> None:
        """Take the terminal away."""
        self._stage.tmux("kill-pane", "-t", self.pane)

    @property
    def folder(self) -> Path:
        """The folder of the demo that runs."""
        [found] = self.base.glob("hive-demo-*")
        return found

    def tell(self, number: int) -> None:
        """Send the demo's process a signal."""
        os.kill(json.loads((self.folder / leftovers.MARKER).read_text())["pid"], number)

    def is_empty(self) -> bool:
        """Whether no folder and no process of any demo here is left."""
        marked = [
            process for process in PROCESSES.table()
            if PROCESSES.environ(process.pid).get("HIVE_DEMO", "").startswith(str(self.base))
        ]  # fmt: skip
        return not marked and not list(self.base.iterdir())


@pytest.fixture
def theatre(stage: Stage) -> Iterator[Theatre]:
    base = Path(tempfile.mkdtemp(prefix="hive-t-", dir="/tmp"))
    try:
        yield Theatre(stage, base)
    finally:
        for folder in base.glob("hive-demo-*"):
            leftovers.clear_away(folder, PROCESSES, CLOCK)
        shutil.rmtree(base, ignore_errors=True)


def logged(folder: Path) -> tuple[dict[str, Agent], dict[str, list[Event]], dict[str, list[str]]]:
    """The agents of a demo by name, their events (of nobody's under ""), and who asked for their wakes."""
    database = Database(folder / "hive" / "hive.db", CLOCK)
    try:
        agents = {agent.name: agent for agent in database.read(agent_store.everyone)}
        names = {agent.id: agent.name for agent in agents.values()}
        events: dict[str, list[Event]] = {name: [] for name in ("", *agents)}
        for one in database.read(journal.events, limit=1000):
            events[names.get(one.event.agent_id or "", "")].append(one.event)
        triggers: dict[str, list[str]] = {name: [] for name in agents}
        for wakeup in reversed(database.read(wakeups.recent)):
            triggers[names[wakeup.agent_id]].append(wakeup.trigger)
        return agents, events, triggers
    finally:
        database.close()


@pytest.mark.timeout(240)
def test_the_story_is_told_to_its_end_and_nothing_is_left(theatre: Theatre):
    theatre.open()
    theatre.shows("The story is told", timeout_s=150)
    agents, events, triggers = logged(theatre.folder)
    kinds = {name: [str(event.kind) for event in told] for name, told in events.items()}
    assert sorted(agents) == ["bakery", "harbour", "mill", "shop"]

    assert agents["bakery"].activity is Activity.PERMISSION
    assert in_order(kinds["shop"], ["checkpoint.taken", "agent.sleeping", "agent.wakeup", "wakeup.completed"])
    assert in_order(kinds["harbour"], ["agent.sleeping", "agent.wakeup"]) and triggers["harbour"] == ["limit_reset"]
    retry = ["agent.sleeping", "wakeup.retry", "agent.wakeup", "wakeup.completed"]
    fallback = ["agent.sleeping", "checkpoint.invalid", "checkpoint.skipped", "agent.wakeup", "wakeup.completed"]
    assert in_order(kinds["mill"], [*retry, *fallback])
    last = [event for event in events["mill"] if event.kind == "wakeup.completed"][-1]
    assert (last.payload["generation"], last.payload["fallbacks"]) == (1, 1)
    assert last.payload["restored"] == ["the transcript"]
    assert set(kinds[""]) <= {"backup.taken"}, "the heartbeat had no trouble"

    theatre.press("q")
    theatre.shows(OVER)
    theatre.shows("code: 0")
    assert theatre.is_empty()


def in_order(found: list[str], wanted: list[str]) -> bool:
    """Whether the wanted are among the found, one after the other."""
    rest = iter(found)
    return all(one in rest for one in wanted)


def test_a_demo_that_is_quit_early_leaves_nothing(theatre: Theatre):
    theatre.open(until="3/10")
    theatre.press("q")
    theatre.shows(OVER)
    assert theatre.is_empty()


@pytest.mark.parametrize(
    ("number", "at"), [(signal.SIGTERM, "1/10"), (signal.SIGTERM, "3/10"), (signal.SIGHUP, "2/10")]
)
def test_a_signal_ends_the_demo_and_leaves_nothing(theatre: Theatre, number: int, at: str):
    theatre.open(until=at)
    theatre.tell(number)
    theatre.shows(f"code: {128 + number}")
    assert theatre.is_empty()


def test_a_signal_while_it_is_set_up_leaves_nothing(theatre: Theatre):
    theatre.open(until="")
    eventually(lambda: list(theatre.base.glob("hive-demo-*/bin")), "it is being set up")
    theatre.tell(signal.SIGTERM)
    theatre.shows("code: 143")
    assert theatre.is_empty()


def test_a_signal_while_a_person_is_in_a_pane_leaves_nothing(theatre: Theatre):
    theatre.open(until="2/10")
    theatre.press("Enter")
    theatre.shows("F12: back to the dashboard")
    theatre.tell(signal.SIGTERM)
    theatre.shows("code: 143")
    assert theatre.is_empty()


def test_a_terminal_that_is_closed_leaves_nothing(theatre: Theatre):
    theatre.open(until="2/10")
    theatre.close()
    eventually(theatre.is_empty, "nothing is left")


def test_a_terminal_that_is_closed_while_the_demo_leaves_leaves_nothing(theatre: Theatre):
    theatre.open(until="2/10")
    theatre.press("q")
    theatre.close()
    eventually(theatre.is_empty, "nothing is left")


def test_the_next_demo_sweeps_what_a_killed_one_has_left_and_nothing_else(theatre: Theatre):
    theatre.open(until="2/10")
    killed = theatre.folder
    theatre.tell(signal.SIGKILL)
    theatre.shows("code: 137")
    assert len(leftovers.living(killed, PROCESSES)) >= 5, "a tmux server and four agents live on"
    foreign = theatre.base / "hive-demo-photos"
    foreign.mkdir()
    (foreign / "cat.jpg").write_text("cat")

    theatre.open()
    eventually(lambda: not killed.exists(), "it is swept")
    assert leftovers.living(killed, PROCESSES) == []
    theatre.press("q")
    theatre.shows(OVER)
    assert (foreign / "cat.jpg").read_text() == "cat"
    shutil.rmtree(foreign)
    assert theatre.is_empty()


def test_an_exception_leaves_nothing(theatre: Theatre, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(tempfile, "tempdir", str(theatre.base))
    before, cwd = dict(os.environ), Path.cwd()
    with pytest.raises(RuntimeError), DemoStage(load(theatre.story)) as demo:
        demo.story.start()
        eventually(lambda: demo.story.line.number == 1, "it begins")
        raise RuntimeError
    assert theatre.is_empty()
    assert (dict(os.environ), Path.cwd()) == (before, cwd)


def test_without_a_terminal_it_says_what_the_dashboard_says(stage: Stage):
    done, dashboard = stage.command("demo"), stage.command()
    assert (done.returncode, done.stderr) == (1, dashboard.stderr)
    assert "needs a terminal" in done.stderr


def test_without_tmux_it_says_what_to_install_and_makes_nothing(theatre: Theatre):
    theatre.open(until="code: 1", path="/nowhere")
    assert "There is no `tmux` program on your PATH." in theatre.screen
    assert theatre.is_empty()
