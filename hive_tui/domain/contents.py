"""What a checkpoint holds, in a few words for lists."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.durations import bytes_in_words, counted

if TYPE_CHECKING:
    from hive_tui.domain.workspaces import WorkspaceFacts

FILES = "workspace/files"
"""The folder in a checkpoint that files of a workspace without git are in; links there may lead anywhere."""
MOST_NAMED = 20
"""Files that the catalog names of those that were left out; the checkpoint itself names all."""


def content(checkpoint: Checkpoint) -> str:
    """Branch and changes of its workspace, and the size of its transcript."""
    workspace: Mapping[str, Any] = checkpoint.summary.get("workspace", {})
    parts = []
    if workspace.get("kind") == "git":
        dirty = sum(int(workspace.get(key) or 0) for key in ("staged", "modified", "untracked", "deleted"))
        parts.append(f"git {workspace.get('branch') or 'detached'}, {dirty} changed")
        if workspace.get("needs_repo"):
            parts.append("needs the repository")
    elif workspace.get("kind") == "folder":
        parts.append(f"folder, {counted(int(workspace.get('files') or 0), 'file')}")
    elif workspace:
        parts.append("no files")
    if left_out := int(workspace.get("skipped") or 0):
        parts.append(f"{left_out} left out")
    if size := checkpoint.summary.get("transcript_bytes"):
        parts.append(f"transcript {bytes_in_words(int(size))}")
    return ", ".join(parts)


def left_out(workspace: "WorkspaceFacts", unread: Sequence[str] = (), *, most: int = MOST_NAMED) -> list[str]:
    """What is in the folder and not in the checkpoint, with the reason of each, for a person.

    Args:
        workspace: What was seen.
        unread: What could not be read afterwards, in words.
        most: How many to name; a last line counts the rest.
    """
    grouped = [str(one) for one in workspace.left_out]
    single = [] if grouped else [f"{one.path}: {one.reason}" for one in workspace.skipped]
    nested = [f"{one.path}: a repository of its own" for one in workspace.nested]
    found = [*unread, *grouped, *single, *nested]
    more = len(found) - most
    return found[:most] + ([f"and {more} more"] if more > 0 else [])


def lacks(checkpoint: Checkpoint) -> list[str]:
    """What a person may look for in the checkpoint in vain, with the reason of each."""
    workspace: Mapping[str, Any] = checkpoint.summary.get("workspace", {})
    streams: Mapping[str, Any] = checkpoint.summary.get("streams") or {}
    found = [str(one) for one in workspace.get("left_out", ())]
    found += [f"{path}: may hold credentials" for path in checkpoint.summary.get("left_out", ())]
    if missing := streams.get("missing"):
        found.append(f"the Redis streams: {missing}")
    return found + [str(note) for note in streams.get("notes", ())]
