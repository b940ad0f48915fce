"""llama-swap, which starts a server for each model and swaps them. Source: its README and API."""

from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from hive_tui.adapters.model_servers.asking import Asking
from hive_tui.domain.models import LoadedModel, ModelServerFailed


class LlamaSwap:
    """One proxy; what it runs is asked of `/running`, what it has done of `/api/metrics`."""

    provider = "llama-swap"
    can_unload = True
    why_not = ""

    def __init__(self, address: str, *, timeout_s: float, load_timeout_s: float) -> None:
        self._asking = Asking(self.provider, address, timeout_s=timeout_s, load_timeout_s=load_timeout_s)

    def loaded(self) -> Sequence[LoadedModel]:
        """The models whose servers run."""
        running = list(self._asking.rows(self._asking.ask("GET", "/running"), "running"))
        newest = self._newest() if running else None
        return [
            LoadedModel(
                self.provider,
                str(one["model"]),
                used="" if newest is None else newest.get(str(one["model"]), "-"),
                in_flight="" if one.get("state", "ready") == "ready" else f"it is {one['state']}",
            )
            for one in running
            if one.get("model") and one.get("state") not in ("stopped", "shutdown")
        ]

    def unload(self, name: str) -> None:
        """Only this one; a llama-swap that cannot do that unloads all, which is refused while others run."""
        try:
            self._asking.ask("POST", f"/api/models/unload/{quote(name, safe='/')}")
        except ModelServerFailed:
            others = [one.name for one in self.loaded() if one.name != name]
            if others:
                raise
            self._asking.ask("GET", "/unload")

    def preload(self, name: str) -> None:
        """A look at the model's own health, for which its server is started."""
        self._asking.ask("GET", f"/upstream/{quote(name, safe='/')}/health", timeout_s=self._asking.load_timeout_s)

    def _newest(self) -> dict[str, str] | None:
        """For each model, which request was the last; None for a llama-swap that does not tell."""
        found: dict[str, str] = {}
        with suppress(ModelServerFailed):
            for one in self._asking.rows(self._asking.ask("GET", "/api/metrics"), "metrics", "data"):
                found[str(one.get("model"))] = f"{one.get('id', '')} {one.get('timestamp', '')}"
            return found
        return None
