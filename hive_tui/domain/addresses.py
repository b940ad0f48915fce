"""Where a local server may listen: this machine alone."""

from __future__ import annotations

import re

from msgspec import Struct

from hive_tui.domain.errors import ConfigError

DEFAULT_PORT = 8477
DEFAULT_ADDRESS = f"127.0.0.1:{DEFAULT_PORT}"
LOOPBACK = {"127.0.0.1": "127.0.0.1", "localhost": "127.0.0.1", "::1": "::1", "[::1]": "::1"}
LONGEST_PATH_BYTES = 103
"""The kernel's limit for the path of a socket; macOS has the smaller one."""
HINT = "Use 127.0.0.1:PORT, [::1]:PORT or unix:PATH; a tunnel or a reverse proxy makes it reachable from elsewhere."
_WRITTEN = r"(?P<host>127\.0\.0\.1|localhost|\[::1\])(?::(?P<port>\d{1,5}))?|:?(?P<only>\d{1,5})"


class TcpAddress(Struct, frozen=True):
    """A port of the loopback interface; port 0 is one that the system chooses."""

    host: str
    port: int

    @property
    def shown_host(self) -> str:
        """As in a URL."""
        return f"[{self.host}]" if ":" in self.host else self.host

    def __str__(self) -> str:
        return f"http://{self.shown_host}:{self.port}"


class UnixAddress(Struct, frozen=True):
    """A socket in the file system."""

    path: str

    def __str__(self) -> str:
        return f"unix:{self.path}"


Address = TcpAddress | UnixAddress


def parse_address(written: str) -> Address:
    """What a person wrote: `8477`, `127.0.0.1:8477`, `[::1]:8477`, `localhost` or `unix:PATH`.

    Raises:
        ConfigError: It is no address, or one that other machines reach.
    """
    if written.startswith("unix:"):
        return _unix(written.removeprefix("unix:"))
    if written == "::1":
        return TcpAddress("::1", DEFAULT_PORT)
    found = re.fullmatch(_WRITTEN, written, re.ASCII)
    if found is None:
        raise ConfigError(f"{written!r} is no address that only this machine reaches.", hint=HINT)
    port = int(found["port"] or found["only"] or DEFAULT_PORT)
    if port > 65_535:
        raise ConfigError(f"There is no port {port}.", hint="Ports go from 1 to 65535; 0 lets the system choose.")
    return TcpAddress(LOOPBACK[found["host"] or "127.0.0.1"], port)


def _unix(path: str) -> UnixAddress:
    if not path.startswith("/"):
        raise ConfigError(f"The path of a socket begins with /, and {path!r} does not.", hint="unix:/run/user/…/hive")
    if len(path.encode()) > LONGEST_PATH_BYTES or "\0" in path:
        raise ConfigError(f"A socket cannot have the path {path!r}.", hint=f"At most {LONGEST_PATH_BYTES} bytes.")
    return UnixAddress(path)
