"""What can be worked out of one record alone: the costly part, which many processes can do at once."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from hive_tui.condense.atoms import atoms
from hive_tui.condense.cues import Topic, topic_of
from hive_tui.condense.records import Record, Says
from hive_tui.condense.sentences import sentences, without_endless_words
from hive_tui.condense.shelf import POINTER_TOKENS
from hive_tui.condense.templates import shapes
from hive_tui.condense.tokens import count
from hive_tui.domain.redaction import SHORTEST_ANYWHERE, secrets_in


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of an agent."""

    text: str
    topic: Topic
    shapes: tuple[int, ...]
    atoms: tuple[str, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class Digest:
    """What one record tells, whatever stands around it."""

    tokens: int
    secrets: tuple[str, ...]
    said: tuple[Sentence, ...] = ()


def told_by(record: Record) -> str:
    """All texts of a record."""
    return record.text or "\n".join(texts(record.arguments))


def digest(record: Record) -> Digest:
    """The same for equal records, in whatever process."""
    told = told_by(record)
    secrets = tuple(value for value in secrets_in(told) if len(value) >= SHORTEST_ANYWHERE)
    said = () if record.says is not Says.AGENT else tuple(_sentence(one) for one in _said(record))
    return Digest(count(told), secrets, said)


def key_of(record: Record) -> bytes:
    """Equal for records with equal digests."""
    told = f"{record.says}\0{told_by(record)}"
    return blake2b(told.encode(errors="surrogatepass"), digest_size=16).digest()


def texts(value: Any) -> list[str]:
    """All texts in the arguments of a call."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for one in value.values() for text in texts(one)]
    if isinstance(value, list):
        return [text for one in value for text in texts(one)]
    return [str(value)] if value is not None else []


def _said(record: Record) -> list[str]:
    return sentences(without_endless_words(record.text))


def _sentence(text: str) -> Sentence:
    return Sentence(text, topic_of(text), shapes(text), atoms(text), count(text) + POINTER_TOKENS)
