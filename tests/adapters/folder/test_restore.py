"""Going back to a snapshot of a folder."""

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from hive_tui.adapters.folder.workspaces import FolderWorkspaces
from hive_tui.domain.errors import Cancelled, DiskFull, WorkspaceError
from hive_tui.domain.progress import Unwatched
from hive_tui.domain.workspaces import AppliedRestore, RestorePlan
from tests.adapters.folder.conftest import Take, Taken, look, write


def wreck(root: Path) -> None:
    """What an agent can do to a folder between two checkpoints."""
    write(root, "notes.md", "# Notes\none\nthree\nfour\n")
    (root / "run.sh").unlink()
    shutil.rmtree(root / "deep")
    write(root, "deep", "now a file\n")
    (root / "private.txt").chmod(0o644)
    (root / "empty").rmdir()
    (root / "link").unlink()
    write(root, "link", "now a file\n")
    write(root, "later.txt", "made later\n")


def restore(
    workspaces: FolderWorkspaces, taken: Taken, take: Take, root: Path, *, live: bool = False
) -> tuple[RestorePlan, AppliedRestore]:
    current = take(root).folder
    if live:
        shutil.rmtree(current / "files")
    plan = workspaces.plan(taken.folder, current, root)
    before = look(root)
    result = workspaces.apply(plan, taken.folder, root, current.with_name("journal"))
    assert len(plan.changes) == result.changed + len(result.refused) or before == look(root)
    return plan, result


@pytest.mark.parametrize("live", [False, True], ids=["against a checkpoint", "against what is there"])
def test_a_restore_brings_back_files_links_folders_and_modes(
    live: bool, root: Path, take: Take, workspaces: FolderWorkspaces
):
    taken, then = take(root), look(root)
    wreck(root)
    plan, result = restore(workspaces, taken, take, root, live=live)
    assert look(root) == then | {"later.txt": (0o644, b"made later\n")}
    assert plan.kept == ("later.txt",) and result.displaced == () and result.refused == ()
    assert workspaces.verify(taken.folder, root) == []


def test_the_safety_snapshot_undoes_a_restore(root: Path, take: Take, workspaces: FolderWorkspaces):
    taken = take(root)
    write(root, "notes.md", "spoilt\n")
    (root / "private.txt").chmod(0o644)
    spoilt, safety = look(root), take(root)
    restore(workspaces, taken, take, root)
    assert look(root) != spoilt
    restore(workspaces, safety, take, root)
    assert look(root) == spoilt


def test_the_plan_says_what_would_change_before_it_does(root: Path, take: Take, workspaces: FolderWorkspaces):
    taken = take(root)
    wreck(root)
    before = look(root)
    plan = workspaces.plan(taken.folder, take(root).folder, root)
    assert look(root) == before
    changes = {change.path: str(change.kind) for change in plan.changes}
    assert changes == {
        "deep": "delete", "deep/er/data.bin": "write", "link": "symlink", "notes.md": "write",
        "private.txt": "mode", "run.sh": "write",
    }  # fmt: skip
    assert (plan.insertions, plan.deletions) == (2, 3), "two and #!/bin/sh come; three, four and a file go"


def test_a_plan_for_what_is_there_is_empty(root: Path, take: Take, workspaces: FolderWorkspaces):
    plan = workspaces.plan(take(root).folder, take(root).folder, root)
    assert plan == RestorePlan(str(root))


def as_nothing(place: Path) -> None:
    pass


def as_file(place: Path) -> None:
    place.write_text("a file\n")


def as_program(place: Path) -> None:
    place.write_text("a program\n")
    place.chmod(0o700)


def as_folder(place: Path) -> None:
    place.mkdir()
    (place / "inside").write_text("inside\n")


def as_empty_folder(place: Path) -> None:
    place.mkdir()


def as_link(place: Path) -> None:
    place.symlink_to("notes.md")


SHAPES = [as_nothing, as_file, as_program, as_folder, as_empty_folder, as_link]


@pytest.mark.parametrize("now", SHAPES)
@pytest.mark.parametrize("then", SHAPES)
def test_anything_can_become_anything_and_what_is_not_known_stays(
    then: Callable[[Path], None],
    now: Callable[[Path], None],
    root: Path,
    take: Take,
    workspaces: FolderWorkspaces,
):
    then(root / "place")
    taken, wanted = take(root), look(root)
    place = root / "place"
    if place.is_dir():
        shutil.rmtree(place)
    place.unlink(missing_ok=True)
    now(place)
    had = look(root)
    plan, result = restore(workspaces, taken, take, root)
    unknown = {name: one for name, one in had.items() if name not in wanted and name.startswith("place")}
    if "place/inside" in plan.kept and then is not as_nothing and then not in (as_folder, as_empty_folder):
        assert result.refused == ("place: a folder with files that stay is in its place",)
        assert "in its place" in plan.warnings[0] and look(root) == had
        return
    if then is as_nothing or (then is as_empty_folder and "place" in unknown):
        assert look(root) == wanted | unknown if then is as_nothing else look(root) == had
        return
    assert {name: one for name, one in look(root).items() if name in wanted} == wanted
    assert workspaces.verify(taken.folder, root) == []


def test_a_file_changed_after_the_plan_is_copied_aside_first(
    root: Path, take: Take, workspaces: FolderWorkspaces, tmp_path: Path
):
    taken = take(root)
    write(root, "notes.md", "second\n")
    plan = workspaces.plan(taken.folder, take(root).folder, root)
    write(root, "notes.md", "third\n")
    write(root, "deep/er/new", "unknown\n")
    result = workspaces.apply(plan, taken.folder, root, tmp_path / "journal")
    assert result.displaced == ("notes.md",)
    assert (tmp_path / "journal/displaced/notes.md").read_text() == "third\n"
    assert (root / "deep/er/new").read_text() == "unknown\n"


def test_files_that_were_left_out_then_are_never_touched(root: Path, take: Take, workspaces: FolderWorkspaces):
    write(root, ".env", "KEY=1\n")
    write(root, ".gitignore", "*.log\n")
    write(root, "a.log", "ignored\n")
    taken = take(root)
    for name in (".env", "a.log"):
        write(root, name, "newer\n")
    restore(workspaces, taken, take, root)
    assert (root / ".env").read_text() == "newer\n" == (root / "a.log").read_text()


def test_nothing_is_written_through_a_link_that_took_the_place_of_a_folder(
    root: Path, take: Take, workspaces: FolderWorkspaces, tmp_path: Path
):
    taken = take(root)
    outside = write(tmp_path, "outside/er/data.bin", "outside\n")
    plan = workspaces.plan(taken.folder, take(root).folder, root)
    shutil.rmtree(root / "deep")
    plan = workspaces.plan(taken.folder, take(root).folder, root)
    (root / "deep").symlink_to(tmp_path / "outside")
    result = workspaces.apply(plan, taken.folder, root, tmp_path / "journal")
    assert outside.read_text() == "outside\n"
    assert result.refused == ("deep/er/data.bin: a link or a file is in the place of its folder",)


@pytest.mark.parametrize("path", ["../evil", "/etc/evil", "a/../../evil", ".git/hooks/post-commit"])
def test_a_path_that_leads_elsewhere_is_never_written(
    path: str, root: Path, take: Take, workspaces: FolderWorkspaces, tmp_path: Path
):
    taken = take(root)
    listing = taken.folder / "files.json"
    listing.write_text(listing.read_text().replace('"link", "120000"', f'"{path}", "120000"'))
    write(root, "notes.md", "spoilt\n")
    restore(workspaces, taken, take, root)
    workspaces.recreate(taken.folder, tmp_path / "deeper/again")
    assert not os.path.lexists(tmp_path / "evil") and not os.path.lexists(tmp_path / "deeper/evil")
    assert not (root / ".git").exists() and not Path("/etc/evil").exists()
    assert (root / "notes.md").read_text() == "# Notes\none\ntwo\n"


def test_a_full_disk_is_noticed_before_anything_is_changed(
    root: Path, take: Take, workspaces: FolderWorkspaces, tmp_path: Path
):
    taken = take(root)
    write(root, "notes.md", "spoilt\n")
    listing = taken.folder / "files.json"
    listing.write_text(listing.read_text().replace('"100644", 16,', f'"100644", {1 << 60},'))
    before = look(root)
    plan = workspaces.plan(taken.folder, take(root).folder, root)
    with pytest.raises(DiskFull):
        workspaces.apply(plan, taken.folder, root, tmp_path / "journal")
    assert look(root) == before and workspaces.resume(tmp_path / "journal") is None
    with pytest.raises(DiskFull):
        workspaces.recreate(taken.folder, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_the_person_can_stop_a_restore_until_it_changes_something(
    root: Path, take: Take, workspaces: FolderWorkspaces, tmp_path: Path
):
    taken = take(root)
    wreck(root)
    before = look(root)
    plan, progress = workspaces.plan(taken.folder, take(root).folder, root), Unwatched()
    progress.cancelled.set()
    with pytest.raises(Cancelled):
        workspaces.apply(plan, taken.folder, root, tmp_path / "journal", progress)
    assert look(root) == before and workspaces.resume(tmp_path / "journal") is None


def test_a_content_damaged_after_the_plan_never_becomes_a_file(
    root: Path, take: Take, workspaces: FolderWorkspaces, tmp_path: Path
):
    taken = take(root)
    write(root, "notes.md", "spoilt\n")
    plan = workspaces.plan(taken.folder, take(root).folder, root)
    write(taken.folder, "files/notes.md", "# Notes\nONE\ntwo\n")
    with pytest.raises(WorkspaceError, match=r"'notes\.md' changed"):
        workspaces.apply(plan, taken.folder, root, tmp_path / "journal")
    assert (root / "notes.md").read_text() == "spoilt\n"


def test_a_folder_that_is_gone_is_built_again_with_its_times(
    root: Path, take: Take, workspaces: FolderWorkspaces, tmp_path: Path
):
    os.utime(root / "notes.md", ns=(10**18, 10**18))
    taken, then = take(root), look(root)
    shutil.rmtree(root)
    workspaces.recreate(taken.folder, root)
    assert look(root) == then and (root / "notes.md").stat().st_mtime_ns == 10**18
    assert workspaces.verify(taken.folder, root) == []
    assert not [path for path in root.parent.iterdir() if path.name.startswith(".hive")]
    assert stat.S_IMODE((root / "private.txt").stat().st_mode) == 0o600


def test_a_folder_with_something_in_it_is_not_built_again(root: Path, take: Take, workspaces: FolderWorkspaces):
    taken = take(root)
    for path in root.iterdir():
        shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    write(root, "mine.txt", "mine\n")
    with pytest.raises(WorkspaceError, match="is not empty"):
        workspaces.recreate(taken.folder, root)
    assert look(root) == {"mine.txt": (0o644, b"mine\n")}


def test_what_differs_after_a_restore_is_told(root: Path, take: Take, workspaces: FolderWorkspaces):
    taken = take(root)
    write(root, "notes.md", "other\n")
    (root / "run.sh").unlink()
    (root / "private.txt").chmod(0o644)
    (root / "link").unlink()
    (root / "link").symlink_to("run.sh")
    assert sorted(workspaces.verify(taken.folder, root)) == [
        "'link' has other content.",
        "'notes.md' has other content.",
        "'private.txt' has mode 100644, not 100600.",
        "'run.sh' is missing.",
    ]
