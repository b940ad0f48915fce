"""A file made to do harm writes nothing outside of its folder, takes little memory, and is refused."""

import io
import os
import resource
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.archive.format import MANIFEST, MANIFEST_LIMIT_BYTES, BadManifest, Manifest, unsafe_name
from hive_tui.archive.reader import extract, read_manifest, read_member, verify
from hive_tui.domain.checkpoints import Defect
from hive_tui.domain.errors import CheckpointError
from tests.archive.forging import entry, forge, good_entries, listed, manifest, packed, tar_of

MEGABYTE = 1024 * 1024

ESCAPES = [
    "../outside",
    "a/../../outside",
    "/outside",
    "//outside",
    "..",
    "a/..",
    ".",
    "./outside",
    "a//b",
    "a/./b",
]


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "out"


def outside(tmp_path: Path, into: Path) -> set[str]:
    """What lies about that is not in the folder, and not the archive itself."""
    found = {path for path in tmp_path.rglob("*") if into not in path.parents}
    return {str(path.relative_to(tmp_path)) for path in found - {into, into.parent, tmp_path / "a"}}


@pytest.mark.parametrize("name", ESCAPES)
def test_a_name_that_leads_out_of_the_folder_is_refused(tmp_path: Path, into: Path, name: str):
    path = forge(tmp_path / "a", [*good_entries(), entry(name, b"harm")])
    (error,) = verify(path)
    assert error.kind is Defect.UNSAFE_MEMBER
    with pytest.raises(CheckpointError, match="is damaged"):
        extract(path, into)
    assert outside(tmp_path, into) == set()


def test_an_absolute_name_writes_nothing_there(tmp_path: Path, into: Path):
    target = tmp_path / "target"
    path = forge(tmp_path / "a", [entry(str(target), b"harm")])
    with pytest.raises(CheckpointError, match="the name is absolute"):
        extract(path, into)
    assert not target.exists()


SPECIAL = {
    "symlink": {"type": tarfile.SYMTYPE, "linkname": "../../outside"},
    "absolute symlink": {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"},
    "harmless symlink": {"type": tarfile.SYMTYPE, "linkname": "agent.json"},
    "hard link": {"type": tarfile.LNKTYPE, "linkname": "agent.json"},
    "folder": {"type": tarfile.DIRTYPE},
    "pipe": {"type": tarfile.FIFOTYPE},
    "character device": {"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3},
    "block device": {"type": tarfile.BLKTYPE, "devmajor": 8, "devminor": 0},
    "unknown": {"type": b"V"},
}


@pytest.mark.parametrize("facts", SPECIAL.values(), ids=SPECIAL)
def test_what_is_no_regular_file_is_refused_and_not_made(tmp_path: Path, into: Path, facts: dict[str, Any]):
    if facts["type"] == b"V":
        raw = bytearray(tar_of([entry("odd"), *good_entries()]))
        raw[156:157] = b"V"
        raw[148:156] = b" " * 8
        raw[148:156] = b"%06o\0 " % sum(raw[:512])
        path = packed(tmp_path / "a", bytes(raw))
        assert verify(path) != []
    else:
        path = forge(tmp_path / "a", [*good_entries(), entry("odd", **facts)])
        (error,) = verify(path)
        assert (error.kind, error.member, error.detail) == (Defect.UNSAFE_MEMBER, "odd", "it is not a regular file")
    with pytest.raises(CheckpointError):
        extract(path, into)
    assert not os.path.lexists(into / "odd")


def test_nothing_is_written_through_a_link_of_the_archive(tmp_path: Path, into: Path):
    (tmp_path / "target").mkdir()
    link = entry("link", type=tarfile.SYMTYPE, linkname=str(tmp_path / "target"))
    path = forge(tmp_path / "a", [link, entry("link/harm", b"harm")])
    with pytest.raises(CheckpointError):
        extract(path, into)
    assert list((tmp_path / "target").iterdir()) == []


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b", "a"), ("x" * 256,), ("/".join(["x" * 200] * 30),)], ids=ascii)
def test_names_that_the_disk_cannot_hold_are_an_error_that_a_person_can_read(
    tmp_path: Path, into: Path, names: tuple[str, ...]
):
    path = forge(tmp_path / "a", [entry(name, b"x") for name in names])
    with pytest.raises(CheckpointError, match="could not be unpacked"):
        extract(path, into)
    assert outside(tmp_path, into) == set()


BAD_MANIFESTS = {
    "nothing": b"",
    "no JSON": b"{",
    "no UTF-8": b"\xff\xfe\xff",
    "a list": b"[]",
    "a word": b'"format_version"',
    "no version": b'{"members": [], "facts": {}}',
    "version of words": b'{"format_version": "two", "members": [], "facts": {}}',
    "version without end": b'{"format_version": Infinity, "members": [], "facts": {}}',
    "long version": b'{"format_version": ' + b"1" * 5000 + b', "members": [], "facts": {}}',
    "no facts": b'{"format_version": 1, "members": []}',
    "facts of words": b'{"format_version": 1, "members": [], "facts": "yes"}',
    "members of words": b'{"format_version": 1, "members": "all", "facts": {}}',
    "member without hash": b'{"format_version": 1, "members": [{"name": "a"}], "facts": {}}',
    "name that is a list": manifest([listed("a", name=["a"])]),
    "hash of nothing": manifest([listed("a", sha256=None)]),
    "unknown field": manifest([listed("a", owner="root")]),
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("raw", BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
def test_a_manifest_that_is_none_is_refused(tmp_path: Path, into: Path, raw: bytes):
    path = packed(tmp_path / "a", tar_of([*good_entries(), entry(MANIFEST, raw)]))
    (error,) = verify(path)
    assert (error.kind, error.member) == (Defect.BAD_MANIFEST, MANIFEST)
    for read in (read_manifest, lambda path: extract(path, into)):
        with pytest.raises(CheckpointError):
            read(path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=5,
    ).flatmap(
        lambda odd: st.sampled_from(
            [
                manifest([], format_version=odd),
                manifest([], facts=odd),
                manifest([], members=odd),
                manifest([listed("a", name=odd)]),
                manifest([listed("a", size_bytes=odd)]),
                manifest([listed("a", sha256=odd)]),
                manifest([{"odd": odd}]),
            ]
        )
    )
    | st.binary()
)
def test_whatever_stands_for_a_manifest_is_one_or_is_refused(raw: bytes):
    try:
        found = Manifest.from_bytes(raw)
    except BadManifest:
        return
    assert all(isinstance(member.name, str) and isinstance(member.sha256, str) for member in found.members)
    assert dict(found.facts) == found.facts


def test_a_file_of_a_newer_program_says_so(tmp_path: Path):
    path = forge(tmp_path / "a", good_entries(), format_version=3)
    (error,) = verify(path)
    assert error.kind is Defect.NEWER_FORMAT
    assert "newer hive-tui" in error.detail
    with pytest.raises(CheckpointError, match="format 3; this program reads up to 2"):
        read_manifest(path)


@pytest.mark.parametrize("name", ["a", "a/b.c", "...", "a..b", "..a", "with space", "new\nline", "caf\udce9", "-"])
def test_a_name_that_stays_in_the_folder_is_safe(name: str):
    assert unsafe_name(name) is None


@given(st.lists(st.sampled_from(["..", ".", "", "a", "b.c", "\0", "..."]), max_size=5).map("/".join))
def test_a_name_is_safe_only_if_it_is_one_way_to_a_place_below(name: str):
    if unsafe_name(name) is None:
        assert os.path.normpath(os.path.join("/out", name)) == f"/out/{name}"  # noqa: PTH118
        assert "\0" not in name


def test_a_sparse_file_that_claims_to_be_huge_is_not_read(tmp_path: Path, into: Path):
    info, content = entry("sparse")
    info.pax_headers = {
        "GNU.sparse.major": "0",
        "GNU.sparse.minor": "1",
        "GNU.sparse.name": "sparse",
        "GNU.sparse.map": "0,0",
        "GNU.sparse.size": str(2**50),
    }
    path = forge(tmp_path / "a", [(info, content)])
    (error,) = verify(path)
    assert (error.kind, error.member) == (Defect.UNSAFE_MEMBER, "sparse")
    with pytest.raises(CheckpointError):
        extract(path, into)
    with pytest.raises(CheckpointError):
        read_member(path, "sparse")


def bomb(path: Path, name: str, size: int, *, stated: int | None = None) -> Path:
    """A member of zeros that fills memory or disk unless it is read piece by piece."""
    info, _ = entry(name)
    info.size = size if stated is None else stated
    with path.open("wb") as raw, zstandard.ZstdCompressor().stream_writer(raw) as stream:
        stream.write(info.tobuf(tarfile.PAX_FORMAT))
        for _ in range(0, size, MEGABYTE):
            stream.write(bytes(MEGABYTE))
        end = io.BytesIO(tar_of([entry(MANIFEST, manifest([listed(name)]))]))
        stream.write(end.read())
    return path


def in_little_memory(work: Callable[[], bool], limit: int) -> bool:
    """Whether it came out as wanted, in a process that may take no more than so much more memory."""
    child = os.fork()
    if child == 0:
        try:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            most = pages * resource.getpagesize() + limit
            resource.setrlimit(resource.RLIMIT_AS, (most, most))
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


needs_proc = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="takes the memory's size from /proc")


@needs_proc
def test_a_large_member_is_checked_in_little_memory(tmp_path: Path):
    path = bomb(tmp_path / "a", "zeros", 256 * MEGABYTE)
    assert path.stat().st_size < MEGABYTE
    found: Callable[[], bool] = lambda: {error.kind for error in verify(path)} == {Defect.SIZE_MISMATCH}  # noqa: E731
    assert in_little_memory(found, 64 * MEGABYTE)


@needs_proc
@pytest.mark.parametrize("name", [MANIFEST, "agent.json"])
def test_a_manifest_or_member_that_claims_to_be_huge_is_not_read_into_memory(tmp_path: Path, name: str):
    path = bomb(tmp_path / "a", name, 0, stated=MANIFEST_LIMIT_BYTES + 1)

    def refused() -> bool:
        with pytest.raises(CheckpointError, match="too large"):
            read_member(path, name)
        return True

    assert in_little_memory(refused, 64 * MEGABYTE)


@pytest.mark.parametrize("window", [28, 31])
def test_a_frame_that_asks_for_a_huge_window_is_refused(tmp_path: Path, window: int):
    header = b"\x28\xb5\x2f\xfd" + bytes([0x00, (window - 10) << 3])
    path = tmp_path / "a"
    path.write_bytes(header + b"\x01\x00\x00")
    (error,) = verify(path)
    assert error.kind is Defect.UNREADABLE
