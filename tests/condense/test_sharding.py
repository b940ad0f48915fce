"""Several processes make of a long transcript what one makes of it, whatever becomes of them."""

import os
import signal
from multiprocessing import active_children
from pathlib import Path

import pytest

from hive_tui.condense import ledger, sharding
from hive_tui.condense.digesting import digest
from hive_tui.condense.reading import read
from hive_tui.condense.records import Reading
from tests.condense.invented import invent


@pytest.fixture(params=["claude", "codex", "utf-16"])
def transcript(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One that counts as long, and is cut into about twenty shards."""
    monkeypatch.setattr(ledger, "LONG_BYTES", 1)
    monkeypatch.setattr(sharding.Shards.__init__, "__kwdefaults__", {"shard_bytes": 8_000})
    path = invent(5, "codex" if request.param == "codex" else "claude").write(tmp_path / "t.jsonl")
    if request.param == "utf-16":
        path.write_bytes(path.read_text().encode("utf-16"))
    return path


def test_the_ledger_is_the_same_with_any_number_of_processes(transcript: Path):
    alone = ledger.condense(transcript)
    told: list[float] = []
    assert ledger.condense(transcript, helpers=sharding.Helpers(2), on_progress=told.append) == alone


def test_digests_of_other_processes_are_used_and_the_missing_ones_are_made(transcript: Path):
    alone = [digest(record) for record in read(transcript)]
    reading = Reading()
    with sharding.Shards(transcript, sharding.Helpers(2)) as shards:
        found = []
        for number, record in enumerate(read(transcript, reading)):
            found.append(shards.digest(record, reading.size_bytes))
            if number == len(alone) // 3:
                for child in active_children():
                    os.kill(int(child.pid or 0), signal.SIGKILL)
        is_utf_16 = transcript.read_bytes()[:2] == b"\xff\xfe"
        assert shards.used == 0 if is_utf_16 else len(alone) / 8 < shards.used < len(alone)
    assert found == alone
    assert active_children() == []
