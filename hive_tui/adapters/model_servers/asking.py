"""What all model servers have in common: a question, and what becomes of one that fails."""

import json
from collections.abc import Iterator
from typing import Any

from hive_tui.adapters.json_http import HttpFailed, JsonHttp
from hive_tui.domain.models import ModelServerFailed

UNKNOWN_PATH = "Is that its address in [models]? If so it is too old for this question: update it."


class Asking:
    """Asks a model server, and says who it was that failed."""

    def __init__(self, provider: str, address: str, *, timeout_s: float, load_timeout_s: float) -> None:
        self._provider = provider
        self._http = JsonHttp(address.rstrip("/"), timeout_s=timeout_s)
        self.load_timeout_s = load_timeout_s

    def ask(self, method: str, path: str, body: Any = None, *, timeout_s: float | None = None) -> Any:
        """What a good answer says.

        Raises:
            ModelServerFailed: There was no answer, or a refusal.
        """
        try:
            reply = self._http.ask(method, path, body, timeout_s=timeout_s)
        except HttpFailed as error:
            raise ModelServerFailed(f"{self._provider}: {error}.", hint="Does it run? See [models].") from error
        if not reply.is_good:
            hint = UNKNOWN_PATH if reply.status in (404, 405) and method == "GET" else ""
            raise ModelServerFailed(f"{self._provider} refuses {path}: {reply.said}.", hint=hint)
        return reply.body

    def rows(self, said: Any, *keys: str) -> Iterator[dict[str, Any]]:
        """The objects of a list that stands under one of the keys.

        Raises:
            ModelServerFailed: There is no such list.
        """
        found = next((said[key] for key in keys if key in said), None) if isinstance(said, dict) else said
        if found is None and isinstance(said, dict):
            found = [] if any(key in said for key in keys) else None
        if not isinstance(found, list):
            raise ModelServerFailed(f"{self._provider}'s answer cannot be read.", hint="Is that its address?")
        try:
            json.dumps(found, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise ModelServerFailed(f"{self._provider}'s answer holds letters that are none.") from error
        yield from (one for one in found if isinstance(one, dict))
