"""The second place for checkpoints: a folder or object storage, and the encryption on the way there."""

from pathlib import Path

from hive_tui.adapters.offsite.folder import FolderPlace
from hive_tui.domain.ports import SecondPlace


def second_place(destination: str, *, endpoint: str = "", region: str = "", timeout_s: float = 30.0) -> SecondPlace:
    """The place that a destination names: a folder, or `s3://BUCKET/PREFIX`.

    Raises:
        OffsiteError: What it needs is not installed.
    """
    if destination.startswith("s3://"):
        from hive_tui.adapters.offsite.s3 import S3Place

        return S3Place(destination, endpoint=endpoint, region=region, timeout_s=timeout_s)
    return FolderPlace(Path(destination).expanduser())
