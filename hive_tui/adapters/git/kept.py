"""What is kept of a capture, so that the next one of the same work tree costs what `git status` costs.

An index of our own says how every captured file looked and what bytes it had. If no file looks otherwise
and nothing else has changed, the new capture is the old one; else it is made in full, with the old history.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from hive_tui.adapters.files.link import link_or_copy
from hive_tui.adapters.files.state import write_state
from hive_tui.adapters.git.base import Base, digest_of
from hive_tui.adapters.git.bundle import HISTORY, HISTORY_INDEX
from hive_tui.adapters.git.capture import IN_PROGRESS, Capture
from hive_tui.adapters.git.changes import Seen
from hive_tui.adapters.git.command import Git, GitFailed
from hive_tui.adapters.git.in_progress import copy_in_progress, files_in
from hive_tui.adapters.git.index import copy_index, index_stamp
from hive_tui.adapters.git.repository import Repository
from hive_tui.adapters.git.sandbox import Sandbox
from hive_tui.adapters.git.untracked import Limits, looks
from hive_tui.domain.errors import DiskFull, WorkspaceError
from hive_tui.domain.ports import Progress
from hive_tui.domain.workspaces import IndexState, WorkspaceFacts

SEEN = "seen.json"
VERSION = 1
MOST = 32
"""So many work trees are remembered; those that were captured last."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The memory of one work tree.

    Args:
        folder: Where it is, if it is.
        repository: Whose work tree.
        limits: How much a capture takes; with others the memory is of no use.
    """

    folder: Path
    repository: Repository
    limits: Limits

    @classmethod
    def of(cls, place: Path, repository: Repository, limits: Limits) -> "Kept":
        """The memory of a repository's work tree, in the folder of all memories."""
        name = hashlib.sha256(os.fsencode(repository.git_dir)).hexdigest()[:24]
        return cls(place / name, repository, limits)

    def reuse(self, box: Sandbox, cwd: Path, into: Path) -> WorkspaceFacts | None:
        """Write the old capture into a folder if it is true still; None, and an empty folder, if it is not."""
        try:
            facts = self._reuse(box, cwd, into)
        except (OSError, ValueError, KeyError, TypeError, GitFailed):
            facts = None  # it vanished or is damaged: that only costs time
        if facts is None:
            empty(into)
            shutil.rmtree(box.git_dir, ignore_errors=True)
        return facts

    def history(self) -> Path | None:
        """The folder with the bundle of an old history, if commits are cut off where they were."""
        with suppress(OSError, ValueError, KeyError, TypeError):
            saved = self._read()
            names = (HISTORY, HISTORY_INDEX)
            if saved["signature"]["shallow"] == list(self.repository.shallow()) and self._is_sound(saved, names):
                return self.folder
        return None

    def base(self, box: Sandbox, progress: Progress | None) -> Base | None:
        """What an old capture has packed, if it is whole, sound and worth it; in the sandbox, where nobody changes it.

        Raises:
            Cancelled: The person has stopped the work.
        """
        with suppress(OSError, ValueError, KeyError, TypeError):
            saved = self._read()
            found = Base.in_memory(self.folder, box.folder.stat().st_mtime_ns)
            # Plain git could not follow a base whose history is cut off.
            is_same = not self.repository.shallow() and saved["signature"]["config"] == self._config()
            if found is not None and is_same and found.is_whole(saved["facts"]["head"]):
                digests = [saved["files"][path.name] for path in (found.bundle, found.index)]
                return found.moved(box.folder, digests).if_sound(box.plain, progress)
        return None

    def keep(self, box: Sandbox, capture: Capture, into: Path, facts: WorkspaceFacts, base: Base | None = None) -> None:
        """Remember a capture that is true; where that fails, the next one takes longer, and that is all.

        Args:
            box: Where it was made.
            capture: Has looked at everything.
            into: What it has written.
            facts: What it has found.
            base: What it may hold of an earlier one, whose hashes are known.
        """
        new = self.folder.with_name(f"{self.folder.name}.{os.getpid()}-{uuid4().hex[:8]}")
        try:
            is_sound = facts.index_state is not IndexState.CORRUPT and capture.is_settled
            if is_sound:
                new.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                new.mkdir(mode=0o700)
                self._fill(new, box, capture, into, facts, base)
                if (new / SEEN).exists():
                    self._swap(new)
        except (OSError, WorkspaceError, DiskFull):
            pass
        finally:
            shutil.rmtree(new, ignore_errors=True)

    def _reuse(self, box: Sandbox, cwd: Path, into: Path) -> WorkspaceFacts | None:
        saved = self._read()
        root = self.repository.root
        assert root is not None
        box.create(self.repository.object_format, self.repository)
        stamp = index_stamp(self.repository)
        state = copy_index(self.repository.git_dir, into)
        copy_in_progress(self.repository.git_dir, into / IN_PROGRESS)
        if saved["version"] != VERSION or saved["signature"] != self._signature_now(box, into):
            return None
        with (self.folder / "index").open("rb") as index:
            if self._look(box.over(root).at(index=self.folder / "index"), root) != ([], saved["others"]):
                return None
            _renew(index.fileno(), began(box))
        if index_stamp(self.repository) != stamp or self._signature_now(box, into) != saved["signature"]:
            return None
        if not self._is_sound(saved, saved["files"]):
            return None
        for name in saved["files"]:
            link_or_copy(self.folder / name, into / name)
        facts = replace(
            WorkspaceFacts.from_json(saved["facts"]),
            cwd=os.path.relpath(cwd.resolve(), root),
            index_state=state,
            index_changed_ns=stamp[2] if stamp else 0,
        )
        write_state(facts, into)
        os.utime(self.folder)
        return facts

    def _is_sound(self, saved: Mapping[str, Any], names: Iterable[str]) -> bool:
        """Whether files of the memory are what was written; one that a disk has spoilt must not spread."""
        return all(saved["files"].get(name) == file_digest(self.folder / name) for name in names)

    def _look(self, git: Git, root: Path) -> tuple[list[str], list[Any]]:
        """Files that do not look as they did, and files that were not captured; both are asked at the same time."""
        with ThreadPoolExecutor(1) as pool:
            changed = pool.submit(git.records, "diff-files", "--name-only", "-z", "--ignore-submodules=all")
            others = others_now(git, root)
            return [os.fsdecode(path) for path in changed.result()], others

    def _signature_now(self, box: Sandbox, copied: Path) -> dict[str, Any]:
        return self._signature(box, copied, *self.repository.position(), self.repository.private_refs())

    def _signature(
        self, box: Sandbox, copied: Path, head: str | None, branch: str | None, private_refs: Mapping[str, str]
    ) -> dict[str, Any]:
        """Everything but files that a capture depends on."""
        repository = self.repository
        in_progress = copied / IN_PROGRESS
        ignored = (box.git_dir / "info" / "exclude", box.plain.home / ".config" / "git" / "ignore")
        return {
            "root": str(repository.root),
            "head": head,
            "branch": branch,
            "private_refs": dict(private_refs),
            "shallow": list(repository.shallow()),
            "config": self._config(),
            "limits": repr(self.limits),
            "index": [_digest(_content(path)) for path in sorted(copied.glob("*index*"))],
            "in_progress": {str(name): _digest(_content(in_progress / name)) for name in files_in(in_progress)},
            "ignored": [_digest(_content(path)) for path in ignored],
        }

    def _config(self) -> str:
        return _digest(repr(sorted(self.repository.config.items())).encode(errors="surrogateescape"))

    def _fill(
        self, new: Path, box: Sandbox, capture: Capture, into: Path, facts: WorkspaceFacts, base: Base | None
    ) -> None:
        root = self.repository.root
        seen, index = capture.seen, capture.as_index.result()
        if root is None or seen is None or index is None:
            return
        known = base.digests if base is not None else {}
        bundles = [path for path in into.iterdir() if path.suffix in (".bundle", ".idx")]
        saved = {
            "version": VERSION,
            # HEAD as it was when that was captured: it may have moved since.
            "signature": self._signature(box, into, facts.head, facts.branch, facts.extra_refs),
            "others": _left_out(seen) if seen.knows_left_out else others_now(box.over(root), root),
            "facts": facts.to_json(),
            "files": {path.name: known.get(path.name) or digest_of(path, box.plain) for path in bundles},
        }
        for path in bundles:
            link_or_copy(path, new / path.name)
        (new / "index").write_bytes(index)
        # Git looks more closely at files that are as young as the index, and so at those that have changed since.
        os.utime(new / "index", ns=(began(box), began(box)))
        (new / SEEN).write_text(json.dumps(saved))

    def _swap(self, new: Path) -> None:
        old = new.with_name(f"{new.name}.old")
        with suppress(FileNotFoundError):
            self.folder.rename(old)
        new.rename(self.folder)
        shutil.rmtree(old, ignore_errors=True)
        others = sorted(self.folder.parent.iterdir(), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for forgotten in others[MOST:]:
            shutil.rmtree(forgotten, ignore_errors=True)

    def _read(self) -> dict[str, Any]:
        return dict(json.loads((self.folder / SEEN).read_text()))


def began(box: Sandbox) -> int:
    """When a sandbox was made, in nanoseconds of the clock by which files have their time stamps."""
    return (box.git_dir / "HEAD").stat().st_mtime_ns


def _renew(index: int, looked_at_ns: int) -> None:
    """Note when git has found all files as the index says, by descriptor: its path may be another's by now."""
    if os.fstat(index).st_mtime_ns < looked_at_ns:
        os.utime(index, ns=(looked_at_ns, looked_at_ns))


def _left_out(seen: Seen) -> list[Any]:
    """What `others_now` says as long as nothing has changed."""
    return [seen.untracked.warnings, *seen.untracked.left_out]


def others_now(git: Git, root: Path) -> list[Any]:
    """Files that are in no capture, with what would show that they have changed, and git's warnings."""
    listed, warnings = git.run_and_listen("ls-files", "--others", "--exclude-standard", "-z")
    found: list[Any] = [warnings.decode(errors="replace")]
    for name in os.fsdecode(listed).split("\0")[:-1]:
        with suppress(OSError):
            found.append(looks(name, (root / name).lstat()))
    return found


def empty(folder: Path) -> None:
    """Remove everything in a folder."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def file_digest(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
