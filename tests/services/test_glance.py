"""What is noticed between two looks, and what is not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import TmuxDown
from hive_tui.domain.panes import PaneList
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import ServerState
from hive_tui.services.glance import Glance
from hive_tui.services.observer import Observation
from hive_tui.store import settings
from hive_tui.store.database import Database
from tests.builders import a_pane, an_agent
from tests.clocks import FakeClock

PROCESS = ProcessId(4711, 99)


class Watched:
    """Panes and processes as a test wants them."""

    def __init__(self) -> None:
        self.shown = "a"
        self.is_down = False
        self.alive = True

    def fingerprint(self) -> str:
        if self.is_down:
            raise TmuxDown("No tmux server runs.")
        return self.shown

    def is_alive(self, process: ProcessId) -> bool:
        return self.alive and process == PROCESS


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.database = Database(folder / "hive.db", self.clock)
        self.watched = Watched()
        self.glance = Glance(self.database, self.watched, self.watched.is_alive, self.clock)
        self.agent = replace(
            an_agent("ada"),
            lifecycle=Lifecycle.AWAKE,
            process=PROCESS,
            config_dir=str(folder),
            transcript=str(folder / "transcript.jsonl"),
        )
        self.status_file = folder / "sessions" / "4711.json"
        self.status_file.parent.mkdir()
        self.status_file.write_text("{}")
        self.note()
        assert self.glance.has_news(), "the first glance knows nothing"
        assert not self.glance.has_news()

    def note(self, panes: PaneList | None = None) -> None:
        self.glance.note(
            Observation(self.clock.now(), ServerState.UP, "", (self.agent,), {}, panes or PaneList("1:2", ()))
        )


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_output_of_a_pane_is_news_once(scene: Scene):
    scene.watched.shown = "b"
    assert scene.glance.has_news()
    assert not scene.glance.has_news()


def test_a_status_file_that_is_replaced_or_removed_is_news(scene: Scene):
    draft = scene.status_file.with_suffix(".tmp")
    draft.write_text(json.dumps({"status": "idle"}))
    draft.replace(scene.status_file)
    assert scene.glance.has_news()
    scene.status_file.unlink()
    assert scene.glance.has_news()
    assert not scene.glance.has_news()


def test_a_transcript_that_grows_is_news(scene: Scene):
    (scene.folder / "transcript.jsonl").write_text("{}\n")
    assert scene.glance.has_news()


def test_the_end_of_an_agent_without_a_word_is_news(scene: Scene):
    scene.watched.alive = False
    assert scene.glance.has_news()
    assert not scene.glance.has_news()


def test_what_another_process_writes_is_news(scene: Scene):
    other = Database(scene.folder / "hive.db", scene.clock)
    other.write(settings.put, settings.PAUSED, True, now=scene.clock.now())
    assert scene.glance.has_news()
    assert not scene.glance.has_news()
    other.close()


def test_a_server_that_goes_and_comes_is_news_and_its_absence_is_none(scene: Scene):
    scene.watched.is_down = True
    assert scene.glance.has_news()
    assert not scene.glance.has_news()
    scene.watched.is_down = False
    assert scene.glance.has_news()


def test_output_in_the_second_of_a_look_asks_for_another_one(scene: Scene):
    second = int(scene.clock.now().timestamp())
    scene.note(PaneList("1:2", (a_pane(output_at=second - 1),)))
    scene.clock.advance(2)
    assert not scene.glance.has_news(), "all of that second was seen"
    scene.note(PaneList("1:2", (a_pane(output_at=second + 2),)))
    scene.clock.advance(0.9)
    assert not scene.glance.has_news(), "the second goes on"
    scene.clock.advance(0.1)
    assert scene.glance.has_news()
    assert not scene.glance.has_news()


def test_agents_that_sleep_are_not_watched(scene: Scene):
    scene.agent = replace(scene.agent, lifecycle=Lifecycle.ASLEEP, process=None)
    scene.note()
    scene.glance.has_news()
    scene.status_file.unlink()
    assert not scene.glance.has_news()
