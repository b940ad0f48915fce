"""What was read of the database, kept for as long as nobody writes it."""

import sqlite3
import threading
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from hive_tui.store.database import Database

P = ParamSpec("P")
T = TypeVar("T")


class Remembered:
    """Reads as `Database.read` does, but only if the answer can be another one than the last time.

    Each thread remembers what it has read itself: the database tells of changes by connection. Of each reader the last
    answer is kept; it must depend on nothing but the database and the arguments, and nobody may change it.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._local = threading.local()

    def read(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """What `work` gives on a consistent view of the database.

        Raises:
            StoreError: The database cannot be read.
        """
        answers: dict[object, tuple[object, Any]] = self._local.__dict__.setdefault("answers", {})
        # Before it is read: what is committed in between is seen now, and has it read once more.
        question = (self._database.mark(), args, kwargs)
        known = answers.get(work)
        if known is None or known[0] != question:
            known = answers[work] = (question, self._database.read(work, *args, **kwargs))
        answer: T = known[1]
        return answer
