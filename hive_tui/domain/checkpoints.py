"""Checkpoints: what the catalog knows about each, and what can be wrong with one."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, field


class CheckpointReason(StrEnum):
    """Why a checkpoint was taken."""

    NAP = "nap"
    MANUAL = "manual"
    SAFETY = "safety"
    """Before a restore, of what was there."""
    SCHEDULE = "schedule"


class Defect(StrEnum):
    """Kinds of validation errors."""

    MISSING_FILE = "missing_file"
    UNREADABLE = "unreadable"
    TRUNCATED = "truncated"
    HASH_MISMATCH = "hash_mismatch"
    SIZE_MISMATCH = "size_mismatch"
    MISSING_MEMBER = "missing_member"
    EXTRA_MEMBER = "extra_member"
    UNSAFE_MEMBER = "unsafe_member"
    BAD_MANIFEST = "bad_manifest"
    NEWER_FORMAT = "newer_format"
    BAD_BUNDLE = "bad_bundle"
    BAD_TRANSCRIPT = "bad_transcript"
    BAD_DATABASE = "bad_database"


class Depth(StrEnum):
    """How closely a checkpoint file is looked at."""

    FAST = "fast"
    """Every byte of the file against its hash."""
    DEEP = "deep"
    """And everything in it is unpacked, every member against its own hash."""


class ValidationError(Struct, frozen=True):
    """One thing that is wrong with a checkpoint."""

    kind: Defect
    detail: str
    member: str | None = None
    """The member it concerns; None for the file as a whole."""

    def to_json(self) -> dict[str, Any]:
        """As it stands in the catalog and in `--json`."""
        return {"member": self.member, "kind": str(self.kind), "detail": self.detail}

    def __str__(self) -> str:
        return f"{self.member}: {self.detail}" if self.member else self.detail


class Checkpoint(Struct, frozen=True):
    """One row of the catalog."""

    id: str
    agent_id: str
    generation: int
    """0 is the agent's newest checkpoint, 1 the one before."""
    created_at: datetime
    path: str
    sha256: str
    size_bytes: int
    is_valid: bool
    reason: CheckpointReason
    validation_errors: tuple[ValidationError, ...] = ()
    validated_at: datetime | None = None
    session_id: str | None = None
    took_s: float = 0.0
    summary: Mapping[str, Any] = field(default_factory=dict)
    """Facts for lists: branch, dirty files, transcript lines, notes on what is not in it."""
    new_bytes: int | None = None
    """Bytes of the file that were not taken over from the checkpoint before; None where nobody counted."""
    proven_at: datetime | None = None
    """When a drill last restored it into a scratch folder and found everything as recorded."""
    proven_note: str = ""
    """What the last drill found, for a person."""
    drilled_at: datetime | None = None
    """When the last drill of it began to count, whatever came of it."""
    is_local: bool = True
    """False where the file was removed here on purpose, and only the off-site copy is left."""
    imported_at: datetime | None = None
    """When a person imported it; None for one that was taken here."""

    @property
    def content_bytes(self) -> int:
        """About what it takes when it is unpacked; the file's own size where nobody counted."""
        return int(self.summary.get("content_bytes") or self.size_bytes)


def next_step(checkpoint: Checkpoint, errors: Sequence[ValidationError]) -> str:
    """What a person can do about a checkpoint with these errors."""
    gone = f"`hive-tui delete {checkpoint.id[:8]}` takes it out of the catalog"
    if any(error.kind is Defect.NEWER_FORMAT for error in errors):
        return "Update hive-tui to read it."
    if any(error.kind is Defect.MISSING_FILE for error in errors):
        return f"Put the file back, from a backup of its folder, and validate it again; or {gone}."
    return f"Wakes and restores use another generation; {gone}."


MAX_FALLBACKS = 3
"""How many damaged generations a wake steps over before it gives up."""


def candidates(checkpoints: Sequence[Checkpoint], preferred: str | None) -> list[Checkpoint]:
    """In which order a wake tries checkpoints: the preferred one, then by generation, at most 4."""
    ordered = sorted(checkpoints, key=lambda checkpoint: checkpoint.generation)
    first = [checkpoint for checkpoint in ordered if checkpoint.id == preferred]
    start = first[0].generation if first else -1
    older = [checkpoint for checkpoint in ordered if checkpoint.generation > start]
    newer = [checkpoint for checkpoint in ordered if checkpoint.generation < start]
    return (first + older + newer)[: MAX_FALLBACKS + 1]


def previous(checkpoints: Sequence[Checkpoint], current_id: str | None) -> Checkpoint | None:
    """The generation before the one that an agent stands at; None if there is none.

    Safety copies are stations of a way back, and no generation of work; damaged ones help nobody.

    Args:
        checkpoints: All of one agent, in any order.
        current_id: The one that the agent was put to sleep with, or was restored to; None for its newest.
    """
    ordered = sorted(checkpoints, key=lambda checkpoint: checkpoint.generation)
    current = next((one.generation for one in ordered if one.id == current_id), 0)
    older = (one for one in ordered if one.generation > current)
    return next((one for one in older if one.is_valid and one.reason is not CheckpointReason.SAFETY), None)
