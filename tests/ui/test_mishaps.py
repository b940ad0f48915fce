"""What nobody has caught is told in a sentence, and ends as little as possible."""

import re
from pathlib import Path

import pytest
from textual.app import App

from hive_tui.domain.errors import HiveError
from hive_tui.ui.app import HiveApp
from hive_tui.ui.mishaps import last_words
from tests.stage import Stage
from tests.ui.test_dashboard import dashboard, toasts, until


async def fail(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("of_a_screen", [False, True])
async def test_work_that_fails_is_told_and_the_dashboard_stays(
    stage: Stage, of_a_screen: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    async with dashboard(stage) as (app, pilot):
        beginning = app.screen if of_a_screen else app
        beginning.run_worker(fail(HiveError("The plum is locked.", hint="Wait a moment.")))
        await until(pilot, lambda: "The plum is locked.\nWait a moment." in toasts(app))
        beginning.run_worker(fail(ValueError("a bug [red]")))
        await until(pilot, lambda: any("made a mistake: ValueError: a bug [red]" in said for said in toasts(app)))
        assert f"Details are in {tmp_path}" in toasts(app)[-1]
        await pilot.press("2")
        await until(pilot, lambda: app.current_mode == "queue")


async def test_a_heartbeat_that_cannot_begin_is_told(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise HiveError("The plum is locked.")

    monkeypatch.setattr(HiveApp, "_new_heartbeat", refuse)
    app = HiveApp(stage.hive)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "The plum is locked." in toasts(app))


async def test_a_database_that_another_program_holds_ends_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch):
    async with dashboard(stage) as (app, pilot):
        await pilot.press("7")
        await until(pilot, lambda: app.current_mode == "events")

        def locked(*_: object, **__: object) -> None:
            raise HiveError("The database cannot be used: database is locked.")

        monkeypatch.setattr(app.hive.database, "write", locked)
        await pilot.press("a")
        await until(pilot, lambda: any("database is locked" in said for said in toasts(app)))
        monkeypatch.undo()
        await pilot.press("a")
        await until(pilot, lambda: "There are no open alerts." in toasts(app))


def test_a_dashboard_that_breaks_leaves_one_sentence_and_no_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    class Breaking(App[None]):
        def on_ready(self) -> None:
            raise ValueError("a bug of ours")

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    app = Breaking()
    broken = last_words(app)
    app.run(headless=True)
    error = broken()
    assert error is not None and error.what == "hive-tui made a mistake: ValueError: a bug of ours"
    found = re.search(r"Details are in (\S+);", error.hint)
    assert found and "on_ready" in Path(found[1]).read_text()
    assert "Traceback" not in "".join(capfd.readouterr())


def test_a_dashboard_that_is_left_says_nothing():
    class Left(App[None]):
        def on_ready(self) -> None:
            self.exit()

    app = Left()
    broken = last_words(app)
    app.run(headless=True)
    assert broken() is None
