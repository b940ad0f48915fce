"""What git itself says of the files of a work tree."""

from collections.abc import Mapping
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Self

from hive_tui.adapters.git.command import Git
from hive_tui.adapters.git.listing import differing_files
from hive_tui.adapters.git.untracked import Listing, list_untracked


@dataclass(frozen=True, slots=True)
class Looks:
    """Git's two looks at all files, at the same time and beside what else is done; that takes git the longest."""

    listing: Future[Listing]
    """Files that git does not track."""
    letters: Future[Mapping[bytes, str]]
    """Tracked files that do not look as the index says, with git's letter."""

    @classmethod
    def begin(cls, git: Git, beside: Executor, *, is_too_wide: bool) -> Self:
        """Have git look.

        Args:
            git: Works on the files and an index that names the tracked ones.
            beside: Where it is waited for.
            is_too_wide: Only at tracked files.
        """
        listing = beside.submit(lambda: Listing(b"", b"") if is_too_wide else list_untracked(git))
        return cls(listing, beside.submit(differing_files, git))

    @property
    def have_failed(self) -> bool:
        """Whether git could not look; waits for it."""
        return self.listing.exception() is not None or self.letters.exception() is not None
