"""The script of the demo: what is packaged can be played, and what is wrong in another one is said."""

from pathlib import Path

import pytest

from hive_tui.config import parse
from hive_tui.demo.script import Script, load
from hive_tui.domain.errors import ConfigError

NARROW = 80
BESIDES_THE_TEXT = len(" ▸ 10/10  ")

SMALL = """
opening = "a"
late = "b"
ending = "c"
ending_more = ""
settings = ""
[prompts]
[[agents]]
name = "shop"
hosting = "shell"
commits = []
[[steps]]
guide = "d"
then = "e"
pause_s = 1
limit_s = 1
do = [{ deed = "start", agent = "shop" }]
until = [{ agent = "shop", is = "idle" }]
"""


def written(folder: Path, text: str) -> Path:
    file = folder / "story.toml"
    file.write_text(text)
    return file


@pytest.fixture(scope="module")
def packaged() -> Script:
    return load()


def test_every_line_fits_a_narrow_terminal(packaged: Script):
    said = [packaged.opening, packaged.late, packaged.ending]
    said += [text for step in packaged.steps for text in (step.guide, step.then)]
    assert [text for text in said if len(text) > NARROW - BESIDES_THE_TEXT] == []


def test_the_pauses_leave_time_to_read_and_the_whole_takes_about_a_minute(packaged: Script):
    assert all(2 <= step.pause_s <= 8 for step in packaged.steps)
    assert 30 <= sum(step.pause_s for step in packaged.steps) <= 45


def test_everything_that_is_said_to_an_agent_has_a_prompt_of_its_own(packaged: Script):
    said = {
        str(deed.details[key]) for step in packaged.steps for deed in step.deeds for key in ("text", "message")
        if key in deed.details and deed.name in ("say", "wake")
    }  # fmt: skip
    assert said == set(packaged.prompts)


def test_the_settings_of_the_demo_are_settings_and_no_message_reaches_the_desktop(packaged: Script):
    assert not parse(packaged.settings, Path("story.toml")).notify.desktop


def test_every_agent_has_commits_so_that_a_checkpoint_has_content(packaged: Script):
    assert [player.name for player in packaged.players] == ["shop", "bakery", "mill", "harbour"]
    assert all(len(player.commits) >= 2 for player in packaged.players)


def test_a_small_story_is_read(tmp_path: Path):
    script = load(written(tmp_path, SMALL))
    assert [deed.name for deed in script.steps[0].deeds] == ["start"]
    assert script.steps[0].until[0].state == "idle"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('name = "shop"', 'name = "forge"', "nobody is called shop"),
        ('is = "idle"', 'is = "bored"', "'bored' is no state of an agent"),
        ('is = "idle"', 'event = "agent.bored"', "agent.bored"),
        ('is = "idle"', 'when = "idle"', "when is unknown"),
        ('hosting = "shell"', 'hosting = "cloud"', "cloud"),
        ('ending = "c"', "", "lacks 'ending'"),
        ('ending = "c"', "ending", "no TOML"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, before: str, after: str, said: str):
    with pytest.raises(ConfigError) as raised:
        load(written(tmp_path, SMALL.replace(before, after)))
    assert said in raised.value.what


def test_a_story_that_is_not_there_is_said(tmp_path: Path):
    with pytest.raises(ConfigError) as raised:
        load(tmp_path / "none.toml")
    assert "cannot be read" in raised.value.what
