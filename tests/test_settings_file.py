"""The settings file as commands and the settings screen change it."""

import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hive_tui import config
from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.folder_lock import held_folder
from hive_tui.domain.errors import ConfigError
from hive_tui.services import settings_file
from hive_tui.services.settings_file import ChangedMeanwhile, SettingsFile
from hive_tui.services.settings_text import UNSET, changed_text
from hive_tui.settings import Settings
from hive_tui.settings.knobs import FORMS, find, knobs
from hive_tui.settings.masking import masked
from hive_tui.settings.typed import text_of, value_of

MINE = """\
# mine
[observer]
every_s = 2.0  # often

# the queue
[queue]
# a burst
debounce_s = 3

[agents.shop]
watch = ["tickets"]

# how it looks
[ui]
theme = "light"
"""
ALL = knobs(Settings(), {table: ["one"] for table in FORMS})
REMOVED = [
    ("[a]\nx = 1\n[services.db]\nkind = 'docker'\nports = [\n[1],\n]\n\n# next\n[b]\n", "[a]\nx = 1\n\n# next\n[b]\n"),
    ('[services.web]\n[services.\'db\'] # x\nhealth = """\n[b]\n"""\n', None),
    ("services = {db = {kind = 'docker'}, web = {}}\n", "services = { web = {}}\n"),
    ("[services]\ndb.kind = 'docker'\nweb.kind = 'docker'\n", "[services]\nweb.kind = 'docker'\n"),
    ("[services.db]\n# alone\n", "# alone\n"),
    ("[services.db]\nx = 1\n[a]\n[services.db.more]\ny = 1\n", "[a]\n"),
]


@pytest.mark.parametrize(("text", "left"), REMOVED)
def test_a_table_is_removed_and_nothing_else_or_the_file_is_left_to_its_person(text: str, left: str | None):
    if left is None:
        with pytest.raises(ConfigError, match="cannot be changed here"):
            changed_text(text, {("services", "db"): UNSET})
    else:
        assert changed_text(text, {("services", "db"): UNSET}) == left


def test_a_table_is_added_where_those_beside_it_stand_apart():
    text = "[agents.shop]\nwatch = []\n[ui]\n[agents.b]\nneeds = []"
    after = changed_text(text, {("agents", "a b", "watch"): ["x"], ("agents", "a b", "needs"): ["y"]})
    assert after == text + '\n\n[agents."a b"]\nwatch = ["x"]\nneeds = ["y"]\n'


DEBOUNCE, SHOP_NEEDS = ("queue", "debounce_s"), ("agents", "shop", "needs")


@pytest.fixture
def file(tmp_path: Path) -> SettingsFile:
    (tmp_path / "config.toml").write_text(MINE)
    return SettingsFile(tmp_path / "config.toml", SystemClock())


def test_every_setting_has_a_description_and_a_unit():
    assert [one.name for one in ALL if not one.description] == []
    assert [one.name for one in ALL if not one.unit] == []
    assert len({one.name for one in ALL}) == len(ALL) > 140


def test_every_default_is_read_back_from_what_is_shown_of_it():
    for one in ALL:
        if one.default is not None:
            read = value_of(one.kind, text_of(one.default))
            assert (tuple(read) if isinstance(read, list) else read) == one.default, one.name


def test_a_setting_is_found_by_its_name_and_a_mistyped_one_is_guessed():
    assert find("agents.shop.watch").address == ("agents", "shop", "watch")
    assert find('agents."the shop".watch').name == 'agents."the shop".watch'
    for wrong in ("queue.debounce", "queue", "agents.shop", "a b", "", "queue.debounce_s = 1 #", "x.y.z.a"):
        with pytest.raises(ConfigError, match="There is no setting"):
            find(wrong)
    with pytest.raises(ConfigError) as refused:
        find("queue.debounce")
    assert "queue.debounce_s" in refused.value.hint


def test_a_change_touches_its_own_lines_alone(file: SettingsFile):
    file.change({DEBOUNCE: 4.5, ("queue", "cooldown_s"): 9, SHOP_NEEDS: [], ("ui", "theme"): UNSET})
    assert file.path.read_text() == MINE.replace("debounce_s = 3", "debounce_s = 4.5\ncooldown_s = 9").replace(
        '["tickets"]', '["tickets"]\nneeds = []'
    ).replace('[ui]\ntheme = "light"\n', "")
    assert file.path.with_name("config.toml.bak").read_text() == MINE


def test_mode_and_link_stay_and_a_new_file_is_private(tmp_path: Path, file: SettingsFile):
    file.path.chmod(0o640)
    link = tmp_path / "elsewhere" / "link.toml"
    link.parent.mkdir()
    link.symlink_to(file.path)
    SettingsFile(link, SystemClock()).change({DEBOUNCE: 7})
    assert link.is_symlink() and config.load(file.path).queue.debounce_s == 7
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o640
    assert stat.S_IMODE(file.path.with_name("config.toml.bak").stat().st_mode) == 0o640
    new = SettingsFile(tmp_path / "new" / "config.toml", SystemClock())
    change = new.change({DEBOUNCE: 7})
    assert new.path.read_text().startswith(settings_file.HEADER)
    assert stat.S_IMODE(new.path.stat().st_mode) == 0o600
    new.put_back(change)
    assert not new.path.exists()


WRONG: dict[str, tuple[dict[tuple[str, ...], object], str]] = {
    "a word": ({DEBOUNCE: "soon"}, "queue.debounce_s is 'soon', but must be a number."),
    "too much": ({DEBOUNCE: 90_000}, "queue.debounce_s is 90000, but must be from 0 to 86400."),
    "one of a pair": ({("alerts", "quiet_from"): "22:00"}, "alerts.quiet_from is not as it must be"),
    "no such key": ({("queue", "patience"): 1}, "queue.patience is not a setting."),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_the_reader_refuses_is_not_written(file: SettingsFile, case: str):
    values, said = WRONG[case]
    with pytest.raises(ConfigError) as refused:
        file.change(values)
    assert refused.value.what.startswith(said)
    assert file.path.read_text() == MINE and not file.path.with_name("config.toml.bak").exists()


def test_a_file_that_was_wrong_before_says_so_and_can_be_mended(file: SettingsFile):
    file.path.write_text(MINE.replace("every_s = 2.0", "every_s = 0"))
    assert "observer.every_s is 0" in file.look().trouble
    with pytest.raises(ConfigError, match=r"config\.toml:3: observer\.every_s is 0"):
        file.change({DEBOUNCE: 1})
    file.change({("observer", "every_s"): 1.5})
    assert not file.look().trouble
    file.path.write_text("[queue\n")
    with pytest.raises(ConfigError, match=r"config\.toml:1: "):
        file.change({DEBOUNCE: 1})
    assert file.path.read_text() == "[queue\n"


def test_what_somebody_else_has_written_is_not_overwritten(file: SettingsFile):
    seen = file.look()
    change = file.change({DEBOUNCE: 4}, seen=seen)
    by_hand = file.path.read_text() + "# by hand\n"
    file.path.write_text(by_hand)
    with pytest.raises(ChangedMeanwhile):
        file.change({DEBOUNCE: 5}, seen=seen)
    with pytest.raises(ChangedMeanwhile):
        file.put_back(change)
    assert file.path.read_text() == by_hand


def test_a_change_is_taken_back_to_the_letter(file: SettingsFile):
    changes = [file.change({DEBOUNCE: value}) for value in (4, 5)]
    for change in reversed(changes):
        file.put_back(change)
    assert file.path.read_text() == MINE


@pytest.fixture
def unwritable(file: SettingsFile) -> Iterator[SettingsFile]:
    file.path.chmod(0o400)
    yield file
    file.path.chmod(0o600)


def test_a_read_only_file_is_left_alone(unwritable: SettingsFile):
    with pytest.raises(ConfigError, match="is read-only") as refused:
        unwritable.change({DEBOUNCE: 4})
    assert "chmod u+w" in refused.value.hint and unwritable.path.read_text() == MINE


def test_no_room_leaves_the_file_as_it_is(file: SettingsFile):
    os.mkfifo(file.path.parent / "pipe")
    with pytest.raises(ConfigError, match="is no settings file"):
        SettingsFile(file.path.parent / "pipe", SystemClock()).change({DEBOUNCE: 4})
    with pytest.raises(ConfigError, match=r"cannot be written: (No such file|Read-only file|Permission|Not a)"):
        SettingsFile(Path("/proc/hive/config.toml"), SystemClock()).change({DEBOUNCE: 4})


def test_a_folder_that_is_locked_is_waited_for_and_then_told(file: SettingsFile, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(settings_file, "WAIT_S", 0.01)
    with held_folder(file.path.parent, SystemClock(), wait_s=0) as is_held:
        assert is_held
        with pytest.raises(ConfigError, match="locked"):
            file.change({DEBOUNCE: 4})
    file.change({DEBOUNCE: 4})


def test_commands_at_the_same_time_lose_nothing(file: SettingsFile):
    keys = ["debounce_s", "cooldown_s", "duplicate_s", "stagger_s"]
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "hive_tui", "config", "set", f"queue.{key}", "11", "--config", str(file.path)],
            stdout=subprocess.DEVNULL,
        )
        for key in keys
    ]
    assert [one.wait(60) for one in running] == [0] * len(keys)
    queue = config.load(file.path).queue
    assert [getattr(queue, key) for key in keys] == [11] * len(keys)


KEYS = st.sampled_from(
    [("queue", "debounce_s"), ("ui", "theme"), ("agents", "a b", "watch"), ("agents", "shop", "watch")]
)
APART = "[agents.shop]\nwatch = []\n[ui]\n[agents.b]\nneeds = []\n"
SHAPES = st.sampled_from(
    [
        "",
        "# only a comment",
        MINE,
        "queue.debounce_s = 1\n",
        "queue = { debounce_s = 1 }\n",
        "[queue]\r\ncooldown_s = 2\r\n",
        APART,
        "[agents]\nshop = { watch = [] }\n",
        "[queue]  # here",
    ]
)
VALUES = st.one_of(
    st.just(UNSET), st.text(), st.floats(allow_nan=False), st.integers(-(2**62), 2**62), st.lists(st.text())
)


@given(SHAPES, st.lists(st.tuples(KEYS, VALUES), max_size=6))
@example(APART, [(("agents", "a b", "watch"), "")])
def test_whatever_is_written_nothing_else_changes(text: str, changes: list[tuple[tuple[str, ...], object]]):
    wanted: dict[tuple[str, ...], object] = {}
    before = text
    for address, value in changes:
        text = changed_text(text, {address: value})
        wanted[address] = value
    read = tomllib.loads(text)
    for address, value in wanted.items():
        found: object = read
        for part in address:
            found = found.get(part, UNSET) if isinstance(found, dict) else UNSET
        assert found == value
    comments = [line.strip() for line in before.splitlines() if line.startswith("#")]
    assert [line.strip() for line in text.splitlines() if line.strip() in comments] == comments


SECRETS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a password": (("redis", "url"), "rediss://ada:pa55@host/0", "rediss://***@host/0"),
    "a topic": (("alerts", "ntfy"), "https://ntfy.sh/my-topic", "https://ntfy.sh/***"),
    "an address that is a key": (("alerts", "webhook"), "https://h.example/a/b?c=d", "https://h.example/***"),
    "no secret": (("offsite", "destination"), "s3://bucket/prefix", "s3://bucket/prefix"),
}


@pytest.mark.parametrize("case", SECRETS)
def test_secrets_are_not_shown(case: str):
    address, value, shown = SECRETS[case]
    assert masked(address, value) == shown
    assert masked((), {address[0]: {address[1]: value}}) == {address[0]: {address[1]: shown}}


def test_a_secret_in_a_command_is_not_shown():
    assert "s3cr3t-4711-abcd" not in str(
        masked(("agents", "shop", "wake_prelude"), "export API_TOKEN=s3cr3t-4711-abcd")
    )
