"""While git packs, a person sees how far it is, and can stop it."""

import os
import threading
from pathlib import Path

import pytest

from hive_tui.adapters.git.bundle import BUNDLE, HISTORY
from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import Cancelled
from hive_tui.domain.progress import Unwatched
from tests.adapters.git.conftest import Repo, StandingClock
from tests.services.test_unpacking import Watched

PACKED = 3_000_000
PACKING = ("pack the history", "pack what is not committed")
SLOW = f"""#!/bin/sh
case " $* " in *" pack-objects "*)
  head -c {PACKED} /dev/zero > "$GIT_DIR/objects/pack/tmp_pack_$$"
  tries=0
  while [ ! -e "$GO" ] && [ $tries -lt 100 ]; do sleep 0.1; tries=$((tries + 1)); done
  rm "$GIT_DIR/objects/pack/tmp_pack_$$" ;;
esac
exec git "$@"
"""
"""Git that goes on packing only once somebody has seen what it has written."""


class Seen(Unwatched):
    """Lets git go on once it was told of what it has packed, or stops it."""

    def __init__(self, go: Path, *, stops: bool = False) -> None:
        super().__init__()
        self.go, self.stops = go, stops
        self.told: dict[str, int] = {}
        self.totals: dict[str, int] = {}
        self._now = ""

    def step(self, name: str, total_bytes: int = 0) -> None:
        super().step(name, total_bytes)
        self._now, self.totals[name] = name, total_bytes

    def advance(self, done_bytes: int) -> None:
        self.told[self._now] = self.told.get(self._now, 0) + done_bytes
        if any(self.told.get(step, 0) >= PACKED for step in PACKING):
            self.cancelled.set() if self.stops else self.go.touch()
        super().advance(done_bytes)


@pytest.fixture
def slow_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GitWorkspaces:
    program = tmp_path / "slow-git"
    program.write_text(SLOW)
    program.chmod(0o755)
    monkeypatch.setenv("GO", str(tmp_path / "go"))
    (tmp_path / "into").mkdir()
    return GitWorkspaces(StandingClock(), program=str(program))


def test_the_bytes_that_git_packs_are_told_while_it_packs(repo: Repo, tmp_path: Path, slow_git: GitWorkspaces):
    repo.write("untracked.bin", bytes(5000))
    progress = Seen(tmp_path / "go")
    slow_git.snapshot(repo.root, tmp_path / "into", progress)
    assert progress.go.exists(), "it did not wait in vain"
    assert sum(progress.told.get(step, 0) for step in PACKING) >= PACKED
    assert progress.totals["read files"] == progress.told["read files"] == 5000
    assert progress.totals["pack what is not committed"] == 5000


def test_packing_is_stopped_at_once(repo: Repo, tmp_path: Path, slow_git: GitWorkspaces):
    progress = Seen(tmp_path / "go", stops=True)
    with pytest.raises(Cancelled):
        slow_git.snapshot(repo.root, tmp_path / "into", progress)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".hive-git-")]


def test_those_of_the_captured_state_are_told_like_those_of_the_history(
    repo: Repo, tmp_path: Path, slow_git: GitWorkspaces
):
    repo.git("update-ref", "-d", "HEAD")  # no history to pack beside
    progress = Seen(tmp_path / "go")
    slow_git.snapshot(repo.root, tmp_path / "into", progress)
    assert progress.go.exists() and progress.told["pack what is not committed"] >= PACKED


def test_the_bytes_that_are_copied_into_the_bundles_are_told(repo: Repo, tmp_path: Path):
    (tmp_path / "into").mkdir()
    repo.write("untracked.bin", os.urandom(3 << 20))
    progress = Watched()
    GitWorkspaces(StandingClock()).snapshot(repo.root, tmp_path / "into", progress)
    for name in (HISTORY, BUNDLE):
        total, done = progress.steps[f"write {name}"]
        assert done == total == pytest.approx((tmp_path / "into" / name).stat().st_size, abs=1000)


def test_copying_into_a_bundle_is_stopped_in_the_middle(repo: Repo, tmp_path: Path):
    into = tmp_path / "into"
    into.mkdir()
    repo.write("untracked.bin", os.urandom(3 << 20))
    progress = Watched(stop_in="write repo.bundle")
    with pytest.raises(Cancelled):
        GitWorkspaces(StandingClock()).snapshot(repo.root, into, progress)
    assert 0 < (into / "repo.bundle").stat().st_size < 2 << 20, "the folder is the caller's, who clears it"
    assert not list(tmp_path.glob(".hive-git-*"))


def test_opening_a_bundle_is_stopped_in_the_middle(repo: Repo, tmp_path: Path):
    into, progress = tmp_path / "into", Watched()
    into.mkdir()
    repo.write("untracked.bin", os.urandom(3 << 20))
    workspaces = GitWorkspaces(StandingClock())
    workspaces.snapshot(repo.root, into)
    hung_up = threading.Event()
    bundle = into / "repo.bundle"
    bundle.rename(into / "whole")
    os.mkfifo(bundle)

    def feed() -> None:
        """A bundle that goes on and on, also after the person has asked to stop."""
        try:
            with bundle.open("wb") as pipe:
                pipe.write((into / "whole").read_bytes())
                progress.ask_to_stop()
                for _ in range(64):
                    pipe.write(bytes(1 << 20))
        except BrokenPipeError:
            hung_up.set()

    feeder = threading.Thread(target=feed)
    feeder.start()
    with pytest.raises(Cancelled):
        workspaces.check(into, progress)
    feeder.join()
    assert hung_up.is_set() and not list(tmp_path.glob(".hive-git-*"))
