"""What was written is read from the disk while more is written, and after the disk has confirmed it."""

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from hive_tui.archive.readback import BEHIND_BYTES, Piece, ReadBack, check_of

PIECE_BYTES = 3_000_001
COUNT = BEHIND_BYTES // PIECE_BYTES + 6


@pytest.fixture(scope="module")
def raw() -> bytes:
    return Random(3).randbytes(COUNT * PIECE_BYTES)


@pytest.fixture(scope="module")
def pieces(raw: bytes) -> list[Piece]:
    parts = [(at, raw[at : at + PIECE_BYTES]) for at in range(0, len(raw), PIECE_BYTES)]
    return [Piece(at, at + len(part), check_of(part)) for at, part in parts]


@pytest.fixture
def path(tmp_path: Path, raw: bytes) -> Path:
    path = tmp_path / "file"
    path.write_bytes(raw)
    return path


def damage(path: Path, *numbers: int) -> None:
    with path.open("r+b") as file:
        for number in numbers:
            file.seek(number * PIECE_BYTES + 77)
            file.write(b"damage")


def followed(path: Path, pieces: list[Piece], confirm: Callable[[], None]) -> list[Piece]:
    """Told of more and more pieces; of each the last bytes are not stored yet."""
    read_back = ReadBack(path, confirm)
    try:
        for known in range(1, len(pieces) + 1):
            read_back.follow(pieces[:known], pieces[known - 1].end - 5)
        return read_back.differing(pieces)
    finally:
        read_back.stop()


def test_a_file_that_is_as_it_was_written_has_no_piece_that_differs(path: Path, pieces: list[Piece]):
    confirmed: list[bool] = []
    assert followed(path, pieces, lambda: confirmed.append(True)) == []
    assert confirmed == [True], "the first part was read before the end"


def test_no_piece_is_read_before_the_disk_has_confirmed_it(path: Path, pieces: list[Piece]):
    """What the disk got wrong shows only then."""
    assert followed(path, pieces, lambda: damage(path, 0, 4)) == [pieces[0], pieces[4]]


@pytest.mark.parametrize("number", [0, 4, BEHIND_BYTES // PIECE_BYTES, COUNT - 1])
def test_a_piece_that_differs_is_found_wherever_it_is(path: Path, pieces: list[Piece], number: int):
    damage(path, number)
    assert followed(path, pieces, lambda: None) == [pieces[number]]


def test_a_disk_that_does_not_confirm_is_an_error(path: Path, pieces: list[Piece]):
    def confirm() -> None:
        raise OSError(5, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        followed(path, pieces, confirm)


def test_another_file_in_its_place_is_an_error(path: Path, pieces: list[Piece]):
    """It would get the name, and nobody has read it."""

    def confirm() -> None:
        path.rename(path.with_name("moved"))
        path.write_bytes(b"other")

    with pytest.raises(FileNotFoundError):
        followed(path, pieces, confirm)
