"""Steps that the tests of restores share."""

import os
import shutil
from collections.abc import Callable

from hive_tui.adapters.git.workspaces import GitWorkspaces
from hive_tui.domain.workspaces import RestorePlan
from tests.adapters.git.conftest import Repo, Taken

Take = Callable[..., Taken]


def wreck(repo: Repo) -> None:
    """What an agent can do to a repository between two checkpoints."""
    for name in repo.git("ls-files", "-z").split(b"\0")[:-1]:
        place = repo.root / os.fsdecode(name)
        if place.is_file() and not place.is_symlink():
            place.write_bytes(b"wrecked " + name)
    for ref in repo.line("for-each-ref", "--format=%(refname)", "refs/bisect").split():
        repo.git("update-ref", "-d", ref)
    for junk in ("BISECT_LOG", "BISECT_START", "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD"):
        (repo.git_dir / junk).unlink(missing_ok=True)
    for junk in ("rebase-merge", "rebase-apply", "sequencer"):
        shutil.rmtree(repo.git_dir / junk, ignore_errors=True)
    if repo.git("config", "core.sparseCheckout", ok=False):
        repo.git("sparse-checkout", "disable")
    repo.git("add", "-A")
    repo.git("commit", "-q", "--allow-empty", "-m", "wrecked")
    repo.git("checkout", "-q", "-b", "wreck")
    repo.write("new/tracked.txt", "tracked\n")
    repo.commit("more")
    repo.write("new/staged.txt", "staged\n")
    repo.git("add", "new/staged.txt")
    repo.write("untracked-now.txt", "untracked\n")


def restore(workspaces: GitWorkspaces, taken: Taken, take: Take) -> RestorePlan:
    current = take(taken.source)
    plan = workspaces.plan(taken.folder, current.folder, taken.source.root)
    journal = taken.folder.with_name(f"{taken.folder.name}-journal")
    result = workspaces.apply(plan, taken.folder, taken.source.root, journal)
    assert not result.refused and not result.displaced
    assert workspaces.verify(taken.folder, taken.source.root) == []
    return plan
