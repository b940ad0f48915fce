"""A doorbell for the heartbeat: other processes ring it after they have put something into the database.

A datagram has no content: what there is to do stands in the database, and a ring
that is lost is made up for by the next look.
"""

import hashlib
import os
import socket
import tempfile
import weakref
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class Doorbell:
    """One unix datagram socket a hive, with a short name: socket paths may have only about 100 bytes."""

    def __init__(self, home: Path) -> None:
        name = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:16]
        self.path = _runtime_folder() / f"hive-{name}.sock"
        self._address = str(self.path)
        self._socket: socket.socket | None = None
        self._sender: socket.socket | None = None
        self._heard: Callable[[], None] | None = None

    def ring(self) -> None:
        """Wake the heartbeat up, if one listens. Never blocks and never fails."""
        heard = self._heard
        if heard is not None:
            heard()
            return
        with suppress(OSError):
            if self._sender is None:
                sender = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                sender.setblocking(False)
                weakref.finalize(self, sender.close)
                self._sender = sender
            self._sender.sendto(b"1", self._address)

    def open(self, heard: Callable[[], None] | None = None) -> socket.socket:
        """Listen. The caller holds the heartbeat's lock, so an older socket file is of a dead one.

        Args:
            heard: Called for each ring of this process, by the thread that rings, in place of a datagram to
                ourselves: also where the socket cannot be made. It must be quick and never fail.

        Raises:
            OSError: The socket cannot be made; the heartbeat then looks by its timer alone.
        """
        self._heard = heard
        folder = self.path.parent
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to another user")
        self.path.unlink(missing_ok=True)
        receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        receiver.setblocking(False)
        receiver.bind(str(self.path))
        self.path.chmod(0o600)
        self._socket = receiver
        return receiver

    def fileno(self) -> int:
        """The open socket's descriptor; -1 if it does not listen."""
        return self._socket.fileno() if self._socket is not None else -1

    def drain(self) -> None:
        """Take all rings that have come."""
        with suppress(OSError):
            while self._socket is not None and self._socket.recv(16):
                pass

    def close(self) -> None:
        """Listen no longer."""
        self._heard = None
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self.path.unlink(missing_ok=True)


def _runtime_folder() -> Path:
    """A short path that is ours alone; `platformdirs` warns on stderr where there is no runtime folder."""
    named = os.environ.get("XDG_RUNTIME_DIR")
    if named and os.access(named, os.W_OK):
        return Path(named) / "hive-tui"
    return Path(tempfile.gettempdir()) / f"hive-tui-{os.getuid()}"
