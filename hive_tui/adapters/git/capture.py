"""One capture of a work tree: look at it, read what differs, build commits, write the bundle."""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from hive_tui.adapters.folder.scope import is_too_wide
from hive_tui.adapters.git.changes import Seen
from hive_tui.adapters.git.command import GitFailed, is_full
from hive_tui.adapters.git.commits import Changes, Commits, write_commits
from hive_tui.adapters.git.contents import take_in
from hive_tui.adapters.git.history import (
    History,
    Past,
    needed_by_operations,
    pack_past,
    past_refs,
    write_files_only,
    write_history,
)
from hive_tui.adapters.git.in_progress import copy_in_progress, operations
from hive_tui.adapters.git.index import copy_index, load_index, look_everywhere
from hive_tui.adapters.git.listing import Index, differing_files, object_sizes, tree_differences
from hive_tui.adapters.git.repository import Repository
from hive_tui.adapters.git.sandbox import Sandbox
from hive_tui.adapters.git.survey import Survey, converted_files, survey_tracked
from hive_tui.adapters.git.untracked import Limits, Untracked, find_untracked, special_files
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import Difference, IndexState, WorkspaceFacts, WorkspaceKind

IN_PROGRESS = "in-progress"
BESIDE = 4
"""So many git commands at once."""
MAX_NAMED = 5
"""How many files a note names."""


class Capture:
    """Captures one repository's state into a folder."""

    def __init__(
        self,
        box: Sandbox,
        repository: Repository,
        into: Path,
        limits: Limits,
        ours: Sequence[Path],
        progress: Progress | None,
        kept_history: Path | None = None,
    ) -> None:
        assert repository.root is not None
        self._box = box
        self._repository = repository
        self._root = repository.root
        self._into = into
        self._limits = limits
        self._ours = (into, box.folder, repository.git_dir, repository.common_dir, *ours)
        self._progress = progress
        self._past = Past(limits.history_bytes, kept_history)
        self.is_settled = False
        """Whether no file has changed while it was read."""
        self.worktree_changes: Changes = {}
        """How the files that were captured differ from the index."""
        self._git = box.over(repository.root)
        self._notes: list[str] = []
        self._head, self._branch, self._index_stamp = self._look()

    def is_outdated(self) -> bool:
        """Whether HEAD or the index have changed since this began."""
        return self._look() != (self._head, self._branch, self._index_stamp)

    def take(self, cwd: Path) -> WorkspaceFacts:
        """Capture everything; the facts about it."""
        self._box.create(self._repository.object_format, self._repository)
        self._notes += copy_in_progress(self._repository.git_dir, self._into / IN_PROGRESS)
        self._note_damaged_branch()
        private_refs = self._repository.private_refs()
        extras = needed_by_operations(self._box, self._into / IN_PROGRESS) | set(private_refs.values())
        # What git does by itself goes beside what we do: there is more than one core.
        with ThreadPoolExecutor(BESIDE, thread_name_prefix="git") as beside:
            refs = past_refs(self._head, extras)
            past = beside.submit(pack_past, refs, self._box, self._repository, self._past)
            return self._take(cwd, beside, past, extras, private_refs)

    def _take(
        self,
        cwd: Path,
        beside: ThreadPoolExecutor,
        past: Future[Path | None],
        extras: set[str],
        private_refs: Mapping[str, str],
    ) -> WorkspaceFacts:
        seen = self._see(beside)
        self.is_settled = not seen.taken.unsettled
        self.worktree_changes = seen.worktree_changes()
        self._step("pack the history")
        commits, needs_repo = self._bundle(seen, extras, past)
        self._note_files("the repository has lost the content of, and that were read from disk", seen.healed())
        self._note_files("changed while they were read", seen.taken.unsettled)
        if not self._repository.is_partial():
            self._note_files("are staged with content that the repository has lost", seen.missing())
        return WorkspaceFacts(
            kind=WorkspaceKind.GIT,
            root=str(self._root),
            cwd=os.path.relpath(cwd.resolve(), self._root),
            git_dir=str(self._repository.git_dir),
            common_dir=str(self._repository.common_dir),
            object_format=self._repository.object_format,
            head=self._head,
            branch=self._branch,
            is_linked_worktree=self._repository.is_linked,
            operations=operations(self._into / IN_PROGRESS),
            nested=seen.nested,
            skipped=seen.skipped,
            index_state=seen.index_state,
            index_changed_ns=self._index_stamp[2] if self._index_stamp else 0,
            index=commits.index,
            worktree=commits.worktree,
            loose_blobs=commits.loose_blobs,
            extra_refs=private_refs,
            needs_repo=needs_repo,
            shallow=self._repository.shallow(),
            remotes=self._repository.remotes(),
            notes=tuple(self._notes),
            **seen.counts(),
        )

    def _see(self, beside: ThreadPoolExecutor) -> Seen:
        self._step("look at the repository")
        index, state = self._load_index()
        staged = beside.submit(self._staged, index)
        look_everywhere(self._git, index)
        untracked, survey = self._survey(index, beside)
        self._step("read files")
        wanted = [*survey.to_read, *untracked.wanted]
        taken = take_in(self._git, self._root, wanted, self._box.folder / "marks", self._progress)
        return Seen(index, state, staged.result(), survey, untracked, taken)

    def _load_index(self) -> tuple[Index, IndexState]:
        state = copy_index(self._repository.git_dir, self._into)
        if state is IndexState.ABSENT:
            return Index(()), state
        index, state = load_index(self._box, self._into, self._git, self._head)
        if state is IndexState.CORRUPT:
            (self._into / "index").unlink(missing_ok=True)
            self._notes.append("Git cannot read the index, so nothing staged is captured; the files are.")
        return index, state

    def _note_damaged_branch(self) -> None:
        """Git takes a branch that it cannot read for one without commits; after a power cut that can be wrong."""
        ref = self._repository.common_dir / "refs" / "heads" / (self._branch or "")
        if self._head is None and self._branch and ref.exists():
            self._notes.append(f"Git cannot read where the branch {self._branch} points, so no history is captured.")

    def _staged(self, index: Index) -> tuple[Difference, ...] | None:
        if self._head is None:
            return None
        try:
            return tuple(tree_differences(self._box.git, "diff-index", "--cached", self._head))
        except GitFailed as error:
            self._notes.append(f"HEAD cannot be compared with the index: {error.what}")
            return None

    def _survey(self, index: Index, beside: ThreadPoolExecutor) -> tuple[Untracked, Survey]:
        letters = beside.submit(differing_files, self._git)
        sizes = beside.submit(object_sizes, self._git, index.blobs)
        untracked = self._find_untracked(index)
        known = {entry.path for entry in index.entries} | set(untracked.wanted)
        converted = converted_files(self._git, self._box, self._repository, known)
        return untracked, survey_tracked(self._root, index, converted, sizes.result(), letters.result())

    def _find_untracked(self, index: Index) -> Untracked:
        if is_too_wide(self._root):
            self._notes.append(
                f"{self._root} holds far more than one piece of work, so only tracked files are captured."
            )
            return Untracked()
        untracked = find_untracked(self._git, self._root, self._limits, [path.resolve() for path in self._ours])
        known = {entry.path for entry in index.entries} | set(untracked.wanted)
        untracked.skipped += special_files(self._git, self._root, known)
        return untracked

    def _bundle(self, seen: Seen, extras: set[str], past: Future[Path | None]) -> tuple[Commits, bool]:
        """Write commits and the bundle; without history where the repository has lost parts of it."""
        base = None if seen.staged is None else self._head
        try:
            commits = self._commit(seen, base)
            history = History(self._head, commits, extras)
            return commits, write_history(history, self._box, self._repository, self._into, self._past, past.result)
        except GitFailed as error:
            if is_full(error):
                raise
            self._notes.append(f"The history is not captured, since the repository is damaged: {error.what}")
        commits = self._commit(seen, None)
        write_files_only(commits, self._box, self._repository, self._into)
        return commits, self._head is not None

    def _commit(self, seen: Seen, base: str | None) -> Commits:
        changes = seen.index_changes(whole=base is None)
        return write_commits(self._box.git, base, changes, self.worktree_changes, seen.loose_blobs())

    def _look(self) -> tuple[str | None, str | None, tuple[int, int, int] | None]:
        try:
            found = (self._repository.git_dir / "index").stat()
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
        except OSError:
            stamp = None
        return self._repository.head(), self._repository.branch(), stamp

    def _note_files(self, what: str, paths: list[str]) -> None:
        if paths:
            named = ", ".join(repr(path) for path in paths[:MAX_NAMED])
            more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
            self._notes.append(f"Files that {what}: {named}{more}.")

    def _step(self, name: str) -> None:
        if self._progress is not None:
            self._progress.step(name)
