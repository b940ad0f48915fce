"""A real Redis server of a test's own, on a unix socket in a private folder."""

import os
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from hive_tui.adapters.clock import SystemClock, wait_until
from hive_tui.adapters.redis.server import Server, Unreachable
from hive_tui.domain.errors import StreamsError

CLOCK = SystemClock()


class RedisServer:
    """Starts, is killed, and starts again without its data."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}"
        self.options = options
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def start(self) -> None:
        """Start it, empty, and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.socket.unlink(missing_ok=True)
        with (self.folder / "log").open("wb") as log:
            self.process = subprocess.Popen(
                ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--appendonly", "no",
                 "--dir", str(self.folder), "--daemonize", "no", *self.options],
                stdout=log, stderr=log,
            )  # fmt: skip
        assert wait_until(self.answers, timeout_s=20, clock=CLOCK), (self.folder / "log").read_text()

    def answers(self) -> bool:
        """Whether it answers, if only that a password is wanted."""
        try:
            self.run("PING")
        except Unreachable:
            return False
        except StreamsError:
            return True
        return True

    def kill(self) -> None:
        """End it as a crash does; its data are gone."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(20)

    def signal(self, number: int) -> None:
        """Stop it or let it go on."""
        assert self.process is not None
        os.kill(self.process.pid, number)

    def run(self, *command: Any) -> Any:
        """One command."""
        server = Server(self.url, 5.0)
        try:
            return server.run(*command)
        finally:
            server.close()
