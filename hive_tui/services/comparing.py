"""Finds out what differs between two checkpoints; changes nothing."""

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from hive_tui.adapters.reading import being_read
from hive_tui.archive import reader
from hive_tui.archive.format import Member
from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.comparison import Comparison, FileDelta, StreamDelta, TranscriptSize
from hive_tui.domain.contents import FILES
from hive_tui.domain.errors import CheckpointError
from hive_tui.domain.ports import Progress, Workspaces
from hive_tui.domain.streams import Stream, are_same, shown
from hive_tui.services.streams import Saved, load
from hive_tui.services.validation import Scratch, Validator

UNPACKED = ("workspace/", "session/", "redis/")
GIT_OWN = (
    "workspace/state.json",
    "workspace/repo.",
    "workspace/index",
    "workspace/in-progress",
    "workspace/in_progress",
    "workspace/files.json",
)
"""Members that hold a work tree as a whole; what differs in them is told by its files."""
OF_THE_MOMENT = ("agent.json", "tmux/", "session/files.json")
"""Members that differ between any two checkpoints, and say nothing about work."""
ROLES = frozenset({"user", "assistant"})


class Comparer:
    """Unpacks the workspaces and conversations of both into scratch folders."""

    def __init__(self, validator: Validator, scratch: Scratch, workspaces: Workspaces) -> None:
        self._validator = validator
        self._scratch = scratch
        self._workspaces = workspaces

    def compare(self, old: Checkpoint, new: Checkpoint, progress: Progress) -> Comparison:
        """What differs on the way from `old` to `new`.

        Raises:
            CheckpointError: One of the two is damaged.
            WorkspaceError: A workspace in them cannot be read.
        """
        with ExitStack() as opened:
            folders = []
            for one in (old, new):
                self._refuse_damaged(one, progress)
                opened.enter_context(being_read(Path(one.path)))
                folder = opened.enter_context(self._scratch.scratch())
                progress.step(f"unpacking generation {one.generation}", _unpacked_bytes(one))
                reader.extract(Path(one.path), folder, wanted=_is_unpacked, free_links=FILES, advance=progress.advance)
                folders.append(folder)
            progress.step("comparing")
            return self._compare(old, new, folders[0], folders[1], progress)

    def _refuse_damaged(self, one: Checkpoint, progress: Progress) -> None:
        errors = self._validator.check(one, progress=progress)
        if errors:
            raise CheckpointError(
                f"Generation {one.generation} is damaged: {errors[0]}.", hint="Compare other generations."
            )

    def _compare(self, old: Checkpoint, new: Checkpoint, before: Path, after: Path, progress: Progress) -> Comparison:
        was, now = _state(before), _state(after)
        both_git = was.get("kind") == now.get("kind") == "git"
        members = [{one.name: one for one in reader.read_manifest(Path(each.path)).members} for each in (old, new)]
        differing = _members_that_differ(*members)
        files = [
            replace(one, path=one.path.removeprefix(f"{FILES}/"))
            for one in differing
            if one.path.startswith("workspace/") and not one.path.startswith(GIT_OWN)
        ]
        if both_git:
            files = list(self._workspaces.compare(before / "workspace", after / "workspace", progress))
        streams, stream_notes = _streams((old, before), (new, after))
        notes = [*([] if both_git else [_kind_note(was, now)]), *stream_notes]
        return Comparison(
            files=tuple(files),
            head=(was.get("head"), now.get("head")),
            branch=(was.get("branch"), now.get("branch")),
            transcript=(_transcript(before), _transcript(after)),
            others=tuple(one for one in differing if not one.path.startswith((*UNPACKED, *OF_THE_MOMENT))),
            notes=tuple(note for note in notes if note),
            streams=tuple(streams),
        )


def _is_unpacked(name: str) -> bool:
    return name.startswith(UNPACKED) and not name.startswith(f"{FILES}/")


def _unpacked_bytes(one: Checkpoint) -> int:
    members = reader.read_manifest(Path(one.path)).members
    return sum(member.size_bytes for member in members if _is_unpacked(member.name))


def _members_that_differ(old: Mapping[str, Member], new: Mapping[str, Member]) -> list[FileDelta]:
    found = []
    for name in sorted(old.keys() | new.keys()):
        before, after = old.get(name), new.get(name)
        if before is None or after is None or (before.sha256, before.target) != (after.sha256, after.target):
            found.append(FileDelta(name, before.size_bytes if before else None, after.size_bytes if after else None))
    return found


def _kind_note(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    if was.get("kind") == now.get("kind"):
        return "" if was.get("kind") == "folder" else "the folder was not taken along, so its files are not in them"
    return f"the workspace was {was.get('kind', 'unknown')} and is {now.get('kind', 'unknown')}"


def _saved_streams(folder: Path) -> Saved | None:
    return load(lambda name: (folder / name).read_bytes())


def _streams(old: tuple[Checkpoint, Path], new: tuple[Checkpoint, Path]) -> tuple[list[StreamDelta], list[str]]:
    """The streams that differ, and notes; nothing is compared with a checkpoint that was taken without them."""
    was, now = _saved_streams(old[1]), _saved_streams(new[1])
    if was is None or now is None:
        lacking = [one for (one, _), found in ((old, was), (new, now)) if found is None]
        said = [f"generation {one.generation} is without streams" for one in lacking]
        return [], said if len(lacking) == 1 else []
    before, after = ({one.key: one for one in saved.streams} for saved in (was, now))
    keys = sorted(before.keys() | after.keys())
    ends = [(key, before.get(key), after.get(key)) for key in keys]
    return [
        StreamDelta(shown(key), _size(then), _size(here)) for key, then, here in ends if not are_same(then, here)
    ], []


def _size(stream: Stream | None) -> tuple[int, int] | None:
    return (stream.length, stream.pending) if stream is not None else None


def _state(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / "workspace/state.json").read_text()))
    except (OSError, ValueError):
        return {}


def _transcript(folder: Path) -> TranscriptSize:
    """Of all files of the conversation together."""
    listed = folder / "session/files.json"
    session_id = json.loads(listed.read_text()).get("session_id") if listed.exists() else None
    lines = messages = size = 0
    for path in sorted((folder / "session").rglob("*.jsonl")):
        size += path.stat().st_size
        with path.open("rb") as file:
            for line in file:
                lines += 1
                messages += _is_message(line)
    return TranscriptSize(session_id, lines, messages, size)


def _is_message(line: bytes) -> bool:
    """Whether a person or the agent speaks in it, in the ways in which the known kinds write that."""
    try:
        value = json.loads(line)
    except ValueError:
        return False
    if not isinstance(value, dict):
        return False
    inner = value.get("payload")
    said = [value.get("type"), value.get("role"), *([inner.get("role")] if isinstance(inner, dict) else [])]
    return any(one in ROLES for one in said if isinstance(one, str))
