"""Settings: what holds without a file, what a file may say, and how a wrong one is told."""

import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct, structs

from hive_tui import config
from hive_tui.domain.errors import ConfigError
from hive_tui.domain.retry import RetryPolicy
from hive_tui.domain.toml_tables import NAMED_TABLES
from hive_tui.settings import AgentSettings, Settings
from tests.users import without_root

EXAMPLE = Path(__file__).parent.parent / "data" / "config.example.toml"
FILE = Path("/home/ada/.config/hive-tui/config.toml")


def keys_of(settings: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    """Every single setting with its value; those of agents have no default names."""
    found: dict[tuple[str, ...], Any] = {}
    for field in structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Struct):
            found |= keys_of(value, (*path, field.name))
        elif field.name not in NAMED_TABLES:
            found[*path, field.name] = value
    return found


def keys_in(table: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], Any]:
    found: dict[tuple[str, ...], Any] = {}
    for key, value in table.items():
        found |= keys_in(value, (*path, key)) if isinstance(value, dict) else {(*path, key): value}
    return found


class TestDefaults:
    """What holds where nothing is set."""

    def test_an_empty_file_and_no_file_mean_the_defaults(self, tmp_path: Path):
        assert config.parse("", FILE) == Settings()
        assert config.load(tmp_path / "missing.toml") == Settings()

    def test_the_example_file_is_accepted_and_says_the_defaults(self):
        assert config.load(EXAMPLE, must_exist=True) == Settings()

    def test_the_example_file_names_every_setting_and_its_default(self):
        named = keys_in(tomllib.loads(EXAMPLE.read_text(encoding="utf-8")))
        default = {
            path: list(value) if isinstance(value, tuple) else value for path, value in keys_of(Settings()).items()
        }
        assert named == default

    def test_the_example_of_an_agents_settings_is_accepted_without_its_comment_signs(self):
        text = EXAMPLE.read_text(encoding="utf-8")
        commented = text[text.index("# [services.") :]
        lines = [line.removeprefix("# ") for line in commented.splitlines() if "[" in line or " = " in line]
        assert config.parse("\n".join(lines), EXAMPLE).agents == {
            "shop": AgentSettings(
                "source ~/.shop-env", ("tickets", "~/inbox"), 30.0, ("qdrant",), ("indexer",), ("ollama/llama3:8b",)
            )
        }

    def test_the_waits_between_retries_are_those_of_the_rule(self):
        assert (Settings().retry.waits_s, Settings().retry.jitter) == (RetryPolicy().waits_s, RetryPolicy().jitter)

    def test_a_file_that_was_asked_for_must_be_there(self, tmp_path: Path):
        with pytest.raises(ConfigError, match=r"There is no settings file .*missing\.toml") as caught:
            config.load(tmp_path / "missing.toml", must_exist=True)
        assert "HIVE_CONFIG" in caught.value.hint


class TestValues:
    """What a file may say."""

    @pytest.mark.parametrize(
        ("text", "path", "value"),
        [
            ("[observer]\nevery_s = 0.5", ("observer", "every_s"), 0.5),
            ("[observer]\nevery_s = 2", ("observer", "every_s"), 2.0),
            ("observer.every_s_without_screen = 9.5", ("observer", "every_s_without_screen"), 9.5),
            ("observer = {every_s = 4}", ("observer", "every_s"), 4.0),
            ('[recover]\non_start = "wake"', ("recover", "on_start"), "wake"),
            ("[retry]\nwaits_s = [1, 2.5]", ("retry", "waits_s"), (1.0, 2.5)),
            ("[retry]\nwaits_s = []", ("retry", "waits_s"), ()),
            ("[retry]\njitter = 0", ("retry", "jitter"), 0.0),
            ("[tmux]\ntimeout_s = 10", ("tmux", "timeout_s"), 10.0),
            ("[checkpoint]\nhistory_limit_mb = 0", ("checkpoint", "history_limit_mb"), 0),
            ("[checkpoint]\nuntracked_limit_mb = 7", ("checkpoint", "untracked_limit_mb"), 7),
            ("[notify]\ndesktop = false", ("notify", "desktop"), False),
        ],
    )
    def test_one_setting_changes_and_the_others_stay(self, text: str, path: tuple[str, ...], value: object):
        read = keys_of(config.parse(text, FILE))
        assert read == {**keys_of(Settings()), path: value}
        assert type(read[path]) is type(value)

    def test_every_setting_can_be_set_in_a_file(self, tmp_path: Path):
        file = tmp_path / "config.toml"
        file.write_text('[recover]\non_start = "wake"\n[agents."my.shop"]\nwake_prelude = "source ~/ä"\n', "utf-8")
        settings = config.load(file)
        assert settings.recover.on_start == "wake"
        assert settings.agents == {"my.shop": AgentSettings("source ~/ä")}


class TestMistakes:
    """A wrong file is told in one sentence with file, line and key."""

    @pytest.mark.parametrize(
        ("text", "line", "words"),
        [
            pytest.param("[observer]\nevery_s = '1'", 2, "observer.every_s is '1', but must be a number", id="a text"),
            pytest.param("[observer]\n\nevery_s = true", 3, "must be a number", id="a truth for a number"),
            pytest.param("[observer]\nevery_s = 0", 2, "observer.every_s is 0, but must be above 0", id="zero"),
            pytest.param("[observer]\nevery_s = -1", 2, "must be above 0", id="below zero"),
            pytest.param("[observer]\nevery_s = nan", 2, "must be a number", id="not a number"),
            pytest.param("[observer]\nevery_s = inf", 2, "must be a number", id="endless"),
            pytest.param(f"[observer]\nevery_s = 1{'0' * 400}", 2, "must be a number", id="more than fits"),
            pytest.param("[tmux]\ntimeout_s = 1e9", 2, "below ten million", id="thirty years"),
            pytest.param("[observer]\nevery_s_without_screen = 0", 2, "every_s_without_screen is 0", id="zero, serve"),
            pytest.param("[retry]\nwaits_s = 120", 2, "must be a list of numbers", id="a number for a list"),
            pytest.param("[retry]\nwaits_s = [\n120,\n'x']", 2, "retry.waits_s is 'x'", id="a text in a list"),
            pytest.param("[retry]\nwaits_s = [120, 0]", 2, "retry.waits_s is 0", id="zero in a list"),
            pytest.param("[retry]\njitter = 1", 2, "retry.jitter is 1, but must be from 0 to below 1", id="all jitter"),
            pytest.param("[retry]\njitter = -0.1", 2, "retry.jitter is -0.1", id="jitter below zero"),
            pytest.param("[checkpoint]\nhistory_limit_mb = 1.5", 2, "must be a whole number", id="half a megabyte"),
            pytest.param("[checkpoint]\nhistory_limit_mb = true", 2, "must be a whole number", id="a truth for one"),
            pytest.param("[checkpoint]\nuntracked_limit_mb = -1", 2, "untracked_limit_mb is -1", id="below no size"),
            pytest.param("[notify]\ndesktop = 1", 2, "notify.desktop is 1, but must be true or false", id="a number"),
            pytest.param("[redis]\nurl = 'localhost'", 2, "redis.url must begin with redis://", id="no address"),
            pytest.param("[redis]\npattern = 'queue'", 2, "redis.pattern must have {name} in it", id="no name"),
            pytest.param("[redis]\ntimeout_s = 0", 2, "redis.timeout_s is 0", id="no patience"),
            pytest.param("[recover]\non_start = 1", 2, "must be a text in quotes", id="a number for a text"),
            pytest.param("[recover]\non_start = 'ask'", 2, "'ask', but must be offer or wake", id="an unknown word"),
            pytest.param("observer.every_s = 'x'", 1, "observer.every_s is 'x'", id="a dotted key"),
            pytest.param("\nobserver = {every_s = 'x'}", 2, "observer.every_s is 'x'", id="a table in one line"),
            pytest.param("[observer]\n'every_s' = 'x'", 2, "observer.every_s is 'x'", id="a key in quotes"),
            pytest.param("\ncolour = 1", 2, "colour is not a setting", id="an unknown key"),
            pytest.param("[observr]\nevery_s = 1", 1, "observr is not a setting", id="an unknown table"),
            pytest.param("[observer]\nevery = 1", 2, "observer.every is not a setting", id="an unknown key below"),
            pytest.param("observer = 1", 1, "observer must be a table", id="a number for a table"),
            pytest.param("[[observer]]\nevery_s = 1", 1, "observer must be a table", id="a list of tables"),
            pytest.param("agents = 1", 1, "agents must be tables like [agents.NAME]", id="a number for agents"),
            pytest.param("[[agents]]\nname = 'x'", 1, "agents must be tables", id="a list of agents"),
            pytest.param("[agents]\nshop = 1", 2, "agents.shop must be a table", id="a number for an agent"),
            pytest.param("[agents.shop]\nprelude = 'x'", 2, "agents.shop.prelude is not a setting", id="of an agent"),
            pytest.param("[agents.shop]\nwake_prelude = 1", 2, "agents.shop.wake_prelude is 1", id="an agent's value"),
        ],
    )
    def test_it_names_file_line_and_key(self, text: str, line: int, words: str):
        with pytest.raises(ConfigError) as caught:
            config.parse(text, FILE)
        sentence = caught.value.what
        assert sentence.startswith(f"{FILE}:{line}: ")
        assert words in sentence
        assert sentence.endswith(".")
        assert "\n" not in sentence

    @pytest.mark.parametrize("text", ["[observer", "every_s = ", "a = 1\na = 2", "[a]\n[a]", "x = 1 y = 2", "\ufeff=1"])
    def test_a_file_that_is_no_toml_is_told_with_the_place(self, text: str):
        with pytest.raises(ConfigError) as caught:
            config.parse(text, FILE)
        assert str(FILE) in caught.value.what
        assert "line" in caught.value.what or "end of document" in caught.value.what
        assert "TOML" in caught.value.hint

    def test_an_unknown_key_is_told_with_those_that_are_known(self):
        with pytest.raises(ConfigError) as caught:
            config.parse("[tmux]\ntimeout = 1", FILE)
        assert caught.value.hint.startswith("Known here: ")
        assert caught.value.hint.endswith("timeout_s. Did you mean timeout_s?")

    def test_a_wrong_table_is_told_with_the_tables_that_have_names_of_their_own(self):
        with pytest.raises(ConfigError, match="agent is not a setting") as caught:
            config.parse("[agent.shop]\nneeds = []", FILE)
        assert "[agents.NAME]" in caught.value.hint and caught.value.hint.endswith("Did you mean agents?")

    def test_a_file_that_is_no_text_is_told(self, tmp_path: Path):
        file = tmp_path / "config.toml"
        file.write_bytes(b"\xff\xfe\x00")
        with pytest.raises(ConfigError, match=r"config\.toml cannot be read"):
            config.load(file)

    def test_a_folder_in_the_place_of_the_file_is_told(self, tmp_path: Path):
        with pytest.raises(ConfigError, match="cannot be read"):
            config.load(tmp_path)

    def test_a_file_that_may_not_be_read_is_told_and_not_taken_for_missing(self, tmp_path: Path):
        file = tmp_path / "config.toml"
        file.touch(0o000)
        with without_root(), pytest.raises(ConfigError, match=r"config\.toml cannot be read"):
            config.load(file)


class TestPlaces:
    """Where the files lie."""

    def test_the_home_can_be_named(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HIVE_HOME", "/srv/hive")
        assert config.default_home() == Path("/srv/hive")

    def test_a_tilde_in_a_named_place_is_the_users_folder(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HOME", "/home/ada")
        monkeypatch.setenv("HIVE_HOME", "~/hive")
        monkeypatch.setenv("HIVE_CONFIG", "~/hive.toml")
        assert (config.default_home(), config.default_config_file()) == (
            Path("/home/ada/hive"),
            Path("/home/ada/hive.toml"),
        )

    def test_an_empty_name_counts_as_none(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setenv("HIVE_HOME", "")
        monkeypatch.setenv("HIVE_CONFIG", "")
        assert config.default_home().name == "hive-tui"
        assert config.default_config_file().name == "config.toml"

    @pytest.mark.skipif(sys.platform != "linux", reason="other platforms have their own folders")
    def test_else_the_folders_for_data_and_settings_are_used(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.delenv("HIVE_HOME", raising=False)
        monkeypatch.delenv("HIVE_CONFIG", raising=False)
        monkeypatch.setenv("XDG_DATA_HOME", "/home/ada/data")
        monkeypatch.setenv("XDG_CONFIG_HOME", "/home/ada/settings")
        assert config.default_home() == Path("/home/ada/data/hive-tui")
        assert config.default_config_file() == Path("/home/ada/settings/hive-tui/config.toml")

    @pytest.mark.skipif(sys.platform != "linux", reason="other platforms have their own folders")
    def test_without_those_they_lie_below_the_users_folder(self, monkeypatch: pytest.MonkeyPatch):
        for name in ("HIVE_HOME", "HIVE_CONFIG", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HOME", "/home/ada")
        assert config.default_home() == Path("/home/ada/.local/share/hive-tui")
        assert config.default_config_file() == Path("/home/ada/.config/hive-tui/config.toml")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[idle]\nafter_minutes = 0.5", "idle.after_minutes is 0.5"),
        ("[idle]\nannounce_s = 0", "idle.announce_s is 0"),
        ("[idle]\navailable_below = 10", "idle.available_below is 10"),
        ("[agents.shop]\nidle_after_minutes = -5", "agents.shop.idle_after_minutes is -5"),
        ('[limits]\nsay = "/clear"', "limits.say begins with '/'"),
        ("[limits]\nmost_unattended_wakes = -1", "limits.most_unattended_wakes must be 0 or more"),
    ],
)
def test_what_may_not_be_said_of_naps_that_nobody_asks_for(text: str, named: str):
    with pytest.raises(ConfigError, match=r"config\.toml:2: ") as caught:
        config.parse(text, FILE)
    assert named in caught.value.what
