"""Opens the place where clients connect: a port of the loopback interface, or a socket in the file system."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from pathlib import Path

from hive_tui.domain.addresses import Address, TcpAddress, UnixAddress
from hive_tui.domain.errors import HiveError

BACKLOG = 64
STREAM_LIMIT_BYTES = 65_536
Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Listener:
    """Where clients connect, while it is open."""

    def __init__(self, server: asyncio.Server, address: Address, inode: int = 0) -> None:
        self.address = address
        """With the real port."""
        self._server = server
        self._inode = inode

    def close(self) -> None:
        """Let nobody in any more; the file of a socket goes, unless somebody else has put theirs there."""
        self._server.close()
        if isinstance(self.address, UnixAddress):
            path = Path(self.address.path)
            with suppress(OSError):
                if path.lstat().st_ino == self._inode:
                    path.unlink()


async def listen(address: Address, connected: Connected) -> Listener:
    """Open it.

    Raises:
        HiveError: Something else is there already, or it cannot be opened.
    """
    try:
        if isinstance(address, UnixAddress):
            return await _on_socket(address, connected)
        server = await asyncio.start_server(
            connected, address.host, address.port, limit=STREAM_LIMIT_BYTES, backlog=BACKLOG
        )
        return Listener(server, TcpAddress(address.host, server.sockets[0].getsockname()[1]))
    except OSError as error:
        is_taken = error.errno in (errno.EADDRINUSE, errno.EISCONN)
        said = "something else is there already" if is_taken else error.strerror or str(error)
        hint = "Is another hive-tui serving there? Choose another address: `hive-tui serve --http ADDRESS`."
        raise HiveError(f"Nobody can connect at {address}: {said}.", hint=hint) from error


async def _on_socket(address: UnixAddress, connected: Connected) -> Listener:
    made, inode = _bound(Path(address.path))
    try:
        server = await asyncio.start_unix_server(connected, sock=made, limit=STREAM_LIMIT_BYTES, backlog=BACKLOG)
    except BaseException:
        made.close()
        raise
    return Listener(server, address, inode)


def _bound(path: Path) -> tuple[socket.socket, int]:
    """A socket for its owner alone, and the inode of its file."""
    _remove_left_behind(path)
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        # Before it can be seen; the second time for systems that look at the umask only.
        with suppress(OSError):
            os.fchmod(made.fileno(), 0o600)
        made.bind(str(path))
        path.chmod(0o600)
        return made, path.lstat().st_ino
    except BaseException:
        made.close()
        raise


def _remove_left_behind(path: Path) -> None:
    """Remove the socket of a server that was killed; never any other file, and never one that somebody answers at."""
    if not path.is_socket():
        return
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink()
        else:
            raise OSError(errno.EADDRINUSE, "something else is there already")
