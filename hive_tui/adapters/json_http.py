"""Plain HTTP/1.1 with JSON, over TCP or a unix socket: for the APIs of engines and model servers on this machine."""

import json
import socket
import ssl
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlsplit

MOST_BYTES = 4_000_000
CONNECT_S = 3.0


class HttpFailed(Exception):
    """No whole answer came; the text says why, as a sentence goes on."""

    def __init__(self, said: str, *, timed_out: bool = False) -> None:
        super().__init__(said)
        self.timed_out = timed_out


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer."""

    status: int
    body: Any
    """What its JSON says; None where there is none."""
    retry_after: str = ""
    """When it asks to be asked again, as it says it."""

    @property
    def is_good(self) -> bool:
        """Whether it says that it was done."""
        return 200 <= self.status < 300

    @property
    def said(self) -> str:
        """What a refusal says, for a person."""
        if isinstance(self.body, dict):
            for key in ("message", "error"):
                one = self.body.get(key)
                if isinstance(one, dict):
                    one = one.get("message")
                if isinstance(one, str) and one:
                    return f"{self.status}, {one[:200]}"
        return str(self.status)


class JsonHttp:
    """Asks one server; each question has a connection and a deadline of its own.

    Args:
        address: `http://HOST:PORT`, `https://...` or `unix:///path`.
        timeout_s: Seconds from the question to the last byte of the answer.
    """

    def __init__(self, address: str, *, timeout_s: float) -> None:
        self.address = address
        self._timeout_s = timeout_s

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        timeout_s: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Reply:
        """One question, one answer, never a second try; no proxy is asked and no redirect followed.

        Raises:
            HttpFailed: Nobody answers, not in time, too much, or no HTTP.
        """
        limit_s = timeout_s or self._timeout_s
        try:
            connection = self._connection(min(limit_s, CONNECT_S))
            connection.connect()
        except (OSError, ValueError) as error:
            raise HttpFailed(f"nobody answers at {self.address} ({_reason(error)})") from error
        # A socket's own time limit begins anew with each byte; this one does not.
        late = threading.Event()
        alarm = threading.Timer(limit_s, _give_up, (connection, late))
        alarm.daemon = True
        alarm.start()
        try:
            connection.sock.settimeout(limit_s)
            reply = self._exchange(connection, method, path, body, headers or {})
            if late.is_set():  # what came may look whole and is not
                raise TimeoutError
            return reply
        except (OSError, HTTPException, ValueError) as error:
            if late.is_set() or isinstance(error, TimeoutError):
                raise HttpFailed(f"{self.address} did not answer within {limit_s:g} s", timed_out=True) from error
            raise HttpFailed(f"{self.address} gave no usable answer ({_reason(error)})") from error
        finally:
            alarm.cancel()
            connection.close()

    def _exchange(
        self, connection: HTTPConnection, method: str, path: str, body: Any, more: Mapping[str, str]
    ) -> Reply:
        content = None if body is None else json.dumps(body).encode()
        headers = {"Connection": "close", "Accept": "application/json", **more}
        if content is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, content, headers)
        response = connection.getresponse()
        raw = response.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise ValueError("the answer is too long")
        if len(raw) < int(response.getheader("Content-Length") or 0) and method != "HEAD":
            raise ValueError("the answer broke off")
        said: Any = None
        with suppress(ValueError):
            said = json.loads(raw) if raw else None
        if said is None and raw and response.status < 300 and "json" in response.getheader("Content-Type", ""):
            raise ValueError("the answer is no JSON")
        return Reply(response.status, said, response.getheader("Retry-After", ""))

    def _connection(self, timeout_s: float) -> HTTPConnection:
        parts = urlsplit(self.address)
        if parts.scheme == "unix":
            return _UnixConnection(parts.path, timeout_s)
        if parts.scheme == "https":
            from http.client import HTTPSConnection

            return HTTPSConnection(
                parts.hostname or "", parts.port, timeout=timeout_s, context=ssl.create_default_context()
            )
        if parts.scheme != "http" or not parts.hostname:
            raise ValueError("it is no address")
        return HTTPConnection(parts.hostname, parts.port, timeout=timeout_s)


class _UnixConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket's path instead of a host."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _give_up(connection: HTTPConnection, late: threading.Event) -> None:
    late.set()
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
