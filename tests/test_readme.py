"""README and the pages behind it: what they show can be typed, what they link to is there, and nothing is left out."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from textual.screen import Screen

from hive_tui.cli.main import COMMANDS, cli
from hive_tui.ui.keys import bindings_of
from hive_tui.ui.screens.agents import AgentsScreen
from hive_tui.ui.screens.checkpoints import CheckpointsScreen
from hive_tui.ui.screens.events import EventsScreen
from hive_tui.ui.screens.metrics import MetricsScreen
from hive_tui.ui.screens.queue import QueueScreen
from hive_tui.ui.screens.schedule import ScheduleScreen
from hive_tui.ui.screens.search import SearchScreen
from hive_tui.ui.screens.services import ServicesScreen
from hive_tui.ui.screens.settings import SettingsScreen

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "data").rglob("*.md"))]
SCREENS: dict[str, type[Screen[None]]] = {
    "Agents": AgentsScreen,
    "Queue": QueueScreen,
    "Checkpoints": CheckpointsScreen,
    "Schedule": ScheduleScreen,
    "Services": ServicesScreen,
    "Metrics": MetricsScreen,
    "Events": EventsScreen,
    "Search": SearchScreen,
    "Settings": SettingsScreen,
}
NAMES = {
    "slash": "/", "plus": "+", "minus": "-", "exclamation_mark": "!", "enter": "Enter", "tab": "Tab", "escape": "Esc",
    "shift+pageup": "Shift+PgUp", "shift+pagedown": "Shift+PgDn", "left_square_bracket": "[",
    "right_square_bracket": "]", "comma": ",", "question_mark": "?",
}  # fmt: skip


def sections(page: Path) -> dict[str, str]:
    """The text below each heading of the second level."""
    parts = re.split(r"^## (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def commands_shown() -> Iterator[tuple[str, list[str]]]:
    """Every command line of ours in a block of shell, with its page; words in capitals and dots stand for others."""
    for page in PAGES:
        for block in re.findall(r"```sh\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL):
            for line in block.splitlines():
                if line.startswith("hive-tui "):
                    yield page.name, shlex.split(line, comments=True)[1:]


def test_what_a_newcomer_needs_stands_in_front_and_the_rest_is_linked():
    lines = README.read_text(encoding="utf-8").splitlines()
    front = "\n".join(lines[:120])
    for needed in (
        "make run",
        "make demo",
        "## Keys",
        "## Commands",
        "hive-tui doctor",
        "hive-tui serve",
        "install hooks",
    ):
        assert needed in front, needed
    assert len(lines) <= 320
    linked = set(re.findall(r"\]\((data/[^)#]+\.md)", README.read_text(encoding="utf-8")))
    assert {str(page.relative_to(ROOT)) for page in PAGES[1:]} == linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page: Path):
    text = page.read_text(encoding="utf-8")
    for target, _, heading in (link.partition("#") for link in re.findall(r"\]\(([^)\s]+)\)", text)):
        if target.startswith(("http:", "https:")):
            continue
        file = page.parent / target if target else page
        assert file.exists(), target
        if heading:
            assert heading in {name.lower().replace(" ", "-") for name in sections(file)}, heading


def test_every_command_is_told_of():
    told = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    assert [name for name in COMMANDS if not re.search(rf"\b{re.escape(name)}\b", told)] == []


def test_every_command_that_is_shown_is_one():
    shown = list(commands_shown())
    assert len(shown) > 50
    for page, words in shown:
        command: click.Command = cli
        while isinstance(command, click.Group) and words and (words[0].isalpha() or "-" in words[0] or "|" in words[0]):
            name = words.pop(0).split("|")[0]
            found = command.get_command(click.Context(command), name)
            assert found is not None, (page, name, words)
            command = found
        options = {option for one in command.params for option in (*one.opts, *one.secondary_opts)}
        own = words[: words.index("--")] if "--" in words else words
        assert [word for word in own if word.startswith("--") and word not in options] == [], (page, command.name)


@pytest.mark.parametrize("name", SCREENS)
def test_every_key_of_a_screen_is_told_of(name: str):
    told = sections(README)["Keys"] if name == "Agents" else sections(ROOT / "data/docs/keys.md")[name]
    keys = set(re.findall(r"`([^`]+)`", told)) | set(re.findall(r"`([^`]+)`", sections(README)["Keys"]))
    own = set(re.findall(r"`([^`]+)`", told))
    for binding in bindings_of(SCREENS[name]):
        names = [NAMES.get(one, one) for one in binding.key.split(",")]
        is_everywhere = binding.key in ("x", "slash", "shift+pageup", "shift+pagedown")
        assert set(names) & (keys if is_everywhere else own) or names == ["Esc"], (names, binding.description)
