"""llama.cpp's server. Only in its router mode it can load and unload models. Source: tools/server/README.md."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from hive_tui.adapters.model_servers.asking import Asking
from hive_tui.domain.models import LoadedModel, ModelServerFailed

SINGLE = "llama.cpp's server runs with one model; only its router mode can unload it"


class LlamaCpp:
    """One server; that it is no router is found out at the first look."""

    provider = "llama.cpp"

    def __init__(self, address: str, *, timeout_s: float, load_timeout_s: float) -> None:
        self._asking = Asking(self.provider, address, timeout_s=timeout_s, load_timeout_s=load_timeout_s)
        self.can_unload = True
        self.why_not = ""

    def loaded(self) -> Sequence[LoadedModel]:
        """The models in memory; of a server with one model, that one."""
        rows = list(self._asking.rows(self._asking.ask("GET", "/models"), "data"))
        self.can_unload = not rows or any(isinstance(one.get("status"), dict) for one in rows)
        self.why_not = "" if self.can_unload else SINGLE
        if not self.can_unload:
            return [LoadedModel(self.provider, str(one.get("id"))) for one in rows]
        return [self._model(str(one["id"]), one["status"]) for one in rows if _is_loaded(one)]

    def unload(self, name: str) -> None:
        """Ask the router for it."""
        self._refuse_single()
        self._asking.ask("POST", "/models/unload", {"model": name})

    def preload(self, name: str) -> None:
        """Ask the router for it; it answers before the model is loaded."""
        self._refuse_single()
        self._asking.ask("POST", "/models/load", {"model": name}, timeout_s=self._asking.load_timeout_s)

    def _model(self, name: str, status: dict[str, Any]) -> LoadedModel:
        if status.get("value") == "loading":
            return LoadedModel(self.provider, name, in_flight="it is being loaded")
        try:
            # Without `autoload=false` the question itself could load a model that has just gone.
            said = self._asking.ask("GET", f"/slots?model={quote(name, safe='')}&autoload=false")
            slots = list(self._asking.rows(said, "slots"))
        except ModelServerFailed:
            return LoadedModel(self.provider, name)
        busy = any(one.get("is_processing") for one in slots)
        used = " ".join(str(one.get("id_task", "-")) for one in slots) or "-"
        return LoadedModel(self.provider, name, used=used, in_flight="a request is in flight" if busy else "")

    def _refuse_single(self) -> None:
        if not self.can_unload:
            raise ModelServerFailed(f"{SINGLE}.", hint="Make it a service instead, which can be stopped as a whole.")


def _is_loaded(row: dict[str, Any]) -> bool:
    status = row.get("status")
    return isinstance(status, dict) and status.get("value") in ("loaded", "loading") and bool(row.get("id"))
