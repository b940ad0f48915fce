"""The environment of the demo: nothing of the user's but what a terminal needs."""

import os
from pathlib import Path

import pytest

from hive_tui.demo.surroundings import environment, surroundings

OF_THE_USER = (
    "ANTHROPIC_API_KEY SSH_AUTH_SOCK TMUX TMUX_PANE GIT_DIR BASH_ENV ENV PROMPT_COMMAND PS1 XDG_CONFIG_HOME"
    " XDG_DATA_HOME DBUS_SESSION_BUS_ADDRESS HIVE_SOMETHING CLAUDE_CONFIG_DIR CODEX_HOME"
).split()


def test_nothing_of_the_user_gets_in(tmp_path: Path):
    inside = environment(tmp_path, dict.fromkeys(OF_THE_USER, "of the user") | {"PATH": "/bin"})
    assert not set(inside) & set(OF_THE_USER)
    assert all(str(tmp_path) in inside[name] for name in ("HOME", "HIVE_HOME", "HIVE_CONFIG", "HIVE_TMUX_SOCKET"))


def test_terminal_language_and_python_stay_as_they_are(tmp_path: Path):
    before = {"TERM": "xterm-kitty", "LC_ALL": "de_DE.UTF-8", "PYTHONPATH": "/x", "NO_COLOR": "1", "TZ": "UTC"}
    inside = environment(tmp_path, before | {"HOME": "/home/ada", "PATH": "/bin"})
    assert {name: inside[name] for name in before} == before
    assert inside["TERMINFO_DIRS"] == "/home/ada/.terminfo:", "a terminal of one's own is still known"
    assert inside["PATH"] == f"{tmp_path}/bin:/bin"


def test_environment_and_folder_come_back_also_after_an_exception(tmp_path: Path):
    before, cwd = dict(os.environ), Path.cwd()
    with pytest.raises(RuntimeError), surroundings(tmp_path):
        assert Path.cwd() == tmp_path / "user" and os.environ["HOME"] == str(tmp_path / "user")
        raise RuntimeError
    assert (dict(os.environ), Path.cwd()) == (before, cwd)
