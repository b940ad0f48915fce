"""Checkpoint writing: megabytes of a session file a second, for one of 200 MB that looks like a transcript.

Ours writes the file, fsyncs it, reads it back and verifies it, as every checkpoint does. Beside it, on
the same data, to a file on the same disk: `tar | zstd -1`, `tar --zstd` (level 3, which is ours too),
and what gives the same promise: `tar --zstd`, `sync`, `zstd -t` and `sha256sum`.
"""

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path
from random import Random
from time import perf_counter

from hive_tui.archive.writer import writing
from tests.bench.figures import Row, Section, alternate
from tests.bench.plan import Plan

SIZE_BYTES = 200_000_000
BLOCK_BYTES = 10_000_000
"""More than zstd looks back at these levels, so that a repeated block is as good as a new one."""


def measure(plan: Plan) -> Section:
    """Write the same file in four ways in turn."""
    folder = plan.folder / "checkpoints"
    folder.mkdir()
    source = folder / "session.jsonl"
    make_transcript(source)
    tar, source_name, out = f"tar -C {shlex.quote(str(folder))} -cf", source.name, shlex.quote(str(folder / "out"))
    compressed = f"{tar} {out} --zstd {source_name}"
    found = alternate(
        min(plan.runs, 3),
        {
            "ours": lambda: _ours(source, folder / "ours.tar.zst"),
            "fast": _shell(f"{tar} - {source_name} | zstd -1 -q -f -o {out}"),
            "same level": _shell(compressed),
            "same promise": _shell(f"{compressed} && sync {out} && zstd -q -t < {out} && sha256sum < {out}"),
        },
    )
    rows = [
        Row("against tar | zstd -1", "MB/s", found["ours"], found["fast"]),
        Row("against tar --zstd", "MB/s", found["ours"], found["same level"]),
        Row("against tar, sync, test, hash", "MB/s", found["ours"], found["same promise"]),
    ]
    return Section("Checkpoint of a 200 MB session file", "tar and zstd", rows)


def make_transcript(path: Path) -> None:
    """Lines of JSON with words and a few random ids: it compresses to about a fifth."""
    random = Random(7)
    words = ["".join(random.choices("abcdefghijklmnopqrstuvwxyz", k=random.randint(2, 9))) for _ in range(3000)]
    weights = [1 / (rank + 1) for rank in range(len(words))]
    lines: list[str] = []
    size = 0
    while size < BLOCK_BYTES:
        text = " ".join(random.choices(words, weights, k=random.randint(10, 400)))
        lines.append(json.dumps({"uuid": f"{random.getrandbits(128):032x}", "type": "assistant", "text": text}))
        size += len(lines[-1]) + 1
    block = ("\n".join(lines) + "\n").encode()
    with path.open("wb") as file:
        for _ in range(SIZE_BYTES // len(block) + 1):
            file.write(block)


def _ours(source: Path, path: Path) -> float:
    began = perf_counter()
    with writing(path, {"agent": "bench"}) as (archive, _):
        size = archive.add_file("session/transcript.jsonl", source, whole_lines=True)
    took_s = perf_counter() - began
    path.unlink()
    return size / 1e6 / took_s


def _shell(line: str) -> Callable[[], float]:
    def run() -> float:
        began = perf_counter()
        subprocess.run(["bash", "-o", "pipefail", "-c", line], check=True, stdout=subprocess.DEVNULL)
        return SIZE_BYTES / 1e6 / (perf_counter() - began)

    return run
