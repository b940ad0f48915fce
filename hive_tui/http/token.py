"""The token that lets programs in: a file for its owner alone."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from hive_tui.domain.errors import ConfigError

FILE = "http.token"
RANDOM_BYTES = 32
LONGEST_BYTES = 1_000
OTHERS = stat.S_IRWXG | stat.S_IRWXO


class TokenFile:
    """`<home>/http.token`. It is read anew when it changes, so a rotation counts at once."""

    def __init__(self, home: Path) -> None:
        self.path = home / FILE
        self._known: tuple[tuple[int, ...], bytes] | None = None

    def ensure(self) -> str:
        """The token, made now if there is none.

        Raises:
            ConfigError: It cannot be made or read.
        """
        if not self.path.exists():
            self._put(is_new=True)
        return self._content().decode()

    def rotate(self) -> str:
        """A new token; the old one is of no use from now on.

        Raises:
            ConfigError: It cannot be written; the old one holds.
        """
        self._put(is_new=False)
        return self._content().decode()

    def matches(self, said: str) -> bool:
        """Whether that is the token; how long the answer takes tells nothing about it.

        Raises:
            ConfigError: It cannot be read.
        """
        digests = [hashlib.sha256(one).digest() for one in (said.encode("utf-8", "surrogatepass"), self._content())]
        return hmac.compare_digest(*digests)

    def _content(self) -> bytes:
        try:
            status = self.path.stat()
            if status.st_mode & OTHERS or status.st_uid != os.geteuid():
                raise ConfigError(
                    f"{self.path} can be read by others.", hint=f"`chmod 600 {self.path}`, or rotate the token."
                )
            mark = (status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
            if self._known is None or self._known[0] != mark:
                with self.path.open("rb") as file:
                    self._known = (mark, file.read(LONGEST_BYTES).strip())
        except OSError as error:
            what = f"The token {self.path} cannot be read: {error.strerror or error}."
            raise ConfigError(what, hint="`hive-tui http token` makes one.") from error
        if not self._known[1]:
            raise ConfigError(f"The token {self.path} is empty.", hint="`hive-tui http token --rotate` makes one.")
        return self._known[1]

    def _put(self, *, is_new: bool) -> None:
        """Written beside it and put there whole; of two that make the first one, one wins."""
        temporary = self.path.with_name(f".{FILE}.{secrets.token_hex(6)}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 - it is open already, and for its owner alone
                file.write(f"{secrets.token_urlsafe(RANDOM_BYTES)}\n".encode())
                file.flush()
                os.fsync(descriptor)
            if is_new:
                with suppress(FileExistsError):
                    os.link(temporary, self.path)
            else:
                temporary.replace(self.path)
        except OSError as error:
            what = f"The token {self.path} cannot be written: {error.strerror or error}."
            raise ConfigError(what, hint="Look at the folder's owner, mode and free space.") from error
        finally:
            with suppress(OSError):
                temporary.unlink()
