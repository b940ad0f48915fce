"""Damage anywhere in the file is found, and what is still read is what was written."""

import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_tui.archive.format import MANIFEST, Trailer
from hive_tui.archive.reader import extract, read_manifest, read_member, verify
from hive_tui.archive.writer import Written
from hive_tui.domain.checkpoints import Defect, ValidationError
from hive_tui.domain.errors import CheckpointError
from tests.archive.conftest import CONTENTS
from tests.archive.forging import GOOD, entry, forge, good_entries, listed, manifest, packed, tar_of
from tests.archive.test_reader import contents_below

FLIPS = (0x01, 0x80, 0xFF)


@pytest.fixture
def raw(written: Written) -> bytes:
    return written.path.read_bytes()


def damaged_copies(raw: bytes) -> Iterator[tuple[str, bytes]]:
    """The file with one byte changed, for each byte, and cut off, at each length."""
    for at in range(len(raw)):
        for flip in FLIPS:
            yield f"byte {at} ^ {flip:#x}", raw[:at] + bytes([raw[at] ^ flip]) + raw[at + 1 :]
        yield f"cut at {at}", raw[:at]


def test_a_change_of_any_byte_and_a_cut_at_any_length_is_found(written: Written, raw: bytes):
    for what, damaged in damaged_copies(raw):
        written.path.write_bytes(damaged)
        assert verify(written.path, written.sha256) != [], what


def test_what_is_unpacked_of_a_damaged_file_is_what_was_written_or_nothing(
    written: Written, raw: bytes, tmp_path: Path
):
    unpacked = 0
    for number, (what, damaged) in enumerate(damaged_copies(raw)):
        written.path.write_bytes(damaged)
        out = tmp_path / str(number)
        try:
            extract(written.path, out)
        except CheckpointError:
            continue
        unpacked += 1
        assert contents_below(out) == CONTENTS, what
    assert unpacked < 40, "only the check sum at the very end does not matter for the content"


def test_a_file_without_its_trailer_is_truncated(written: Written, raw: bytes):
    """Where a frame ends, zstd and tar see nothing wrong; the catalog's hash is not needed to find it."""
    written.path.write_bytes(raw[: -Trailer.BYTES])
    (error,) = verify(written.path)
    assert (error.kind, error.detail) == (Defect.TRUNCATED, "the file ends before its trailer, or has another")


@pytest.mark.parametrize("size", [1, 100, 700])
def test_a_file_that_is_cut_off_is_said_to_be_so_and_not_empty(written: Written, raw: bytes, size: int):
    written.path.write_bytes(raw[:size])
    (*_, error) = verify(written.path, written.sha256)
    assert error.kind is Defect.TRUNCATED and "empty" not in error.detail


@pytest.mark.parametrize("tail", [b"\0", b"x", b"\0" * 512, b"garbage" * 1000], ids=["nul", "x", "block", "much"])
def test_what_is_appended_to_the_file_is_found(written: Written, raw: bytes, tail: bytes):
    written.path.write_bytes(raw + tail)
    errors = verify(written.path, written.sha256)
    assert Defect.HASH_MISMATCH in {error.kind for error in errors}


@pytest.mark.parametrize("content", [b"", b"\0" * 4096, b"not a checkpoint", b"\x28\xb5\x2f\xfd"], ids=repr)
def test_a_file_that_is_something_else_is_unreadable(tmp_path: Path, content: bytes):
    path = tmp_path / "a.tar.zst"
    path.write_bytes(content)
    (error,) = verify(path)
    assert error.kind in (Defect.UNREADABLE, Defect.TRUNCATED)
    for read in (read_manifest, lambda path: read_member(path, "a"), lambda path: extract(path, tmp_path / "out")):
        with pytest.raises(CheckpointError):
            read(path)


def kinds(errors: list[ValidationError]) -> set[tuple[Defect, str | None]]:
    return {(error.kind, error.member) for error in errors}


def test_an_untouched_forgery_is_good(tmp_path: Path):
    assert verify(forge(tmp_path / "a", good_entries())) == []


A, B = (listed(name, content) for name, content in GOOD)


@pytest.mark.parametrize(
    ("members", "found"),
    [
        ([A], {(Defect.EXTRA_MEMBER, B["name"])}),
        ([], {(Defect.EXTRA_MEMBER, A["name"]), (Defect.EXTRA_MEMBER, B["name"])}),
        ([A, B, listed("lost")], {(Defect.MISSING_MEMBER, "lost")}),
        ([A, {**B, "sha256": "00" * 32}], {(Defect.HASH_MISMATCH, B["name"])}),
        ([A, {**B, "sha256": A["sha256"]}], {(Defect.HASH_MISMATCH, B["name"])}),
        ([A, {**B, "size_bytes": 1}], {(Defect.SIZE_MISMATCH, B["name"])}),
        ([A, {**B, "name": "other"}], {(Defect.EXTRA_MEMBER, B["name"]), (Defect.MISSING_MEMBER, "other")}),
    ],
    ids=["one unknown", "all unknown", "one lost", "other content", "swapped", "other size", "renamed"],
)
def test_every_difference_from_the_manifest_is_found(
    tmp_path: Path, members: list[dict[str, object]], found: set[tuple[Defect, str]]
):
    path = packed(tmp_path / "a", tar_of([*good_entries(), entry(MANIFEST, manifest(members))]))
    assert kinds(verify(path)) == found
    with pytest.raises(CheckpointError, match="is damaged"):
        extract(path, tmp_path / "out")


def test_a_member_that_is_there_twice_is_found(tmp_path: Path):
    path = forge(tmp_path / "a", [*good_entries(), entry(GOOD[0][0], GOOD[0][1])])
    (error,) = verify(path)
    assert (error.kind, error.member, error.detail) == (Defect.UNSAFE_MEMBER, GOOD[0][0], "it is there twice")


@pytest.mark.parametrize("name", ["later", GOOD[0][0], MANIFEST])
def test_a_member_behind_the_manifest_is_found(tmp_path: Path, name: str):
    known = manifest([A, B, listed("later")])
    path = packed(tmp_path / "a", tar_of([*good_entries(), entry(MANIFEST, known), entry(name)]))
    assert kinds(verify(path)) == {(Defect.UNSAFE_MEMBER, name)}


def test_a_file_without_a_manifest_is_truncated(tmp_path: Path):
    path = packed(tmp_path / "a", tar_of(good_entries()))
    assert kinds(verify(path)) == {(Defect.TRUNCATED, None)}
    with pytest.raises(CheckpointError, match="no manifest"):
        read_manifest(path)


LONG = "long/" * 30 + "é"
"""A name that takes an extended header."""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=120, deadline=None)
@given(data=st.data())
def test_a_change_inside_the_tar_is_found_or_harmless_and_never_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    """The check sum of zstd fits here, so that tarfile and the manifest are on their own."""
    raw = bytearray(tar_of([*good_entries(), entry(LONG, b"x"), entry(MANIFEST, manifest([A, B, listed(LONG, b"x")]))]))
    for at in data.draw(st.lists(st.integers(0, len(raw) - 1), min_size=1, max_size=4)):
        raw[at] = data.draw(st.sampled_from([0, 0x30, 0x35, 0x39, 0x78, 0x80, 0xFF]) | st.integers(0, 255))
    folder = tmp_path_factory.mktemp("tar")
    path = packed(folder / "a", bytes(raw))
    try:
        extract(path, folder / "out")
    except CheckpointError:
        return
    assert contents_below(folder / "out") == {**dict(GOOD), LONG: b"x"}


def test_every_cut_of_the_tar_inside_is_found(tmp_path: Path):
    raw = tar_of([*good_entries(), entry(MANIFEST, manifest([A, B]))])
    with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
        last = tar.getmember(MANIFEST)
    for length in range(0, last.offset_data + last.size, 17):
        assert verify(packed(tmp_path / "a", raw[:length])) != [], length


def test_frames_may_end_anywhere(tmp_path: Path):
    raw = tar_of([*good_entries(), entry(MANIFEST, manifest([A, B]))])
    for at in range(0, len(raw), 101):
        compress = zstandard.ZstdCompressor(write_checksum=True).compress
        (tmp_path / "a").write_bytes(compress(raw[:at]) + compress(raw[at:]))
        assert verify(tmp_path / "a") == [], at
