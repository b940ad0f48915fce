"""Manifests: what is known about a kind, as TOML; a wrong one is told in a sentence."""

import re
from pathlib import Path

import pytest

from hive_tui.domain.agents import Activity
from hive_tui.domain.errors import ConfigError
from hive_tui.kinds import manifest_reader as manifest
from hive_tui.kinds.manifest import ConfigRules, QuitRules, ResumeRules

SMALL = 'name = "tool"\ntitle = "Tool"\n'
RULE = '[[screen.rules]]\nactivity = "working"\npattern = "^busy"\nwhy = "it is busy"\n'


def test_a_manifest_needs_no_more_than_a_name_and_a_title():
    read = manifest.parse(SMALL, "tool.toml")
    assert (read.name, read.title) == ("tool", "Tool")
    assert (read.config, read.resume, read.quit) == (ConfigRules(), ResumeRules(), QuitRules())
    assert read.screen.rules == ()


def test_all_that_a_manifest_says_is_read():
    text = f"""{SMALL}
    [process]
    programs = ["tool"]
    scripts = ["tool/main.js"]
    modules = ["tool.main"]
    not_commands = ["serve"]
    not_options = ["--help"]
    shared = ["tool daemon"]
    [config]
    variable = "TOOL_HOME"
    folder = ".tool"
    keep_env = ["TOOL_HOME"]
    [resume]
    arguments = ["--resume", "{{session_id}}"]
    drop = ["-c"]
    drop_with_value = ["-r"]
    with_value = ["--model"]
    with_values = ["--add"]
    [quit]
    method = "keys"
    keys = ["/quit", "<Enter>"]
    patience_s = 3
    session_said = "id (.*)"
    [start]
    patience_s = 4.5
    ready = "^>"
    loading = ["^Wait"]
    dialogs = ["Trust"]
    failures = ["Error"]
    [screen]
    prompt = ">"
    {RULE}also = "^> 1"
    lines = 7
    last_turn = true
    """
    read = manifest.parse(text, "tool.toml")
    assert read.process.programs == ("tool",)
    assert read.process.scripts == ("tool/main.js",)
    assert read.process.shared == ("tool daemon",)
    assert read.config == ConfigRules("TOOL_HOME", ".tool", keep_env=("TOOL_HOME",))
    assert read.resume == ResumeRules(("--resume", "{session_id}"), ("-c",), ("-r",), ("--model",), ("--add",))
    assert read.quit == QuitRules("keys", ("/quit", "<Enter>"), 3.0, "id (.*)")
    assert (read.start.patience_s, read.start.ready, read.start.failures) == (4.5, "^>", ("Error",))
    assert read.start.loading == ("^Wait",)
    assert read.screen.prompt == ">"
    (rule,) = read.screen.rules
    assert (rule.activity, rule.lines, rule.why, rule.last_turn) == (Activity.WORKING, 7, "it is busy", True)
    assert (rule.pattern, rule.also) == (re.compile("^busy"), re.compile("^> 1"))


def test_a_screen_rule_looks_at_the_last_twelve_lines_whoever_spoke_if_it_says_nothing_else():
    (rule,) = manifest.parse(SMALL + RULE, "tool.toml").screen.rules
    assert (rule.lines, rule.also, rule.last_turn) == (12, None, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("name = ", "is not valid TOML", id="no TOML"),
        pytest.param('title = "Tool"', "name is missing", id="no name"),
        pytest.param('name = "tool"', "title is missing", id="no title"),
        pytest.param('name = 3\ntitle = "Tool"', "1: name is 3, but must be a text", id="a name of another type"),
        pytest.param('name = ""\ntitle = "Tool"', "1: name is empty", id="an empty name"),
        pytest.param(SMALL + "colour = 1", "colour is not a key", id="an unknown key"),
        pytest.param(SMALL + "[proces]", "proces is not a key", id="an unknown table"),
        pytest.param(SMALL + "[process]\nprogram = ['a']", "process.program is not a key", id="an unknown key below"),
        pytest.param(SMALL + "[screen]\nrule = []", "screen.rule is not a key", id="an unknown key of the screen"),
        pytest.param(SMALL + RULE + "colour = 1", "screen.rules.colour is not a key", id="an unknown key of a rule"),
        pytest.param(SMALL + "process = 3", "process must be a table", id="a table of another type"),
        pytest.param(SMALL + "screen = 3", "screen must be a table", id="a screen of another type"),
        pytest.param(SMALL + "[screen]\nrules = 3", "must be tables like [[screen.rules]]", id="rules of another type"),
        pytest.param(SMALL + "[screen]\nrules = [3]", "must be tables like [[screen.rules]]", id="a rule is no table"),
        pytest.param(SMALL + "[process]\nprograms = 'a'", "process.programs is 'a', but", id="a text for a list"),
        pytest.param(SMALL + "[process]\nprograms = [1]", "must be a list of texts", id="a list of numbers"),
        pytest.param(SMALL + "[quit]\nmethod = 1", "quit.method is 1, but must be a text", id="a number for a text"),
        pytest.param(SMALL + "[quit]\nmethod = 'shout'", "must be signal or keys", id="an unknown way to quit"),
        pytest.param(SMALL + "[quit]\npatience_s = 'x'", "quit.patience_s is 'x'", id="a text for a number"),
        pytest.param(SMALL + "[quit]\npatience_s = true", "a number above 0", id="a truth for a number"),
        pytest.param(SMALL + "[start]\npatience_s = 0", "a number above 0", id="no patience"),
        pytest.param(SMALL + "[start]\nready = '('", "start.ready is '(', which is no pattern", id="a wrong pattern"),
        pytest.param(SMALL + "[start]\ndialogs = ['[']", "start.dialogs", id="a wrong pattern in a list"),
        pytest.param(SMALL + "[process]\nshared = ['*']", "process.shared", id="a wrong pattern of processes"),
        pytest.param(SMALL + "[quit]\nsession_said = ')'", "quit.session_said", id="a wrong pattern of the farewell"),
        pytest.param(
            SMALL + RULE.replace("^busy", "("),
            "5: screen.rules.pattern is '(', which is no pattern",
            id="a wrong pattern of a rule",
        ),
        pytest.param(
            SMALL + RULE.replace("working", "busy"),
            "4: screen.rules.activity is 'busy', but must be one of working",
            id="an unknown activity",
        ),
        pytest.param(
            SMALL + RULE.replace("why", "# why"), "3: screen.rules.why is missing", id="a rule without its reason"
        ),
        pytest.param(
            SMALL + RULE.replace('"^busy"', "3"),
            "5: screen.rules.pattern is 3, but must be a text",
            id="a pattern of another type",
        ),
        pytest.param(
            SMALL + "[session]\nstatus_file = 'run/{pdi}.json'",
            "4: session.status_file is 'run/{pdi}.json', but in braces only {pid} is known there",
            id="an unknown word in braces",
        ),
        pytest.param(
            SMALL + "[resume]\narguments = ['--go', '{sesion}']",
            "4: resume.arguments is '{sesion}', but in braces only {session_id} is known there",
            id="an unknown word in the braces of a list",
        ),
        pytest.param(SMALL + "[session]\ntranscripts = 'a/{session_id'", "4: session.transcripts", id="an open brace"),
        pytest.param(SMALL + RULE + "lines = 'x'", "7: screen.rules.lines is 'x'", id="lines of another type"),
    ],
)
def test_a_wrong_manifest_is_told_in_one_sentence_with_its_file(text: str, words: str):
    with pytest.raises(ConfigError) as caught:
        manifest.parse(text, "tool.toml")
    sentence = caught.value.what
    assert sentence.startswith("tool.toml")
    assert words in sentence
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_the_wrong_one_of_several_rules_is_named_by_its_own_line():
    with pytest.raises(ConfigError, match=r"^tool\.toml:10: screen\.rules\.why is 3"):
        manifest.parse(SMALL + RULE + RULE.replace('"it is busy"', "3"), "tool.toml")


class TestFolder:
    """What a person adds."""

    KNOWN = frozenset({"claude"})

    def test_a_file_for_a_known_kind_changes_what_it_says_and_its_rules_come_first(self, tmp_path: Path):
        (tmp_path / "claude.toml").write_text("[start]\npatience_s = 5\n" + RULE)
        changed = manifest.read_folder(tmp_path, self.KNOWN)["claude"]
        shipped = manifest.read("claude")
        assert (changed.start.patience_s, changed.start.ready) == (5.0, shipped.start.ready)
        assert changed.screen.rules[0].why == "it is busy"
        assert changed.screen.rules[1:] == shipped.screen.rules
        assert changed.process == shipped.process

    def test_a_file_with_another_name_is_a_kind_of_its_own(self, tmp_path: Path):
        (tmp_path / "tool.toml").write_text(SMALL)
        assert manifest.read_folder(tmp_path, self.KNOWN)["tool"].title == "Tool"
        assert manifest.read_folder(tmp_path / "none", self.KNOWN) == {}

    @pytest.mark.parametrize(
        ("name", "text", "words"),
        [
            pytest.param("claude", "[start]\nready = '('\n", "claude.toml:2: start.ready is '('", id="a wrong pattern"),
            pytest.param("claude", "[start]\n\nraedy = '^'\n", "claude.toml:3: start.raedy is not a key", id="a typo"),
            pytest.param("claude", "name = 'codex'\n", "claude.toml:1: name is 'codex'", id="another kind's name"),
            pytest.param(
                "tool", SMALL.replace("tool", "took"), "tool.toml:1: name is 'took'", id="not the file's name"
            ),
            pytest.param("tool", "name = \n", "tool.toml:1 is not valid TOML", id="no TOML"),
            pytest.param("a tool", SMALL, "a tool.toml:1: name is 'tool'", id="a file name that is no name"),
        ],
    )
    def test_a_wrong_file_is_named_with_its_line(self, tmp_path: Path, name: str, text: str, words: str):
        (tmp_path / f"{name}.toml").write_text(text)
        with pytest.raises(ConfigError, match=re.escape(words)):
            manifest.read_folder(tmp_path, self.KNOWN)


@pytest.mark.parametrize("name", ["claude", "codex", "opencode", "gemini", "aider", "generic", "scripted"])
def test_the_manifests_that_come_with_the_program_are_right_and_named_like_their_files(name: str):
    assert manifest.read(name).name == name


@pytest.mark.parametrize("name", ["claude", "codex", "opencode", "gemini", "aider", "scripted"])
def test_what_a_kind_keeps_of_the_environment_names_no_secret(name: str):
    assert not [kept for kept in manifest.read(name).config.keep_env if re.search("KEY|TOKEN|SECRET|PASS", kept)]
