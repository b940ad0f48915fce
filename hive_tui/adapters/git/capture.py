"""One capture of a work tree: look at it, read what differs, build commits, write the bundle."""

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from hive_tui.adapters.folder.scope import is_too_wide
from hive_tui.adapters.git.base import Base
from hive_tui.adapters.git.changes import Seen
from hive_tui.adapters.git.command import GitFailed, is_full
from hive_tui.adapters.git.commits import Commits, write_commits
from hive_tui.adapters.git.contents import take_in
from hive_tui.adapters.git.growth import Growth
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
from hive_tui.adapters.git.index import copy_index, index_stamp, load_index, look_everywhere
from hive_tui.adapters.git.listing import Index, tree_differences
from hive_tui.adapters.git.looks import Looks
from hive_tui.adapters.git.repository import Repository
from hive_tui.adapters.git.sandbox import Sandbox
from hive_tui.adapters.git.survey import Survey, Weighed, converted_files, survey_tracked, weigh
from hive_tui.adapters.git.untracked import Limits, Specials, Untracked, find_untracked
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import Difference, IndexState, WorkspaceFacts, WorkspaceKind

IN_PROGRESS = "in-progress"
BESIDE = 5
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
        base: Base | None = None,
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
        self._base = base
        self.is_settled = False
        """Whether no file has changed while it was read."""
        self.seen: Seen | None = None
        """What was captured."""
        self.as_index: Future[bytes | None] = Future()
        """An index that says how it looked."""
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
        self.seen = seen
        self.as_index = beside.submit(seen.as_index, self._repository.object_format)
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
        early: list[Looks] = []  # git looks through the folders while the index is read here
        index, state = self._load_index(lambda: early.append(self._looks(beside)))
        staged = beside.submit(self._staged, index)
        weighed = beside.submit(weigh, self._git, index, believing=self._repository.trusts_modes())
        hides_none = not look_everywhere(self._git, index)
        specials = Specials(self._root)
        if not is_too_wide(self._root):
            specials.look_beside(index.paths)
        is_true = early and state is IndexState.OK and hides_none and not early[0].have_failed
        looks = early[0] if is_true else self._looks(beside)
        untracked = self._find_untracked(looks, specials)
        survey = self._survey(index, untracked, weighed, looks)
        wanted = [*survey.to_read, *untracked.wanted]
        taken = take_in(self._git, self._root, wanted, self._box.folder / "marks", self._progress)
        return Seen(index, state, staged.result(), survey, untracked, taken)

    def _load_index(self, meanwhile: Callable[[], None]) -> tuple[Index, IndexState]:
        state = copy_index(self._repository.git_dir, self._into)
        if state is IndexState.ABSENT:
            return Index(), state
        index, state = load_index(self._box, self._into, self._git, self._head, meanwhile)
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

    def _survey(self, index: Index, untracked: Untracked, weighed: Future[Weighed], looks: Looks) -> Survey:
        known = [*index.paths, *untracked.wanted]
        converted = converted_files(self._git, self._box, self._repository, known)
        return survey_tracked(self._root, index, converted, weighed.result(), looks.letters.result())

    def _looks(self, beside: ThreadPoolExecutor) -> Looks:
        return Looks.begin(self._git, beside, is_too_wide=is_too_wide(self._root))

    def _find_untracked(self, looks: Looks, specials: Specials) -> Untracked:
        if is_too_wide(self._root):
            self._notes.append(
                f"{self._root} holds far more than one piece of work, so only tracked files are captured."
            )
            return Untracked()
        untracked = find_untracked(
            looks.listing.result(), self._root, self._limits, [path.resolve() for path in self._ours]
        )
        specials.look_beside(untracked.wanted)
        untracked.skipped += specials.skipped(self._git)
        return untracked

    def _bundle(self, seen: Seen, extras: set[str], past: Future[Path | None]) -> tuple[Commits, bool]:
        """Write commits and the bundle; without history where the repository has lost parts of it."""
        base = None if seen.staged is None else self._head
        growth = Growth(self._box, self._progress, seen.taken.total_bytes, self._repository.packed_bytes())
        try:
            commits = self._commit(seen, base)
            history, packed = History(self._head, commits, extras), growth.awaited(past)
            needs_repo = write_history(history, growth, self._repository, self._into, self._past, packed, self._base)
            return commits, needs_repo
        except GitFailed as error:
            if is_full(error):
                raise
            self._notes.append(f"The history is not captured, since the repository is damaged: {error.what}")
        commits = self._commit(seen, None)
        write_files_only(commits, growth, self._repository, self._into)
        return commits, self._head is not None

    def _commit(self, seen: Seen, base: str | None) -> Commits:
        changes = seen.index_changes(whole=base is None)
        return write_commits(self._box.git, base, changes, seen.worktree_changes(), seen.loose_blobs())

    def _look(self) -> tuple[str | None, str | None, tuple[int, int, int] | None]:
        return *self._repository.position(), index_stamp(self._repository)

    def _note_files(self, what: str, paths: list[str]) -> None:
        if paths:
            named = ", ".join(repr(path) for path in paths[:MAX_NAMED])
            more = f" and {len(paths) - MAX_NAMED} more" if len(paths) > MAX_NAMED else ""
            self._notes.append(f"Files that {what}: {named}{more}.")

    def _step(self, name: str, total_bytes: int = 0) -> None:
        if self._progress is not None:
            self._progress.step(name, total_bytes)
