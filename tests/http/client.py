"""A client that is not our own code: the standard library's, by TCP and by socket."""

import http.client
import json
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hive_tui.domain.addresses import TcpAddress, UnixAddress
from hive_tui.http.server import HttpServer


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """Of a problem, which it must be, whole."""
        assert self.headers["content-type"] == "application/problem+json", (self.status, self.body)
        assert self.json["status"] == self.status
        assert set(self.json) == {"type", "title", "status", "detail", "hint", "code"}
        return str(self.json["code"])


class UnixConnection(http.client.HTTPConnection):
    """By a socket in the file system."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """Asks a server, with its token unless told otherwise."""

    def __init__(self, server: HttpServer) -> None:
        self.address = server.address
        self.token = server.token.ensure()

    def connection(self) -> http.client.HTTPConnection:
        if isinstance(self.address, UnixAddress):
            return UnixConnection(self.address.path)
        return http.client.HTTPConnection(self.address.host, self.address.port, timeout=20)

    def ask(
        self, method: str, target: str, body: Any = None, headers: Mapping[str, str] | None = None, token: str = ""
    ) -> Answer:
        """One request on a connection of its own; bytes go as they are, all else as JSON."""
        sent = {"Authorization": f"Bearer {token or self.token}"}
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body).encode()
            sent["Content-Type"] = "application/json"
        wanted = {name: value for name, value in (sent | dict(headers or {})).items() if value}
        connection = self.connection()
        try:
            connection.request(method, target, body, wanted)
            answer = connection.getresponse()
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())
        finally:
            connection.close()

    def get(self, target: str, **headers: str) -> Answer:
        return self.ask("GET", target, headers=headers)

    def post(self, target: str, body: Any = None, **headers: str) -> Answer:
        return self.ask("POST", target, body, headers)

    def raw(self) -> socket.socket:
        """A bare connection by TCP."""
        assert isinstance(self.address, TcpAddress)
        return socket.create_connection((self.address.host, self.address.port), timeout=20)

    def speak(self, *pieces: bytes) -> bytes:
        """What comes back for these bytes, until the server ends the connection."""
        with self.raw() as link:
            for piece in pieces:
                link.sendall(piece)
            return read_all(link)

    def head(self, line: str, *headers: str) -> bytes:
        """The head of a request, with host and token."""
        assert isinstance(self.address, TcpAddress)
        host = f"Host: 127.0.0.1:{self.address.port}"
        lines = [line, host, f"Authorization: Bearer {self.token}", *headers, "", ""]
        return "\r\n".join(lines).encode()


def read_all(link: socket.socket) -> bytes:
    """To the end; an end by force counts as one, too."""
    found = b""
    try:
        while more := link.recv(65_536):
            found += more
    except ConnectionError:
        pass
    return found
