"""A ledger as data, and how it is known whether it still is what its transcript would give."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from hive_tui.condense.ledger import Budget, Ledger
from hive_tui.condense.records import Reading

END_BYTES = 65_536
_PLAIN = [one.name for one in fields(Ledger) if one.name not in ("text", "reading", "first_at", "last_at")]


def fingerprint(path: Path, before: Sequence[Path], budget: Budget) -> str:
    """The same as long as the transcripts are as they were. They only grow, so their sizes and ends tell.

    Raises:
        OSError: The transcript cannot be read. An earlier one that is gone counts as empty.
    """
    told = sha256(repr(asdict(budget)).encode())
    for one in (*before, path):
        told.update(repr(str(one)).encode() + (_end_of(one) if one == path or one.is_file() else b"gone"))
    return told.hexdigest()


def _end_of(path: Path) -> bytes:
    with path.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(0)
        head = file.read(min(size, END_BYTES))
        file.seek(max(0, size - END_BYTES))
        return b"%d" % size + sha256(head + file.read(END_BYTES)).digest()


def to_facts(ledger: Ledger) -> dict[str, Any]:
    """All of it but the text."""
    return {
        **{name: getattr(ledger, name) for name in _PLAIN},
        "first_at": ledger.first_at.isoformat() if ledger.first_at else None,
        "last_at": ledger.last_at.isoformat() if ledger.last_at else None,
        "lines": ledger.reading.lines,
        "size_bytes": ledger.reading.size_bytes,
        "skipped": dict(ledger.reading.skipped),
        "sha256": sha256(ledger.text.encode()).hexdigest(),
    }


def from_facts(facts: Mapping[str, Any], text: str) -> Ledger:
    """The ledger that these are of.

    Raises:
        ValueError, KeyError: They are not those of this text, or damaged.
    """
    if facts["sha256"] != sha256(text.encode()).hexdigest():
        raise ValueError("another text")
    reading = Reading(int(facts["lines"]), int(facts["size_bytes"]), Counter(facts["skipped"]))
    first_at, last_at = (datetime.fromisoformat(facts[at]) if facts[at] else None for at in ("first_at", "last_at"))
    plain = {name: facts[name] for name in _PLAIN}
    return Ledger(text=text, reading=reading, first_at=first_at, last_at=last_at, **plain)
