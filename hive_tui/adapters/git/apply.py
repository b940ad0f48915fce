"""Makes a planned restore happen, and finishes one that was interrupted.

Everything is staged in the journal's folder first. Once the journal is written there is no way back,
only forward: each step looks at what is there and can be repeated after a crash.
"""

import shutil
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from hive_tui.adapters.files.forward import apply, resume, write_files
from hive_tui.adapters.files.journal import PACKS, Journal, JournalFolder, sync
from hive_tui.adapters.files.state import read_state
from hive_tui.adapters.git.capture import IN_PROGRESS
from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.in_progress import put_in_progress
from hive_tui.adapters.git.index import put_index
from hive_tui.adapters.git.refs import move_head, put_private_refs
from hive_tui.adapters.git.repository import Repository, require_repository
from hive_tui.adapters.git.sandbox import sandbox
from hive_tui.adapters.git.staging import stage
from hive_tui.domain.ports import Clock, Progress
from hive_tui.domain.workspaces import AppliedRestore, RestorePlan


def apply_plan(
    git: Git, clock: Clock, plan: RestorePlan, checkpoint: Path, root: Path, folder: Path, progress: Progress | None
) -> AppliedRestore:
    """Do what the plan says; see `forward.apply`."""
    if read_state(checkpoint).worktree is None:
        return AppliedRestore(str(root), warnings=plan.warnings)

    def staged(journal_folder: JournalFolder) -> Journal:
        return stage(git, clock, plan, checkpoint, root, journal_folder, progress)

    return apply(folder, staged, partial(_roll_forward, git, clock), progress)


def resume_restore(git: Git, clock: Clock, folder: Path) -> AppliedRestore | None:
    """Finish a restore that was interrupted; see `forward.resume`."""
    return resume(folder, partial(_roll_forward, git, clock))


def _roll_forward(
    git: Git, clock: Clock, journal: Journal, folder: JournalFolder, progress: Progress | None
) -> AppliedRestore:
    unstoppable = replace(git, cancelled=None)
    outcome = write_files(journal, folder, progress)
    with sandbox(folder.staged, unstoppable, is_sparing=False) as box:
        repository = require_repository(box.plain, Path(journal.root))
        warnings = put_git_state(repository, clock, journal, folder.staged)
    result = AppliedRestore(
        root=journal.root,
        changed=outcome.changed,
        displaced=folder.displaced_files(),
        refused=tuple(outcome.refused),
        warnings=(*journal.warnings, *warnings),
    )
    folder.finish(result)
    return result


def put_git_state(repository: Repository, clock: Clock, journal: Journal, staged: Path) -> list[str]:
    """Bring objects, HEAD, operations in progress and the index into the repository; sentences on what is amiss.

    Each relies on those before. May be repeated.
    """
    for pack in sorted((staged / PACKS).glob("*.pack")):
        put_pack(repository.objects, pack)
    warnings = move_head(repository, journal.head) if journal.head else []
    put_private_refs(repository, journal.private_refs)
    put_in_progress(repository.git_dir, staged / IN_PROGRESS)
    put_index(repository, clock, staged, journal.index_changed_ns, journal.id)
    return warnings


def put_pack(objects: Path, pack: Path) -> None:
    """Copy a pack into a repository's objects; git sees it once its index is there."""
    (objects / "pack").mkdir(exist_ok=True)
    for source in (pack, pack.with_suffix(".idx")):
        target = objects / "pack" / source.name
        if not target.exists():
            temporary = objects / "pack" / f"tmp_hive_{source.name}"
            with suppress(FileNotFoundError):
                temporary.unlink()
            shutil.copyfile(source, temporary)
            temporary.chmod(0o444)
            sync(temporary)
            temporary.replace(target)
    sync(objects / "pack")
