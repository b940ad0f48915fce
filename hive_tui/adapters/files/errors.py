"""Errors of the system, told as a person can read them."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hive_tui.adapters.files.room import no_space
from hive_tui.adapters.files.writer import FULL
from hive_tui.domain.errors import WorkspaceError


@contextmanager
def plain_errors(place: Path) -> Iterator[None]:
    """Turn what the system says of a file into one sentence; `place` is where most is written."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise no_space(Path(os.fsdecode(error.filename)) if error.filename else place) from error
        raise WorkspaceError(
            f"{error.filename or 'A file'} cannot be used: {error.strerror}.",
            hint="Look at its permissions and at the disk, then try again.",
        ) from error
