"""A few small files as one: a zip, or a tar in a zstd frame."""

import io
import os
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from hive_tui.domain.errors import HiveError

SUFFIXES = (".tar.zst", ".zip")


def write_bundle(path: Path, files: Mapping[str, bytes]) -> None:
    """Write them, for this user alone; whole or not at all.

    Raises:
        HiveError: The name says no format, something is there already, or it cannot be written.
    """
    if not path.name.endswith(SUFFIXES):
        endings = " and ".join(SUFFIXES)
        raise HiveError(f"{path.name} has neither of the endings {endings}.", hint="Name it support.zip.")
    content = _zip(files) if path.name.endswith(".zip") else _tar(files)
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        # A link, and no rename: it never takes the place of what is there.
        path.hardlink_to(part)
    except FileExistsError as error:
        raise HiveError(f"{path} is there already.", hint="Name another file, or move that one away.") from error
    except OSError as error:
        raise HiveError(
            f"{path} cannot be written: {error.strerror or error}.", hint="Name a file in a folder of yours."
        ) from error
    finally:
        part.unlink(missing_ok=True)


def _zip(files: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            member = zipfile.ZipInfo(f"hive-tui-support/{name}")
            member.external_attr, member.compress_type = 0o600 << 16, zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return buffer.getvalue()


def _tar(files: Mapping[str, bytes]) -> bytes:
    import zstandard

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"hive-tui-support/{name}")
            member.size, member.mode = len(content), 0o600
            archive.addfile(member, io.BytesIO(content))
    return zstandard.ZstdCompressor(write_checksum=True).compress(buffer.getvalue())
