"""Object storage that speaks S3 as the second place. Needs the extra `s3`.

Credentials come from where other programs have theirs: AWS_ACCESS_KEY_ID and its like, or a role.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hive_tui.adapters.copying import new_private
from hive_tui.adapters.offsite.watched import WatchedFile
from hive_tui.domain.errors import HiveError, OffsiteError
from hive_tui.domain.ports import Progress

if TYPE_CHECKING:
    from obstore.store import S3Store

RANGE_BYTES = 8 << 20
"""So much is asked for at once, so that a time-out is one of a piece and not of a whole checkpoint."""
TRIES = 3


class S3Place:
    """A bucket, or a part of one. The server checks the SHA-256 of each piece that is sent."""

    def __init__(self, url: str, *, endpoint: str = "", region: str = "", timeout_s: float = 30.0) -> None:
        self.description = url
        self._store = _connect(url, endpoint, region, timeout_s)

    def check(self, expected: str | None) -> str:
        """Ask for one name; the bucket's name cannot mean another one tomorrow."""
        import obstore

        with self._errors("reach"):
            next(iter(obstore.list(self._store, chunk_size=1)), None)
        return expected or "bucket"

    def put(self, source: Path, name: str, progress: Progress) -> None:
        """In pieces; the object appears when all of them are there."""
        import obstore

        with self._errors("write"), source.open("rb") as read:
            obstore.put(self._store, name, WatchedFile(read, progress), chunk_size=RANGE_BYTES, max_concurrency=2)  # type: ignore[arg-type]

    def digest(self, name: str, progress: Progress) -> tuple[int, str]:
        """Reads all of it."""
        sha256, size = hashlib.sha256(), 0
        for block in self._blocks(name, progress):
            sha256.update(block)
            size += len(block)
        return size, sha256.hexdigest()

    def get(self, name: str, target: Path, progress: Progress) -> None:
        """Download it."""
        with new_private(target) as written:
            for block in self._blocks(name, progress):
                written.write(block)

    def remove(self, name: str) -> None:
        """S3 takes the removal of what is not there as done."""
        import obstore

        with self._errors("write"):
            try:
                obstore.delete(self._store, name)
            except FileNotFoundError:
                return

    def _blocks(self, name: str, progress: Progress) -> Iterator[bytes]:
        import obstore

        with self._errors("read"):
            size = obstore.head(self._store, name)["size"]
            for start in range(0, size, RANGE_BYTES):
                block = bytes(obstore.get_range(self._store, name, start=start, end=min(start + RANGE_BYTES, size)))
                progress.advance(len(block))
                yield block

    @contextmanager
    def _errors(self, verb: str) -> Iterator[None]:
        from obstore.exceptions import BaseError

        try:
            yield
        except HiveError:
            raise
        except (BaseError, OSError) as error:
            said = str(error).strip().partition("\n")[0][:200]
            raise OffsiteError(
                f"The second place {self.description} cannot be used ({verb}): {said}.",
                hint="Look at the network, the credentials in the environment, and [offsite] endpoint and region.",
            ) from error


def _connect(url: str, endpoint: str, region: str, timeout_s: float) -> "S3Store":
    try:
        from obstore.exceptions import BaseError
        from obstore.store import S3Store
    except ImportError as error:
        raise OffsiteError(
            f"The second place {url} needs a package that is not installed.", hint="`pip install 'hive-tui[s3]'`"
        ) from error
    config: dict[str, Any] = {"checksum_algorithm": "SHA256"}
    config |= {name: value for name, value in (("endpoint", endpoint), ("region", region)) if value}
    patience = timedelta(seconds=timeout_s)
    client: dict[str, Any] = {"timeout": patience, "connect_timeout": min(patience, timedelta(seconds=10))}
    if endpoint.startswith("http://"):
        client["allow_http"] = True
    try:
        return S3Store.from_url(
            url,
            config=config,  # type: ignore[arg-type]
            client_options=client,  # type: ignore[arg-type]
            retry_config={"max_retries": TRIES, "retry_timeout": patience * TRIES},
        )
    except (BaseError, ValueError) as error:
        raise OffsiteError(f"The second place {url} cannot be used: {error}.", hint="Look at [offsite].") from error
