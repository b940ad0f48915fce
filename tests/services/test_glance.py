"""What is noticed between two looks, and what is not."""

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from msgspec import structs

from hive_tui.adapters.file_states import WatchedFileStates
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import TmuxDown
from hive_tui.domain.panes import PaneList
from hive_tui.domain.processes import ProcessId
from hive_tui.domain.reconcile import ServerState
from hive_tui.services.glance import ALL_FILES_EVERY_S, Glance
from hive_tui.services.observer import Observation
from hive_tui.store import settings
from hive_tui.store.database import Database
from tests.builders import a_pane, an_agent
from tests.clocks import FakeClock
from tests.migrated import migrated

PROCESS = ProcessId(4711, 99)


class Watched:
    """Panes and processes as a test wants them."""

    def __init__(self) -> None:
        self.shown = "a"
        self.pushed: str | None = None
        self.is_down = False
        self.alive = True
        self.asked = 0

    def fingerprint(self) -> str:
        self.asked += 1
        if self.is_down:
            raise TmuxDown("No tmux server runs.")
        return self.shown

    def told(self) -> str | None:
        return self.pushed

    def is_absent(self) -> bool:
        return self.is_down

    @property
    def awaited_at(self) -> Path | None:
        return None

    def living(self, processes: Sequence[ProcessId]) -> frozenset[ProcessId]:
        return frozenset(process for process in processes if self.alive and process == PROCESS)


class Scene:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.database = Database(migrated(folder / "hive.db"), self.clock)
        self.watched = Watched()
        self.files = WatchedFileStates()
        self.glance = Glance(
            self.database, self.watched, self.watched.living, self.clock, close=self.files.close, files=self.files
        )
        self.agent = structs.replace(
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

    def note(self, panes: PaneList | None = None, *, state: ServerState = ServerState.UP) -> None:
        self.glance.note(Observation(self.clock.now(), state, "", (self.agent,), {}, panes or PaneList("1:2", ())))


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path)
    yield made
    made.glance.close()


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


def test_a_file_that_is_another_one_without_a_word_of_the_kernel_is_news_after_a_while(scene: Scene):
    scene.status_file.parent.rename(scene.folder / "elsewhere")
    scene.status_file.parent.mkdir()
    scene.status_file.write_text('{"status": "idle"}')
    scene.clock.advance(ALL_FILES_EVERY_S)
    assert scene.glance.has_news()
    assert not scene.glance.has_news()
    scene.status_file.write_text("{}")
    assert scene.glance.has_news()


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


def test_whether_the_news_are_a_write_is_told_once(scene: Scene):
    scene.glance.take_writes()
    scene.watched.shown = "b"
    assert scene.glance.has_news()
    assert not scene.glance.take_writes(), "only a pane has moved"
    scene.database.write(settings.put, settings.PAUSED, True, now=scene.clock.now())
    assert scene.glance.has_news()
    assert not scene.glance.has_news()
    assert scene.glance.take_writes()
    assert not scene.glance.take_writes()


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


def test_who_is_to_look_again_anyway_reads_nothing_and_what_moved_meanwhile_is_still_news(scene: Scene):
    second = int(scene.clock.now().timestamp())
    scene.note(PaneList("1:2", (a_pane(output_at=second),)))
    scene.clock.advance(1)
    scene.watched.asked = 0
    scene.watched.shown = "b"
    assert scene.glance.has_news() and scene.watched.asked == 0
    scene.note()
    assert scene.glance.has_news(), "moved before the look, or after it: nobody knows"
    assert not scene.glance.has_news()


def test_of_panes_that_moved_nothing_else_is_asked_and_what_has_moved_besides_is_still_news(scene: Scene):
    asked: list[Sequence[ProcessId]] = []
    living = scene.watched.living
    scene.watched.living = lambda processes: asked.append(processes) or living(processes)  # type: ignore[method-assign, func-returns-value]
    scene.glance = Glance(scene.database, scene.watched, scene.watched.living, scene.clock)
    scene.note()
    assert scene.glance.has_news() and not scene.glance.has_news()
    asked.clear()
    scene.watched.shown, scene.watched.alive = "b", False
    scene.database.write(settings.put, "any", 1, now=scene.clock.now())
    assert scene.glance.has_news() and not asked
    assert scene.glance.take_writes(), "that is told all the same"
    assert scene.glance.has_news() and asked, "nobody may have looked at all since then"
    assert not scene.glance.has_news() and not scene.glance.take_writes()


def test_what_tmux_has_told_is_news_once_and_takes_no_reading(scene: Scene):
    scene.watched.asked = 0
    assert not scene.glance.is_told(), "it tells nothing"
    scene.watched.pushed = "a"
    assert not scene.glance.is_told(), "that was known"
    scene.watched.pushed = scene.watched.shown = "b"
    assert scene.glance.is_told() and scene.watched.asked == 0
    assert not scene.glance.is_told() and not scene.glance.has_news()
    scene.watched.pushed = scene.watched.shown = "c"
    assert scene.glance.has_news() and not scene.glance.is_told()
    scene.agent = structs.replace(scene.agent, lifecycle=Lifecycle.ASLEEP, process=None)
    scene.note()
    scene.watched.pushed = "d"
    assert not scene.glance.is_told(), "where nothing runs all is looked at"


def test_that_it_is_time_to_look_again_is_said_once(scene: Scene):
    scene.note(PaneList("1:2", (a_pane(output_at=int(scene.clock.now().timestamp())),)))
    assert not scene.glance.is_time(), "more may come in this second"
    scene.clock.advance(1)
    assert scene.glance.is_time()
    assert not scene.glance.is_time() and not scene.glance.has_news()


def test_agents_that_sleep_are_not_watched(scene: Scene):
    scene.agent = structs.replace(scene.agent, lifecycle=Lifecycle.ASLEEP, process=None)
    scene.note()
    scene.glance.has_news()
    scene.status_file.unlink()
    assert not scene.glance.has_news()


def test_without_a_server_and_agents_files_alone_tell_that_nothing_moves(scene: Scene):
    assert not scene.glance.is_quiet(), "there is a server"
    scene.watched.is_down = True
    scene.note(state=ServerState.DOWN)
    assert not scene.glance.is_quiet(), "an agent may run"
    scene.agent = structs.replace(scene.agent, lifecycle=Lifecycle.ASLEEP, process=None)
    scene.note(state=ServerState.DOWN)
    log = scene.folder / "hive.db-wal"
    scene.database.write(settings.put, settings.PAUSED, False, now=scene.clock.now())
    assert log.stat().st_size, "the database is written by way of its log"
    settled_at = scene.clock.now().timestamp() - 10
    os.utime(log, (settled_at, settled_at))
    assert not scene.glance.is_quiet(), "the first look knows nothing"
    assert scene.glance.is_quiet() and scene.glance.is_quiet()
    os.utime(log, (settled_at + 1, settled_at + 1))
    assert not scene.glance.is_quiet(), "somebody has written"
    assert scene.glance.is_quiet()
    just_now = scene.clock.now().timestamp()
    os.utime(log, (just_now, just_now))
    assert not scene.glance.is_quiet() and not scene.glance.is_quiet(), "and may do so again in the same tick"
    os.utime(log, (settled_at, settled_at))
    assert not scene.glance.is_quiet() and scene.glance.is_quiet()
    scene.watched.is_down = False
    assert not scene.glance.is_quiet(), "a server has come"


def test_where_nothing_runs_what_this_process_has_written_is_no_news_and_what_others_wrote_is(scene: Scene):
    scene.agent = structs.replace(scene.agent, lifecycle=Lifecycle.ASLEEP, process=None)
    scene.watched.is_down = True
    scene.note(state=ServerState.DOWN)
    scene.glance.has_news()
    other = Database(scene.folder / "hive.db", scene.clock)
    for writers, is_news in (((scene.database,), False), ((other,), True), ((scene.database, other), True)):
        for writer in writers:
            scene.clock.advance(1)
            writer.write(settings.put, settings.HEARTBEAT, str(scene.clock.now()), now=scene.clock.now())
        scene.glance.settle()
        assert scene.glance.has_news() is is_news
        assert not scene.glance.has_news()
    scene.note()
    scene.glance.has_news()
    scene.database.write(settings.put, settings.PAUSED, False, now=scene.clock.now())
    scene.glance.settle()
    assert scene.glance.has_news(), "with a server, a look may show what this process has done"
    other.close()
