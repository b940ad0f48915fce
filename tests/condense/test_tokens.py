"""The estimate of tokens against counts that the o200k vocabulary gave."""

import pytest

from hive_tui.condense.tokens import count

PROSE = "Nothing is lost: no process is ended before a checkpoint of it has been written, synced and verified. " * 20
CODE = "    def count(self, text: str) -> int:\n        return len(PIECE.findall(text, at, at + STEP))\n" * 20
OUTPUT = "tests/test_nap.py::test_a_nap_is_refused_17 PASSED [ 42%]\n-rw-r--r-- 1 dev dev 72384 Mar 1 21:59 b.py\n" * 20


@pytest.mark.parametrize(
    ("text", "counted"), [(PROSE, 421), (CODE, 540), (OUTPUT, 900)], ids=["prose", "code", "output"]
)
def test_the_estimate_is_near_and_rarely_too_low(text: str, counted: int):
    assert 0.93 * counted <= count(text) <= 1.2 * counted


def test_a_text_longer_than_a_step_is_counted_whole():
    assert 400_000 <= count("ab " * 400_000) <= 400_003
