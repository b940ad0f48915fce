"""What a folder's files say about which of them are no work, and what everybody knows about that."""

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathspec import GitIgnoreSpec

RULE_FILES = (".gitignore", ".ignore", ".hiveignore")
"""Files with patterns as in `.gitignore`; a later one wins over those before it in the same folder."""

MAX_RULES_BYTES = 1 << 20

REMADE = frozenset(
    ("node_modules __pycache__ .cache .mypy_cache .pytest_cache .ruff_cache .tox .nox .gradle .terraform .direnv "
     ".next .nuxt .svelte-kit .turbo .parcel-cache .eggs .hypothesis .ipynb_checkpoints bower_components "
     ".Trash .Trash-0 lost+found").split()
)  # fmt: skip
"""Folders that programs make again by themselves."""

REMADE_BESIDE = {
    "target": ("Cargo.toml", "pom.xml", "build.sbt", "project.clj"),
    "build": ("package.json", "pyproject.toml", "setup.py", "build.gradle", "build.gradle.kts", "CMakeLists.txt"),
    "dist": ("package.json", "pyproject.toml", "setup.py", "setup.cfg"),
    "out": ("package.json", "build.gradle", "build.gradle.kts", "CMakeLists.txt"),
    "bin": ("build.gradle", "*.csproj"),
    "obj": ("*.csproj",),
    "_build": ("mix.exs", "dune-project"),
    "deps": ("mix.exs",),
    "vendor": ("composer.json", "Gemfile"),
    "Pods": ("Podfile",),
}
"""Folders that are outputs only beside one of these files; anywhere else they may be work."""

MARKS_INSIDE = ("pyvenv.cfg", "CACHEDIR.TAG")
"""Files that say of the folder which they are in that it can be made again."""

REMADE_FILES = (".pyc", ".pyo", ".class", ".o", ".swp")
REMADE_NAMES = (".DS_Store", "Thumbs.db")


@dataclass(frozen=True, slots=True)
class Rules:
    """The patterns of one folder."""

    folder: str
    """Relative to the root, with `/` at its end; empty for the root."""
    patterns: "GitIgnoreSpec"


def rules_of(place: Path, folder: str, names: Sequence[str]) -> Rules | None:
    """The patterns that a folder's own files give; None if there are none.

    Args:
        place: The folder.
        folder: Its path relative to the root, with `/` at its end; empty for the root.
        names: What is in it.
    """
    lines: list[str] = []
    for name in RULE_FILES:
        if name in names:
            with suppress(OSError):
                found = (place / name).lstat()
                if stat.S_ISREG(found.st_mode) and found.st_size <= MAX_RULES_BYTES:
                    lines += os.fsdecode((place / name).read_bytes()).splitlines()
    return Rules(folder, _patterns(lines)) if lines else None


def verdict(rules: Sequence[Rules], path: str) -> bool | None:
    """Whether patterns leave a path out (True) or keep it (False); None if they are silent. The innermost folder wins.

    Args:
        rules: From the root inwards.
        path: Relative to the root; with `/` at its end for a folder.
    """
    for one in reversed(rules):
        said = one.patterns.check_file(path.removeprefix(one.folder)).include
        if said is not None:
            return said
    return None


def is_remade_folder(name: str, siblings: Sequence[str], place: str) -> bool:
    """Whether a folder is an output, a cache or an installation that some program makes again."""
    if name in REMADE or name.endswith(".egg-info"):
        return True
    for mark in REMADE_BESIDE.get(name, ()):
        if mark in siblings or (mark[0] == "*" and any(one.endswith(mark[1:]) for one in siblings)):
            return True
    return any(Path(place, mark).is_file() for mark in MARKS_INSIDE)


def is_remade_file(name: str) -> bool:
    """Whether a file is one that some program makes again."""
    return name.endswith(REMADE_FILES) or name in REMADE_NAMES


def _patterns(lines: Sequence[str]) -> "GitIgnoreSpec":
    """The patterns without lines that are none, which git passes over too."""
    from pathspec import GitIgnoreSpec  # every command would wait for its import

    kept: list[str] = []
    for line in lines:
        with suppress(ValueError):
            GitIgnoreSpec.from_lines([line])
            kept.append(line)
    return GitIgnoreSpec.from_lines(kept)
