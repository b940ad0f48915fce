"""What the kernel says of memory."""

from pathlib import Path

from hive_tui.adapters.memory import read_memory
from hive_tui.domain.idle import IdlePolicy, Memory

MEMINFO = (
    "MemTotal:       16000000 kB\nMemFree:          100000 kB\nMemAvailable:    4000000 kB\nHugePages_Total:   0\n"
)
PRESSURE = "some avg10=80.00 avg60=12.50 avg300=1.00 total=123\nfull avg10=70.00 avg60=50.00 avg300=0.50 total=99\n"


def test_what_linux_says(tmp_path: Path):
    (tmp_path / "pressure").mkdir()
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "pressure/memory").write_text(PRESSURE)
    assert read_memory(tmp_path) == Memory(0.25, 0.125)


def test_where_nothing_is_said_nothing_is_known_and_memory_is_not_short(tmp_path: Path):
    assert read_memory(tmp_path) == Memory(None, None)
    (tmp_path / "meminfo").write_bytes(b"MemTotal: 0 kB\n\xff\xfe")
    assert not IdlePolicy(short_after_s=60).is_short(read_memory(tmp_path))


def test_this_machine_has_memory():
    share = read_memory().available_share
    assert share is not None and 0 < share <= 1
