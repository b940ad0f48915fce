"""What a checkpoint knows of a folder, and what a restore would do to its files."""

import json
from dataclasses import fields

import pytest

from hive_tui.domain.workspaces import (
    CapturedTree,
    ChangeKind,
    Difference,
    FileChange,
    IndexState,
    NestedRepository,
    RestorePlan,
    Skipped,
    WorkspaceFacts,
    WorkspaceKind,
    changes_to_make,
    parents,
)

FULL = WorkspaceFacts(
    kind=WorkspaceKind.GIT,
    root="/home/ada/engine",
    cwd="src",
    git_dir="/home/ada/engine/.git",
    common_dir="/home/ada/engine/.git",
    head="1" * 40,
    branch="main",
    operations=("rebase",),
    staged=1,
    modified=2,
    untracked=3,
    deleted=4,
    conflicted=5,
    nested=(NestedRepository("vendor/lib", "2" * 40), NestedRepository("scratch", None)),
    skipped=(Skipped(".env", "it looks like a secret"),),
    index_state=IndexState.CORRUPT,
    index_changed_ns=1_767_614_400_123_456_789,
    index=CapturedTree("3" * 40, "4" * 40),
    worktree=None,
    loose_blobs="5" * 40,
    extra_refs={"refs/bisect/bad": "6" * 40},
    needs_repo=True,
    shallow=("7" * 40,),
    remotes={"origin": "git@example.com:hive.git"},
    notes=("The index cannot be read.",),
)


@pytest.mark.parametrize(
    "facts", [FULL, WorkspaceFacts(WorkspaceKind.NONE, "/home/ada")], ids=["a repository", "no repository"]
)
def test_facts_come_back_from_a_checkpoint_as_they_were(facts: WorkspaceFacts):
    assert WorkspaceFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_what_a_newer_version_added_to_the_facts_is_passed_over():
    assert WorkspaceFacts.from_json({**FULL.to_json(), "of_tomorrow": 1}) == FULL


@pytest.mark.parametrize("name", [field.name for field in fields(WorkspaceFacts) if field.name in ("kind", "root")])
def test_something_else_than_facts_is_refused(name: str):
    saved = FULL.to_json()
    del saved[name]
    with pytest.raises((KeyError, TypeError, ValueError)):
        WorkspaceFacts.from_json(saved)


def test_folders_of_a_path_go_from_the_inmost_out():
    assert list(parents("a/b/c.txt")) == ["a/b", "a"]
    assert list(parents("c.txt")) == []


@pytest.mark.parametrize("folder", ["build", "build/deep"])
def test_a_file_in_a_folder_that_was_not_captured_stays_though_it_is_tracked(folder: str):
    there = Difference("build/deep/out.o", "1", "100644", None, None)
    changes, kept = changes_to_make([there], tracked={there.path}, protected={folder})
    assert (changes, kept) == ((), ("build/deep/out.o",))


def test_a_protected_file_is_still_written_where_the_checkpoint_has_one():
    wanted = Difference("notes", "1", "100644", "2", "100644")
    changes, kept = changes_to_make([wanted], tracked=(), protected={"notes"})
    assert changes == (FileChange("notes", ChangeKind.WRITE, "1", "100644", "2", "100644"),)
    assert kept == ()


def test_a_plan_counts_its_files():
    changes = (FileChange("a", ChangeKind.DELETE, "1", "100644", None, None),)
    assert (RestorePlan("/home/ada").files, RestorePlan("/home/ada", changes).files) == (0, 1)
