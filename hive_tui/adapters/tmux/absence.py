"""Whether there is still no tmux server: found out without a process, once tmux itself has said so."""

import errno
import os
import re
import socket
from contextlib import closing
from pathlib import Path

from hive_tui.domain.ports import Clock

SAID = re.compile(r"^(?:no server running on|error connecting to) (/.*?)(?: \([^()]*\))?$", re.MULTILINE)
"""What tmux says of a server that is down, with the path of its socket."""
NOBODY = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ECONNREFUSED})
"""A connection that fails like that meets no server, and no other failure says so for sure."""
TRUST_S = 600.0
"""After so long tmux is asked again, whatever its socket says."""


class Absence:
    """Remembers the socket of a server that is down, and looks whether somebody listens on it again. For any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: tuple[str, str, float] | None = None
        """The socket, what tmux said of it, and until when that is trusted."""

    def note(self, said: str) -> None:
        """A command of tmux met no server and said this."""
        found = SAID.search(said)
        self._known = (found[1], said, self._clock.monotonic() + TRUST_S) if found else None

    @property
    def socket(self) -> Path | None:
        """The socket on which nobody listened when tmux last said so; None where it has not."""
        return Path(self._known[0]) if self._known is not None else None

    def said(self) -> str:
        """What tmux said, where that is so still; empty where nobody knows."""
        known = self._known  # another thread may learn more meanwhile
        if known is None or self._clock.monotonic() >= known[2] or not _is_deserted(known[0]):
            return ""
        return known[1]


def _is_deserted(path: str) -> bool:
    """Whether there is no socket, or one on which nobody listens."""
    if not os.access(path, os.F_OK):
        return True
    try:
        with closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
            probe.setblocking(False)
            probe.connect(path)
    except OSError as error:
        return error.errno in NOBODY
    return False
