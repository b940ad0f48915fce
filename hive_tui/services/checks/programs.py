"""Programs and packages that the hive needs: whether they are there, and which they are."""

import shutil
import sqlite3
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec

from hive_tui import __version__
from hive_tui.adapters.tmux.client import TmuxClient
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import TmuxDown
from hive_tui.domain.ports import Panes
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.settings import Settings

AREA = "dependencies and versions"
PACKAGES = (
    *("textual", "sqlmodel", "libtmux", "zstandard", "apscheduler", "psutil", "click", "plyer", "dbus-fast"),
    *("redis", "watchfiles", "pyrage", "obstore"),
)


class Programs:
    """What was installed, and what is switched on without it."""

    def __init__(self, panes: Panes, tmux: TmuxClient, loaded: Settings) -> None:
        self._panes = panes
        self._tmux = tmux
        self._settings = loaded

    def checks(self) -> list[Check]:
        """Programs, then packages."""
        return [
            Check(AREA, "tmux", self.tmux_server),
            Check(AREA, "git", self.git),
            Check(AREA, "versions", self.versions),
            Check(AREA, "packages", self.packages),
        ]

    def tmux_server(self) -> Iterator[Finding]:
        """Its version, and whether a server answers."""
        version = self._tmux.check_version()
        try:
            panes = self._panes.list().panes
            yield Finding("tmux", "ok", f"{version}, {counted(len(panes), 'pane')}")
        except TmuxDown as error:
            yield Finding("tmux", "warning", f"{version}; {error.what}", error.hint)

    def git(self) -> Iterator[Finding]:
        """Whether it is there."""
        found = shutil.which("git")
        if found:
            yield Finding("git", "ok", found)
        else:
            yield Finding("git", "broken", "there is no git on the PATH", "Install git; naps need it for repositories")

    def versions(self) -> Iterator[Finding]:
        """Of ourselves and what we stand on."""
        yield Finding(
            "versions",
            "ok",
            f"hive-tui {__version__}, Python {sys.version.split()[0]}, SQLite {sqlite3.sqlite_version}",
        )

    def packages(self) -> Iterator[Finding]:
        """Those that are there, and those that something that is switched on lacks."""
        for extra, why in self._missing():
            yield Finding(
                "packages", "broken", f"{why}, but its package is missing", f"pip install 'hive-tui[{extra}]'"
            )
        yield Finding("packages", "ok", ", ".join(f"{name} {found}" for name, found in installed().items()))

    def _missing(self) -> Iterator[tuple[str, str]]:
        wanted = self._settings
        if wanted.redis.url and find_spec("redis") is None:
            yield "redis", "redis.url is set"
        if wanted.offsite.destination.startswith("s3://") and find_spec("obstore") is None:
            yield "s3", "offsite.destination is object storage"
        if wanted.offsite.recipients and find_spec("pyrage") is None:
            yield "age", "offsite.recipients is set"


def installed() -> dict[str, str]:
    """Versions of the packages that are there."""
    found: dict[str, str] = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
