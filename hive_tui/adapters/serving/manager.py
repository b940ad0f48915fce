"""Tells the service manager how we are, by the protocol of sd_notify(3)."""

import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress

SEND_TIMEOUT_S = 1.0


class ServiceManager:
    """systemd, or whoever else has set `NOTIFY_SOCKET`; nobody, if it is not set.

    The variables are taken out of the environment: a tmux server that is started from here lives on, and
    what runs in it must not speak for this service.
    """

    def __init__(self, environ: MutableMapping[str, str], pid: int) -> None:
        self._address = environ.pop("NOTIFY_SOCKET", "")
        given, for_pid = environ.pop("WATCHDOG_USEC", ""), environ.pop("WATCHDOG_PID", str(pid))
        is_ours = for_pid == str(pid) and given.isdecimal() and int(given) > 0
        self.watchdog_s = int(given) / 1e6 if self._address and is_ours else None
        """Seconds without a sign of life after which we are killed; None for never."""

    @property
    def listens(self) -> bool:
        """Whether there is one."""
        return self._address.startswith(("/", "@"))

    def tell(self, *states: str) -> bool:
        """Send states like `READY=1`; False if nobody took them. Never fails, and never waits for long."""
        if not self.listens:
            return False
        address = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.settimeout(SEND_TIMEOUT_S)
            sender.sendto("\n".join(states).encode(), address)
            return True
        return False


def own_manager() -> ServiceManager:
    """The one of this process."""
    return ServiceManager(os.environ, os.getpid())
