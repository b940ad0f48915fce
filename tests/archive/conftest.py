"""A small archive that holds what archives hold."""

from pathlib import Path

import pytest

from hive_tui.archive.writer import Written, writing

CONTENTS = {
    "agent.json": b'{\n "name": "ada"\n}',
    "session/transcript.jsonl": b'{"line": 1}\n{"line": 2}\n' * 20,
    "session/empty": b"",
    "workspace/bytes": bytes(range(256)),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where an archive is to be written, in a folder that is not there yet."""
    return tmp_path / "checkpoints" / "ada" / "20260105T120000Z.tar.zst"


@pytest.fixture
def written(path: Path) -> Written:
    """The archive with `CONTENTS`."""
    with writing(path, {"agent": "ada"}) as (archive, results):
        for name, content in CONTENTS.items():
            archive.add_bytes(name, content)
    return results[0]
