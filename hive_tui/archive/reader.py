"""Reads and verifies a checkpoint file. Trusts nothing in it."""

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from hive_tui.archive.extracting import Extraction, read_content
from hive_tui.archive.format import MANIFEST, BadManifest, Manifest, NewerFormat
from hive_tui.archive.frames import BadFrame, FrameFile, opened
from hive_tui.archive.index import Index, read_index
from hive_tui.archive.layout import links_out, problems
from hive_tui.archive.members import BadMember
from hive_tui.archive.verifying import errors_in
from hive_tui.domain.checkpoints import Defect, Depth, ValidationError
from hive_tui.domain.errors import MAKE_ROOM, CheckpointError, DiskFull


def verify(
    path: Path,
    sha256: str | None = None,
    *,
    depth: Depth = Depth.DEEP,
    advance: Callable[[int], None] = lambda _: None,
) -> list[ValidationError]:
    """Everything that is wrong with the file; empty if it is good.

    Args:
        path: The checkpoint file.
        sha256: Hash of the whole file, as the catalog knows it.
        depth: How closely to look. Either finds any byte that is not what was written.
        advance: Called with bytes of the file that are done; may raise to stop.
    """
    try:
        with opened(path) as file:
            index = read_index(file)
            if index is None:
                from hive_tui.archive import sequential  # few files are so old: others need no tarfile

                return sequential.verify(path, sha256)
            return problems(index.manifest, index.end) or errors_in(file, index, sha256, depth, advance)
    except FileNotFoundError:
        return [ValidationError(Defect.MISSING_FILE, f"the file {path} is not there")]
    except OSError as error:
        return [ValidationError(Defect.UNREADABLE, f"the file cannot be read: {error.strerror or error}")]
    except NewerFormat as error:
        return [ValidationError(Defect.NEWER_FORMAT, f"written by a newer hive-tui: {error}")]
    except BadManifest as error:
        return [ValidationError(Defect.BAD_MANIFEST, f"the manifest cannot be read: {error}", MANIFEST)]


def read_manifest(path: Path) -> Manifest:
    """The manifest.

    Raises:
        CheckpointError: The file is damaged.
    """
    with _indexed(path) as (_, index):
        if index is None:
            from hive_tui.archive import sequential

            return sequential.read_manifest(path)
        return index.manifest


def read_member(path: Path, name: str) -> bytes:
    """Content of one member; reads nothing of the others but the manifest.

    Raises:
        CheckpointError: The file is damaged, or has no such member.
    """
    with _indexed(path) as (file, index):
        if index is None:
            from hive_tui.archive import sequential

            return sequential.read_member(path, name)
        return read_content(file, index.manifest, name, path)


def extract(
    path: Path,
    into: Path,
    *,
    wanted: Callable[[str], bool] = lambda _: True,
    free_links: str = "",
    advance: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Unpack members below `into`, an empty private folder; the names of files and links.

    Only what the manifest lists is unpacked, and only what is as it was written. A
    manifest that asks for anything unsafe is refused before a file is made. Links are
    made last, so that nothing is written through one.

    Args:
        path: The checkpoint file.
        into: Made if it is missing.
        wanted: Which members to unpack, by name.
        free_links: A folder in the archive below which links may lead anywhere, as they do in
            the work of people; who reads it must not follow them. Any other link that could
            lead out of `into` is refused.
        advance: Called with bytes of content that are done; may raise to stop.

    Raises:
        DiskFull: There is not enough space below `into`.
        CheckpointError: The file is damaged; what was unpacked must not be used.
    """
    try:
        with _indexed(path) as (file, index):
            if index is None:
                from hive_tui.archive import sequential

                return sequential.extract(path, into, wanted)
            unsafe = problems(index.manifest, index.end) or [*links_out(index.manifest, free_links)]
            if unsafe:
                raise damaged(path, str(unsafe[0]))
            return Extraction(file, index.manifest, into, advance).run(wanted)
    except (BadFrame, BadMember) as error:
        raise damaged(path, str(error)) from error
    except OSError as error:
        raise _not_unpacked(path, into, error) from error


def damaged(path: Path, reason: str) -> CheckpointError:
    """What to say of a file that must not be used."""
    return CheckpointError(
        f"The checkpoint {path.name} is damaged: {reason}.", hint="Try an older generation of this agent."
    )


def _not_unpacked(path: Path, into: Path, error: OSError) -> CheckpointError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFull(
            f"The disk is full: the checkpoint {path.name} could not be unpacked.",
            hint=MAKE_ROOM,
        )
    return CheckpointError(
        f"The checkpoint {path.name} could not be unpacked: {error.strerror or error}.",
        hint=f"Look at {error.filename or into}.",
    )


@contextmanager
def _indexed(path: Path) -> Iterator[tuple[FrameFile, Index | None]]:
    """The file with its index; errors of opening it are told from those of what is done with it."""
    try:
        with opened(path) as file:
            index = read_index(file)
    except (OSError, BadFrame, BadManifest) as error:
        raise CheckpointError(f"The checkpoint {path} cannot be read: {error}.", hint="Validate it.") from error
    with opened(path) as file:
        yield file, index
