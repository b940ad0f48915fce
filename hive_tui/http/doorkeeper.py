"""Who is let in: by the address that was asked for, where a web page comes from, and the token."""

from __future__ import annotations

import re
from collections.abc import Collection
from http import HTTPStatus
from urllib.parse import urlsplit

from hive_tui.domain.addresses import Address, TcpAddress
from hive_tui.domain.agents import NAME
from hive_tui.domain.ports import Clock
from hive_tui.http.limits import TokenBuckets
from hive_tui.http.messages import Head
from hive_tui.http.problems import Problem, bad_request
from hive_tui.http.token import TokenFile

CLIENT_HEADER = "x-hive-client"
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")
STRANGERS = "strangers"
STRANGERS_PER_S, STRANGERS_AT_ONCE = 10.0, 50.0
"""For all together who do not show that they may: guessing is slow, and holds up nobody who may."""
HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>\d{1,5}))?", re.ASCII)
SECRETS = ("token", "access_token", "auth_token", "api_key", "apikey", "key", "secret", "bearer", "authorization")


class Doorkeeper:
    """Checks the head of a request before anything else of it is read.

    Args:
        address: Where we listen; None as port 0 until it is known.
        hosts: Further names that a reverse proxy passes on.
        token: What programs have to show.
        clock: For the limits.
        per_s: Requests a second for each client that may ask.
    """

    def __init__(
        self, address: Address, hosts: Collection[str], token: TokenFile, clock: Clock, *, per_s: float
    ) -> None:
        self._port = address.port if isinstance(address, TcpAddress) else None
        self._hosts = {host.lower() for host in hosts}
        self._token = token
        self._place = "127.0.0.1" if isinstance(address, TcpAddress) else "unix"
        self._known = TokenBuckets(clock, per_s, 2 * per_s)
        self._strangers = TokenBuckets(clock, STRANGERS_PER_S, STRANGERS_AT_ONCE)

    def check_place(self, head: Head) -> None:
        """Was it us that the client wanted to talk to, and is it no web page of another site?

        A page of a foreign site can have its name point to 127.0.0.1 (DNS rebinding), and then send what it
        likes; but the browser names that site in `Host`.

        Raises:
            Problem: It is not let in.
        """
        host = head.get("host").lower()
        found = HOST.fullmatch(host)
        if found is None:
            raise bad_request("The request does not say which host it is for.")
        if not self._is_ours(found["name"], found["port"]):
            what = f"This is not {host}."
            hint = "Ask 127.0.0.1 itself; names that a reverse proxy passes on belong into `http.hosts`."
            raise Problem(HTTPStatus.MISDIRECTED_REQUEST, what, hint=hint, code="foreign-host")
        origins = head.all("origin")
        foreign = [one for one in origins if one.lower() not in (f"http://{host}", f"https://{host}")]
        if foreign or head.get("sec-fetch-site") in ("cross-site", "same-site"):
            what = "Web pages of other sites are not let in."
            raise Problem(HTTPStatus.FORBIDDEN, what, hint="Ask from a program.", code="foreign-origin")

    def check_query(self, target: str) -> None:
        """A token in an address would stand in logs and histories.

        Raises:
            Problem: There is one.
        """
        names = {part.partition("=")[0].lower() for part in urlsplit(target).query.split("&")}
        if names & set(SECRETS):
            what = "A token is not taken from the address, where logs would keep it."
            hint = "Send it as `Authorization: Bearer TOKEN`, and rotate it: `hive-tui http token --rotate`."
            raise Problem(HTTPStatus.BAD_REQUEST, what, hint=hint, code="token-in-address")

    def check_token(self, head: Head) -> str:
        """The client's name, if it shows the token.

        Raises:
            Problem: It does not, or asks too often.
        """
        scheme, _, said = head.get("authorization").partition(" ")
        if scheme.lower() != "bearer" or not self._token.matches(said.strip()):
            is_none = not head.all("authorization")
            raise Problem(
                HTTPStatus.UNAUTHORIZED,
                "The request shows no token." if is_none else "The token is wrong.",
                hint="Send `Authorization: Bearer TOKEN`; `hive-tui http token` prints it.",
                code="no-token" if is_none else "wrong-token",
                headers={"WWW-Authenticate": 'Bearer realm="hive-tui"'},
            )
        name = head.get(CLIENT_HEADER)
        return name if NAME.fullmatch(name) else self._place

    def count(self, client: str) -> None:
        """A request of somebody who may ask.

        Raises:
            Problem: It asks too often.
        """
        _refuse(self._known.take(client))

    def count_stranger(self) -> None:
        """A request of somebody who may not, or who need not show anything.

        Raises:
            Problem: They ask too often.
        """
        _refuse(self._strangers.take(STRANGERS))

    def _is_ours(self, name: str, port: str | None) -> bool:
        if name in self._hosts:
            return True
        is_port = self._port is None or (int(port) if port else 80) == self._port
        return name in LOCAL_NAMES and is_port


def _refuse(wait_s: float) -> None:
    if wait_s:
        what = "There were too many requests."
        headers = {"Retry-After": str(max(1, round(wait_s + 0.5)))}
        raise Problem(HTTPStatus.TOO_MANY_REQUESTS, what, hint="Wait a little.", headers=headers)
