"""One connection: requests are read and answers written by the rules of h11, each part within its time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import h11

from hive_tui.http.messages import Head, Reply, Stream
from hive_tui.http.problems import Problem, bad_request

CHUNK_BYTES = 65_536
HEAD_LIMIT_BYTES = 16_384
LINGER_BYTES, LINGER_S = 4_000_000, 1.0
"""What a client still sends of a request that was refused is read up to that, so that it sees the answer."""
HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a client may take, in seconds."""

    head_s: float = 10.0
    """From the connection, or from the last answer, to the end of the headers."""
    body_s: float = 20.0
    """For the whole body."""
    write_s: float = 10.0
    """For each piece of an answer of up to 64 KiB."""


class ClientGone(Exception):
    """It has closed the connection, or takes too long; there is nobody to answer."""


class Wire:
    """A connection on the server's side; for one request after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: Patience) -> None:
        self._reader = reader
        self._writer = writer
        self._patience = patience
        self.is_idle = True
        """Whether no request is under way."""
        self._http = h11.Connection(h11.SERVER, max_incomplete_event_size=HEAD_LIMIT_BYTES)
        # What is "written" then has left the process: a slow client cannot make us keep its answers.
        writer.transport.set_write_buffer_limits(high=0)

    async def head(self) -> Head:
        """The next request.

        Raises:
            ClientGone: There is none.
            Problem: It is none that HTTP knows, or has too many headers.
        """
        self.is_idle = True
        try:
            async with asyncio.timeout(self._patience.head_s):
                event = await self._next()
        except TimeoutError as error:
            raise ClientGone from error
        self.is_idle = False
        if not isinstance(event, h11.Request):
            raise ClientGone
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in event.headers)
        head = Head(event.method.decode("latin-1"), event.target.decode("latin-1"), headers)
        if head.all("content-length") and head.all("transfer-encoding"):
            # A proxy may go by the other one, and take part of the body for a request, or the other way round.
            raise bad_request("The request says in two ways how long its body is.")
        return head

    async def body(self, limit_bytes: int) -> bytes:
        """The body of the request.

        Raises:
            ClientGone: The client has gone in the middle of it.
            Problem: It is longer than the limit, takes too long, or is none.
        """
        if self._http.they_are_waiting_for_100_continue:
            await self._write(self._http.send(h11.InformationalResponse(status_code=100, headers=[])))
        whole = bytearray()
        try:
            async with asyncio.timeout(self._patience.body_s):
                while not isinstance(event := await self._next(), h11.EndOfMessage):
                    if not isinstance(event, h11.Data):
                        raise ClientGone
                    whole += event.data
                    if len(whole) > limit_bytes:
                        raise too_large(limit_bytes)
        except TimeoutError as error:
            what = f"The body of the request did not come within {self._patience.body_s:g} s."
            raise Problem(HTTPStatus.REQUEST_TIMEOUT, what) from error
        return bytes(whole)

    async def send(self, reply: Reply, *, with_body: bool = True) -> None:
        """Answer the request.

        Raises:
            ClientGone: The client does not take it.
        """
        headers = [("Content-Type", reply.kind), ("Content-Length", str(len(reply.body))), *reply.headers.items()]
        head = self._opening(reply.status, headers, close=not self._has_read_all)
        pieces = [reply.body[at : at + CHUNK_BYTES] for at in range(0, len(reply.body), CHUNK_BYTES)]
        # Most answers are one piece, which then goes out with its head.
        for piece in pieces if with_body else ():
            await self._write(head + (self._http.send(h11.Data(data=piece)) or b""))
            head = b""
        await self._write(head + (self._http.send(h11.EndOfMessage()) or b""))

    async def stream(self, stream: Stream) -> None:
        """Answer piece by piece, until the pieces or the client are at their end.

        Raises:
            ClientGone: The client does not take them.
        """
        await self._write(self._opening(HTTPStatus.OK, [("Content-Type", stream.kind)], close=True))
        writing = asyncio.ensure_future(self._write_all(stream.chunks))
        # Nothing more is asked on this connection: whatever comes from the client, it is the end.
        listening = asyncio.ensure_future(self._reader.read(1))
        try:
            await asyncio.wait((writing, listening), return_when=asyncio.FIRST_COMPLETED)
            if writing.done():
                writing.result()
                await self._write(self._http.send(h11.EndOfMessage()))
        finally:
            for task in (writing, listening):
                task.cancel()
            await asyncio.gather(writing, listening, return_exceptions=True)

    def goes_on(self) -> bool:
        """Whether another request may follow on this connection; then it is waited for by `head`."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return True
        return False

    async def close(self) -> None:
        """Let the client see the last answer, and end the connection whatever it does."""
        with suppress(OSError, TimeoutError, ClientGone):
            if self._writer.can_write_eof() and not self._writer.is_closing():
                self._writer.write_eof()
                async with asyncio.timeout(LINGER_S):
                    left = LINGER_BYTES
                    while left > 0 and (more := await self._reader.read(CHUNK_BYTES)):
                        left -= len(more)
        self.abort()

    def abort(self) -> None:
        """End the connection at once."""
        self._writer.transport.abort()

    @property
    def may_answer(self) -> bool:
        """Whether an answer can be given: none was begun."""
        return self._http.our_state in (h11.IDLE, h11.SEND_RESPONSE)

    @property
    def _has_read_all(self) -> bool:
        return self._http.their_state is h11.DONE

    def _opening(self, status: int, headers: list[tuple[str, str]], *, close: bool) -> bytes:
        """The head of an answer, to be written."""
        headers = [*headers, *HEADERS, *([("Connection", "close")] if close else [])]
        reason = HTTPStatus(status).phrase.encode()
        return self._http.send(h11.Response(status_code=status, headers=headers, reason=reason)) or b""

    async def _write_all(self, chunks: AsyncGenerator[bytes]) -> None:
        async with aclosing(chunks):  # also where it is the client that ends it
            async for chunk in chunks:
                for at in range(0, len(chunk), CHUNK_BYTES):
                    await self._write(self._http.send(h11.Data(data=chunk[at : at + CHUNK_BYTES])))

    async def _write(self, content: bytes | None) -> None:
        if not content:
            return
        try:
            async with asyncio.timeout(self._patience.write_s):
                self._writer.write(content)
                await self._writer.drain()
        except (OSError, TimeoutError) as error:
            raise ClientGone from error

    async def _next(self) -> Any:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                self._http.receive_data(await self._reader.read(CHUNK_BYTES))
        except h11.RemoteProtocolError as error:
            status = HTTPStatus(error.error_status_hint)
            raise Problem(status, f"This is no request that HTTP knows: {error}.") from error
        except OSError as error:
            raise ClientGone from error
        return event


def too_large(limit_bytes: int) -> Problem:
    """The body is longer than the route takes."""
    what = f"The body of the request is longer than {limit_bytes} bytes."
    return Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, what, hint="Send less at once.", code="body-too-large")


def declared_length(head: Head) -> int:
    """The length that the client announces; 0 where it does not.

    Raises:
        Problem: It is no number.
    """
    said = head.get("content-length") or "0"
    if not said.isdecimal():
        raise bad_request("The Content-Length is no number.")
    return int(said[:18])
