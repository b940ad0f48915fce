"""A private git folder that reads the user's objects, and in which all the work is done.

It has a config of our own, so that no filter, hook, monitor or program that a repository names can run,
and it is thrown away, so that nothing of the work is ever left in the user's repository.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hive_tui.adapters.files.temporary import work_folder
from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.repository import Repository

PREFIX = ".hive-git-"
"""How the names of temporary folders begin; the id of their process follows. Once that is gone they may be swept."""

ON_DISK = (
    *("core.filemode", "core.ignorecase", "core.symlinks", "core.precomposeunicode"),
    *("core.trustctime", "core.checkstat"),
)
CONVERTING = ("core.autocrlf", "core.eol", "core.safecrlf")
"""Harmless settings of the user: the first matter to reading, the second to converting line ends."""

OURS = """\
[core]
\trepositoryformatversion = {version}
\tbare = true
\tuntrackedCache = false
\tsplitIndex = false
\tcommitGraph = false
\tcompression = 1
\tbigFileThreshold = 16m
\tpackedGitWindowSize = 16m
\tpackedGitLimit = 64m
[fastimport]
\tunpackLimit = 0
[pack]
\twindowMemory = 256m
[index]
\tsparse = false
"""

NO_CONVERSION = "* -text -crlf !eol -ident -filter !working-tree-encoding !diff\n"
"""Attributes that win over all others: bytes on disk are the bytes of the blob."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """A temporary folder with a stand-in for the home and a bare repository."""

    folder: Path
    plain: Git
    """Git with no repository chosen."""

    @property
    def git_dir(self) -> Path:
        """The private repository."""
        return self.folder / "git"

    @property
    def index(self) -> Path:
        """Where a copy of an index goes."""
        return self.git_dir / "index"

    @property
    def packs(self) -> Path:
        """Where packs go that its repository shall read."""
        return self.git_dir / "objects" / "pack"

    @property
    def git(self) -> Git:
        """Git in the private repository, without files."""
        return self.plain.at(git_dir=self.git_dir, index=self.index)

    def over(self, root: Path) -> Git:
        """Git in the private repository, with the files of a work tree."""
        return self.git.at(cwd=root, work_tree=root)

    def create(self, object_format: str, repository: Repository | None, *, converting: bool = False) -> None:
        """Make the private repository.

        Args:
            object_format: `sha1` or `sha256`.
            repository: Its objects can be read, and its harmless settings hold; None for none.
            converting: Convert line ends as the user's settings and attributes say; else nothing is converted.
        """
        for name in ("objects/info", "objects/pack", "refs", "info"):
            (self.git_dir / name).mkdir(parents=True)
        (self.git_dir / "HEAD").write_text("ref: refs/heads/hive\n")
        (self.git_dir / "config").write_text(_config(object_format, repository, converting=converting))
        if not converting:
            (self.git_dir / "info" / "attributes").write_text(NO_CONVERSION)
        if repository is not None:
            self._borrow(repository, converting=converting)

    def _borrow(self, repository: Repository, *, converting: bool) -> None:
        (self.git_dir / "objects" / "info" / "alternates").write_bytes(quoted(os.fsencode(repository.objects)) + b"\n")
        _copy(repository.common_dir / "shallow", self.git_dir / "shallow")
        _copy(repository.common_dir / "info" / "exclude", self.git_dir / "info" / "exclude")
        personal = self.plain.home / ".config" / "git"
        personal.mkdir(parents=True, exist_ok=True)
        _copy(personal_file(repository, "core.excludesfile", "ignore"), personal / "ignore")
        if converting:
            _copy(repository.common_dir / "info" / "attributes", self.git_dir / "info" / "attributes")
            _copy(personal_file(repository, "core.attributesfile", "attributes"), personal / "attributes")


@contextmanager
def sandbox(beside: Path, git: Git, *, is_sparing: bool = True) -> Iterator[Sandbox]:
    """A sandbox in a temporary folder inside `beside`, which is gone afterwards.

    Args:
        beside: Where it lies.
        git: Works in it.
        is_sparing: End commands before the disk is full; not where there is no way back any more.
    """
    with work_folder(beside, PREFIX) as folder:
        home = folder / "home"
        home.mkdir()
        # In a file, since git before 2.38 does not take this one from the command line.
        (home / ".gitconfig").write_text("[safe]\n\tdirectory = *\n")
        yield Sandbox(folder, git.at(home=home, cwd=folder, room=folder if is_sparing else None))


def personal_file(repository: Repository, key: str, name: str) -> Path:
    """Where the user keeps excludes or attributes for all repositories."""
    chosen = repository.setting(key)
    if chosen:
        return Path(chosen).expanduser()
    personal = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return (Path(personal) / "git" / name).expanduser()


def quoted(path: bytes) -> bytes:
    """A path in double quotes as git reads it from its files and streams."""
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return b'"' + escaped + b'"'


def _config(object_format: str, repository: Repository | None, *, converting: bool) -> str:
    text = OURS.format(version=0 if object_format == "sha1" else 1)
    if object_format != "sha1":
        text += f"[extensions]\n\tobjectFormat = {object_format}\n"
    if repository is None:
        return text
    text += "[core]\n"
    for key in ON_DISK + (CONVERTING if converting else ()):
        value = repository.setting(key)
        if value and re.fullmatch(r"[A-Za-z0-9]+", value):
            text += f"\t{key.removeprefix('core.')} = {value}\n"
    return text


def _copy(source: Path, target: Path) -> None:
    """Copy a plain file if there is one; never waits on a pipe."""
    with suppress(OSError, RuntimeError):
        if source.is_file():
            shutil.copyfile(source, target)
