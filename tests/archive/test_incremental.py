"""What has not changed is taken from the generation before, verified; what comes out stands alone."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hive_tui.archive.format import CHUNK_BYTES, GROUP_BYTES, Manifest, Member
from hive_tui.archive.frames import opened
from hive_tui.archive.previous import Previous
from hive_tui.archive.reader import extract, read_manifest, read_member, verify
from hive_tui.archive.sources import ChangedWhileRead, Entry, stamp_of
from hive_tui.archive.writer import Written, writing
from tests.archive.folders import facts_below, fill, let_time_pass, names_below, take, unpacked
from tests.archive.forging2 import changed

LARGE = Random(1).randbytes(2 * CHUNK_BYTES + 5000)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Many small files, some large ones; nothing in it changed just now."""
    random = Random(2)
    root = fill(tmp_path / "root", {f"small/{number:03}": random.randbytes(5000) for number in range(200)})
    fill(root, {"large": LARGE, "middle": random.randbytes(GROUP_BYTES * 3)})
    (root / "link").symlink_to("small")
    let_time_pass(tmp_path)
    return root


@pytest.fixture
def first(root: Path, tmp_path: Path) -> Written:
    return take(tmp_path / "1.tar.zst", root)[0]


def check(written: Written, root: Path, out: Path) -> None:
    """It is good, and holds the folder as it is."""
    assert verify(written.path, written.sha256) == []
    assert unpacked(written.path, out) == facts_below(root)


def only_manifest(written: Written) -> int:
    """Bytes of the end that every file has anew."""
    frames = read_manifest(written.path).frames
    return written.size_bytes - frames[-1].end


def test_where_nothing_changed_only_the_manifest_is_new(root: Path, first: Written, tmp_path: Path):
    second, _ = take(tmp_path / "2.tar.zst", root, first.path)
    assert second.new_bytes == only_manifest(second)
    assert (first.damaged_frames, second.damaged_frames) == (0, 0)
    assert read_manifest(second.path).frames == read_manifest(first.path).frames


def test_a_generation_does_not_need_the_one_before(root: Path, first: Written, tmp_path: Path):
    second, _ = take(tmp_path / "2.tar.zst", root, first.path)
    first.path.unlink()
    check(second, root, tmp_path / "out")


def test_of_a_small_change_little_is_written(root: Path, first: Written, tmp_path: Path):
    (root / "small/100").write_bytes(b"changed")
    second, _ = take(tmp_path / "2.tar.zst", root, first.path)
    assert only_manifest(second) < second.new_bytes < only_manifest(second) + 2 * GROUP_BYTES
    check(second, root, tmp_path / "out")


def test_of_files_that_are_gone_before_their_turn_the_others_are_kept(root: Path, first: Written, tmp_path: Path):
    """They are asked for, and the generation before knows them."""
    names = names_below(root)
    gone = ["large", "small/100"]
    for name in gone:
        (root / name).unlink()
    second, skipped = take(tmp_path / "2.tar.zst", root, first.path, names=names)
    assert sorted((one.name, one.reason) for one in skipped) == [(f"tree/{name}", "it is gone") for name in gone]
    check(second, root, tmp_path / "out")


def test_of_a_file_that_was_only_touched_the_content_is_not_written_again(root: Path, first: Written, tmp_path: Path):
    os.utime(root / "large")
    second, _ = take(tmp_path / "2.tar.zst", root, first.path)
    assert second.new_bytes < only_manifest(second) + 1000, "its header"
    check(second, root, tmp_path / "out")


@pytest.mark.parametrize("name", ["large", "session.jsonl"])
def test_what_is_appended_to_a_large_file_leaves_the_rest_as_it_is(
    root: Path, first: Written, tmp_path: Path, name: str
):
    """Also if the file has moved: what counts is the content."""
    (root / "large").rename(root / name)
    with (root / name).open("ab") as file:
        file.write(b"more")
    second, _ = take(tmp_path / "2.tar.zst", root, first.path)
    assert second.new_bytes < only_manifest(second) + 20_000 + 2 * GROUP_BYTES
    check(second, root, tmp_path / "out")


def grow(root: Path) -> None:
    (root / "small/007").write_bytes(LARGE + b"x")


def shrink(root: Path) -> None:
    (root / "large").write_bytes(b"x")


def remove(root: Path) -> None:
    shutil.rmtree(root / "small")


def exchange(root: Path) -> None:
    (root / "small/001").unlink()
    (root / "small/001").symlink_to("002")
    (root / "large").unlink()
    fill(root, {"large/is/a/folder/now": b"x"})


def rename(root: Path) -> None:
    (root / "small").rename(root / "other")
    (root / "link").unlink()


def make_program(root: Path) -> None:
    (root / "small/003").chmod(0o755)
    (root / "large").chmod(0o700)


def empty(root: Path) -> None:
    for name in ("small/004", "large", "middle"):
        os.truncate(root / name, 0)


@pytest.mark.parametrize("change", [grow, shrink, remove, exchange, rename, make_program, empty])
def test_every_change_is_seen(root: Path, first: Written, tmp_path: Path, change: Callable[[Path], None]):
    change(root)
    second, skipped = take(tmp_path / "2.tar.zst", root, first.path)
    assert skipped == []
    check(second, root, tmp_path / "out 2")
    third, _ = take(tmp_path / "3.tar.zst", root, second.path)
    check(third, root, tmp_path / "out 3")


def test_the_same_content_with_another_name_of_the_archive_is_not_mistaken(root: Path, first: Written, tmp_path: Path):
    """A previous checkpoint of something else is of no use and does no harm."""
    with writing(tmp_path / "2.tar.zst", {}, previous=first.path) as (archive, results):
        archive.add_tree("elsewhere", root, names_below(root))
    assert verify(results[0].path) == []
    assert read_member(results[0].path, "elsewhere/large") == LARGE


def test_each_damaged_frame_of_the_generation_before_is_made_anew(root: Path, first: Written, tmp_path: Path):
    good = first.path.read_bytes()
    for number, frame in enumerate(read_manifest(first.path).frames):
        at = frame.offset + frame.size_bytes // 2
        first.path.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        second, _ = take(tmp_path / f"after {number}.tar.zst", root, first.path)
        assert second.damaged_frames > 0
        assert second.new_bytes > only_manifest(second)
        check(second, root, tmp_path / f"out {number}")
        second.path.unlink()
        shutil.rmtree(tmp_path / f"out {number}")


def test_a_damaged_frame_of_a_file_that_is_not_as_unchanged_as_it_says_is_not_made_up(
    root: Path, first: Written, tmp_path: Path
):
    """Its other pieces are of the old content: together with a new one they would be a file that never was."""
    (root / "large").write_bytes(b"y" * len(LARGE))
    let_time_pass(tmp_path)
    stamp = stamp_of((root / "large").lstat())

    def says_unchanged(manifest: Manifest) -> Manifest:
        members = (replace(one, stamp=stamp) if one.name == "tree/large" else one for one in manifest.members)
        return replace(manifest, members=tuple(members), began_ns=manifest.began_ns + 2**40)

    changed(first.path, says_unchanged)
    member = next(member for member in read_manifest(first.path).members if member.name == "tree/large")
    with first.path.open("r+b") as file:
        file.seek(read_manifest(first.path).frames[member.frame + 2].offset + 50)
        file.write(b"damage")
    with pytest.raises(ChangedWhileRead):
        take(tmp_path / "2.tar.zst", root, first.path)
    assert not (tmp_path / "2.tar.zst").exists()


@pytest.mark.parametrize("content", [None, b"", b"no checkpoint", b"\x28\xb5\x2f\xfd" * 100], ids=repr)
def test_a_generation_before_that_is_gone_or_none_is_as_if_there_were_none(
    root: Path, tmp_path: Path, content: bytes | None
):
    if content is not None:
        (tmp_path / "1.tar.zst").write_bytes(content)
    second, _ = take(tmp_path / "2.tar.zst", root, tmp_path / "1.tar.zst")
    assert second.new_bytes == second.size_bytes
    check(second, root, tmp_path / "out")


def test_a_generation_before_that_is_cut_off_is_as_if_there_were_none(root: Path, first: Written, tmp_path: Path):
    for size in range(0, first.size_bytes, first.size_bytes // 7):
        os.truncate(first.path, first.size_bytes - 1 - size)
        second, _ = take(tmp_path / f"{size}.tar.zst", root, first.path)
        assert second.new_bytes == second.size_bytes
        check(second, root, tmp_path / f"out {size}")


def test_now_and_then_everything_is_read_again(root: Path, first: Written, tmp_path: Path):
    path, new = first.path, []
    for number in range(5):
        following = tmp_path / f"next {number}.tar.zst"
        with writing(following, {}, previous=path, reread_after=3) as (archive, results):
            archive.add_tree("tree", root, names_below(root))
        path, written = following, results[0]
        new.append(written.new_bytes == written.size_bytes)
    assert new == [False, False, True, False, False]


def test_it_can_be_asked_to_read_everything_again(root: Path, first: Written, tmp_path: Path):
    with writing(tmp_path / "2.tar.zst", {}, previous=first.path, reread_after=0) as (archive, results):
        archive.add_tree("tree", root, names_below(root))
    assert results[0].new_bytes == results[0].size_bytes


def test_single_files_and_bytes_are_taken_over_too(tmp_path: Path):
    source = tmp_path / "transcript.jsonl"
    source.write_bytes(b"x" * 100 + b"\n" + Random(3).randbytes(CHUNK_BYTES * 2) + b"\n")
    let_time_pass(tmp_path)
    path: Path | None = None
    new: list[int] = []
    for number in range(3):
        following = tmp_path / f"{number}.tar.zst"
        with writing(following, {}, previous=path) as (archive, results):
            archive.add_json("agent.json", {"name": "ada"})
            archive.add_file("session/transcript.jsonl", source, whole_lines=True)
            archive.add_bytes("workspace/repo.bundle", LARGE)
        path = following
        new.append(results[0].new_bytes - only_manifest(results[0]))
        assert verify(following) == []
        assert read_member(following, "session/transcript.jsonl") == source.read_bytes()
        assert read_member(following, "workspace/repo.bundle") == LARGE
    assert new[0] > 4 * CHUNK_BYTES
    assert new[1:] == [0, 0]


def test_a_file_that_changed_when_the_other_checkpoint_began_is_read_again(tmp_path: Path):
    file = tmp_path / "file"
    file.write_text("x")
    status = file.stat()
    entry = Entry("file", file, status)
    known = Member("file", 1, "", 0o644, stamp=stamp_of(status))
    changed = max(status.st_mtime_ns, status.st_ctime_ns)

    def is_unchanged(began_ns: int, member: Member = known) -> bool:
        with opened(file) as frames:
            return Previous(frames, Manifest((member,), {}, began_ns=began_ns)).unchanged(entry) is not None

    assert is_unchanged(changed + 3_000_000_000)
    assert not is_unchanged(changed + 1000)
    assert not is_unchanged(changed - 3_000_000_000), "its time is in the future"
    for number in range(len(known.stamp)):
        stamp = tuple(value + (place == number) for place, value in enumerate(known.stamp))
        assert not is_unchanged(changed + 3_000_000_000, Member("file", 1, "", 0o644, stamp=stamp))


CHANGES = st.lists(
    st.tuples(
        st.sampled_from(["write", "append", "remove", "touch", "link", "mode"]),
        st.sampled_from(["a", "b/c", "b/d", "e/f/g", "h"]),
        st.sampled_from([0, 1, 600, GROUP_BYTES, CHUNK_BYTES, CHUNK_BYTES + 9]),
    ),
    max_size=5,
)


def apply(root: Path, change: tuple[str, str, int]) -> None:
    what, name, size = change
    path = root / name
    content = (name.encode() + bytes(range(256))) * (size // 256 + 1)
    if what in ("remove", "link", "write"):
        path.unlink(missing_ok=True)
    if what == "link":
        path.symlink_to("somewhere")
    elif what == "write":
        path.write_bytes(content[:size])
    elif what != "remove" and path.is_file():
        if what == "append":
            with path.open("ab") as file:
                file.write(content[: size // 7])
        elif what == "touch":
            os.utime(path)
        else:
            path.chmod(0o600 + size % 2 * 0o100)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25, deadline=None)
@given(generations=st.lists(CHANGES, min_size=1, max_size=4))
def test_whatever_changes_each_generation_holds_what_was_there(
    tmp_path_factory: pytest.TempPathFactory, generations: list[list[tuple[str, str, int]]]
):
    folder = tmp_path_factory.mktemp("generations")
    root = fill(folder / "root", {f"b/x{number}": b"%d" % number for number in range(9)})
    fill(root, {"e/f/g": b"x"})
    path: Path | None = None
    for number, changes in enumerate(generations):
        for change in changes:
            apply(root, change)
        let_time_pass(folder)
        following = folder / f"{number}.tar.zst"
        written, _ = take(following, root, path)
        check(written, root, folder / f"out {number}")
        path = following


def test_extracting_part_of_a_large_archive_reads_only_that(root: Path, first: Written, tmp_path: Path):
    """Damage elsewhere does not stand in the way of what is good."""
    member = next(member for member in read_manifest(first.path).members if member.name == "tree/large")
    frame = read_manifest(first.path).frames[member.frame + 1]
    with first.path.open("r+b") as file:
        file.seek(frame.offset + 100)
        file.write(b"damage")
    assert extract(first.path, tmp_path / "out", wanted=lambda name: name == "tree/small/000") == ["tree/small/000"]
    assert read_member(first.path, "tree/small/001") == (root / "small/001").read_bytes()
