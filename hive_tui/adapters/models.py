"""Asks a language model: the Anthropic API, or any endpoint that speaks as OpenAI's, which Ollama does. One seam."""

import http.client
import json
import re
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

from hive_tui.domain.errors import HiveError
from hive_tui.settings.vectors import LOOPBACK

MOST_BYTES = 2_000_000


TRANSIENT = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
LONGEST_WAIT_S = 86_400.0


class ModelFailed(HiveError):
    """No usable answer came."""

    def __init__(
        self, what: str, *, hint: str = "", again_after_s: float | None = None, timed_out: bool = False
    ) -> None:
        """Make it.

        Args:
            what: What went wrong.
            hint: What helps.
            again_after_s: Seconds after which another try may help, 0 for any; None where none would.
            timed_out: See `HiveError`.
        """
        super().__init__(what, hint=hint, timed_out=timed_out)
        self.again_after_s = again_after_s


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
        with _opener(request.host).open(request, timeout=timeout_s) as response:
            return json.loads(response.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        wait_s = wait_of(error.headers.get("retry-after", "")) if error.code in TRANSIENT else None
        said = f"The model at {address} refused: {error.code} {error.reason}."
        raise ModelFailed(said, again_after_s=wait_s) from error
    except (OSError, ValueError, http.client.HTTPException) as error:
        is_late = isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError)
        said = f"The model at {address} gave no answer: {error}."
        raise ModelFailed(said, again_after_s=0.0, timed_out=is_late) from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """The key is meant for the address that a person chose, and for no other."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _opener(host: str) -> urllib.request.OpenerDirector:
    """What is said to this machine goes through no proxy, which would be another one."""
    is_own = re.fullmatch(rf"(?:{LOOPBACK})(?::\d+)?", host, re.ASCII) is not None
    handlers = [urllib.request.ProxyHandler({})] if is_own else []
    return urllib.request.build_opener(_NoRedirects, *handlers)


def wait_of(header: str) -> float:
    """What a refusal asks to wait; 0 where it says nothing that can be read (a date is not read, but backed off)."""
    try:
        return min(max(float(header), 0.0), LONGEST_WAIT_S)
    except ValueError:
        return 0.0


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
