"""A file of today's format that was made to do harm, with every hash right, is refused before anything is written."""

import json
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from hive_tui.archive.format import (
    CHUNK_BYTES,
    FRAME_LIMIT_BYTES,
    MANIFEST,
    MANIFEST_LIMIT_BYTES,
    BadManifest,
    Frame,
    Kind,
    Manifest,
    Member,
)
from hive_tui.archive.frames import compress
from hive_tui.archive.reader import extract, read_manifest, read_member, verify
from hive_tui.archive.writer import writing
from hive_tui.domain.checkpoints import Defect, Depth
from hive_tui.domain.errors import CheckpointError
from tests.archive.forging2 import body_of, changed, ended, rebuilt, sealed
from tests.archive.test_hostile import in_little_memory, needs_proc
from tests.archive.test_reader import contents_below

LARGE = os.urandom(CHUNK_BYTES + 1000)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    """Two small members, which share a frame, and one that has three for itself."""
    path = tmp_path / "good" / "a.tar.zst"
    with writing(path, {}) as (archive, _):
        archive.add_bytes("first", b"one")
        archive.add_bytes("sub/second", b"two")
        archive.add_bytes("zlarge", LARGE)
    return path


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "out"


def refused(path: Path, into: Path, kind: Defect | None = None) -> None:
    """Nobody takes it for good, nothing of it is unpacked, and no folder is even made."""
    for depth in Depth:
        errors = verify(path, depth=depth)
        assert errors != []
        assert kind is None or errors[0].kind is kind
    with pytest.raises(CheckpointError):
        extract(path, into)
    assert not into.exists()


def only(member: Member, data: bytes = b"") -> Callable[[Path], Path]:
    return lambda path: rebuilt(path, [(member, data)])


def below(above: Member) -> Callable[[Path], Path]:
    return lambda path: rebuilt(path, [(above, b""), (Member("a/b", 1, "", 0o600), b"x")])


def link(name: str, target: str) -> Member:
    return Member(name, 0, "", 0o777, kind=Kind.LINK, target=target)


NAMES = ["../x", "a/../../x", "/x", "//x", "..", ".", "./x", "a//b", "a/./b", "a/", "", "x\0y", MANIFEST]
UNSAFE: dict[str, Callable[[Path], Path]] = {
    **{f"name {name!a}": only(Member(name, 1, "", 0o600), b"x") for name in NAMES},
    "link to nothing": only(link("a", "")),
    "link with content": only(Member("a", 1, "", 0o777, kind=Kind.LINK, target="b"), b"x"),
    "folder with content": only(Member("a", 1, "", 0o700, kind=Kind.FOLDER), b"x"),
    "odd mode": only(Member("a", 1, "", 0o100600), b"x"),
    "twice": lambda path: rebuilt(path, [(Member("a", 1, "", 0o600), b"x")] * 2),
    "below a link": below(link("a", "b")),
    "below a file": below(Member("a", 0, "", 0o600)),
}


LINKS_OUT = {
    "absolute": link("f/a", "/etc"),
    "out": link("f/a", "../../x"),
    "down and out": link("f/b", "c/../../../x"),
}


@pytest.mark.parametrize("out", LINKS_OUT.values(), ids=LINKS_OUT)
def test_a_link_that_leads_out_is_refused_but_where_its_reader_allows_it(tmp_path: Path, into: Path, out: Member):
    path = rebuilt(tmp_path / "a", [(Member("f/x", 1, "", 0o600), b"x"), (out, b"")])
    assert verify(path) == [], "its text is but data"
    for allowed in ("", "f/a", "fo", "other"):
        with pytest.raises(CheckpointError, match="link"):
            extract(path, into, free_links=allowed)
        assert not into.exists()
    assert extract(path, into, free_links="f") == sorted(["f/x", out.name])
    assert str((into / out.name).readlink()) == out.target


def test_nothing_is_written_through_a_link_that_leads_out(tmp_path: Path, into: Path):
    (tmp_path / "target").mkdir()
    harm = [(link("f/a", str(tmp_path / "target")), b""), (Member("f/a/harm", 1, "", 0o600), b"x")]
    refused(rebuilt(tmp_path / "a", harm), into, Defect.UNSAFE_MEMBER)
    refused(rebuilt(tmp_path / "b", harm[::-1]), into, Defect.UNSAFE_MEMBER)
    assert list((tmp_path / "target").iterdir()) == []


@pytest.mark.parametrize("make", UNSAFE.values(), ids=UNSAFE)
def test_an_unsafe_member_is_refused(tmp_path: Path, into: Path, make: Callable[[Path], Path]):
    refused(make(tmp_path / "a"), into, Defect.UNSAFE_MEMBER)


def test_what_is_rebuilt_without_harm_is_good(tmp_path: Path, into: Path):
    """So that it is the harm that is refused above."""
    members = [
        (Member("a", 1, "", 0o600), b"x"),
        (link("b", "a"), b""),
        (Member("c", 0, "", 0o700, kind=Kind.FOLDER), b""),
    ]
    path = rebuilt(tmp_path / "a", members)
    assert verify(path) == []
    assert extract(path, into) == ["a", "b"]


def member(number: int, **facts: Any) -> Callable[[Manifest], Manifest]:
    def change(manifest: Manifest) -> Manifest:
        members = list(manifest.members)
        members[number] = replace(members[number], **facts)
        return replace(manifest, members=tuple(members))

    return change


def frame(number: int, **facts: Any) -> Callable[[Manifest], Manifest]:
    def change(manifest: Manifest) -> Manifest:
        frames = list(manifest.frames)
        frames[number] = replace(frames[number], **facts)
        return replace(manifest, frames=tuple(frames))

    return change


def overlapping(manifest: Manifest) -> Manifest:
    first, second, *rest = manifest.frames
    return replace(
        manifest, frames=(first, replace(second, offset=second.offset - 1, size_bytes=second.size_bytes + 1), *rest)
    )


MORE = Member("more", 0, "", 0o600, frame=3)

LIES: dict[str, Callable[[Manifest], Manifest]] = {
    "size of a small member": member(0, size_bytes=600),
    "size of a large member": member(2, size_bytes=len(LARGE) + 4096),
    "size of a huge member": member(2, size_bytes=2**60),
    "large made small": member(2, size_bytes=10),
    "frame of a member": member(1, frame=1),
    "frame that is not there": member(2, frame=9),
    "number of frames": member(2, frames=2),
    "two frames for a small one": member(1, frames=2),
    "content of a frame": frame(0, content_bytes=4096),
    "too much content": frame(0, content_bytes=FRAME_LIMIT_BYTES + 1),
    "no content": frame(0, content_bytes=0),
    "frame without bytes": frame(0, size_bytes=0),
    "gap": frame(1, offset=10_000),
    "before the file": frame(0, offset=1),
    "overlap": overlapping,
    "a member less": lambda manifest: replace(manifest, members=manifest.members[:2]),
    "no members": lambda manifest: replace(manifest, members=()),
    "no frames": lambda manifest: replace(manifest, frames=()),
    "a frame less": lambda manifest: replace(manifest, frames=manifest.frames[:-1]),
    "members the other way round": lambda manifest: replace(manifest, members=manifest.members[::-1]),
    "a member more": lambda manifest: replace(manifest, members=(*manifest.members, MORE)),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES.values(), ids=LIES)
def test_a_manifest_that_cannot_be_true_is_refused(good: Path, into: Path, lie: Callable[[Manifest], Manifest]):
    refused(changed(good, lie), into, Defect.BAD_MANIFEST)


SUBTLE: dict[str, Callable[[Manifest], Manifest]] = {
    "name": member(0, name="other"),
    "mode": member(0, mode=0o777),
    "time": member(0, mtime_ns=5_000_000_000),
    "kind": member(0, kind=Kind.FOLDER, size_bytes=0),
    "size": member(0, size_bytes=4),
    "hash": member(0, sha256="00" * 32),
    "name of a large one": member(2, name="zother"),
    "hash of a large one": member(2, sha256="00" * 32),
    "size of a large one": member(2, size_bytes=len(LARGE) - 1),
    "two names": lambda manifest: member(0, name="sub/second")(member(1, name="first")(manifest)),
}


@pytest.mark.parametrize("lie", SUBTLE.values(), ids=SUBTLE)
def test_a_manifest_that_disagrees_with_the_tar_is_found(good: Path, into: Path, lie: Callable[[Manifest], Manifest]):
    path = changed(good, lie)
    assert verify(path) != []
    with pytest.raises(CheckpointError):
        extract(path, into)


def with_frame(path: Path, content_bytes: int, raw: bytes) -> Path:
    known = Manifest((Member("a", 1, sha256(b"x").hexdigest(), 0o600),), {})
    return sealed(
        path, raw, replace(known, frames=(Frame(0, len(raw), content_bytes, sha256(raw).hexdigest(), ""),)).to_bytes()
    )


@needs_proc
@pytest.mark.parametrize("stated", [1024, FRAME_LIMIT_BYTES, 2**28], ids=str)
def test_a_frame_that_unpacks_to_more_than_it_may_takes_no_memory(tmp_path: Path, into: Path, stated: int):
    path = with_frame(tmp_path / "a", stated, compress(bytes(2**28)))
    assert path.stat().st_size < 100_000

    def is_refused() -> bool:
        with pytest.raises(CheckpointError):
            extract(path, into)
        return verify(path) != []

    assert in_little_memory(is_refused, 128 * 1024 * 1024)


@pytest.mark.parametrize("raw", [b"", b"no frame", compress(b"x")[:-1], compress(b"x") * 2], ids=repr)
def test_a_frame_that_is_none_is_found(tmp_path: Path, into: Path, raw: bytes):
    path = with_frame(tmp_path / "a", 1024, raw)
    assert verify(path) != []
    with pytest.raises(CheckpointError):
        extract(path, into)
    with pytest.raises(CheckpointError):
        read_member(path, "a")


@needs_proc
def test_a_manifest_that_unpacks_to_too_much_is_not_unpacked(tmp_path: Path, into: Path):
    path = ended(tmp_path / "a", b"", compress(bytes(MANIFEST_LIMIT_BYTES + 1)))
    assert in_little_memory(lambda: verify(path)[0].kind is Defect.BAD_MANIFEST, 64 * 1024 * 1024)
    refused(path, into, Defect.BAD_MANIFEST)


MANIFESTS = {
    "nothing": b"",
    "no JSON": b"{",
    "a list": b"[]",
    "no version": b'{"members": [], "facts": {}}',
    "member of a negative size": b'{"format_version": 2, "facts": {}, "members": [{"name": "a", "size_bytes": -1}]}',
    "deep": b"[" * 100_000,
}


@pytest.mark.parametrize("raw", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_that_is_none_is_refused(good: Path, into: Path, raw: bytes):
    refused(sealed(good, body_of(good), raw), into, Defect.BAD_MANIFEST)


USUAL = {"name": "a", "size_bytes": 1, "sha256": "0", "mode": 0, "mtime_ns": 0, "frame": 0, "stamp": [1]}


@pytest.mark.parametrize(
    "odd",
    [
        {"other": 1},
        {"name": 1},
        {"size_bytes": -1},
        {"size_bytes": True},
        {"mode": 1.0},
        {"frame": "0"},
        {"stamp": [1, "2"]},
        {"stamp": "12"},
        {"stamp": None},
    ],
)
def test_a_member_that_is_nearly_as_usual_is_refused(odd: dict[str, object]):
    manifest = {"format_version": 2, "facts": {}, "frames": []}
    assert Manifest.from_bytes(json.dumps({**manifest, "members": [USUAL]}).encode()).members[0].stamp == (1,)
    with pytest.raises(BadManifest):
        Manifest.from_bytes(json.dumps({**manifest, "members": [USUAL, {**USUAL, **odd}]}).encode())


@pytest.mark.parametrize("facts", [{"offset": 0}, {"offset": 2**63}, {"size_bytes": 1}, {"size_bytes": 2**63}], ids=str)
def test_a_trailer_that_points_elsewhere_is_refused(good: Path, into: Path, facts: dict[str, int]):
    refused(ended(good, body_of(good), compress(b"x"), **facts), into, Defect.BAD_MANIFEST)


def test_a_file_of_a_newer_program_says_so(good: Path, into: Path):
    refused(ended(good, body_of(good), compress(b"x"), version=3), into, Defect.NEWER_FORMAT)


ODD: list[object] = [None, True, False, 0.5, float("inf"), "", "../x", [], {}, -1, 0, 1, 2**70]
VALUES = st.sampled_from(ODD) | st.integers(-(2**70), 2**70) | st.text(max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(data=st.data())
def test_whatever_stands_in_a_manifest_nothing_wrong_is_unpacked(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
):
    folder = tmp_path_factory.mktemp("odd")
    path = folder / "a.tar.zst"
    contents = {"first": b"one", "sub/second": b"two", "third": b"x" * 2000}
    with writing(path, {}) as (archive, _):
        for name, content in contents.items():
            archive.add_bytes(name, content)
    value = json.loads(read_manifest(path).to_bytes())
    part = data.draw(st.sampled_from([value, *value["members"], *value["frames"]]))
    key = data.draw(st.sampled_from(sorted(part) if isinstance(part, dict) else range(len(part))))
    part[key] = data.draw(VALUES)
    sealed(path, body_of(path), json.dumps(value).encode())
    for depth in Depth:
        verify(path, depth=depth)
    try:
        extract(path, folder / "out")
    except CheckpointError:
        return
    assert contents_below(folder / "out") == contents
