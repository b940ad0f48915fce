"""Real repositories, and a fingerprint of everything in one that a capture might touch."""

import hashlib
import os
import stat
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hive_tui.adapters.git.sandbox import PREFIX
from hive_tui.adapters.git.untracked import Limits
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import WorkspaceFacts

ENVIRONMENT = {
    "GIT_AUTHOR_DATE": "1700000000 +0000",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_EDITOR": "true",
    "GIT_OPTIONAL_LOCKS": "0",
    "LC_ALL": "C",
}

NOBODY = 65534

Files = dict[bytes, tuple[str, bytes]]
"""Mode and content by path."""


@dataclass
class StandingClock:
    """A clock that moves when somebody waits."""

    passed_s: float = 0.0
    waits: list[Callable[[], None]] = field(default_factory=list)
    """Called one by one at each wait."""

    def now(self) -> datetime:
        return datetime(2026, 1, 5, 12, tzinfo=UTC) + timedelta(seconds=self.passed_s)

    def monotonic(self) -> float:
        return self.passed_s

    def sleep(self, seconds: float) -> None:
        self.passed_s += seconds
        if self.waits:
            self.waits.pop(0)()


@dataclass(frozen=True)
class Repo:
    """A work tree and the git that a person would use in it."""

    root: Path

    def git(self, *arguments: str | bytes | Path, ok: bool = True, stdin: bytes = b"") -> bytes:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.root,
            env=os.environ | ENVIRONMENT,
            input=stdin,
            capture_output=True,
            check=False,
        )
        assert done.returncode == 0 or not ok, f"{arguments}: {done.stderr.decode()}{done.stdout.decode()}"
        return done.stdout

    def line(self, *arguments: str) -> str:
        return self.git(*arguments).decode().strip()

    def write(self, path: str | bytes, content: str | bytes, mode: int = 0o644) -> None:
        place = self.root / os.fsdecode(path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
        place.chmod(mode)

    def age(self, place: Path) -> None:
        """Make a file older than the index, so that git believes what the index says of it."""
        stamp = place.stat().st_mtime_ns - 10_000_000_000
        os.utime(place, ns=(stamp, stamp))

    def commit(self, message: str = "work") -> str:
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.line("rev-parse", "HEAD")

    @property
    def git_dir(self) -> Path:
        return Path(self.line("rev-parse", "--absolute-git-dir"))

    @property
    def common_dir(self) -> Path:
        return (self.root / self.line("rev-parse", "--git-common-dir")).resolve()

    def status(self) -> bytes:
        return self.git("status", "--porcelain=v2", "--branch", "--untracked-files=all", ok=False)

    def stashes(self) -> bytes:
        return self.git("stash", "list", ok=False)

    def entries(self) -> bytes:
        return self.git("ls-files", "--stage", "-v", "-z", ok=False)

    def fingerprint(self) -> dict[str, object]:
        """Everything of the repository and its files but access times."""
        found: dict[str, object] = {}
        for folder in {self.root, self.git_dir, self.common_dir}:
            found |= {str(path): _print(path) for path in [folder, *folder.rglob("*")]}
        return found

    def files(self) -> Files:
        """All files on disk outside of repositories' own folders."""
        return dict(_walk(self.root, b""))


def _print(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    content = b""
    if stat.S_ISREG(found.st_mode):
        with suppress(PermissionError):
            content = path.read_bytes()
    stamps = (found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return found.st_mode, *stamps, hashlib.sha1(content).digest()


def _walk(folder: Path, prefix: bytes) -> Iterator[tuple[bytes, tuple[str, bytes]]]:
    for path in sorted(folder.iterdir()):
        name = prefix + os.fsencode(path.name)
        if path.name == ".git" or (path.is_dir() and not path.is_symlink() and (path / ".git").exists()):
            continue
        if path.is_symlink():
            yield name, ("120000", os.fsencode(path.readlink()))
        elif path.is_dir():
            yield from _walk(path, name + b"/")
        elif path.is_file():
            yield name, ("100755" if path.stat().st_mode & 0o100 else "100644", path.read_bytes())


@dataclass(frozen=True)
class Taken:
    """A snapshot that was taken, and what an independent git finds in it."""

    folder: Path
    facts: WorkspaceFacts
    source: Repo

    def files(self) -> Files:
        """The files of the work tree in the bundle."""
        assert self.facts.worktree is not None
        store = self.unbundled()
        found: Files = {}
        for record in store.git("ls-tree", "-r", "-z", self.facts.worktree.commit).split(b"\0")[:-1]:
            head, _, path = record.partition(b"\t")
            mode, kind, blob = head.decode().split()
            if kind == "blob":
                found[path] = (mode, store.git("cat-file", "blob", blob))
        return found

    def unbundled(self) -> Repo:
        """A bare repository with nothing but the bundle, and the source where the facts say it is needed."""
        store = Repo(self.folder.with_name(f"{self.folder.name}-store"))
        if not store.root.exists():
            store.root.mkdir()
            store.git("init", "-q", "--bare", f"--object-format={self.facts.object_format}")
            if self.facts.needs_repo:
                alternates = store.root / "objects/info/alternates"
                alternates.write_text(f"{self.source.common_dir}/objects\n")
            for name in ("history.bundle", "base.bundle", "repo.bundle"):
                if (self.folder / name).exists():
                    store.git("bundle", "unbundle", self.folder / name)
        return store


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with git settings of its own."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    (folder / ".gitconfig").write_text(
        "[init]\n\tdefaultBranch = main\n[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n"
        '[advice]\n\tdetachedHead = false\n[protocol "file"]\n\tallow = always\n'
    )
    return folder


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def workspaces(clock: StandingClock) -> GitWorkspaces:
    return GitWorkspaces(clock)


@pytest.fixture
def new_repo(tmp_path: Path) -> Callable[..., Repo]:
    """Makes empty repositories."""

    def make(name: str = "repo", *options: str) -> Repo:
        repo = Repo(tmp_path / name)
        repo.root.mkdir(parents=True)
        repo.git("init", "-q", "--template=", *options)
        return repo

    return make


@pytest.fixture
def repo(new_repo: Callable[..., Repo]) -> Repo:
    """A repository with a commit of a few files."""
    made = new_repo()
    made.write("README.md", "# Ada\n")
    made.write("src/main.py", "print('one')\n" * 3)
    made.write("src/run.sh", "#!/bin/sh\n", 0o755)
    made.commit("first")
    return made


@pytest.fixture
def take(tmp_path: Path, clock: StandingClock) -> Callable[..., Taken]:
    """Takes snapshots, and checks each time that it is whole and the repository exactly as it was.

    With `ask_git=False` the git of a person is not asked about it too, since that would run programs;
    with `is_still=False` the test itself changes the repository meanwhile.
    """
    count = iter(range(1000))

    def make(
        repo: Repo,
        cwd: Path | None = None,
        *,
        ask_git: bool = True,
        is_still: bool = True,
        limits: Limits | None = None,
        progress: Progress | None = None,
        memory: Path | None = None,
    ) -> Taken:
        workspaces = GitWorkspaces(clock, limits, memory=memory)
        into = tmp_path / f"snapshot-{next(count)}"
        into.mkdir(mode=0o700)
        # Even `git status` touches a split or sparse index, so the fingerprints lie closer to the snapshot.
        said = (repo.status(), repo.stashes()) if ask_git else None
        before = repo.fingerprint()
        facts = workspaces.snapshot(cwd or repo.root, into, progress)
        after = repo.fingerprint()
        if is_still:
            changed = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
            assert not changed, "the snapshot has touched the repository"
            assert not ask_git or (repo.status(), repo.stashes()) == said
        workspaces.check(into)
        assert not [path for path in tmp_path.iterdir() if path.name.startswith(PREFIX)], "something was left"
        return Taken(into, facts, repo)

    return make


@pytest.fixture
def as_nobody(tmp_path: Path) -> Callable[[], AbstractContextManager[None]]:
    """For a while, be a user to whom files can be closed; a tester who is no root is one already."""

    @contextmanager
    def be() -> Iterator[None]:
        if os.geteuid() != 0:
            yield
            return
        for folder in (tmp_path, *tmp_path.parents[:3]):
            folder.chmod(folder.stat().st_mode | 0o011)
        for path in [tmp_path, *tmp_path.rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        os.seteuid(NOBODY)
        try:
            yield
        finally:
            os.seteuid(0)

    return be
