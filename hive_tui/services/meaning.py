"""Finds pieces of conversations that say in other words what is asked for; without it words are found all the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hive_tui.adapters.embeddings import Embedded, Embeddings
from hive_tui.domain.errors import HiveError
from hive_tui.domain.redaction import Redactor
from hive_tui.settings.vectors import VectorSettings
from hive_tui.store.context_index import ContextIndex
from hive_tui.store.vectors import Near, Vectors, VectorsMissing, hash_of

LEAST_LIKENESS = 0.2
"""What is less like the question has nothing to do with it."""
PATIENCE_S = 3.0
"""A person waits for the answer; words are found meanwhile."""
REMEMBERED = 32
NONE_YET = "no vectors are made yet; they are while agents sleep"


@dataclass(frozen=True, slots=True)
class Alike:
    """What is like a question, the likest first."""

    near: tuple[Near, ...] = ()
    note: str = ""
    """Why it is not all, or nothing: one line."""


class Meaning:
    """Whatever is missing or fails here is a note, never an error.

    Args:
        index: Of whose pieces there are vectors.
        vectors: Where they are kept.
        wanted: Which endpoint and model.
        embeddings: Makes what asks it, when it is first needed.
    """

    def __init__(
        self,
        index: ContextIndex,
        vectors: Vectors,
        wanted: VectorSettings,
        embeddings: Callable[[], Embeddings],
    ) -> None:
        self._index = index
        self._vectors = vectors
        self._wanted = wanted
        self._embeddings = embeddings
        self._asked: dict[str, Embedded] = {}

    @property
    def is_on(self) -> bool:
        """Whether a person has chosen a model for it."""
        return bool(self._wanted.url)

    def alike(self, text: str, *, agent_id: str | None = None, limit: int = 60) -> Alike:
        """Pieces that mean something like the text; secrets in it are not sent."""
        if not self.is_on:
            return Alike()
        try:
            return self._alike(text, agent_id, limit)
        except VectorsMissing as error:
            return Alike(note=f"{error.what} {error.hint}")
        except HiveError as error:
            return Alike(note=error.what)

    def _alike(self, text: str, agent_id: str | None, limit: int) -> Alike:
        if not self._vectors.is_there:
            return Alike(note=NONE_YET)
        about = self._vectors.about()
        if not about.get("model"):
            return Alike(note=NONE_YET)
        if about["model"] != self._wanted.model:
            return Alike(note=f"the vectors are of {about['model']!r}; they are made anew while agents sleep")
        identity = self._index.identity()
        if about.get("index") != identity:
            self._place_again(identity)
        asked = self._embedded(text)
        if str(asked.dimensions) != about["dimensions"]:
            return Alike(note="the model gives vectors of another length now; they are made anew while agents sleep")
        if not asked.vectors[0]:
            return Alike()
        near = self._vectors.nearest(asked.vectors[0], agent_id=agent_id, limit=limit)
        return Alike(tuple(one for one in near if one.likeness >= LEAST_LIKENESS))

    def _embedded(self, text: str) -> Embedded:
        if text not in self._asked:
            if len(self._asked) >= REMEMBERED:
                self._asked.pop(next(iter(self._asked)), None)
            question = Redactor().note_and_redact(text)
            limit_s = min(PATIENCE_S, self._wanted.timeout_s)
            self._asked[text] = self._embeddings().embed([question], timeout_s=limit_s)
        return self._asked[text]

    def _place_again(self, identity: str) -> None:
        """The index was made again: its pieces have other numbers, and some are gone."""
        for agent_id in self._vectors.agents():
            self._vectors.place(agent_id, newest_texts(self._index, agent_id, self._wanted)[0], identity)


def newest_texts(
    index: ContextIndex, agent_id: str, wanted: VectorSettings
) -> tuple[dict[bytes, int], Mapping[bytes, str]]:
    """The pieces of an agent that shall have vectors, the newest first: their numbers and texts by their hashes."""
    ids: dict[bytes, int] = {}
    texts: dict[bytes, str] = {}
    for number, text in index.newest(agent_id, wanted.most_pieces, only_talk=wanted.what == "talk"):
        if (hashed := hash_of(text)) not in ids:
            ids[hashed], texts[hashed] = number, text
    return ids, texts
