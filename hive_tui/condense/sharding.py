"""Digests the records of a long transcript in several processes, a few megabytes at a time, ahead of who needs them."""

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Self

from hive_tui.condense.digesting import Digest, digest, key_of
from hive_tui.condense.lines import UTF_16, rows
from hive_tui.condense.reading import records_of
from hive_tui.condense.records import Reading, Record

SHARD_BYTES = 1_000_000
AHEAD = 3
"""So many shards a process are worked on before they are needed; the rest waits, so that memory stays small."""
ASK_EVERY_BYTES = 65_536
"""Where no core is free for a process, it is asked again after so much has been read."""
Digests = dict[bytes, Digest]
GiveBack = Callable[[], None]


def _any_is_free() -> GiveBack | None:
    return lambda: None


@dataclass(frozen=True, slots=True)
class Helpers:
    """Processes that may work on a transcript beside the one that reads it."""

    most: int = 0
    core: Callable[[], GiveBack | None] = _any_is_free
    """Gives a core for one shard, with the function that gives it back; None while there is none to spare."""


@dataclass(frozen=True, slots=True)
class _Shard:
    begin: int
    end: int
    made: Future[Digests]


class Shards:
    """Gives out digests by record. What no other process has made is made here, so the result is always the same.

    Nobody waits for a core: while none is free, the records are digested one after the other where they are needed.
    """

    def __init__(self, path: Path, helpers: Helpers, *, shard_bytes: int = SHARD_BYTES) -> None:
        self._ranges = _ranges(path, shard_bytes) if helpers.most else iter(())
        self._path = path
        self._helpers = helpers.most
        self._core = helpers.core
        self._pool: ProcessPoolExecutor | None = None
        self._pending: deque[_Shard] = deque()
        self._ended: deque[None] = deque()
        self._busy = 0
        self._ask_at = 0
        self._is_at_end = not helpers.most
        self._now: _Shard | None = None
        self._digests: Digests = {}
        self.used = 0
        """How many digests the processes have made that were used."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)  # waited for: what they have used is counted with us

    def digest(self, record: Record, read_bytes: int) -> Digest:
        """The digest of the record that ends at so many bytes of the file."""
        if not self._is_at_end and (self._ended or read_bytes >= self._ask_at):
            self._work_ahead(read_bytes)
        if self._now is not None and read_bytes > self._now.end:
            self._now, self._digests = None, {}
        while self._now is None and self._pending and read_bytes > self._pending[0].begin:
            self._take(self._pending.popleft(), read_bytes)
        found = self._digests.get(key_of(record)) if self._digests else None
        self.used += found is not None
        return found if found is not None else digest(record)

    def _take(self, shard: _Shard, read_bytes: int) -> None:
        if read_bytes <= shard.end:
            with suppress(BrokenProcessPool, OSError):
                self._digests = shard.made.result()
            self._now = shard

    def _work_ahead(self, read_bytes: int) -> None:
        """Have the next shards digested that nobody has come to, by processes that are free and have a core."""
        while self._ended:
            self._ended.popleft()
            self._busy -= 1
        self._ask_at = read_bytes + ASK_EVERY_BYTES
        while self._busy < self._helpers and len(self._pending) < AHEAD * self._helpers:
            give_back = self._core()
            if give_back is None:
                return
            if not self._begin(read_bytes, give_back):
                give_back()
                self._is_at_end = True
                return

    def _begin(self, read_bytes: int, give_back: GiveBack) -> bool:
        """Whether there was something to begin with."""
        piece = next((one for one in self._ranges if one[0] >= read_bytes), None)
        if piece is None:
            return False
        if self._pool is None:
            # A fork has all modules loaded; the process that this is done in has one thread.
            self._pool = ProcessPoolExecutor(self._helpers, mp_context=get_context("fork"), initializer=_be_quiet)
        try:
            made = self._pool.submit(digests, self._path, *piece)
        except (BrokenProcessPool, OSError):
            return False
        self._busy += 1
        self._pending.append(_Shard(*piece, made))
        made.add_done_callback(lambda done: self._end(give_back))
        return True

    def _end(self, give_back: GiveBack) -> None:
        """A shard is done; told on a thread of the pool."""
        give_back()
        self._ended.append(None)


def _be_quiet() -> None:
    """What is said by the process that has forked us ends with it, and not with us."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def digests(path: Path, begin: int, end: int) -> Digests:
    """The digests of the records between two bytes of the file, each the first of a line."""
    reading = Reading(size_bytes=begin)
    return {key_of(record): digest(record) for record in records_of(_until(path, reading, end), reading)}


def _until(path: Path, reading: Reading, end: int) -> Iterator[tuple[int, dict[str, object]]]:
    for row in rows(path, reading):
        if reading.size_bytes > end:
            return
        yield row


def _ranges(path: Path, shard_bytes: int) -> Iterator[tuple[int, int]]:
    """Pieces of the file of about that size, cut between lines."""
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(2) in UTF_16:
            return
        begin = 0
        while begin < size:
            end = _line_end(file, begin + shard_bytes, size)
            yield begin, end
            begin = end


def _line_end(file: IO[bytes], at: int, size: int) -> int:
    if at >= size:
        return size
    file.seek(at)
    file.readline()
    return file.tell()
