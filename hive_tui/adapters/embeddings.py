"""Asks a model for embeddings: any endpoint that speaks as OpenAI's `/v1/embeddings`, as that of Ollama does."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, sqrt
from typing import Any
from urllib.parse import urlsplit

from hive_tui.adapters.json_http import HttpFailed, JsonHttp, Reply
from hive_tui.adapters.models import TRANSIENT, ModelFailed, wait_of

MOST_DIMENSIONS = 8_192
"""What sqlite-vec takes."""
NOT_OURS = frozenset({401, 403, 404, 405, 407, 410})
"""The endpoint, the model or the key is wrong: another text would be refused as well."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """What came for some texts."""

    vectors: tuple[bytes, ...]
    """In the order of the texts: 32-bit floats of the length 1; empty for a text that has no direction."""
    dimensions: int
    tokens: int
    """As the endpoint has counted them; 0 where it has not."""


class TextRefused(ModelFailed):
    """It does not take one of these texts, perhaps since it is too long; others may be taken."""


class Embeddings:
    """One endpoint and one model of it.

    Args:
        url: Where the API lies, without its path: `http://127.0.0.1:11434`.
        model: Its name there.
        key: The key; empty for none.
        timeout_s: Seconds from a question to the last byte of its answer.
    """

    def __init__(self, url: str, model: str, key: str = "", *, timeout_s: float) -> None:
        parts = urlsplit(url)
        self._place = f"{parts.scheme}://{parts.netloc}"
        self._path = f"{parts.path.rstrip('/').removesuffix('/v1')}/v1"
        self._model = model
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._http = JsonHttp(self._place, timeout_s=timeout_s)

    def embed(self, texts: Sequence[str], *, timeout_s: float | None = None) -> Embedded:
        """One question, one answer, never a second try.

        Raises:
            TextRefused: It does not take these texts.
            ModelFailed: It refused, hung, or said something that cannot be right.
        """
        body = {"model": self._model, "input": list(texts)}
        try:
            path = f"{self._path}/embeddings"
            reply = self._http.ask("POST", path, body, timeout_s=timeout_s, headers=self._headers)
        except HttpFailed as error:
            raise ModelFailed(
                f"{str(error)[:1].upper()}{str(error)[1:]}.",
                again_after_s=0.0,
                timed_out=error.timed_out,
                hint=_hint(self._place),
            ) from error
        if not reply.is_good:
            raise self._refusal(reply)
        return _embedded(reply.body, len(texts))

    def is_there(self, *, timeout_s: float) -> str:
        """Why nobody answers; empty if somebody does. No model is asked for that."""
        try:
            self._http.ask("GET", f"{self._path}/models", timeout_s=timeout_s, headers=self._headers)
        except HttpFailed as error:
            return str(error)
        return ""

    def _refusal(self, reply: Reply) -> ModelFailed:
        said = f"{self._place} refused to make vectors ({reply.said})."
        if reply.status in NOT_OURS:
            return ModelFailed(said, hint="Look at vectors.url, vectors.model and vectors.key_env.")
        # Ollama and llama.cpp answer 500 where a text is too long for the model.
        is_of_text = reply.status not in TRANSIENT or reply.status == 500
        wait_s = wait_of(reply.retry_after) if reply.status in TRANSIENT else None
        return (TextRefused if is_of_text else ModelFailed)(said, again_after_s=wait_s)


def _hint(place: str) -> str:
    return f"Look whether the model server at {place} runs."


def _embedded(said: Any, wanted: int) -> Embedded:
    """What an answer holds: exactly one vector for each text, all of one length, of numbers alone.

    Raises:
        ModelFailed: It is something else; it may be right the next time.
    """
    try:
        listed = said["data"]
        if len(listed) != wanted:
            raise _broken(f"{len(listed)} vectors for {wanted} texts")
        places = [int(one.get("index", at)) for at, one in enumerate(listed)]
        if sorted(places) != list(range(wanted)):
            raise _broken("not one vector for each text")
        vectors: list[bytes] = [b""] * wanted
        lengths = set()
        for place, one in zip(places, listed, strict=True):
            vectors[place] = _unit(one["embedding"])
            lengths.add(len(one["embedding"]))
        tokens = (said.get("usage") or {}).get("prompt_tokens") or 0
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, OverflowError) as error:
        raise _broken(f"something that cannot be read ({type(error).__name__})") from error
    if len(lengths) != 1 or not 0 < (dimensions := lengths.pop()) <= MOST_DIMENSIONS:
        raise _broken("vectors of different lengths, or too long")
    return Embedded(tuple(vectors), dimensions, max(0, int(tokens)) if isinstance(tokens, int | float) else 0)


def _unit(numbers: Any) -> bytes:
    """The vector with the length 1; empty for one of zeros, which some models give where a text is too long."""
    values = [float(number) for number in numbers]
    size = sqrt(sum(value * value for value in values))
    if not isfinite(size):
        raise _broken("a number that is none")
    return array("f", [value / size for value in values]).tobytes() if size else b""


def _broken(what: str) -> ModelFailed:
    return ModelFailed(f"Instead of vectors the endpoint gave {what}.", again_after_s=0.0)
