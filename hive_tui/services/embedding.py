"""Makes the vectors of what an agent has said, in a worker process: in batches, at a pace, and only of what is new."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hive_tui.adapters.clock import SystemClock
from hive_tui.adapters.embeddings import Embedded, Embeddings, TextRefused
from hive_tui.adapters.models import ModelFailed
from hive_tui.condense.tokens import count
from hive_tui.domain.errors import ErrorClass, class_of
from hive_tui.domain.ports import Clock
from hive_tui.services.bill import Bill
from hive_tui.services.meaning import newest_texts
from hive_tui.settings.vectors import VectorSettings
from hive_tui.store.context_index import ContextIndex
from hive_tui.store.vectors import Vectors, VectorsDamaged, VectorsMissing

BUDGET_AGAIN_S = 3_600.0
PROBE = "hello"
"""Asked when a batch was refused: if even this is, no single text is to blame."""
ALWAYS = ("made", "left")
Piece = tuple[bytes, int, str]


@dataclass(slots=True)
class Made:
    """What came of it so far."""

    made: int = 0
    left: int = 0
    """Pieces that wait for the next attempt."""
    refused: int = 0
    """Pieces that the model does not take; they are not asked for again."""
    requests: int = 0
    tokens_in: int = 0
    anew: bool = False
    """Whether those of another model, or of another length, were thrown away."""
    why: str = ""
    again_after_s: float | None = None
    """Seconds after which the rest may be made; None where nothing is left, or trying again would not help."""
    timed_out: bool = False
    failed: bool = False

    def to_json(self) -> dict[str, Any]:
        """For the result of the stage."""
        told = {name: getattr(self, name) for name in self.__slots__}
        return {
            name: value
            for name, value in told.items()
            if value or name in ALWAYS or (name == "again_after_s" and value is not None)
        }


def embed_pieces(given: Mapping[str, Any]) -> dict[str, Any]:
    """Do the stage; a failure of the endpoint is a result, for the words are indexed without it."""
    wanted = VectorSettings(**given["vectors"])
    key = os.environ.get(wanted.key_env, "") if wanted.key_env else ""
    embeddings = Embeddings(wanted.url, wanted.model, key, timeout_s=wanted.timeout_s)
    run = _Run(given, wanted, embeddings, SystemClock())
    try:
        try:
            run.work()
        except VectorsDamaged:  # nothing is in it that cannot be made again
            run.begin_anew()
    except VectorsMissing as error:
        return {**run.done.to_json(), "not_done": True, "why": f"{error.what} {error.hint}"}
    except ModelFailed as error:
        done = run.done
        done.why, done.again_after_s, done.failed = f"{error.what} {error.hint}".strip(), error.again_after_s, True
        done.timed_out = class_of(error) is ErrorClass.TIMEOUT
    return run.done.to_json()


class _Run:
    """One attempt for one agent."""

    def __init__(self, given: Mapping[str, Any], wanted: VectorSettings, embeddings: Embeddings, clock: Clock) -> None:
        self.done = Made()
        self._agent_id = str(given["agent_id"])
        self._wanted = wanted
        self._embeddings = embeddings
        self._clock = clock
        self._index = ContextIndex(Path(given["index"]))
        self._store = Vectors(Path(given["index"]).with_name("vectors.db"))
        self._until = clock.monotonic() + float(given["until_s"])
        self._tokens_left: int | None = given["tokens_left"]
        self._next_at = clock.monotonic() + float(given["wait_s"])
        self._has_changed = False
        self._bill = Bill(Path(given["bill"]))
        self._bill_key = str(given["bill_key"])

    def begin_anew(self) -> None:
        """Throw the file away, and make all of them again."""
        self._store.remove_all()
        self.work()
        self.done.anew = True

    def work(self) -> None:
        """Until all is made, the time is over or the budget is used up."""
        self.done.anew = self._store.forget_others(self._wanted.model)
        todo = self._todo()
        size = self._wanted.batch
        while todo:
            self.done.left = len(todo)
            batch = todo[:size]
            if not self._may_go_on(batch):
                return
            try:
                made = self._ask([text for _, _, text in batch])
            except TextRefused:
                # Smaller and smaller, until it is known which text it is.
                size = len(batch) // 2 or self._wanted.batch
                if len(batch) == 1:
                    todo = self._without(todo)
                continue
            if self._is_of_another_length(made):
                todo = self._todo()
                continue
            self._keep(batch, made)
            todo = todo[len(batch) :]
            size = min(self._wanted.batch, size * 2)
        self.done.left = 0

    def _without(self, todo: list[Piece]) -> list[Piece]:
        """The model does not take the first piece. It is not asked for it again, unless it takes nothing at all.

        Raises:
            ModelFailed: It takes nothing.
        """
        self._next_at = self._clock.monotonic()
        self._ask([PROBE])
        hashed, chunk_id, _ = todo[0]
        self._store.put(self._agent_id, [(hashed, chunk_id, b"")])
        self.done.refused += 1
        return todo[1:]

    def _todo(self) -> list[Piece]:
        """What has no vector yet, the newest first."""
        ids, texts = newest_texts(self._index, self._agent_id, self._wanted)
        new = self._store.place(self._agent_id, ids, self._index.identity())
        return [(hashed, ids[hashed], texts[hashed]) for hashed in new]

    def _may_go_on(self, batch: Sequence[Piece]) -> bool:
        """Whether time and budget allow one more request."""
        if self._next_at >= self._until or self._clock.monotonic() >= self._until:
            self.done.why, self.done.again_after_s = "its time is over; the rest is made later", 0.0
            return False
        price = sum(count(text) for _, _, text in batch)
        if self._tokens_left is not None and self.done.tokens_in + price > self._tokens_left:
            self.done.why, self.done.again_after_s = "its budget has no more tokens today", BUDGET_AGAIN_S
            return False
        return True

    def _is_of_another_length(self, made: Embedded) -> bool:
        """Whether all vectors have to be made anew: those that are there are of another length.

        Raises:
            ModelFailed: That was so before in this attempt; nobody can rely on such an endpoint.
        """
        if not self._store.begin(self._wanted.model, made.dimensions):
            return False
        if self._has_changed:
            raise ModelFailed("The endpoint changes the length of its vectors.", again_after_s=0.0)
        self._has_changed = self.done.anew = True
        return True

    def _keep(self, batch: Sequence[Piece], made: Embedded) -> None:
        rows = [(hashed, at, vector) for (hashed, at, _), vector in zip(batch, made.vectors, strict=True)]
        kept = self._store.put(self._agent_id, rows)
        self.done.made += kept
        self.done.refused += len(rows) - kept

    def _ask(self, texts: Sequence[str]) -> Embedded:
        """One request, at the pace that is allowed."""
        if (wait_s := self._next_at - self._clock.monotonic()) > 0:
            self._clock.sleep(wait_s)
        self._next_at = self._clock.monotonic() + 60 / self._wanted.per_minute
        self.done.requests += 1
        made = self._embeddings.embed(texts)
        self.done.tokens_in += made.tokens or sum(count(text) for text in texts)
        self._bill.write(self._bill_key, self.done.tokens_in)
        return made
