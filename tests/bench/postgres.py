"""A PostgreSQL server of our own for peers that need one, on a unix socket, with its stock durability.

`fsync` and `synchronous_commit` are on: a commit waits for the disk, as ours does.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from pwd import getpwnam

from tests.stage import eventually

SERVANTS = ("postgres", "nobody")
"""It refuses to run as root."""
INITDB, SERVER = "initdb", "postgres"


@contextmanager
def postgres() -> Iterator[Path | None]:
    """The folder of its socket; None where it is not installed."""
    if not (shutil.which(INITDB) and shutil.which(SERVER)):
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="hive-bench-pg-") as name:
        folder, servant = Path(name), _servant()
        if servant is not None:
            os.chown(folder, getpwnam(servant).pw_uid, -1)
        data = folder / "data"
        begin = [INITDB, "--pgdata", str(data), "--auth", "trust", "--username", "bench", "--no-sync"]
        subprocess.run(begin, cwd=folder, user=servant, check=True, stdout=subprocess.DEVNULL, timeout=120)
        serve = [SERVER, "-D", str(data), "-k", str(folder), "-c", "listen_addresses="]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(serve, cwd=folder, user=servant, stdout=log, stderr=log)
        try:
            eventually(lambda: _is_ready(data, server), "PostgreSQL answers", timeout_s=30)
            yield folder
        finally:
            server.send_signal(signal.SIGINT)  # its fast end
            server.wait(60)


def _servant() -> str | None:
    if os.getuid() != 0:
        return None
    names = [line.split(":", 1)[0] for line in Path("/etc/passwd").read_text().splitlines()]
    return next(name for name in SERVANTS if name in names)


def _is_ready(data: Path, server: subprocess.Popen[bytes]) -> bool:
    assert server.poll() is None, "PostgreSQL has ended"
    state = data / "postmaster.pid"
    return state.exists() and "ready" in state.read_text()
