"""Escape sequences in what programs write, cut anywhere."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hive_tui.domain.escapes import LONGEST_BYTES, OscParser

RECORDED = Path(__file__).parent / "recorded"
PIECES = (
    b"\x1b",
    b"]",
    b"P",
    b"\\",
    b"\x07",
    b"\x18",
    b"a",
    b"7501;state=idle",
    b"tmux;",
    b"\x1b]",
    b"\x1b\\",
    b"\xc3",
)


def found_in(*pieces: bytes) -> list[bytes]:
    parser = OscParser()
    return [content for piece in pieces for content in parser.feed(piece)]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        (b"a\x1b]7501;state=idle\x1b\\b", [b"7501;state=idle"]),
        (b"\x1b]9;4;1;50\x07\x1b]0;title\x07", [b"9;4;1;50", b"0;title"]),
        (b"\x1b]one\x1b]two\x07", [b"two"]),
        (b"\x1b]given up\x18\x07\x1b]9;4;0\x07", [b"9;4;0"]),
        (b"\x1b]given up\x1b[31mred\x07", []),
        (b"\x1b\x1b]after an escape\x07", [b"after an escape"]),
        (b"\x1bPtmux;\x1b\x1b]9;4;3\x07\x1b\\", [b"9;4;3"]),
        (b"\x1bPtmux;\x1b\x1b]9;4;3\x1b\x1b\\\x1b\\x\x1b]0;t\x07", [b"9;4;3", b"0;t"]),
        (b"\x1bPq sixel \x1b]9;4;1\x07\x1b\\\x1b]0;t\x07", [b"0;t"]),
        (b"\x1b_ an application's own 9;4;1 \x1b\\", []),
        (b"\x1b]" + b"x" * (LONGEST_BYTES + 1) + b"\x07\x1b]0;t\x07", [b"0;t"]),
        (b"\x1b]" + b"x" * LONGEST_BYTES + b"\x07", [b"x" * LONGEST_BYTES]),
        (b"7501;state=idle\x07 as plain text", []),
        (b"\x1b]never ended", []),
    ],
)
def test_complete_sequences_are_found(written: bytes, found: list[bytes]):
    assert found_in(written) == found


@given(st.lists(st.sampled_from(PIECES), max_size=40).map(b"".join), st.data())
def test_it_does_not_matter_where_the_bytes_are_cut(written: bytes, data: st.DataObject):
    cuts = sorted(data.draw(st.sets(st.integers(0, len(written)), max_size=10)))
    pieces = [written[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(written)], strict=True)]
    assert found_in(*pieces) == found_in(written) == found_in(*(bytes([byte]) for byte in written))


@pytest.mark.parametrize("name", ["codex", "claude"])
@given(length=st.integers(1, 400))
def test_a_recorded_stream_says_the_same_in_pieces_of_any_length(name: str, length: int):
    written = (RECORDED / f"{name}.bin").read_bytes()
    whole = found_in(written)
    assert any(content.startswith(b"7501;") for content in whole)
    assert found_in(*(written[at : at + length] for at in range(0, len(written), length))) == whole


def test_what_is_never_ended_takes_no_memory():
    parser = OscParser()
    for _ in range(200):
        assert list(parser.feed(b"\x1bP" + b"y" * 100_000 + b"\x1b]" + b"x" * 100_000)) == []
    assert not parser.is_within
    assert list(parser.feed(b"\x1b]0;t\x07")) == [b"0;t"]


@given(st.binary(max_size=3000))
def test_garbage_breaks_nothing(garbage: bytes):
    assert found_in(garbage, b"\x18\x1b\\\x1b]0;t\x07")[-1:] == [b"0;t"]
