"""A checkpoint file is written completely and verified, or is not there at all."""

import errno
import gc
import hashlib
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from hive_tui.archive.format import MANIFEST, Manifest
from hive_tui.archive.reader import extract, read_manifest, read_member, verify
from hive_tui.archive.writer import ArchiveWriter, ChangedWhileRead, Written, sweep, writing
from hive_tui.domain.errors import CheckpointError, DiskFull
from tests.archive.conftest import CONTENTS

MEGABYTE = 1024 * 1024


def files_below(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if not file.is_dir())


def write_one(path: Path, add: Callable[[ArchiveWriter], object]) -> Written:
    with writing(path, {}) as (archive, results):
        add(archive)
    return results[0]


def test_what_was_written_is_reported_as_it_is_on_disk(written: Written, path: Path):
    raw = path.read_bytes()
    assert written == Written(
        path,
        hashlib.sha256(raw).hexdigest(),
        len(raw),
        sum(len(content) for content in CONTENTS.values()),
        len(CONTENTS),
        new_bytes=len(raw),
    )
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    assert files_below(path.parent) == [path.name]


def test_standard_tools_read_it(written: Written, tmp_path: Path):
    assert subprocess.run(["zstd", "-q", "-t", written.path], check=False).returncode == 0
    (tmp_path / "by tar").mkdir()
    unpacked = subprocess.run(["zstd", "-q", "-d", "-c", written.path], capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", tmp_path / "by tar"], input=unpacked, check=True)
    assert files_below(tmp_path / "by tar") == sorted([*CONTENTS, MANIFEST])
    for name, content in CONTENTS.items():
        assert (tmp_path / "by tar" / name).read_bytes() == content


def test_the_manifest_comes_last_and_knows_every_member(written: Written):
    unpacked = subprocess.run(["zstd", "-q", "-d", "-c", written.path], capture_output=True, check=True).stdout
    listing = subprocess.run(["tar", "-t"], input=unpacked, capture_output=True, check=True).stdout.decode()
    assert listing.splitlines() == [*CONTENTS, MANIFEST]
    manifest = read_manifest(written.path)
    assert manifest.facts == {"agent": "ada"}
    assert {member.name: (member.size_bytes, member.sha256) for member in manifest.members} == {
        name: (len(content), hashlib.sha256(content).hexdigest()) for name, content in CONTENTS.items()
    }
    assert Manifest.from_bytes(manifest.to_bytes()) == manifest


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 10240, MEGABYTE, 3 * MEGABYTE + 1])
def test_a_file_of_any_size_comes_back(path: Path, tmp_path: Path, size: int):
    source = tmp_path / "source"
    content = (bytes(range(251)) * (size // 251 + 1))[:size]
    source.write_bytes(content)
    write_one(path, lambda archive: archive.add_file("file", source))
    assert read_member(path, "file") == content
    (member,) = read_manifest(path).members
    assert member.size_bytes == size


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o755])
def test_a_file_comes_back_with_its_mode(path: Path, tmp_path: Path, mode: int):
    source = tmp_path / "source"
    source.write_text("x")
    source.chmod(mode)
    write_one(path, lambda archive: archive.add_file("file", source))
    extract(path, tmp_path / "out")
    assert (tmp_path / "out" / "file").stat().st_mode & 0o777 == mode


def test_a_symlink_is_followed_and_its_target_is_what_is_kept(path: Path, tmp_path: Path):
    (tmp_path / "target").write_text("content")
    (tmp_path / "link").symlink_to("target")
    write_one(path, lambda archive: archive.add_file("file", tmp_path / "link"))
    extract(path, tmp_path / "out")
    assert not (tmp_path / "out" / "file").is_symlink()
    assert read_member(path, "file") == b"content"


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        (b"", b""),
        (b"one\ntwo\n", b"one\ntwo\n"),
        (b"one\ntw", b"one\n"),
        (b"no end", b""),
        (b"x" * 65536 + b"\n" + b"y" * 65536, b"x" * 65536 + b"\n"),
        (b"\n" + b"y" * 200_000, b"\n"),
        (b"x" * 65535 + b"\n", b"x" * 65535 + b"\n"),
    ],
    ids=["empty", "whole", "cut", "no line", "long lines", "first of far", "block"],
)
def test_a_last_line_that_is_not_finished_can_be_left_out(path: Path, tmp_path: Path, content: bytes, kept: bytes):
    (tmp_path / "source").write_bytes(content)
    sizes: list[int] = []
    write_one(path, lambda archive: sizes.append(archive.add_file("f", tmp_path / "source", whole_lines=True)))
    assert (read_member(path, "f"), sizes) == (kept, [len(kept)])


def test_json_with_names_that_are_no_utf8_is_written(path: Path):
    write_one(path, lambda archive: archive.add_json("list.json", {"names": ["caf\udce9", "ä"]}))
    assert read_member(path, "list.json").isascii()
    assert verify(path) == []


def test_facts_with_names_that_are_no_utf8_are_written(path: Path):
    with writing(path, {"cwd": "caf\udce9"}) as (archive, _):
        archive.add_bytes("caf\udce9", b"x")
    manifest = read_manifest(path)
    assert (manifest.facts, [member.name for member in manifest.members]) == ({"cwd": "caf\udce9"}, ["caf\udce9"])


def test_progress_counts_every_byte_that_was_read(path: Path):
    counted: list[int] = []
    with writing(path, {}, advance=counted.append) as (archive, results):
        archive.add_bytes("a", b"x" * 100_000)
        archive.add_bytes("b", b"y" * 7)
    assert sum(counted) == results[0].content_bytes


def test_two_members_of_one_name_are_refused(path: Path):
    def twice(archive: ArchiveWriter) -> None:
        archive.add_bytes("a", b"1")
        archive.add_bytes("a", b"2")

    with pytest.raises(CheckpointError, match="two members called 'a'"):
        write_one(path, twice)
    assert files_below(path.parent) == []


@pytest.mark.parametrize("name", ["../out", "/etc/passwd", "", "a/../../b", "./a", MANIFEST])
def test_a_name_that_must_not_be_unpacked_never_gets_a_file(path: Path, name: str):
    with pytest.raises(CheckpointError):
        write_one(path, lambda archive: archive.add_bytes(name, b"x"))
    assert files_below(path.parent) == []


def test_a_file_that_is_there_already_is_not_touched(written: Written, path: Path):
    before = path.read_bytes()
    with pytest.raises(CheckpointError, match="There is already a file"):
        write_one(path, lambda archive: archive.add_bytes("other", b""))
    assert path.read_bytes() == before
    assert files_below(path.parent) == [path.name]


def test_the_file_has_no_name_before_it_is_complete(path: Path):
    with writing(path, {}) as (archive, results):
        archive.add_bytes("a", b"x")
        (temp,) = path.parent.iterdir()
        assert temp.name.startswith(f".{path.name}.{os.getpid()}-")
        assert temp.stat().st_mode & 0o777 == 0o600
        assert results == []
    assert files_below(path.parent) == [path.name]


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError, CheckpointError])
def test_an_error_in_the_middle_goes_up_and_leaves_nothing(path: Path, error: type[BaseException]):
    def interrupted(archive: ArchiveWriter) -> None:
        archive.add_bytes("a", b"x")
        raise error("now")

    with pytest.raises(error, match="now"):
        write_one(path, interrupted)
    assert files_below(path.parent) == []


def test_a_writer_that_was_given_up_says_nothing_more_when_it_is_thrown_away(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    said: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: said.append(unraisable.exc_value))
    with suppress(RuntimeError), writing(path, {}) as (archive, _):
        archive.add_bytes("a", os.urandom(MEGABYTE))
        raise RuntimeError
    del archive
    gc.collect()
    assert said == []


def test_a_file_that_vanished_is_named(path: Path, tmp_path: Path):
    gone = tmp_path / "gone.jsonl"
    with pytest.raises(CheckpointError, match="No such file") as failed:
        write_one(path, lambda archive: archive.add_file("a", gone))
    assert failed.value.hint == f"Look at {gone}."
    assert files_below(path.parent) == []


def test_a_folder_is_no_file(path: Path, tmp_path: Path):
    with pytest.raises(CheckpointError, match="directory"):
        write_one(path, lambda archive: archive.add_file("a", tmp_path))
    assert files_below(path.parent) == []


SIZE = 64 * MEGABYTE
"""More than is read ahead."""


def while_reading(path: Path, source: Path, change: Callable[[], object]) -> Written:
    """Archive a file of many pieces and change it as soon as the first is read."""
    source.write_bytes(b"0123456\n" * (SIZE // 8))
    done: list[object] = []

    def advance(_: int) -> None:
        if not done:
            done.append(change())

    with writing(path, {}, advance=advance) as (archive, results):
        archive.add_file("a", source)
    return results[0]


def test_what_is_appended_while_a_file_is_read_is_left_out(path: Path, tmp_path: Path):
    source = tmp_path / "growing"

    def append() -> None:
        with source.open("ab") as file:
            file.write(b"more")

    while_reading(path, source, append)
    assert read_member(path, "a") == source.read_bytes()[:-4]
    assert verify(path) == []


def test_a_file_that_gets_shorter_while_it_is_read_asks_for_another_try(path: Path, tmp_path: Path):
    source = tmp_path / "shrinking"
    with pytest.raises(ChangedWhileRead, match="a changed while it was read") as failed:
        while_reading(path, source, lambda: os.truncate(source, MEGABYTE))
    assert failed.value.hint == "Try again."
    assert files_below(path.parent) == []


@pytest.mark.parametrize("replace", [False, True], ids=["removed", "replaced"])
def test_a_file_that_loses_its_name_while_it_is_read_is_kept_whole(path: Path, tmp_path: Path, replace: bool):
    source, other = tmp_path / "source", tmp_path / "other"
    other.write_text("other")
    while_reading(path, source, lambda: other.rename(source) if replace else source.unlink())
    assert read_member(path, "a") == b"0123456\n" * (SIZE // 8)


def test_a_file_that_is_written_over_while_it_is_read_still_makes_an_archive_that_verifies(path: Path, tmp_path: Path):
    source = tmp_path / "source"
    while_reading(path, source, lambda: source.write_bytes(b"x" * SIZE))
    assert verify(path) == []
    assert len(read_member(path, "a")) == SIZE


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_says_so_and_leaves_nothing(path: Path, number: int):
    def fill(archive: ArchiveWriter) -> None:
        archive.add_bytes("a", b"x")
        raise OSError(number, os.strerror(number))

    with pytest.raises(DiskFull, match="The disk is full") as failed:
        write_one(path, fill)
    assert "hive-tui prune" in failed.value.hint
    assert files_below(path.parent) == []


def in_a_child(work: Callable[[], bool]) -> bool:
    """Whether it came out as wanted, in a process whose limits are its own."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize("limit", [0, 1, 4096, 200_000])
def test_a_file_that_may_not_grow_is_not_written(path: Path, limit: int):
    def write() -> bool:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        try:
            write_one(path, lambda archive: archive.add_bytes("a", os.urandom(MEGABYTE)))
        except CheckpointError as error:
            return "could not be written: File too large" in error.what and files_below(path.parent) == []
        return False

    assert in_a_child(write)
    assert files_below(path.parent) == []


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError) as failed:
        write_one(tmp_path / "file" / "ada" / "a.tar.zst", lambda archive: archive.add_bytes("a", b""))
    assert str(tmp_path / "file") in failed.value.hint


def test_sweeping_removes_what_dead_writers_left_and_nothing_else(written: Written, path: Path):
    folder = path.parent
    dead = folder / f".{path.name}.4242-0badcafe.tmp"
    alive = folder / f".{path.name}.4343-0badcafe.tmp"
    others = [folder / ".notes.tmp", folder / "x.4242-0badcafe.tmp", folder / ".4242-0badcafe"]
    for file in (dead, alive, *others):
        file.write_text("x")
    assert sweep(folder.parent, lambda pid: pid == 4343) == [dead]
    assert files_below(folder) == sorted(file.name for file in (path, alive, *others))
