"""Checkpoint files that the writer would never make."""

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import zstandard

from hive_tui.archive.format import MANIFEST

GOOD = (("agent.json", b"{}"), ("session/a.jsonl", b"one\ntwo\n"))
"""Members of an archive that is good unless a test changes it."""


def entry(name: str, content: bytes = b"", **facts: Any) -> tuple[tarfile.TarInfo, bytes]:
    """A member as it stands in the tar; `facts` are attributes of its header."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = len(content), 0o600
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info, content


def listed(name: str, content: bytes = b"", /, **facts: Any) -> dict[str, Any]:
    """A member as it stands in the manifest."""
    found = {"name": name, "size_bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), "mode": 0o600}
    return {**found, **facts}


def manifest(members: Iterable[dict[str, Any]], /, **facts: Any) -> bytes:
    return json.dumps({"members": list(members), "facts": {}, "format_version": 1, **facts}).encode()


def tar_of(entries: Iterable[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for info, content in entries:
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def packed(path: Path, raw: bytes) -> Path:
    """`raw` in one zstd frame."""
    path.write_bytes(zstandard.ZstdCompressor(write_checksum=True).compress(raw))
    return path


def forge(path: Path, entries: Iterable[tuple[tarfile.TarInfo, bytes]], **facts: Any) -> Path:
    """An archive of these members, with a manifest at its end that lists all of them."""
    known = list(entries)
    last = manifest((listed(info.name, content) for info, content in known), **facts)
    return packed(path, tar_of([*known, entry(MANIFEST, last)]))


def good_entries() -> list[tuple[tarfile.TarInfo, bytes]]:
    return [entry(name, content) for name, content in GOOD]
