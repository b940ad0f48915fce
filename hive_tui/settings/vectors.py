"""The part of the settings that is about search by meaning."""

import re
from collections.abc import Iterator

from msgspec import Struct

MOST_BATCH = 128
# By hand: every start reads the settings, and the modules for addresses take longer than all else of that.
ADDRESS = r"https?://(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?(/[\w./~-]*)?"
LOOPBACK = r"localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\]"


class VectorSettings(Struct, frozen=True):
    """Vectors of what was said, so that a search finds it in other words, too; off without an address."""

    url: str = ""
    """Where an endpoint like OpenAI's `/v1/embeddings` lies, as Ollama's: http://127.0.0.1:11434. Empty for none."""
    model: str = ""
    """The name of a model for embeddings there; another one makes all vectors anew."""
    key_env: str = ""
    """The environment variable that holds the key; the key itself is never stored."""
    allow_remote: bool = False
    """Whether the address may be another machine's: the text of conversations is sent there."""
    what: str = "talk"
    """Vectors of the `talk` of person and agent and of the ledger, or of `all`, with calls and their results."""
    most_pieces: int = 3_000
    """Of each agent so many pieces have vectors, the newest."""
    batch: int = 16
    """Pieces in one request."""
    per_minute: int = 120
    """Requests a minute while an agent sleeps, over all agents."""
    timeout_s: float = 30.0
    """Seconds from a request to the end of its answer."""


def mistakes(wanted: VectorSettings) -> Iterator[tuple[tuple[str, str], str]]:
    """What is wrong: the setting, and the end of a sentence that begins with its name."""
    if wanted.what not in ("talk", "all"):
        yield ("vectors", "what"), f"is {wanted.what!r}, but must be one of talk, all"
    numbers = (
        ("most_pieces", wanted.most_pieces, 1_000_000),
        ("batch", wanted.batch, MOST_BATCH),
        ("per_minute", wanted.per_minute, 6_000),
    )
    for name, number, most in numbers:
        if not 1 <= number <= most:
            yield ("vectors", name), f"is {number}, but must be from 1 to {most}"
    if not 0 < wanted.timeout_s <= 600:
        yield ("vectors", "timeout_s"), f"is {wanted.timeout_s:g}, but must be above 0, and 600 at most"
    if wanted.url:
        yield from _of_address(wanted)


def _of_address(wanted: VectorSettings) -> Iterator[tuple[tuple[str, str], str]]:
    found = re.fullmatch(ADDRESS, wanted.url, re.ASCII)
    if found is None and "@" in wanted.url:
        yield ("vectors", "url"), "must not hold a name and a password: they would be shown in messages"
    elif found is None:
        yield ("vectors", "url"), f"is {wanted.url!r}, but must be like http://127.0.0.1:11434 or https://HOST"
    elif not wanted.allow_remote and not re.fullmatch(LOOPBACK, found["host"], re.ASCII):
        yield (
            ("vectors", "url"),
            f"is on another machine ({found['host']}), and the text of conversations would be sent there;"
            " if that is meant, set vectors.allow_remote = true",
        )
    if not wanted.model:
        yield ("vectors", "url"), "needs vectors.model as well"
