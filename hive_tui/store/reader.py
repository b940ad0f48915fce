"""The connection by which one thread reads the database."""

import sqlite3
import threading

INTERRUPT_EVERY_S = 0.05
"""A statement that begins just behind an interruption does not hear of it."""


class Reader:
    """Made by the thread that reads; another one may close it, but never in the middle of a read.

    SQLite takes the whole process down where a connection is closed while it is used.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.thread = threading.current_thread()
        self._connection = connection
        self._in_use = threading.RLock()

    def __enter__(self) -> sqlite3.Connection:
        self._in_use.acquire()
        return self._connection

    def __exit__(self, *_: object) -> None:
        self._in_use.release()

    def close(self, patience_s: float) -> None:
        """End the read that goes on, and close the connection; it is left open where the read does not end in time."""
        for _ in range(max(1, round(patience_s / INTERRUPT_EVERY_S))):
            self._connection.interrupt()
            if self._in_use.acquire(timeout=INTERRUPT_EVERY_S):
                self._connection.close()
                self._in_use.release()
                return
