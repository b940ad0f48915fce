"""The second place for checkpoints: a folder or object storage, and the encryption on the way there."""

from pathlib import Path

from hive_tui.adapters.offsite.folder import FolderPlace
from hive_tui.domain.errors import OffsiteError
from hive_tui.domain.ports import Progress, SecondPlace


def second_place(destination: str, *, endpoint: str = "", region: str = "", timeout_s: float = 30.0) -> SecondPlace:
    """The place that a destination names: a folder, or `s3://BUCKET/PREFIX`.

    One that cannot be used at all, since a package or a setting is missing, says so whenever it is asked.
    """
    try:
        return _place(destination, endpoint, region, timeout_s)
    except OffsiteError as error:
        return Unusable(destination, error)


class Unusable:
    """A place that raises the same error at every call."""

    def __init__(self, description: str, error: OffsiteError) -> None:
        self.description = description
        self._error = error

    def check(self, expected: str | None) -> str:
        """Raise."""
        raise self._error

    def put(self, source: Path, name: str, progress: Progress) -> None:
        """Raise."""
        raise self._error

    def digest(self, name: str, progress: Progress) -> tuple[int, str]:
        """Raise."""
        raise self._error

    def get(self, name: str, target: Path, progress: Progress) -> None:
        """Raise."""
        raise self._error

    def remove(self, name: str) -> None:
        """Raise."""
        raise self._error


def _place(destination: str, endpoint: str, region: str, timeout_s: float) -> SecondPlace:
    if destination.startswith("s3://"):
        from hive_tui.adapters.offsite.s3 import S3Place

        return S3Place(destination, endpoint=endpoint, region=region, timeout_s=timeout_s)
    return FolderPlace(Path(destination).expanduser())
