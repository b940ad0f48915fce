"""The second place in object storage: against a real server on the loopback address."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import pyrage
import pytest

from hive_tui.adapters.clock import SystemClock, wait_until
from hive_tui.adapters.offsite import second_place
from hive_tui.domain.errors import OffsiteError
from hive_tui.domain.offsite import CopyState
from hive_tui.domain.progress import Unwatched
from hive_tui.store import offsite
from tests.keeper import TESTER, Keeper, offsite_to


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def witness(url: str) -> Any:
    """The server as another client sees it."""
    return boto3.client("s3", endpoint_url=url, region_name="us-east-1")


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A server that speaks S3, with one bucket."""
    for name, value in (("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "test"), ("no_proxy", "127.0.0.1")):
        monkeypatch.setenv(name, value)
    port = free_port()
    with (tmp_path / "server.log").open("wb") as log:
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
        server = subprocess.Popen(words, stdout=log, stderr=log)
    try:
        assert wait_until(lambda: answers(port), timeout_s=30, clock=SystemClock()), "the server is up"
        url = f"http://127.0.0.1:{port}"
        witness(url).create_bucket(Bucket="kept")
        yield url
    finally:
        server.kill()
        server.wait()


@pytest.fixture
def identity(tmp_path: Path) -> tuple[str, Path]:
    made = pyrage.x25519.Identity.generate()
    file = tmp_path / "age.key"
    file.write_text(f"{made}\n")
    return str(made.to_public()), file


def test_a_checkpoint_goes_there_encrypted_and_comes_back(tmp_path: Path, endpoint: str, identity: tuple[str, Path]):
    recipient, file = identity
    table = offsite_to(
        "s3://kept/hive", endpoint=endpoint, region="us-east-1", recipients=(recipient,), identity=str(file)
    )
    keeper = Keeper(tmp_path, **table)
    one = keeper.take()
    service = keeper.hive.keeping.offsite
    assert service.work() == 1, keeper.failures()
    copy = keeper.hive.database.read(offsite.get, one.id)
    assert copy is not None and copy.state is CopyState.VERIFIED and copy.is_encrypted
    stored = witness(endpoint).get_object(Bucket="kept", Key=f"hive/{copy.name}")["Body"].read()
    assert stored.startswith(b"age-encryption.org/v1\n") and len(stored) == copy.size_bytes

    Path(one.path).unlink()
    assert keeper.hive.validator.check(one) == []
    assert Path(one.path).stat().st_size == one.size_bytes

    keeper.take(after=timedelta(days=1))
    keeper.hive.keeping.catalog.delete(one, TESTER)
    assert service.work() == 2, "the new one is sent, the deleted one is removed"
    listed = witness(endpoint).list_objects_v2(Bucket="kept")["Contents"]
    assert len(listed) == 1 and copy.name not in listed[0]["Key"]
    keeper.close()


def test_a_large_file_goes_in_pieces_and_each_is_there(tmp_path: Path, endpoint: str):
    place = second_place("s3://kept", endpoint=endpoint, region="us-east-1")
    source, back = tmp_path / "source", tmp_path / "back"
    source.write_bytes(bytes(range(256)) * 80_000)  # 20 MB, which are three pieces
    progress = Unwatched()
    place.put(source, "large", progress)
    size, _ = place.digest("large", progress)
    place.get("large", back, progress)
    assert size == source.stat().st_size and back.read_bytes() == source.read_bytes()
    place.remove("large")
    place.remove("large")
    with pytest.raises(OffsiteError, match="cannot be used"):
        place.digest("large", progress)


def test_a_server_that_is_not_there_and_a_bucket_that_is_not_there_are_said(endpoint: str):
    for url, where in (("s3://kept", f"http://127.0.0.1:{free_port()}"), ("s3://nobody", endpoint)):
        place = second_place(url, endpoint=where, region="us-east-1", timeout_s=2)
        with pytest.raises(OffsiteError, match="cannot be used"):
            place.check(None)


def test_a_server_that_takes_the_call_and_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        place = second_place("s3://kept", endpoint=url, region="us-east-1", timeout_s=0.5)
        began = SystemClock().monotonic()
        with pytest.raises(OffsiteError, match="cannot be used"):
            place.check(None)
        assert SystemClock().monotonic() - began < 20
