"""What differs between two checkpoints of an agent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hive_tui.domain.durations import bytes_in_words, counted


@dataclass(frozen=True, slots=True)
class FileDelta:
    """A file that differs."""

    path: str
    old_bytes: int | None
    """None: it was not there."""
    new_bytes: int | None
    """None: it is not there any more."""

    @property
    def change(self) -> str:
        """`added`, `removed` or `changed`."""
        if self.old_bytes is None:
            return "added"
        return "removed" if self.new_bytes is None else "changed"

    def words(self) -> str:
        """For a person."""
        if self.change == "added":
            return f"+ {self.path}  {bytes_in_words(self.new_bytes or 0)}"
        if self.change == "removed":
            return f"- {self.path}  {bytes_in_words(self.old_bytes or 0)}"
        before, after = bytes_in_words(self.old_bytes or 0), bytes_in_words(self.new_bytes or 0)
        return f"~ {self.path}  {before if before == after else f'{before} -> {after}'}"

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        return {"path": self.path, "change": self.change, "old_bytes": self.old_bytes, "new_bytes": self.new_bytes}


@dataclass(frozen=True, slots=True)
class TranscriptSize:
    """How long a conversation is."""

    session_id: str | None
    lines: int
    messages: int
    """Lines that a person or the agent said."""
    size_bytes: int


@dataclass(frozen=True, slots=True)
class StreamDelta:
    """A stream that differs; None where a checkpoint has it not."""

    key: str
    before: tuple[int, int] | None
    """Entries, and those of them that are pending."""
    after: tuple[int, int] | None

    def words(self) -> str:
        """For a person."""
        return f"{self.key}: {_stream_words(self.before)} -> {_stream_words(self.after)}"

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        ends = {"from": self.before, "to": self.after}
        return {"key": self.key} | {
            name: {"entries": end[0], "pending": end[1]} if end else None for name, end in ends.items()
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """From an older checkpoint to a newer one, or the other way round."""

    files: tuple[FileDelta, ...]
    head: tuple[str | None, str | None]
    """Commits, before and after."""
    branch: tuple[str | None, str | None]
    transcript: tuple[TranscriptSize, TranscriptSize]
    others: tuple[FileDelta, ...]
    """Members beside workspace, conversation and streams."""
    notes: tuple[str, ...] = ()
    streams: tuple[StreamDelta, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs that a person would miss."""
        return not self.files and self.head[0] == self.head[1] and self.transcript[0] == self.transcript[1]

    def counts(self) -> Mapping[str, int]:
        """How many files were added, changed and removed."""
        said = [one.change for one in self.files]
        return {name: said.count(name) for name in ("added", "changed", "removed")}

    def summary(self) -> str:
        """One line."""
        count = self.counts()
        files = f"{count['added']} added, {count['changed']} changed, {count['removed']} removed"
        return f"files: {files}; conversation: {conversation_words(*self.transcript)}"

    def lines(self, *, limit: int = 200) -> list[str]:
        """For a person; at most so many files."""
        found = [f"  files: {', '.join(f'{number} {name}' for name, number in self.counts().items())}"]
        found += _listed(self.files, limit)
        if self.head[0] != self.head[1] or self.branch[0] != self.branch[1]:
            found.append(f"  HEAD: {_place(self.branch[0], self.head[0])} -> {_place(self.branch[1], self.head[1])}")
        found.append(f"  conversation: {conversation_words(*self.transcript)}")
        found += [f"  stream {one.words()}" for one in self.streams]
        if self.others:
            found += ["  also:", *_listed(self.others, limit)]
        return found + [f"  note: {note}" for note in self.notes]

    def to_json(self) -> dict[str, Any]:
        """For `--json`."""
        keys = ("session_id", "lines", "messages", "size_bytes")
        before, after = ({key: getattr(one, key) for key in keys} for one in self.transcript)
        return {
            "files": [one.to_json() for one in self.files],
            "counts": dict(self.counts()),
            "head": list(self.head),
            "branch": list(self.branch),
            "transcript": {"from": before, "to": after},
            "streams": [one.to_json() for one in self.streams],
            "others": [one.to_json() for one in self.others],
            "notes": list(self.notes),
        }


def _stream_words(end: tuple[int, int] | None) -> str:
    return f"{counted(end[0], 'entry')}, {end[1]} pending" if end else "not there"


def conversation_words(before: TranscriptSize, after: TranscriptSize) -> str:
    """How a conversation differs, for a person."""
    if before.session_id != after.session_id:
        return f"another one, with {counted(after.messages, 'message')} instead of {before.messages}"
    if before == after:
        return f"the same, {counted(after.messages, 'message')}"
    more = after.messages - before.messages
    size = f"{bytes_in_words(before.size_bytes)} -> {bytes_in_words(after.size_bytes)}"
    return f"{before.messages} -> {counted(after.messages, 'message')} ({more:+d}), {size}"


def _listed(files: Sequence[FileDelta], limit: int) -> list[str]:
    shown = [f"    {one.words()}" for one in files[:limit]]
    return shown + ([f"    and {len(files) - limit} more"] if len(files) > limit else [])


def _place(branch: str | None, commit: str | None) -> str:
    return f"{branch or 'detached'} at {(commit or 'no commit')[:10]}"
