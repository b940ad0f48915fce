"""A restore brings back exactly what a checkpoint holds, and loses nothing of what is there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.errors import WorkspaceError
from hive_tui.domain.workspaces import ChangeKind
from tests.adapters.git.conftest import Repo
from tests.adapters.git.restoring import Take, restore, wreck
from tests.adapters.git.scenes import SCENES


@pytest.mark.parametrize("name", SCENES)
def test_a_restore_brings_back_files_index_head_and_operations(
    name: str, repo: Repo, take: Take, workspaces: GitWorkspaces
):
    source = SCENES[name](repo)
    files, status, entries = source.files(), source.status(), source.entries()
    refs, stashes = source.git("for-each-ref", "refs/bisect", "refs/stash"), source.stashes()
    taken = take(source)
    wreck(source)
    restore(workspaces, taken, take)

    assert source.files() == files | {b"untracked-now.txt": ("100644", b"untracked\n")}
    assert sorted(source.status().splitlines()) == sorted([*status.splitlines(), b"? untracked-now.txt"])
    assert source.entries() == entries
    assert source.git("for-each-ref", "refs/bisect", "refs/stash") == refs and source.stashes() == stashes
    assert not [path for path in source.root.rglob("*hive*") if "hive" not in path.parent.name]
    source.git("fsck", "--connectivity-only")


def test_the_plan_says_what_would_change_before_it_does(repo: Repo, take: Take, workspaces: GitWorkspaces):
    repo.write("old.txt", "one\ntwo\n")
    (repo.root / "link").symlink_to("old.txt")
    first = repo.commit("second")
    taken = take(repo)
    repo.write("old.txt", "one\nTWO\nthree\n")
    repo.write("new.txt", "new\n")
    (repo.root / "README.md").chmod(0o755)
    (repo.root / "link").unlink()
    (repo.root / "link").symlink_to("new.txt")
    second = repo.commit("third")
    repo.write("untracked.txt", "untracked\n")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    assert {change.path: change.kind for change in plan.changes} == {
        "README.md": ChangeKind.MODE,
        "link": ChangeKind.SYMLINK,
        "new.txt": ChangeKind.DELETE,
        "old.txt": ChangeKind.WRITE,
    }
    assert plan.kept == ("untracked.txt",)
    assert (plan.files, plan.insertions, plan.deletions) == (4, 2, 4)
    assert plan.head is not None and (plan.head.from_commit, plan.head.to_commit) == (second, first)
    assert plan.warnings == ()


def test_a_plan_for_what_is_there_is_empty(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(SCENES["busy"](repo))
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    assert (plan.changes, plan.kept, plan.head, plan.warnings) == ((), (), None, ())


def as_nothing(place: Path) -> None:
    """Leaves nothing there."""


def as_file(place: Path) -> None:
    place.write_text("a file\n")


def as_program(place: Path) -> None:
    place.write_text("a file\n")
    place.chmod(0o755)


def as_folder(place: Path) -> None:
    (place / "deep").mkdir(parents=True)
    (place / "deep/inside").write_text("inside\n")


def as_link(place: Path) -> None:
    place.symlink_to("a file\n")


SHAPES = (as_nothing, as_file, as_program, as_folder, as_link)


@pytest.mark.parametrize("is_tracked", [True, False], ids=["tracked", "untracked"])
@pytest.mark.parametrize("then", SHAPES)
def test_anything_can_become_anything(
    then: Callable[[Path], None], is_tracked: bool, repo: Repo, take: Take, workspaces: GitWorkspaces
):
    for number in range(len(SHAPES)):
        repo.write(f"{number}/neighbour", "neighbour\n")
        then(repo.root / f"{number}/thing")
    if is_tracked:
        repo.commit("then")
    files, taken = repo.files(), take(repo)
    for number, shape in enumerate(SHAPES):
        place = repo.root / f"{number}/thing"
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
        shape(place)
    repo.commit("now")
    restore(workspaces, taken, take)
    assert repo.files() == files


def test_a_file_changed_in_the_moment_of_the_last_add_is_still_changed_after_the_restore(
    repo: Repo, take: Take, workspaces: GitWorkspaces
):
    source = SCENES["racy"](repo)
    status = source.status()
    taken = take(source)
    source.git("reset", "-q")  # changes the index, and no file
    assert source.status() != status
    restore(workspaces, taken, take)
    assert source.status() == status


def test_files_that_the_checkpoint_skipped_are_never_deleted(repo: Repo, take: Take, workspaces: GitWorkspaces):
    repo.write(".env", "secret\n")
    taken = take(repo)
    repo.git("add", ".env")
    repo.git("commit", "-q", "-m", "oops")
    plan = restore(workspaces, taken, take)
    assert plan.kept == (".env",) and (repo.root / ".env").read_text() == "secret\n"


def test_an_ignored_file_survives_where_the_checkpoint_has_nothing(repo: Repo, take: Take, workspaces: GitWorkspaces):
    repo.write(".gitignore", "build/\n")
    repo.commit("ignore")
    taken = take(repo)
    repo.write("build/out", "built\n")
    repo.write("build/tracked", "tracked\n")
    repo.git("add", "--force", "build/tracked")
    restore(workspaces, taken, take)
    assert sorted(path.name for path in (repo.root / "build").iterdir()) == ["out"]


def test_a_file_changed_after_the_plan_is_copied_aside_first(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo)
    repo.write("src/main.py", "second\n")
    repo.write("late/new.txt", "tracked\n")
    repo.commit("second")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    repo.write("src/main.py", "changed after the plan\n")
    repo.write("late/new.txt", "changed too\n")
    (repo.root / "README.md").write_text("not part of the plan\n")
    journal = repo.root.parent / "journal"
    result = workspaces.apply(plan, taken.folder, repo.root, journal)
    assert result.displaced == ("late/new.txt", "src/main.py")
    assert (journal / "displaced/src/main.py").read_text() == "changed after the plan\n"
    assert (journal / "displaced/late/new.txt").read_text() == "changed too\n"
    assert (repo.root / "src/main.py").read_text() == "print('one')\n" * 3
    assert workspaces.verify(taken.folder, repo.root) == ["'README.md' has other content."]


def test_an_ignored_file_in_the_place_of_a_file_is_copied_aside(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo)
    (repo.root / "README.md").unlink()
    repo.write(".gitignore", "README.md\n")
    repo.git("rm", "-q", "--cached", "README.md")
    repo.write("README.md", "ignored now\n")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    result = workspaces.apply(plan, taken.folder, repo.root, repo.root.parent / "journal")
    assert result.displaced == ("README.md",)
    assert (repo.root.parent / "journal/displaced/README.md").read_text() == "ignored now\n"
    assert workspaces.verify(taken.folder, repo.root) == []


def test_nothing_is_written_through_a_link_that_took_the_place_of_a_folder(
    repo: Repo, take: Take, workspaces: GitWorkspaces, tmp_path: Path
):
    taken = take(repo)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "main.py").write_text("not yours\n")
    repo.write("src/main.py", "second\n")
    plan = workspaces.plan(taken.folder, take(repo).folder, repo.root)
    shutil.rmtree(repo.root / "src")
    (repo.root / "src").symlink_to(outside)
    result = workspaces.apply(plan, taken.folder, repo.root, tmp_path / "journal")
    assert result.refused == ("src/main.py: a link or a file is in the place of its folder",)
    assert [path.name for path in outside.iterdir()] == ["main.py"]
    assert (outside / "main.py").read_text() == "not yours\n"


def test_an_untracked_link_or_file_in_the_place_of_a_folder_gives_way(
    repo: Repo, take: Take, workspaces: GitWorkspaces, tmp_path: Path
):
    repo.write("lib/code.py", "code\n")
    repo.commit("lib")
    taken = take(repo)
    for name in ("src", "lib"):
        shutil.rmtree(repo.root / name)
    (repo.root / "src").symlink_to(tmp_path)
    repo.write("lib", "a file\n")
    restore(workspaces, taken, take)
    assert (repo.root / "src").is_dir() and not (repo.root / "src").is_symlink()


def test_a_folder_with_files_that_stay_is_not_removed_for_a_file(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo)
    (repo.root / "README.md").unlink()
    repo.write("README.md/mine.txt", "mine\n")
    current = take(repo)
    plan = workspaces.plan(taken.folder, current.folder, repo.root)
    assert plan.warnings == ("'README.md' cannot be written: a folder with files that stay is in its place.",)
    result = workspaces.apply(plan, taken.folder, repo.root, repo.root.parent / "journal")
    assert result.refused == ("README.md: a folder with files that stay is in its place",)
    assert (repo.root / "README.md/mine.txt").read_text() == "mine\n"


def test_the_folder_that_somebody_works_in_stays_even_if_it_is_empty(repo: Repo, take: Take, workspaces: GitWorkspaces):
    (repo.root / "here").mkdir()
    taken = take(repo, cwd=repo.root / "here")
    repo.write("here/tracked.txt", "tracked\n")
    repo.write("there/tracked.txt", "tracked\n")
    repo.commit("second")
    inode = (repo.root / "here").stat().st_ino
    restore(workspaces, taken, take)
    assert (repo.root / "here").stat().st_ino == inode
    assert not (repo.root / "there").exists()


def test_permissions_of_a_file_survive_but_for_the_executable_bit(repo: Repo, take: Take, workspaces: GitWorkspaces):
    taken = take(repo)
    repo.write("src/main.py", "second\n", mode=0o600)
    repo.write("src/run.sh", "second\n", mode=0o640)
    restore(workspaces, taken, take)
    modes = {name: (repo.root / "src" / name).stat().st_mode & 0o777 for name in ("main.py", "run.sh")}
    assert modes == {"main.py": 0o600, "run.sh": 0o750}


def test_a_checkpoint_without_files_changes_nothing(repo: Repo, take: Take, workspaces: GitWorkspaces, tmp_path: Path):
    into, folder = tmp_path / "into", tmp_path / "plain"
    into.mkdir()
    folder.mkdir()
    workspaces.snapshot(folder, into)
    before = repo.fingerprint()
    plan = workspaces.plan(into, take(repo).folder, repo.root)
    result = workspaces.apply(plan, into, repo.root, tmp_path / "journal")
    assert plan.files == result.changed == 0 and "holds no files" in plan.warnings[0]
    assert workspaces.verify(into, repo.root) == [] and repo.fingerprint() == before
    with pytest.raises(WorkspaceError, match="holds no files"):
        workspaces.recreate(into, tmp_path / "new")


def test_a_corrupt_index_is_replaced_by_one_that_works(repo: Repo, take: Take, workspaces: GitWorkspaces):
    repo.write("src/main.py", "changed\n")
    status = repo.status()
    (repo.git_dir / "index").write_bytes(b"DIRC" + bytes(100))
    taken = take(repo, ask_git=False)
    current = take(repo, ask_git=False)
    plan = workspaces.plan(taken.folder, current.folder, repo.root)
    workspaces.apply(plan, taken.folder, repo.root, repo.root.parent / "journal")
    assert repo.status() == status
