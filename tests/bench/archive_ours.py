"""One checkpoint operation in a process of its own: `python -m tests.bench.archive_ours create|verify|restore ...`.

So that its memory and its processor time can be told from those of the measurement.
"""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from hive_tui.archive.reader import extract, verify
from hive_tui.archive.writer import writing
from hive_tui.domain.checkpoints import Depth


def walk(root: Path) -> Iterator[str]:
    """Everything in the folder, in the order of names."""
    folders = [""]
    while folders:
        folder = folders.pop()
        with os.scandir(root / folder) as listed:
            entries = sorted(listed, key=lambda entry: entry.name)
        for entry in entries:
            name = f"{folder}/{entry.name}" if folder else entry.name
            if entry.is_dir(follow_symlinks=False):
                folders.append(name)
            yield name


def create(tree: str, path: str, previous: str = "") -> None:
    """Write a checkpoint; prints its size and how much of it is new, in bytes."""
    with writing(Path(path), {}, previous=Path(previous) if previous else None) as (archive, results):
        archive.add_tree("", Path(tree), walk(Path(tree)))
    print(results[0].size_bytes, results[0].new_bytes)


def main(what: str, *arguments: str) -> None:
    """Do what is asked for; fails if it does not succeed."""
    if what == "create":
        create(*arguments)
    elif what == "restore":
        extract(Path(arguments[0]), Path(arguments[1]))
    else:
        assert verify(Path(arguments[0]), depth=Depth(what)) == []


if __name__ == "__main__":
    main(*sys.argv[1:])
