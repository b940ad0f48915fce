"""One connection to one Redis server for one errand: raw replies, no retries, and an end to every wait."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any, TypeVar
from urllib.parse import urlsplit

from hive_tui.domain.errors import StreamsError

T = TypeVar("T")
Command = tuple[Any, ...]


class Unreachable(StreamsError):
    """No answer, or no connection; asking again at once would bring nothing."""

    is_unreachable = True


class Refused(StreamsError):
    """The server answered a command with an error.

    Args:
        place: The server, without credentials.
        reply: The error as the server words it.
    """

    def __init__(self, place: str, reply: str) -> None:
        super().__init__(f"Redis at {place} refuses: {reply}.", hint=_hint(reply))
        self.reply = reply


class Server:
    """For one thread at a time. Once it has failed it stays failed: nothing is ever sent twice.

    Args:
        url: `redis://`, `rediss://` or `unix://`.
        timeout_s: Longest wait for a connection, and for a part of an answer.
    """

    def __init__(self, url: str, timeout_s: float) -> None:
        self.place = place_of(url)
        self._url = url
        self._timeout_s = timeout_s
        self._connection: Any = None
        self._has_failed = False

    def run(self, *command: Any) -> Any:
        """The reply to one command, as it comes: bytes, numbers, lists.

        Raises:
            Refused: The reply is an error.
            Unreachable: There is no reply.
        """
        [reply] = self.run_many([command])
        if isinstance(reply, Refused):
            raise reply
        return reply

    def run_many(self, commands: Sequence[Command]) -> list[Any]:
        """The replies to several commands, sent at once; an error is a `Refused` among them."""
        with self._talking() as connection:
            connection.send_packed_command(connection.pack_commands(commands))
            return [self._reply(connection) for _ in commands]

    def run_atomically(self, commands: Sequence[Command]) -> list[Any] | None:
        """The replies to several commands that run as one; None if a watched key has changed.

        Raises:
            Refused: The server takes one of them not at all; none was run.
        """
        replies = self.run_many([("MULTI",), *commands, ("EXEC",)])
        done = replies[-1]
        if isinstance(done, Refused):
            raise next((one for one in replies if isinstance(one, Refused)), done)
        if done is None:
            return None
        return [self._as_refused(one) for one in done]

    @property
    def has_failed(self) -> bool:
        """Whether it is of no use any more."""
        return self._has_failed

    def hears(self, timeout_s: float) -> bool:
        """After a subscription: whether something was published within so long. Takes all that has come.

        Raises:
            Unreachable: The connection has ended.
        """
        with self._talking() as connection:
            is_any = False
            while connection.can_read(timeout=0 if is_any else timeout_s):
                connection.read_response(disconnect_on_error=False)
                is_any = True
            return is_any

    def abandon(self) -> None:
        """Break the connection, from another thread; whoever waits on it fails at once."""
        self._has_failed = True
        connection = self._connection
        if connection is not None:
            with suppress(Exception):
                connection.disconnect()

    close = abandon

    def _reply(self, connection: Any) -> Any:
        from redis.exceptions import AuthenticationError, ResponseError

        try:
            return connection.read_response(disconnect_on_error=False)
        except AuthenticationError:
            raise
        except ResponseError as error:
            return Refused(self.place, _words(error))

    def _as_refused(self, reply: Any) -> Any:
        return Refused(self.place, _words(reply)) if isinstance(reply, Exception) else reply

    @contextmanager
    def _talking(self) -> Iterator[Any]:
        if self._has_failed:
            raise Unreachable(f"Redis at {self.place} was given up.")
        # Until the last reply is read, any way out leaves replies behind that would be taken for others.
        self._has_failed = True
        with self._as_streams_error():
            if self._connection is None:
                self._connection = self._connect()
            yield self._connection
        self._has_failed = False

    def _connect(self) -> Any:
        from redis import ConnectionPool
        from redis.backoff import NoBackoff
        from redis.retry import Retry

        pool = ConnectionPool.from_url(
            self._url,
            protocol=2,
            socket_timeout=self._timeout_s,
            socket_connect_timeout=self._timeout_s,
            retry=Retry(NoBackoff(), 0),
        )
        connection: Any = pool.make_connection()
        connection.connect()
        return connection

    @contextmanager
    def _as_streams_error(self) -> Iterator[None]:
        try:
            from redis import exceptions
        except ImportError as error:
            hint = "Install it: `pip install 'hive-tui[redis]'`."
            raise StreamsError("Redis is set up, but Python's redis package is missing.", hint=hint) from error
        try:
            yield
        except exceptions.AuthenticationError as error:
            raise Refused(self.place, f"NOAUTH wrong user or password ({error})") from error
        except exceptions.TimeoutError as error:
            said = f"Redis at {self.place} did not answer within {self._timeout_s:g} s."
            raise Unreachable(said, hint="Is it stopped, or very busy?", timed_out=True) from error
        except exceptions.BusyLoadingError as error:
            raise Unreachable(f"Redis at {self.place} is still loading its data.", hint="Try again.") from error
        except exceptions.ResponseError as error:
            raise Refused(self.place, _words(error)) from error
        except (exceptions.RedisError, OSError, ValueError) as error:
            said = f"Redis at {self.place} cannot be reached: {str(error).rstrip('.')}."
            raise Unreachable(said, hint="Is it running, and is redis.url right?") from error


def errand(url: str, timeout_s: float, patience_s: float, work: Callable[[Server], T]) -> T:
    """Do some work with a server of its own, in a thread that is given up after `patience_s` seconds.

    A thread, since neither the look-up of a host's name nor an answer that drips in byte by byte has an end.

    Raises:
        StreamsError: It failed, or took too long; what it had sent by then may have been done.
    """
    server = Server(url, timeout_s)
    results: list[T] = []
    failures: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work(server))
        except BaseException as error:
            failures.append(error)
        finally:
            server.close()

    thread = threading.Thread(target=run, name="redis", daemon=True)
    thread.start()
    thread.join(patience_s)
    if thread.is_alive():
        server.abandon()
        raise Unreachable(
            f"Redis at {server.place} did not get done within {patience_s:g} s.", hint="Is it busy?", timed_out=True
        )
    if failures:
        raise failures[0]
    return results[0]


def place_of(url: str) -> str:
    """The server's address without user and password."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    host = parts.netloc.rpartition("@")[2]
    return f"{host or 'localhost'}{parts.path if parts.path not in ('', '/', '/0') else ''}"


CODES = {
    "NoPermissionError": "NOPERM",
    "MovedError": "MOVED",
    "AskError": "ASK",
    "ClusterDownError": "CLUSTERDOWN",
    "ClusterCrossSlotError": "CROSSSLOT",
    "MasterDownError": "MASTERDOWN",
    "ReadOnlyError": "READONLY",
}


def _words(error: Exception) -> str:
    """The server's words, with the code that the redis package takes away from some of them."""
    code = CODES.get(type(error).__name__, "")
    return f"{code} {error}".strip()


def _hint(reply: str) -> str:
    """What to do about an error of the server."""
    word = reply.split(" ", 1)[0]
    if word in ("MOVED", "ASK", "CLUSTERDOWN", "CROSSSLOT"):
        return "It is a cluster, which is not supported; name a single server in redis.url."
    if word in ("NOAUTH", "WRONGPASS", "NOPERM"):
        return "Put a user and a password that may do this into redis.url."
    if word in ("READONLY", "MASTERDOWN"):
        return "It is a replica; name the primary in redis.url."
    if "unknown command" in reply.lower() or "unknown subcommand" in reply.lower():
        return "The server is too old (streams need version 5), or the command is switched off there."
    return "Look at the server's log."
