"""The settings screen: what its keys do to the file, and how it looks."""

from pathlib import Path
from typing import Any

import pytest
from textual.command import CommandPalette
from textual.widgets import Input, OptionList, Static

from hive_tui import config
from hive_tui.hive import Hive
from hive_tui.ui.app import HiveApp
from hive_tui.ui.dialogs import Form
from hive_tui.ui.screens.settings import SettingsScreen
from hive_tui.ui.setting_verbs import SettingVerbs
from hive_tui.ui.widgets.keyed_table import KeyedTable
from hive_tui.ui.widgets.steady import Steady
from tests.clocks import FakeClock
from tests.ui.invented import new_app
from tests.ui.test_dashboard import shows, until
from tests.ui.test_snapshots import SIZES, after

MINE = """\
# mine
[queue]
debounce_s = 4.5  # a burst

[redis]
url = "redis://ada:pa55word@localhost/0"

[agents.shop]
watch = ["tickets", "~/inbox"]
"""


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".config" / "hive-tui" / "config.toml"
    path.parent.mkdir(parents=True)
    path.write_text(MINE)
    return path


@pytest.fixture
def app(empty_hive: Hive, clock: FakeClock, file: Path) -> HiveApp:
    empty_hive.settings_file = file
    empty_hive.settings = config.load(file)
    return new_app(empty_hive, clock)


async def test_the_palette_puts_on_another_theme_for_good_and_u_takes_it_back(app: HiveApp, file: Path):
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.theme == "textual-dark")
        await pilot.press("ctrl+p")
        await until(pilot, lambda: shows(app, CommandPalette))
        await pilot.press(*"theme: light")
        await until(pilot, lambda: bool(app.screen.query_one(OptionList).option_count))
        await pilot.press("enter")
        await until(pilot, lambda: app.theme == "textual-light" and app.verbs.doing.can_undo)
        assert text(file) == f'{MINE}\n[ui]\ntheme = "light"\n'
        await pilot.press("u")
        await until(pilot, lambda: app.theme == "textual-dark")
        assert text(file) == MINE
        app.hive.settings_file = None
        SettingVerbs(app).put_on("contrast")
        assert (app.theme, text(file)) == ("hive-contrast", MINE)


def only(words: str) -> tuple[str, ...]:
    """The keys that leave the settings with these words, the cursor on the first one."""
    return ("comma", "slash", *words, "enter")


def said(app: HiveApp) -> str:
    return "\n".join(str(toast.message) for toast in app._notifications)


def text(file: Path) -> str:
    return file.read_text()


def write(file: Path, text: str) -> None:
    file.write_text(text)


def rings(app: HiveApp) -> bool:
    return app.hive.settings.notify.bell


def error(app: HiveApp) -> str:
    return str(app.screen.query_one("#form-error", Static).render())


def names(app: HiveApp) -> list[str]:
    return app.screen.query_one(KeyedTable).keys_in_order()


async def test_a_value_is_refused_with_the_sentence_of_the_reader_then_written_and_undone(app: HiveApp, file: Path):
    async with app.run_test(size=(80, 24)) as pilot:
        await after(*only("queue.debounce_s"), "enter", "ctrl+u", *"soon", "enter")(pilot)
        assert "queue.debounce_s is 'soon', but must be a number." in error(app) and text(file) == MINE
        await after("ctrl+u", *"9", "enter")(pilot)
        assert isinstance(app.screen, SettingsScreen)
        assert text(file) == MINE.replace("4.5", "9")
        assert "at the next start" in said(app) and app.hive.settings.queue.debounce_s == 4.5
        assert "until then 4.5 is used" in str(app.screen.query_one("#setting", Steady).render())
        await after("d")(pilot)
        assert config.load(file).queue.debounce_s == 2
        await after("u", "u")(pilot)
        assert text(file) == MINE


async def test_a_switch_is_turned_and_the_looks_change_at_once(app: HiveApp, file: Path):
    async with app.run_test(size=(80, 24)) as pilot:
        await after(*only("notify.bell"), "space")(pilot)
        assert config.load(file).notify.bell and rings(app)
        await after("u")(pilot)
        assert not rings(app) and text(file) == MINE
        before = app.theme
        await after("escape", *only("ui.theme")[1:], "enter", "ctrl+u", *"light", "enter")(pilot)
        assert app.theme != before and "next start" not in said(app)
        await after("u")(pilot)
        assert app.theme == before


async def test_a_file_that_somebody_else_has_changed_is_not_overwritten(app: HiveApp, file: Path):
    by_hand = MINE + "# by hand\n"
    async with app.run_test(size=(80, 24)) as pilot:
        await after(*only("queue.debounce_s"), "enter", "ctrl+u", *"9")(pilot)
        write(file, by_hand)
        await after("enter")(pilot)
        assert "was changed by somebody else meanwhile" in error(app) and text(file) == by_hand
        await after("escape", "enter", "ctrl+u", *"9", "enter")(pilot)
        assert text(file) == by_hand.replace("4.5", "9")
        write(file, by_hand)
        await after("u")(pilot)
        assert "was changed by somebody else meanwhile" in said(app) and text(file) == by_hand


async def test_settings_that_are_right_only_together_are_asked_for_together(app: HiveApp, file: Path):
    async with app.run_test(size=(80, 24)) as pilot:
        await after(*only("alerts.quiet_from"), "enter", *"22:00", "enter", *"7:00", "enter", "enter")(pilot)
        assert not isinstance(app.screen, Form), error(app)
        alerts = config.load(file).alerts
        assert (alerts.quiet_from, alerts.quiet_until) == ("22:00", "7:00") and "quiet_zone" not in text(file)


async def test_a_secret_is_hidden_and_only_replaced_as_a_whole(app: HiveApp, file: Path):
    async with app.run_test(size=(120, 40)) as pilot:
        await after(*only("redis.url"))(pilot)
        row = [cell.text for cell in app.screen.query_one(KeyedTable).rows[1].cells]
        assert row[2] == "redis://***@localhost/0"
        await after("enter")(pilot)
        assert app.screen.query_one(Input).value == ""
        await after("enter")(pilot)
        assert "Write the whole value" in error(app)
        await after(*"redis://***@h/0", "enter")(pilot)
        assert "stands for what is hidden" in error(app) and text(file) == MINE
        await after("ctrl+u", *"redis://h/1", "enter")(pilot)
        assert config.load(file).redis.url == "redis://h/1" and "pa55word" not in said(app)


async def test_an_agent_without_a_table_gets_one(app: HiveApp, file: Path):
    async with app.run_test(size=(80, 24)) as pilot:
        await after(*only("agents.mill.idle_after_minutes"), "enter", *"30", "enter")(pilot)
        assert config.load(file).agents["mill"].idle_after_minutes == 30
        await after("enter", "ctrl+u", "enter")(pilot)
        assert "mill" not in config.load(file).agents, "nothing is as for all"


NEW_SERVICE = (
    *"ada",
    "tab",
    "ctrl+u",
    *"command",
    "tab",
    "tab",
    *"exec ada",
    "tab",
    "tab",
    "tab",
    "tab",
    *"shop, mill",
)


async def test_a_service_is_added_with_who_needs_it_then_removed_and_each_is_undone(app: HiveApp, file: Path):
    async with app.run_test(size=(80, 24)) as pilot:
        await after("comma", "n", "s", *NEW_SERVICE, "enter")(pilot)
        assert isinstance(app.screen, SettingsScreen), error(app)
        written = config.load(file)
        assert (written.services["ada"].kind, written.services["ada"].start) == ("command", "exec ada")
        assert written.agents["shop"].needs == written.agents["mill"].needs == ("ada",)
        assert written.agents["shop"].watch == ("tickets", "~/inbox") and text(file).startswith("# mine\n")
        assert "[services.ada] was added; it counts at the next start" in said(app)
        assert names(app)[:2] == ["[services.ada]", "services.ada.kind"], "its other settings are at hand"
        before = text(file)
        await after("x")(pilot)
        assert text(file) == before and "names 'ada', but there is no [services.ada]" in said(app)
        await after("u")(pilot)
        assert text(file) == MINE


async def test_a_table_is_removed_without_the_comment_above_the_next_one(app: HiveApp, file: Path):
    rest = '\n# the look\n[ui]\ntheme = "light"\n'
    write(file, f'{MINE}\n[services.ada] # mine\n# why\nkind = "docker"\n{rest}')
    async with app.run_test(size=(80, 24)) as pilot:
        await after(*only("services.ada.kind"), "x")(pilot)
        assert text(file) == MINE + rest
        await after("u")(pilot)
        assert "# why" in text(file) and "ada" in config.load(file).services


async def test_what_is_wrong_with_a_new_table_is_said_in_its_form(app: HiveApp, file: Path):
    async with app.run_test(size=(80, 24)) as pilot:
        await after("comma", "a", "a", *"shop", "enter", "enter", "enter", "enter", "enter")(pilot)
        assert "There is [agents.shop] already" in error(app)
        await after("escape", "a", "w", "enter", "enter", "enter", "enter", "enter")(pilot)
        assert "It needs a name" in error(app)
        await after("shift+tab", "shift+tab", "shift+tab", "shift+tab", *"ci")(pilot)
        await after("tab", "tab", "tab", "tab", "enter")(pilot)
        assert "Fill in one of them" in error(app)
        await after(*"Go on.", "enter")(pilot)
        assert "webhooks.ci.secret_file is empty" in error(app) and text(file) == MINE
        app.screen.dismiss(None)
        await after("slash", *"queue.debounce_s", "enter", "x")(pilot)
        assert "can be removed" in said(app) and text(file) == MINE


async def test_filters_and_the_way_back(app: HiveApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await after("2", "comma", "f")(pilot)
        assert names(app) == [
            "[queue]",
            "queue.debounce_s",
            "[redis]",
            "redis.url",
            "[agents.shop]",
            "agents.shop.watch",
        ]
        await after("slash", *"nothing like that")(pilot)
        assert names(app) == [] and "Esc shows everything" in str(app.screen.query_one("#empty", Static).render())
        await after("escape")(pilot)
        assert len(names(app)) > 150
        await after("escape")(pilot)
        assert app.current_mode == "queue"


async def test_what_cannot_be_done_says_why(app: HiveApp):
    async with app.run_test(size=(80, 24)) as pilot:
        await after("comma", "space", "d", "g", "enter")(pilot)
        for words in ("is no switch", "has its default already", "No setting is selected"):
            assert words in said(app)
        app.hive.settings_file = None
        await after("j", "enter")(pilot)
        assert "has no settings file" in said(app)


STATES = {
    "all": ("comma", "j"),
    "changed": ("comma", "f"),
    "dialog": (*only("queue.debounce_s"), "enter"),
    "together": (*only("alerts.quiet_from"), "enter"),
    "refused": (*only("queue.debounce_s"), "enter", "ctrl+u", *"soon", "enter"),
    "nothing_found": ("comma", "slash", *"plum"),
    "new_table": ("comma", "n"),
    "new_service": ("comma", "n", "s", *NEW_SERVICE),
    "new_webhook": ("comma", "n", "w"),
    "added": ("comma", "n", "s", *NEW_SERVICE, "enter"),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", STATES)
def test_how_the_settings_look(snap_compare: Any, app: HiveApp, state: str, size: str, monkeypatch: pytest.MonkeyPatch):
    assert snap_compare(app, terminal_size=SIZES[size], run_before=after(*STATES[state]))


@pytest.mark.parametrize("size", ["narrow", "usual"])
def test_how_a_change_looks_that_waits_for_a_start(snap_compare: Any, app: HiveApp, file: Path, size: str):
    write(file, MINE.replace("4.5", "7"))
    assert snap_compare(app, terminal_size=SIZES[size], run_before=after("comma", "slash", *"queue.d", "enter"))


async def test_a_file_that_is_wrong_says_so_and_can_be_mended_here(app: HiveApp, file: Path):
    write(file, MINE.replace("4.5", "'soon'"))
    async with app.run_test(size=(80, 24)) as pilot:
        await after(*only("queue.debounce_s"))(pilot)
        trouble = app.screen.query_one("#settings-trouble", Steady)
        assert trouble.display and "config.toml:3: queue.debounce_s is 'soon'" in str(trouble.render())
        await after("enter", "ctrl+u", *"9", "enter")(pilot)
        assert text(file) == MINE.replace("4.5", "9")
        assert not app.screen.query_one("#settings-trouble", Steady).display
