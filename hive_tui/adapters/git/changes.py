"""What was seen of a work tree, and what of it differs from the trees that git has already."""

import os
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from hive_tui.adapters.git.commits import Changes
from hive_tui.adapters.git.contents import Blob, Taken
from hive_tui.adapters.git.index_file import NewEntry, changed
from hive_tui.adapters.git.index_file import empty as empty_index
from hive_tui.adapters.git.listing import Entry, Index
from hive_tui.adapters.git.survey import Survey
from hive_tui.adapters.git.untracked import Untracked
from hive_tui.domain.workspaces import GITLINK, Difference, IndexState, NestedRepository, Skipped


@dataclass(frozen=True)
class Seen:
    """Everything that one look at a work tree has found."""

    index: Index
    index_state: IndexState
    staged: tuple[Difference, ...] | None
    """How the index differs from HEAD; None if there is no HEAD that could be compared."""
    survey: Survey
    untracked: Untracked
    taken: Taken

    @property
    def nested(self) -> tuple[NestedRepository, ...]:
        """Repositories inside the work tree."""
        submodules = self.index.submodules.items()
        tracked = [NestedRepository(os.fsdecode(path), entry.blob) for path, entry in submodules]
        return (*tracked, *self.untracked.nested)

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """Files that are there and that were not captured."""
        found = {item.path: item for item in (*self.survey.skipped, *self.untracked.skipped, *self.taken.skipped)}
        return tuple(found[path] for path in sorted(found))

    @property
    def knows_left_out(self) -> bool:
        """Whether what is not captured is just what git lists as untracked and is not wanted."""
        return not self.survey.skipped and not self.taken.skipped

    def healed(self) -> list[str]:
        """Files whose content the repository has lost, and that were read from disk."""
        return self._holding(self.survey.lost & {blob.id for blob in self.taken.blobs.values()})

    def missing(self) -> list[str]:
        """Files whose staged content the repository has lost."""
        return self._holding(self._lost)

    def index_changes(self, *, whole: bool) -> Changes:
        """How the index differs from HEAD, or all that it holds; without blobs that are lost."""
        lost = self._lost
        if whole or self.staged is None:
            return {
                entry.path: Blob(entry.mode, entry.blob)
                for entry in self.index.entries
                if entry.stage == 0 and not self._is_intended(entry) and entry.blob not in lost
            }
        return {
            os.fsencode(item.path): Blob(item.new_mode, item.new_id)
            if item.new_id and item.new_mode and item.new_id not in lost
            else None
            for item in self.staged
        }

    def worktree_changes(self) -> Changes:
        """How the files on disk differ from the index."""
        not_taken = (os.fsencode(item.path) for item in self.skipped)
        gone = (*self.survey.gone, *self.survey.to_read, *not_taken)
        return dict.fromkeys(gone) | self.taken.blobs

    def as_index(self, object_format: str) -> bytes | None:
        """The content of an index that says how every captured file looked; None where the index could not be read."""
        index = self.index.file or (None if self.index.paths else empty_index(object_format))
        if index is None:
            return None
        stats, found = self.taken.stats, self.worktree_changes().items()
        return changed(
            index, {path: NewEntry(blob.mode, blob.id, stats[path]) if blob else None for path, blob in found}
        )

    def loose_blobs(self) -> set[str]:
        """Blobs of entries that no tree can hold: unmerged ones, and those that are only an intent to add."""
        intended = (self.index.file_at(path) for path, letter in self.survey.letters.items() if letter == "A")
        unmerged = (entry for entry in self.index.special if entry.stage and entry.mode != GITLINK)
        return {entry.blob for entry in (*intended, *unmerged) if entry} - self._lost

    def counts(self) -> dict[str, Any]:
        """Numbers for people: staged, modified, untracked, deleted, conflicted."""
        conflicts = self.index.conflicts
        staged = len(self.index_changes(whole=True)) if self.staged is None else len(self.staged)
        modified = [
            path
            for path in self.survey.letters.keys() & self.taken.blobs.keys()
            if (entry := self.index.file_at(path)) and self.taken.blobs[path] != Blob(entry.mode, entry.blob)
        ]
        return {
            "staged": staged - len(conflicts & {os.fsencode(item.path) for item in self.staged or ()}),
            "modified": len(modified),
            "untracked": sum(path in self.taken.blobs for path in self.untracked.wanted),
            "deleted": sum(
                entry is not None and entry.tag != "S" for entry in map(self.index.file_at, self.survey.gone)
            ),
            "conflicted": len(conflicts),
        }

    def _is_intended(self, entry: Entry) -> bool:
        return self.survey.letters.get(entry.path) == "A"

    def _holding(self, blobs: set[str]) -> list[str]:
        pairs = zip(self.index.paths, self.index.blobs, strict=True) if blobs else ()
        return [os.fsdecode(path) for path, blob in pairs if blob in blobs]

    @cached_property
    def _lost(self) -> set[str]:
        return self.survey.lost - {blob.id for blob in self.taken.blobs.values()}
