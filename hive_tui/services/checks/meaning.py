"""Whether what was said can be found by its meaning, where that is wanted."""

from collections.abc import Callable, Iterator

from hive_tui.adapters.embeddings import Embeddings
from hive_tui.domain.consolidation import Stage, StageRun, StageStatus
from hive_tui.domain.durations import counted
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.settings.vectors import VectorSettings
from hive_tui.store import agents as agent_store
from hive_tui.store import consolidations
from hive_tui.store.database import Database
from hive_tui.store.vectors import INSTALL, Vectors, missing

AREA = "dependencies and versions"
WHAT = "search by meaning"
PATIENCE_S = 2.0


class MeaningChecks:
    """The packages, the vectors, and whether somebody answers at the address; no model is asked for anything."""

    def __init__(
        self,
        wanted: VectorSettings,
        vectors: Vectors,
        database: Callable[[], Database],
        embeddings: Callable[[], Embeddings],
    ) -> None:
        self._wanted = wanted
        self._vectors = vectors
        self._database = database
        self._embeddings = embeddings

    def checks(self) -> list[Check]:
        """One look for all."""
        return [Check(AREA, WHAT, self.look)]

    def look(self) -> Iterator[Finding]:
        """The first thing that is in its way; how much there is where nothing is."""
        if not self._wanted.url:
            yield Finding(WHAT, "ok", "switched off in the settings; words are found without it")
            return
        if why := missing():
            yield Finding(WHAT, "warning", why, INSTALL)
            return
        if why := self._embeddings().is_there(timeout_s=PATIENCE_S):
            yield Finding(WHAT, "warning", why, "Start the model server, or look at [vectors] in the settings")
            return
        said = self._how_much()
        failed = next((one for one in self._last() if one.error and one.status is not StageStatus.DONE), None)
        if failed is not None:
            yield Finding(WHAT, "warning", f"{said}; last failure: {failed.error}", "Look at [vectors] in the settings")
        else:
            yield Finding(WHAT, "ok", said)

    def _how_much(self) -> str:
        if not self._vectors.is_there:
            return f"{self._wanted.model} at {self._wanted.url}; no vectors yet"
        counts, about = self._vectors.count(), self._vectors.about()
        pieces = f"{sum(counts.values()):,} pieces of {counted(len(counts), 'agent')}"
        model, length = about.get("model") or self._wanted.model, about.get("dimensions") or "?"
        return f"{pieces} have vectors of {model} ({length} numbers each)"

    def _last(self) -> Iterator[StageRun]:
        """The newest attempt of each agent."""
        for agent in self._database().read(agent_store.everyone):
            runs = self._database().read(consolidations.of_agent, agent.id)
            yield from [one for one in runs if one.stage is Stage.VECTORS][-1:]
