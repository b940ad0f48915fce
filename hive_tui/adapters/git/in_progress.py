"""The files by which git remembers a merge, rebase, cherry-pick, revert or bisect that is not done."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

NAMES = (
    *("MERGE_HEAD", "MERGE_MSG", "MERGE_MODE", "MERGE_RR", "MERGE_AUTOSTASH", "SQUASH_MSG", "AUTO_MERGE"),
    *("CHERRY_PICK_HEAD", "REVERT_HEAD", "REBASE_HEAD", "ORIG_HEAD"),
    *("BISECT_LOG", "BISECT_START", "BISECT_TERMS", "BISECT_NAMES", "BISECT_EXPECTED_REV", "BISECT_ANCESTORS_OK"),
    *("BISECT_FIRST_PARENT", "BISECT_HEAD", "BISECT_RUN"),
    *("rebase-merge", "rebase-apply", "sequencer"),
)

SIGNS = {
    "merge": ("MERGE_HEAD",),
    "rebase": ("rebase-merge", "rebase-apply"),
    "cherry-pick": ("CHERRY_PICK_HEAD",),
    "revert": ("REVERT_HEAD",),
    "bisect": ("BISECT_LOG",),
}

ID = re.compile(rb"(?<![0-9a-f])[0-9a-f]{7,64}(?![0-9a-f])")
MAX_IDS = 5000
MAX_FILE_BYTES = 1 << 20
"""Larger files are kept, but not searched for ids."""


def operations(git_dir: Path) -> tuple[str, ...]:
    """What is in progress."""
    return tuple(name for name, signs in SIGNS.items() if any((git_dir / sign).exists() for sign in signs))


def copy_in_progress(git_dir: Path, into: Path) -> list[str]:
    """Copy the files that are there; returns a sentence for each that cannot be read."""
    problems: list[str] = []
    for relative in files_in(git_dir):
        target = into / relative
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            shutil.copyfile(git_dir / relative, target)
        except FileNotFoundError:
            continue  # git has just finished with it
        except OSError as error:
            problems.append(f"{git_dir / relative} cannot be read: {error.strerror}.")
    return problems


def files_in(folder: Path) -> Iterator[Path]:
    """The plain files of operations in progress, relative to the folder."""
    for name in NAMES:
        place = folder / name
        found = sorted(place.rglob("*")) if place.is_dir() else [place]
        yield from (path.relative_to(folder) for path in found if path.is_file() and not path.is_symlink())


def mentioned_ids(folder: Path) -> set[str]:
    """Everything in the copied files that may be an object id, short ones too."""
    ids: set[str] = set()
    for relative in files_in(folder):
        path = folder / relative
        if path.stat().st_size <= MAX_FILE_BYTES:
            ids.update(word.decode() for word in ID.findall(path.read_bytes()))
    return set(sorted(ids)[:MAX_IDS])


def put_in_progress(git_dir: Path, staged: Path) -> None:
    """Make the files of operations in progress those that are staged; the others go. May be repeated."""
    wanted = set(files_in(staged)) if staged.is_dir() else set()
    for name in NAMES:
        place = git_dir / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        elif Path(name) not in wanted:
            place.unlink(missing_ok=True)
    for relative in sorted(wanted):
        target = git_dir / relative
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = target.with_name(f"{target.name}.hive")
        shutil.copyfile(staged / relative, temporary)
        temporary.replace(target)
