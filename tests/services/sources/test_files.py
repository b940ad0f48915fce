"""Files that change while an agent sleeps wake it once they have settled; those of others, and before, do not."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import watchfiles
from msgspec import structs

from hive_tui.adapters import file_watch
from hive_tui.adapters.file_watch import SystemFileWatch
from hive_tui.domain.agents import Lifecycle
from hive_tui.domain.errors import HiveError
from hive_tui.domain.file_changes import Debounce, FileNews, is_ignored
from hive_tui.services.sources import files as files_source
from hive_tui.services.sources.files import FileChanges
from hive_tui.store import agents
from tests.services.sources.conftest import Sleepers
from tests.stage import CLOCK, eventually


class Files:
    """The source of a hive, driven by hand."""

    def __init__(self, sleepers: Sleepers) -> None:
        self.sleepers = sleepers
        self.docs = sleepers.work / "docs"
        (self.docs / "deep").mkdir(parents=True)
        self.warnings: list[HiveError | None] = []
        self.source = self.new_source()
        self.fall_asleep()

    def new_source(self) -> FileChanges:
        hive = self.sleepers.hive
        watch = SystemFileWatch((hive.home,), step_ms=20)
        wanted = {"ada": ("docs", "todo.txt")}
        return FileChanges(
            watch,
            wanted,
            hive.listening.intake,
            hive.database,
            hive.clock,
            lambda _, error: self.warnings.append(error),
            quiet_s=0.05,
            longest_s=0.5,
            poll_s=0.05,
            sweep_s=60.0,
        )

    def set_lifecycle(self, lifecycle: Lifecycle) -> None:
        ada = self.sleepers.database.read(agents.find, "ada")
        self.sleepers.database.write(agents.put, structs.replace(ada, lifecycle=lifecycle, since_at=CLOCK.now()))

    def fall_asleep(self) -> None:
        # The file system's clock has ticks of some milliseconds: the next one is waited for.
        before = (self.sleepers.work / "tick").stat().st_ctime_ns if (self.sleepers.work / "tick").exists() else 0
        self.set_lifecycle(Lifecycle.ASLEEP)
        asleep_ns = int(CLOCK.now().timestamp() * 1e9)

        def has_ticked() -> bool:
            (self.sleepers.work / "tick").write_text("")
            return (self.sleepers.work / "tick").stat().st_ctime_ns > max(before, asleep_ns)

        eventually(has_ticked)

    def woken(self) -> bool:
        self.source.listen()
        return bool(self.sleepers.wakes())

    def stays_asleep(self) -> bool:
        for _ in range(3):
            self.source._looked_at.clear()  # all is looked at, as it is once a minute
            self.source._watch.touched = lambda timeout_s: None  # type: ignore[method-assign]
            if self.woken():
                return False
        return True


@pytest.fixture(autouse=True)
def short_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files_source, "LOOK_EVERY_S", 0.2)


@pytest.fixture
def files(without_redis: Sleepers) -> Iterator[Files]:
    made = Files(without_redis)
    yield made
    made.source.close()


def test_what_changes_while_it_sleeps_wakes_it_once_and_says_what(files: Files):
    files.source.listen()
    (files.docs / "deep" / "plan\n\x1b[31m.md").write_text("new")
    eventually(files.woken)
    assert files.sleepers.told() == ["Changed while you slept: deep/plan??[31m.md."]
    files.sleepers.finish()
    assert files.stays_asleep(), "it was told of that"


@pytest.mark.parametrize("change", ["deleted", "moved in", "old date", "plain file"])
def test_every_kind_of_change_counts(files: Files, change: str, tmp_path: Path):
    (files.docs / "old").write_text("old")
    (tmp_path / "elsewhere").write_text("moved")
    os.utime(tmp_path / "elsewhere", (0, 0))
    files.fall_asleep()
    files.source.listen()
    if change == "deleted":
        (files.docs / "old").unlink()
    elif change == "moved in":
        (tmp_path / "elsewhere").rename(files.docs / "new")
    elif change == "old date":
        (files.docs / "old").write_text("changed")
        os.utime(files.docs / "old", (0, 0))
    else:
        (files.sleepers.work / "todo.txt").write_text("do it")
    eventually(files.woken)


def test_its_own_writes_those_of_git_and_what_nobody_watches_wake_nobody(files: Files):
    files.set_lifecycle(Lifecycle.AWAKE)
    files.source.listen()
    (files.docs / "mine").write_text("its own")
    files.source.listen()
    files.fall_asleep()
    (files.docs / ".git" / "refs").mkdir(parents=True)
    files.fall_asleep()  # making the folder is a change of its own
    (files.docs / ".git" / "refs" / "head").write_text("git")
    (files.sleepers.work / "other.txt").write_text("not watched")
    assert files.stays_asleep()


def test_what_changed_while_nothing_ran_is_found_at_the_next_start(files: Files):
    files.source.close()
    (files.docs / "meanwhile").write_text("new")
    files.source = files.new_source()
    eventually(files.woken)
    assert files.sleepers.told() == ["Changed while you slept: meanwhile."]


def test_what_changes_right_after_it_fell_asleep_again_counts(files: Files):
    files.source.listen()
    files.set_lifecycle(Lifecycle.AWAKE)
    files.source.listen()
    files.fall_asleep()
    (files.docs / "soon").write_text("before it is watched")
    eventually(files.woken)


def test_a_crash_before_it_is_noted_tells_nobody_twice(files: Files):
    (files.docs / "once").write_text("new")
    intake = files.source._intake
    take = intake.take

    def take_and_die(delivery: object) -> bool:
        take(delivery)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    intake.take = take_and_die  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        while True:
            files.source.listen()
    intake.take = take  # type: ignore[method-assign]
    assert len(files.sleepers.told()) == 1
    files.sleepers.finish()
    files.source.close()
    files.source = files.new_source()
    assert files.stays_asleep()


def test_where_the_system_tells_of_no_changes_files_are_looked_at_and_that_is_said(
    files: Files, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "watchfiles", None)  # as where it is not installed
    files.source.listen()
    eventually(lambda: files.woken() or files.warnings[-1] is not None, "it is said")
    (files.docs / "new").write_text("new")
    eventually(files.woken)
    warning = files.warnings[-1]
    assert warning is not None and "watchfiles" in warning.what and "every 0.05 s" in warning.hint


def test_what_changes_until_the_system_watches_is_noticed(files: Files, monkeypatch: pytest.MonkeyPatch):
    may_begin, watches = threading.Event(), watchfiles.watch

    def late(*folders: Path, **how: Any) -> Iterator[set[tuple[watchfiles.Change, str]]]:
        may_begin.wait(20)
        yield from watches(*folders, **how)

    monkeypatch.setattr(watchfiles, "watch", late)
    files.source.listen()
    (files.docs / "meanwhile").write_text("new")
    assert not files.woken()
    may_begin.set()
    eventually(files.woken)


# In a namespace of its own the limit on watches is its own, too.
WITHOUT_WATCHES = """
import sys
from pathlib import Path
from hive_tui.adapters.file_watch import SystemFileWatch
Path("/proc/sys/user/max_inotify_watches").write_text("2")
watch = SystemFileWatch((), step_ms=20)
for _ in range(100):
    if said := watch.watch([Path(sys.argv[1])]):
        break
    watch.touched(0.05)
print(said)
"""


def test_a_system_without_more_watches_is_told_apart(tmp_path: Path):
    for number in range(5):
        (tmp_path / str(number)).mkdir()
    command = ["unshare", "--user", "--map-root-user", sys.executable, "-c", WITHOUT_WATCHES, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert "fs.inotify.max_user_watches" in done.stdout, done.stderr


def test_so_many_changes_that_some_may_be_lost_make_it_look_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(file_watch, "MOST_TOUCHED", 5)
    watch = SystemFileWatch(())
    watch.note([tmp_path / ".git" / str(number) for number in range(10)])
    assert watch.touched(0) is None
    watch.note([tmp_path / ".git" / "one", tmp_path / "two"])
    assert watch.touched(0) == frozenset({tmp_path / "two"})


def test_changes_settle_after_a_quiet_time_or_after_the_longest():
    debounce = Debounce(quiet_s=2, longest_s=30)
    assert debounce.due_s() is None
    debounce.note(100.0)
    assert debounce.due_s() == 102.0
    for second in range(101, 129):
        debounce.note(second)
    assert debounce.due_s() == 130.0
    debounce.note(129.5)
    assert debounce.due_s() == 130.0
    debounce.reset()
    assert debounce.due_s() is None


def test_what_is_ours_or_gits_is_nobodys_change():
    own = (Path("/home/ada/.hive"),)
    assert is_ignored(Path("/home/ada/.hive/hive.db"), own) and is_ignored(Path("/home/ada/.git/index"), own)
    assert not is_ignored(Path("/home/ada/.github/a"), own) and not is_ignored(Path("/home/ada/.hive2/a"), own)
    assert FileNews(1, tuple(str(n) for n in range(20)), 25).message().endswith("8, 9 and 15 more.")
