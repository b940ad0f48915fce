"""A whole folder goes into the archive and comes back as it was."""

import os
import socket
import stat
import subprocess
from pathlib import Path
from tarfile import TarInfo

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from hive_tui.archive import trees
from hive_tui.archive.beneath import Beneath
from hive_tui.archive.format import CHUNK_BYTES, GROUP_BYTES, Kind, Member, leads_out, unsafe_name
from hive_tui.archive.reader import extract, read_manifest, read_member, verify
from hive_tui.archive.sources import Entry, Loaded, Skipped, load, stamp_of
from hive_tui.archive.tar import header, header_bytes
from hive_tui.archive.writer import writing
from hive_tui.domain.errors import CheckpointError
from tests.archive.folders import facts_below, fill, names_below, take, unpacked

NAMES = [
    "plain", "deep/er/and/deeper", "with space", "new\nline", "caf\udce9", "日本語/ü", "-rf", "x" * 255,
    "/".join(["long" * 20] * 12), "/".join(["é" * 60] * 3), "n" * 99, "n" * 100, "n" * 101,
]  # fmt: skip
SIZES = [0, 1, 511, 512, 513, GROUP_BYTES - 512, GROUP_BYTES + 1, CHUNK_BYTES, CHUNK_BYTES + 1, 2 * CHUNK_BYTES + 700]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with every kind of file that can be archived."""
    root = fill(tmp_path / "root", {name: f"content of {name!a}".encode() for name in NAMES})
    fill(root, {f"sizes/{size}": (bytes(range(251)) * (size // 251 + 1))[:size] for size in SIZES})
    (root / "program").write_text("#!/bin/sh\n")
    (root / "program").chmod(0o755)
    (root / "secret").write_text("x")
    (root / "secret").chmod(0o400)
    (root / "old").write_text("x")
    os.utime(root / "old", ns=(1, 946_684_800_123_456_789))
    (root / "empty folder").mkdir(mode=0o750)
    (root / "link").symlink_to("deep/er")
    (root / "deep/up").symlink_to("../program")
    (root / "dangling").symlink_to("l" * 200)
    return root


def test_everything_comes_back_with_mode_and_time(root: Path, tmp_path: Path, path: Path):
    written, skipped = take(path, root)
    assert skipped == []
    assert verify(path, written.sha256) == []
    assert unpacked(path, tmp_path / "out") == facts_below(root)


def test_gnu_tar_and_zstd_bring_the_same_back(root: Path, tmp_path: Path, path: Path):
    take(path, root)
    subprocess.run(["zstd", "-q", "-t", path], check=True)
    (tmp_path / "out").mkdir()
    subprocess.run(["tar", "--zstd", "-x", "-p", "-f", path, "-C", tmp_path / "out"], check=True)
    found, wanted = facts_below(tmp_path / "out" / "tree"), facts_below(root)
    assert found.keys() == wanted.keys()
    for name, facts in wanted.items():
        if facts[0] == "file":
            assert found[name][1::2] == facts[1::2], name  # the header has whole seconds
        else:
            assert found[name] == facts, name


def test_a_member_is_read_without_the_others(root: Path, path: Path):
    take(path, root)
    for name in (*NAMES, *(f"sizes/{size}" for size in SIZES)):
        assert read_member(path, f"tree/{name}") == (root / name).read_bytes()


def test_small_files_share_frames_and_large_ones_are_cut(root: Path, path: Path):
    take(path, root)
    manifest = read_manifest(path)
    spread = {member.name: member.frames for member in manifest.members}
    assert spread[f"tree/sizes/{CHUNK_BYTES}"] == 1
    assert spread[f"tree/sizes/{2 * CHUNK_BYTES + 700}"] == 4
    assert len(manifest.frames) < 20 < len(manifest.members)


TARGETS = ["/etc/passwd", "../outside", "../../x", "a/../../x", "/proc/self/cwd", "."]


def test_every_link_is_kept_as_what_it_is(tmp_path: Path, path: Path):
    root = fill(tmp_path / "root", {"file": b"x"})
    for number, target in enumerate(TARGETS):
        (root / f"link{number}").symlink_to(target)
    for _ in range(2):  # read, then copied
        written, skipped = take(path, root, previous=path if path.exists() else None)
        assert skipped == [] and verify(path, written.sha256) == []
        links = {member.target for member in read_manifest(path).members if member.kind is Kind.LINK}
        assert links == set(TARGETS)
        path = path.with_name("second.tar.zst")
    with pytest.raises(CheckpointError, match="link"):
        extract(path.with_name("second.tar.zst"), tmp_path / "refused")
    assert not (tmp_path / "refused").exists()
    extract(path.with_name("second.tar.zst"), tmp_path / "out", free_links="tree")
    assert facts_below(tmp_path / "out/tree") == facts_below(root)


def test_a_folder_that_a_link_takes_the_place_of_leads_nowhere(tmp_path: Path, path: Path):
    outside = fill(tmp_path / "outside", {"file": b"secret", "other": b"secret"})
    root = fill(tmp_path / "root", {"a/file": b"x", "b/file": b"y", "b/other": b"y"})
    with writing(path, {}) as (archive, results):
        seen: list[str] = []
        tree = trees.Tree("tree", Beneath(root), ["a/file", "b/file", "b/other"])
        entries = tree.rest()
        (root / "b").rename(root / "away")
        (root / "b").symlink_to(outside)
        seen += [one.name for one in map(load, entries) if isinstance(one, Loaded) and b"secret" in one.content]
        assert seen == []
        skipped = archive.add_tree("tree", root, ["a/file", "b/file", "b/other"])
    assert {one.name for one in skipped} == {"tree/b/file", "tree/b/other"}
    assert [member.name for member in read_manifest(results[0].path).members] == ["tree/a/file"]


def test_what_is_no_file_is_left_out_and_named(tmp_path: Path, path: Path):
    root = fill(tmp_path / "root", {"file": b"x"})
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(root / "socket"))
        _, skipped = take(path, root)
    reason = "it is a socket, a pipe or a device"
    assert skipped == [Skipped("tree/pipe", reason), Skipped("tree/socket", reason)]


def test_what_is_gone_is_left_out_and_named(tmp_path: Path, path: Path):
    root = fill(tmp_path / "root", {"file": b"x"})
    _, skipped = take(path, root, names=["file", "gone", "file/below"])
    assert skipped == [Skipped("tree/gone", "it is gone"), Skipped("tree/file/below", "it is gone")]


def test_a_file_that_goes_while_others_are_read_is_left_out_and_named(tmp_path: Path, path: Path):
    root = fill(tmp_path / "root", {f"{number:03}": os.urandom(1_000_000) for number in range(100)})

    def advance(_: int) -> None:
        (root / "099").unlink(missing_ok=True)

    with writing(path, {}, advance=advance) as (archive, _):
        skipped = archive.add_tree("tree", root, names_below(root))
    assert skipped == [Skipped("tree/099", "it is gone")]
    assert verify(path) == []


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "a/../b", "./a"])
def test_a_name_that_leads_elsewhere_is_left_out_and_named(tmp_path: Path, path: Path, name: str):
    root = fill(tmp_path / "root", {"a": b"x", "b": b"x"})
    fill(tmp_path, {"out": b"x"})
    _, (skipped,) = take(path, root, names=[name])
    assert skipped.name == f"tree/{name}"
    assert read_manifest(path).members == ()


class Changing(Entry):
    """A file that another program writes to while it is read."""

    def read(self, size_bytes: int, offset: int) -> bytes:
        content = super().read(size_bytes, offset)
        if len(content) < 3:
            with Path(self.path).open("ab") as file:
                file.write(b"+")
        return content


def test_a_small_file_that_changes_while_it_is_read_is_read_again(tmp_path: Path):
    file = fill(tmp_path, {"file": b"x"}) / "file"
    loaded = load(Changing("file", file, file.stat()))
    assert isinstance(loaded, Loaded)
    assert loaded.content == b"x++"
    assert loaded.stamp == stamp_of(file.stat())


def test_a_file_asked_for_twice_is_refused(tmp_path: Path, path: Path):
    root = fill(tmp_path / "root", {"a": b"x"})
    with pytest.raises(CheckpointError, match="two members"):
        take(path, root, names=["a", "a"])


def test_folders_and_single_members_can_be_mixed(tmp_path: Path, path: Path):
    one, two = fill(tmp_path / "one", {"a": b"1"}), fill(tmp_path / "two", {"a": b"2"})
    with writing(path, {}) as (archive, results):
        archive.add_json("agent.json", {})
        archive.add_tree("one", one, ["a"])
        archive.add_bytes("between", b"x" * (CHUNK_BYTES + 1))
        archive.add_tree("", two, ["a"])
        archive.add_file("last", one / "a")
    assert verify(path, results[0].sha256) == []
    assert [member.name for member in read_manifest(path).members] == ["agent.json", "one/a", "between", "a", "last"]


def test_progress_counts_every_byte_once(root: Path, path: Path):
    counted: list[int] = []
    with writing(path, {}, advance=counted.append) as (archive, results):
        archive.add_tree("tree", root, names_below(root))
    files = [file for file in root.rglob("*") if stat.S_ISREG(file.lstat().st_mode)]
    assert sum(counted) == results[0].content_bytes == sum(file.stat().st_size for file in files)


class Stopped(Exception):
    pass


@pytest.mark.parametrize("after", [0, 1, 5, -1])
def test_a_progress_that_raises_stops_and_leaves_nothing(root: Path, path: Path, after: int):
    calls: list[int] = []

    def advance(done: int) -> None:
        calls.append(done)
        if len(calls) > after >= 0 or (done == 0 and len(calls) > 9 and calls[-3:] == [0, 0, 0]):
            raise Stopped  # at the latest when all was read back

    with pytest.raises(Stopped), writing(path, {}, advance=advance) as (archive, _):
        archive.add_tree("tree", root, names_below(root))
    assert list(path.parent.iterdir()) == []


PART = st.text(st.characters(exclude_characters="/\0", codec="utf-8"), min_size=1, max_size=90)
PATHS = st.lists(PART, min_size=1, max_size=4).map("/".join).filter(lambda name: unsafe_name(name) is None)


@given(
    PATHS,
    st.sampled_from([0, 1, 512, 8**11 - 1, 8**11, 2**50]),
    st.integers(0, 0o7777),
    st.integers(-(2**40), 2**62),
)
def test_a_header_is_as_long_as_it_is_said_to_be(name: str, size: int, mode: int, mtime_ns: int):
    member = Member(name, size, "", mode, mtime_ns)
    assert len(header(member)) == header_bytes(member)
    assert len(header(member)) % 512 == 0


def test_a_header_of_the_largest_bytes_has_the_sum_that_others_expect():
    """It is counted in 16 bits."""
    longest = "\udcff" * 100
    found = header(Member(longest, 8**11 - 1, "", 0o7777, 2**62, kind=Kind.LINK, target=longest))
    info = TarInfo.frombuf(found, "utf-8", "surrogateescape")
    assert (info.name, info.linkname, info.mode) == (longest, longest, 0o7777)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@example(links={"d/e/f/g": "../../..", "a": "d/e/f/g/.."})
@given(
    links=st.dictionaries(
        st.sampled_from(["a", "d/b", "d/e/c", "d/e/f/g"]),
        st.lists(st.sampled_from(["..", ".", "a", "b", "d", "e", "c", "f"]), min_size=1, max_size=5).map("/".join),
    )
)
def test_links_that_are_safe_one_by_one_never_lead_out_together(
    tmp_path_factory: pytest.TempPathFactory, links: dict[str, str]
):
    root = tmp_path_factory.mktemp("links") / "root"
    (root / "d/e/f").mkdir(parents=True)
    for name, target in links.items():
        if leads_out(name, target) is None:
            (root / name).symlink_to(target)
    for name in names_below(root):
        try:
            found = (root / name).resolve()
        except (OSError, RuntimeError):
            continue  # a circle
        assert found.is_relative_to(root.resolve())
