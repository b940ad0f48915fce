"""The environment of the demo: what a terminal and Python need of the user's, and nothing else of it."""

import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

MARK = "HIVE_DEMO"
"""Environment variable of every process of a demo; its value is the demo's folder."""

KEPT = frozenset("PATH LANG LANGUAGE TZ USER LOGNAME COLORTERM COLORFGBG NO_COLOR FORCE_COLOR VIRTUAL_ENV".split())
KEPT_BEGINNINGS = ("LC_", "TERM", "TEXTUAL", "PYTHON", "LD_", "DYLD_", "NIX_")


def environment(folder: Path, before: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of a demo in that folder.

    Keys, prompts of shells, settings of git and of agents, and the tmux server that we
    may stand in are left out: nothing in the demo can reach them, not even by accident.
    """
    kept = {name: value for name, value in before.items() if name in KEPT or name.startswith(KEPT_BEGINNINGS)}
    home = folder / "user"
    descriptions = [f"{before['HOME']}/.terminfo" if "HOME" in before else "", before.get("TERMINFO_DIRS", "")]
    return kept | {
        "HOME": str(home),
        # tmux looks the terminal up when a person goes to a pane; an empty entry is the system's own place.
        "TERMINFO_DIRS": ":".join([*filter(None, descriptions), ""]),
        "PATH": f"{folder / 'bin'}:{before.get('PATH', os.defpath)}",
        "SHELL": shell()[0],
        "TMPDIR": str(folder / "tmp"),
        "TMUX_TMPDIR": str(folder / "tmp"),
        "XDG_RUNTIME_DIR": str(folder),
        "HIVE_HOME": str(folder / "hive"),
        "HIVE_CONFIG": str(folder / "config.toml"),
        "HIVE_TMUX_SOCKET": str(folder / "tmux"),
        "HIVE_SCRIPTED_HOME": str(folder / "agents"),
        MARK: str(folder),
    }


@contextmanager
def surroundings(folder: Path) -> Iterator[None]:
    """Change environment and working directory of this process to the demo's; put both back at the end.

    All of the process, since tmux, git and the agents take theirs from it.
    """
    before, cwd = dict(os.environ), Path.cwd()
    (folder / "user").mkdir(mode=0o700)
    try:
        _set(environment(folder, before))
        os.chdir(folder / "user")
        yield
    finally:
        _set(before)
        os.chdir(cwd)


def shell() -> tuple[str, ...]:
    """An interactive shell that reads nobody's settings."""
    bash = shutil.which("bash")
    return (bash, "--norc", "--noprofile", "-i") if bash else ("/bin/sh", "-i")


def write_programs(folder: Path) -> None:
    """Short names for what people type in the demo's panes."""
    folder.mkdir()
    for name, module in (("scripted-agent", "hive_tui.scripted_agent"), ("hive-tui", "hive_tui")):
        program = folder / name
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m {module} "$@"\n')
        program.chmod(0o700)


def _set(variables: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(variables)
