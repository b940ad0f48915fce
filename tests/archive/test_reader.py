"""What was written comes back, and nothing else does."""

import json
import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hive_tui.archive.format import Manifest, Member, unsafe_name
from hive_tui.archive.reader import extract, read_manifest, read_member, verify
from hive_tui.archive.writer import Written, writing
from hive_tui.domain.checkpoints import Defect
from hive_tui.domain.errors import CheckpointError
from tests.archive.conftest import CONTENTS

ODD_NAMES = [
    "with\nnewline",
    "caf\udce9",
    "ünïcode/日本語",
    " leading and trailing ",
    "-rf",
    "...",
    "a/..b/c..",
    "tab\tand\\backslash",
    "'quoted\"",
    "x" * 255,
    "/".join(["deep" * 20] * 12),
    "pax=1 header",
    "\u202eright to left",
    "manifest.json.bak",
    "sub/manifest.json",
]


def contents_below(folder: Path) -> dict[str, bytes]:
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def write(path: Path, contents: dict[str, bytes]) -> Written:
    with writing(path, {}) as (archive, results):
        for name, content in contents.items():
            archive.add_bytes(name, content)
    return results[0]


def test_what_was_written_comes_back(written: Written, tmp_path: Path):
    assert verify(written.path, written.sha256) == []
    assert extract(written.path, tmp_path / "out") == sorted(CONTENTS)
    assert contents_below(tmp_path / "out") == CONTENTS
    for name, content in CONTENTS.items():
        assert read_member(written.path, name) == content


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_a_member_of_any_name_comes_back(path: Path, tmp_path: Path, name: str):
    written = write(path, {name: b"content"})
    assert verify(path, written.sha256) == []
    assert extract(path, tmp_path / "out") == [name]
    assert contents_below(tmp_path / "out") == {name: b"content"}
    assert read_member(path, name) == b"content"


PART = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20)
NAMES = st.lists(PART, min_size=1, max_size=3).map("/".join).filter(lambda name: unsafe_name(name) is None)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(contents=st.dictionaries(NAMES.filter(lambda name: name != "manifest.json"), st.binary(max_size=2000)))
def test_whatever_is_written_comes_back(tmp_path_factory: pytest.TempPathFactory, contents: dict[str, bytes]):
    path = tmp_path_factory.mktemp("any") / "a.tar.zst"
    written = write(path, contents)
    assert verify(path, written.sha256) == []
    for name, content in contents.items():
        assert read_member(path, name) == content


def test_an_archive_without_members_is_one(path: Path, tmp_path: Path):
    written = write(path, {})
    assert verify(path, written.sha256) == []
    assert extract(path, tmp_path / "out") == []
    manifest = read_manifest(path)
    assert (manifest.members, manifest.frames, manifest.facts) == ((), (), {})


def test_only_what_is_wanted_is_unpacked_but_all_of_it_is_checked(written: Written, tmp_path: Path):
    assert extract(written.path, tmp_path / "out", wanted=lambda name: name.startswith("session/")) == [
        "session/empty",
        "session/transcript.jsonl",
    ]
    assert contents_below(tmp_path / "out").keys() == {"session/empty", "session/transcript.jsonl"}


def test_the_manifest_is_not_unpacked(written: Written, tmp_path: Path):
    extract(written.path, tmp_path / "out")
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_what_is_unpacked_is_for_nobody_else(path: Path, tmp_path: Path):
    with writing(path, {}) as (archive, _):
        archive.add_bytes("a/b/c", b"x")
        archive.add_bytes("program", b"x", mode=0o4755)
    old_mask = os.umask(0o077)
    try:
        extract(path, tmp_path / "out")
    finally:
        os.umask(old_mask)
    assert (tmp_path / "out" / "a" / "b").stat().st_mode & 0o077 == 0
    assert (tmp_path / "out" / "a" / "b" / "c").stat().st_mode & 0o7777 == 0o600
    assert (tmp_path / "out" / "program").stat().st_mode & 0o7777 == 0o755, "without the set-user-id bit"


def test_a_file_that_is_there_is_not_written_over(written: Written, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "agent.json").write_text("mine")
    with pytest.raises(CheckpointError, match="File exists"):
        extract(written.path, tmp_path / "out")
    assert (tmp_path / "out" / "agent.json").read_text() == "mine"


def test_a_link_that_is_there_is_not_followed(written: Written, tmp_path: Path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "agent.json").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(CheckpointError, match="File exists"):
        extract(written.path, tmp_path / "out")
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_written_is_no_damage_of_the_file(written: Written, tmp_path: Path):
    (tmp_path / "out").write_text("a file")
    with pytest.raises(CheckpointError, match="could not be unpacked") as failed:
        extract(written.path, tmp_path / "out")
    assert str(tmp_path / "out") in failed.value.hint


def test_a_file_that_is_not_there_is_missing(path: Path, tmp_path: Path):
    (error,) = verify(path, "00")
    assert (error.kind, error.member) == (Defect.MISSING_FILE, None)
    for read in (read_manifest, lambda path: read_member(path, "a"), lambda path: extract(path, tmp_path / "out")):
        with pytest.raises(CheckpointError, match="No such file"):
            read(path)


def test_a_folder_in_its_place_is_unreadable(tmp_path: Path):
    (error,) = verify(tmp_path)
    assert error.kind is Defect.UNREADABLE
    with pytest.raises(CheckpointError):
        read_manifest(tmp_path)


def test_a_member_that_is_not_there_is_named(written: Written):
    with pytest.raises(CheckpointError, match="no member 'session/other'"):
        read_member(written.path, "session/other")


def test_a_hash_that_is_not_the_catalogs_is_an_error_even_if_the_file_is_whole(written: Written):
    (error,) = verify(written.path, "00" * 32)
    assert (error.kind, error.member) == (Defect.HASH_MISMATCH, None)


@given(
    st.builds(
        Manifest,
        st.lists(st.builds(Member, st.text(st.characters(codec=None)), st.integers(0), st.text(), st.integers(0))).map(
            tuple
        ),
        st.dictionaries(st.text(st.characters(codec=None)), st.none() | st.booleans() | st.integers() | st.text()),
    )
)
def test_a_manifest_comes_back_from_its_bytes(manifest: Manifest):
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


def test_a_manifest_holds_what_older_programs_ask_for_in_every_member():
    """They take a member with seven fields to have these seven."""
    (member,) = json.loads(Manifest((Member("a", 1, "0", 0o600, frames=2, stamp=(1,)),), {}).to_bytes())["members"]
    assert {"name", "size_bytes", "sha256", "mode", "mtime_ns", "frame", "stamp"} < set(member)
