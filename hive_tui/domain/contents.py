"""What a checkpoint holds, in a few words for lists."""

from collections.abc import Mapping
from typing import Any

from hive_tui.domain.checkpoints import Checkpoint
from hive_tui.domain.durations import bytes_in_words


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
        parts.append(f"folder, {int(workspace.get('files') or 0)} files")
    elif workspace:
        parts.append("no files")
    if left_out := int(workspace.get("skipped") or 0):
        parts.append(f"{left_out} left out")
    if size := checkpoint.summary.get("transcript_bytes"):
        parts.append(f"transcript {bytes_in_words(int(size))}")
    return ", ".join(parts)
