"""Exit codes of every command: 2 for wrong use, 1 with a sentence and a hint for what is wrong outside."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click
import pytest

from hive_tui.cli.main import cli, run
from tests.migrated import home_with_database

Words = tuple[str, ...]
FILL: dict[Words, Words] = {
    ("budget", "remove"): ("ada",),
    ("budget", "set"): ("ada", "--tokens-per-day", "2M"),
    ("config", "set"): ("queue.debounce_s", "5"),
    ("config", "unset"): ("queue.debounce_s",),
    ("drill",): ("ada",),
    ("effect", "resolve"): ("release-1", "done"),
    ("effect", "run"): ("--key", "release-1", "--", "true"),
    ("nap",): ("ada",),
    ("queue", "postpone"): ("3f2a", "5m"),
    ("queue", "priority"): ("3f2a", "5"),
    ("restore",): ("ada", "--yes"),
    ("routine", "add"): ("--agent", "ada", "--every", "4h"),
    ("schedule", "add"): ("--all", "--start", "23:00", "--end", "06:00"),
    ("schedule", "edit"): ("3f2a", "--start", "22:00"),
    ("search",): ("word",),
    ("services", "preset"): ("balanced",),
    ("services", "set"): ("db", "on"),
    ("task", "add"): ("--goal", "ship"),
    ("task", "assign"): ("3f2a", "ada"),
    ("task", "set"): ("ada", "--step", "compile"),
    ("task", "split"): ("3f2a", "part"),
    ("validate",): ("ada",),
}
"""Words with which a command has all it needs, where one word for each argument is not enough."""
WITHOUT_DATABASE = {"config", "demo", "hook", "http", "install", "uninstall"}
OWN_CODES: dict[Words, int] = {("effect", "run"): 125}


def leaves(command: click.Command, words: Words = ()) -> Iterator[tuple[Words, click.Command]]:
    if not isinstance(command, click.Group) or (words and command.invoke_without_command):
        yield words, command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            found = command.get_command(click.Context(command), name)
            assert found is not None
            yield from leaves(found, (*words, name))


COMMANDS = dict(leaves(cli))


def ended(words: Iterable[str]) -> int:
    """The exit code of a command, as its process would have it."""
    try:
        return run([*words])
    except SystemExit as error:
        assert isinstance(error.code, int)
        return error.code


def filled(words: Words) -> list[str]:
    needed = [one for one in COMMANDS[words].params if isinstance(one, click.Argument) and one.required]
    return [*words, *FILL.get(words, ("ada",) * len(needed))]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, value in {"HOME": tmp_path, "HIVE_HOME": tmp_path / "home", "XDG_CONFIG_HOME": tmp_path}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setenv("HIVE_TMUX_SOCKET", str(tmp_path / "no-server"))
    return tmp_path / "home"


def test_every_command_prints_json_but_for_those_that_print_nothing():
    silent = {words for words, one in COMMANDS.items() if not any("--json" in option.opts for option in one.params)}
    assert silent == {("demo",), ("hook",)}


def test_an_option_that_is_none_is_wrong_use_of_every_command(home: Path, capsys: pytest.CaptureFixture[str]):
    assert len(COMMANDS) > 90
    for words in COMMANDS:
        if words != ("hook",):  # an agent must not feel it
            code, said = run([*words, "--frobnicate"]), capsys.readouterr()
            assert (code, said.out) == (2, "") and "Error: " in said.err and "frobnicate" in said.err, words
    assert not home.exists(), "nothing was made"


WRONG: tuple[Words, ...] = (
    ("alerts", "ack", "x"),
    ("budget", "set", "--all", "--tokens-per-day", "abc"),
    ("config", "unset", "queue.patience"),
    ("effect", "run", "--key", "a", "--probe-file", "no-hash", "--", "true"),
    ("events", "--since", "x"),
    ("install", "hooks", "--kind", "none"),
    ("nap", "ada", "--all"),
    ("queue", "add", "ada", "--in", "2h", "--at", "10:00"),
    ("queue", "purge", "--older-than", "x"),
    ("restore", "ada", "--generation", "-1"),
    ("schedule", "add", "--all", "--start", "25:00", "--end", "02:00"),
    ("schedule", "add", "--all", "--start", "23:00", "--end", "06:00", "--zone", "No/Where"),
    ("search", " "),
    ("serve", "--http", "0.0.0.0:80"),
    ("task", "add", "--goal", " "),
    ("task", "add", "--goal", "ship", "--every", "never"),
    ("wake", "ada", "--at", "25:99"),
    ("wake", "ada", "--in", "soon"),
)


@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_a_value_that_says_nothing_is_wrong_use(home: Path, capsys: pytest.CaptureFixture[str], words: Words):
    assert ended(words) == 2
    said = capsys.readouterr()
    assert said.out == "" and said.err.count("Error: ") == 1 and "Try 'hive-tui" in said.err


@pytest.mark.parametrize("case", ["newer", "no database", "a file"])
def test_a_database_that_cannot_be_used_is_a_sentence_and_a_hint_from_every_command(
    home: Path, capsys: pytest.CaptureFixture[str], case: str
):
    if case == "a file":
        home.write_text("")
    else:
        file = home_with_database(home) / "hive.db"
        if case == "newer":
            with sqlite3.connect(file) as database:
                database.execute("PRAGMA user_version = 999")
        else:
            file.write_bytes(b"this is no database " * 500)
    for words in COMMANDS:
        if words[0] in WITHOUT_DATABASE or words == ("import",):
            continue
        line = filled(words) if words == ("effect", "run") else [*filled(words), "--json"]
        code, said = ended(line), capsys.readouterr()
        assert code == OWN_CODES.get(words, 1), (words, said)
        if words == ("doctor",):
            assert '"status": "broken"' in said.out
        else:
            assert "hive.db" in said.err and "Hint: " in said.err and said.out == "", (words, said)
            assert "made a mistake" not in said.err, (words, said)
    if case == "a file":
        assert run(["http", "token"]) == 1 and "cannot be written" in capsys.readouterr().err


LINE = ("status", "--tmux")
PRINTING = (
    ("full", ("agents",)),
    ("full", ("--help",)),
    ("full", LINE),
    ("closed", ("agents",)),
    ("closed", LINE),
    ("gone", ("config", "list")),
)


@pytest.mark.parametrize(("where", "words"), PRINTING)
def test_standard_output_that_takes_nothing_is_no_mistake_of_ours(home: Path, where: str, words: Words):
    home_with_database(home)
    line = [sys.executable, "-m", "hive_tui", *words]
    if where == "closed":
        line = ["/bin/sh", "-c", 'exec "$@" >&-', "sh", *line]
    reader, writer = os.pipe()
    os.close(reader)
    with Path("/dev/full" if where == "full" else os.devnull).open("wb") as file:
        out = writer if where == "gone" else file.fileno()
        done = subprocess.run(line, stdout=out, stderr=subprocess.PIPE, text=True, check=False, timeout=30)
    os.close(writer)
    assert done.returncode == (0 if where == "closed" else 1), done.stderr
    assert not {"Traceback", "Exception", "mistake"} & set(done.stderr.replace(":", " ").split()), done.stderr
    if where == "full" and words != LINE:
        assert "No space left on device" in done.stderr and "Hint: " in done.stderr
