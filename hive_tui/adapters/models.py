"""Asks a language model: the Anthropic API, or any endpoint that speaks as OpenAI's, which Ollama does. One seam."""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from hive_tui.domain.errors import HiveError

MOST_BYTES = 2_000_000


class ModelFailed(HiveError):
    """No usable answer came."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, and what it counted."""

    text: str
    tokens_in: int
    tokens_out: int


def ask(
    provider: str, url: str, model: str, key: str, system: str, question: str, *, timeout_s: float, most_tokens: int
) -> Answer:
    """One question, one answer; no retry and no conversation.

    Args:
        provider: `anthropic` or `openai`.
        url: Where the API lies, without its path: `https://api.anthropic.com`, `http://127.0.0.1:11434`.
        model: Its name there.
        key: The key; empty for none.
        system: What the model shall be.
        question: What is asked.
        timeout_s: Seconds without an answer after which it is given up.
        most_tokens: Tokens that the answer may have.

    Raises:
        ModelFailed: It refused, hung, or said nothing that can be read.
    """
    asked = {"role": "user", "content": question}
    headers = {"content-type": "application/json"}
    if provider == "anthropic":
        path, body = "/v1/messages", {"model": model, "max_tokens": most_tokens, "system": system, "messages": [asked]}
        headers |= {"anthropic-version": "2023-06-01", "x-api-key": key}
    else:
        path = "/v1/chat/completions"
        body = {"model": model, "max_tokens": most_tokens, "messages": [{"role": "system", "content": system}, asked]}
        headers |= {"authorization": f"Bearer {key}"} if key else {}
    said = _post(url.rstrip("/").removesuffix("/v1") + path, headers, body, timeout_s)
    return _answer(provider, said)


def _post(address: str, headers: dict[str, str], body: dict[str, Any], timeout_s: float) -> Any:
    if not address.startswith(("http://", "https://")):
        raise ModelFailed(f"{address!r} is no address of a model.", hint="llm.url begins with http:// or https://.")
    request = urllib.request.Request(address, json.dumps(body).encode(), headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return json.loads(response.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        raise ModelFailed(f"The model at {address} refused: {error.code} {error.reason}.") from error
    except (OSError, ValueError) as error:
        raise ModelFailed(f"The model at {address} gave no answer: {error}.") from error


def _answer(provider: str, said: Any) -> Answer:
    try:
        usage = said.get("usage") or {}
        if provider == "anthropic":
            text = "".join(part.get("text", "") for part in said["content"])
            return Answer(text, int(usage.get("input_tokens", 0)), int(usage.get("output_tokens", 0)))
        text = str(said["choices"][0]["message"]["content"])
        return Answer(text, int(usage.get("prompt_tokens", 0)), int(usage.get("completion_tokens", 0)))
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ModelFailed(f"The model's answer cannot be read: {type(error).__name__}.") from error
