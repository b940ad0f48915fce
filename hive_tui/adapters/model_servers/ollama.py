"""Ollama: which models are loaded, and how one is unloaded and loaded. Source: its docs, api.md."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from hive_tui.adapters.model_servers.asking import Asking
from hive_tui.domain.models import LoadedModel


class Ollama:
    """One server; the models are asked of `/api/ps`."""

    provider = "ollama"
    can_unload = True
    why_not = ""

    def __init__(self, address: str, *, timeout_s: float, load_timeout_s: float, keep_alive_s: float) -> None:
        self._asking = Asking(self.provider, address, timeout_s=timeout_s, load_timeout_s=load_timeout_s)
        self._keep_alive_s = keep_alive_s

    def loaded(self) -> Sequence[LoadedModel]:
        """The models in memory, with size, share in VRAM, and when Ollama itself unloads them."""
        found = self._asking.rows(self._asking.ask("GET", "/api/ps"), "models")
        return [
            LoadedModel(
                self.provider,
                str(one.get("model") or one.get("name")),
                _count(one.get("size")),
                _count(one.get("size_vram")),
                _time(one.get("expires_at")),
            )
            for one in found
            if one.get("model") or one.get("name")
        ]

    def unload(self, name: str) -> None:
        """An empty request with `keep_alive` 0; whether it is gone, the caller looks up."""
        self._asking.ask("POST", "/api/generate", {"model": name, "keep_alive": 0, "stream": False})

    def preload(self, name: str) -> None:
        """An empty request, which loads it and answers once it is loaded."""
        body = {"model": name, "keep_alive": f"{self._keep_alive_s:.0f}s", "stream": False}
        self._asking.ask("POST", "/api/generate", body, timeout_s=self._asking.load_timeout_s)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**62 else None


def _time(value: Any) -> datetime | None:
    """RFC 3339 as Go writes it: up to nine digits behind the point. Years beyond Python's are its last one."""
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", value))
        return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime.max.replace(tzinfo=UTC) if re.match(r"\d{5,}-|9999-", value) else None
