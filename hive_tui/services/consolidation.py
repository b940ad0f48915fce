"""Works on the conversations of sleeping agents, stage by stage; whatever fails here, the agents do not notice."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hive_tui.adapters.locks import FileLock
from hive_tui.adapters.workers import WorkerFailed, run_worker
from hive_tui.condense.ledger import Budget
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.consolidation import Stage, StageRun, StageStatus, Used, retry_at
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.windows import open_night
from hive_tui.services.background import all_at_once
from hive_tui.services.hub import Hub
from hive_tui.sleep_settings import ConsolidationSettings, LlmSettings
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, consolidations, journal, settings, windows
from hive_tui.store.database import Database

MODULE = "hive_tui.services.stage_worker"
LLM_PASSES = "llm_passes"
"""Setting: when a model was asked, in seconds since the epoch, the last ones."""
HOUR_S = 3_600.0
NOTHING = Used(0.0, 0.0)


class Consolidation:
    """One process at a time in the whole hive; a few jobs at once, each of another agent."""

    def __init__(
        self,
        home: Path,
        database: Database,
        lock: FileLock,
        wanted: ConsolidationSettings,
        llm: LlmSettings,
        clock: Clock,
        hub: Hub,
        earlier: Callable[[Agent, Path], list[Path]] = lambda agent, transcript: [],
        run: Callable[..., dict[str, Any]] = run_worker,
    ) -> None:
        self._home = home
        self._database = database
        self._lock = lock
        self._wanted = wanted
        self._llm = llm
        self._clock = clock
        self._hub = hub
        self._earlier = earlier
        self._run = run

    def ledger_of(self, agent_id: str) -> Path:
        """Where the newest ledger of an agent lies."""
        return self._home / "ledgers" / f"{agent_id}.md"

    def has_work(self) -> bool:
        """Whether something is due. Enters what sleeping agents have said since the last time."""
        if not self._may_work():
            return False
        for agent in self._database.read(agent_store.everyone):
            self._enter(agent)
        if self._database.read(consolidations.due, now=self._clock.now()):
            return True
        # Of a process that died; whoever takes the lock resets them, and until then they hold up all that follows.
        return self._database.read(consolidations.is_any_running) and not self._lock.is_held()

    def work(self) -> int:
        """Run all stages that are due, until none is; how many that were."""
        if not self._lock.try_take("consolidation"):
            return 0
        try:
            self._database.write(consolidations.reset_running)
            count = 0
            while self._may_work() and (due := self._database.read(consolidations.due, now=self._clock.now())):
                all_at_once("condense", self.run, due[: self._wanted.jobs])
                count += len(due[: self._wanted.jobs])
            return count
        finally:
            self._lock.release()

    def run(self, run: StageRun) -> StageStatus:
        """One attempt of one stage; every failure is written down and none is raised."""
        began = self._clock.monotonic()
        self._database.write(consolidations.begin, run.id, now=self._clock.now())
        try:
            agent = self._database.read(agent_store.get, run.agent_id)
            if agent.session_id != run.session_id:  # it was woken meanwhile, and began another conversation
                self._database.write(consolidations.end, run.id, StageStatus.SKIPPED, NOTHING, now=self._clock.now())
                return StageStatus.SKIPPED
            result = self._snapshot(agent) if run.stage is Stage.SNAPSHOT else self._in_worker(agent, run)
        except Exception as error:
            said = error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"
            return self._fail(run, said, self._clock.monotonic() - began)
        cpu_s = float(result.pop("cpu_s", 0.0))
        took_s = self._clock.monotonic() - began
        used = Used(cpu_s, max(took_s, cpu_s))
        self._database.write(consolidations.end, run.id, StageStatus.DONE, used, now=self._clock.now(), result=result)
        return StageStatus.DONE

    def rewritten(self, agent_id: str, ledger_sha256: str) -> str:
        """The ledger with the prose that a model has shortened, if it is of exactly this ledger; else nothing."""
        path = self.ledger_of(agent_id)
        with suppress(OSError, ValueError):
            import json

            facts = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
            if facts.get("sha256") == ledger_sha256 and (facts.get("model") or {}).get("accepted"):
                return path.with_suffix(".prose").read_text(encoding="utf-8")
        return ""

    def _may_work(self) -> bool:
        if self._wanted.when == "off" or self._database.read(settings.get, settings.PAUSED, False):
            return False
        if self._wanted.when == "nap":
            return True
        now = self._clock.now()
        return any(open_night(one, now) for one in self._database.read(windows.everything) if one.active)

    def _enter(self, agent: Agent) -> None:
        if agent.lifecycle is not Lifecycle.ASLEEP or not agent.session_id or not agent.transcript:
            return
        with suppress(OSError):
            source = f"{agent.session_id}:{Path(agent.transcript).stat().st_size}"
            known = self._database.read(consolidations.of_agent, agent.id, source=source, limit=1)
            if not known:
                self._database.write(consolidations.enter, agent.id, source, now=self._clock.now())

    def _snapshot(self, agent: Agent) -> dict[str, Any]:
        """The archive is the checkpoint that the nap has verified; without one the conversation is not touched."""
        mine = self._database.read(checkpoints.of_agent, agent.id)
        kept = next((one for one in mine if one.is_valid and one.session_id == agent.session_id), None)
        if kept is None:
            raise WorkerFailed(f"No valid checkpoint of {agent.name} holds its conversation.")
        return {"checkpoint_id": kept.id, "sha256": kept.sha256}

    def _in_worker(self, agent: Agent, run: StageRun) -> dict[str, Any]:
        given: dict[str, Any] = {
            "stage": str(run.stage),
            "agent_id": agent.id,
            "agent": agent.name,
            "session_id": run.session_id,
            "transcript": agent.transcript,
            "before": [str(path) for path in self._earlier(agent, Path(str(agent.transcript)))],
            "ledger": str(self.ledger_of(agent.id)),
            "index": str(self._home / "context.db"),
            "budget": asdict(Budget()),
            "timeout_s": self._wanted.timeout_s,
        }
        if run.stage is Stage.COMPRESS and self._may_ask_model():
            llm = self._llm
            given["model"] = {"provider": llm.provider, "url": llm.url, "name": llm.model, "key_env": llm.key_env}
            given["model"]["timeout_s"] = llm.timeout_s
        return self._run(MODULE, given, timeout_s=self._wanted.timeout_s, nice=self._wanted.nice)

    def _may_ask_model(self) -> bool:
        """At most so many questions an hour, over all agents."""
        if not self._llm.provider:
            return False
        now = self._clock.now()
        asked = [at for at in self._database.read(settings.get, LLM_PASSES, []) if now.timestamp() - at < HOUR_S]
        if len(asked) >= self._llm.per_hour:
            return False
        self._database.write(settings.put, LLM_PASSES, [*asked, now.timestamp()], now=now)
        return True

    def _fail(self, run: StageRun, said: str, took_s: float) -> StageStatus:
        now = self._clock.now()
        again = retry_at(run.attempts + 1, now)
        status = StageStatus.PENDING if again is not None else StageStatus.FAILED
        used = Used(0.0, took_s)
        self._database.write(consolidations.end, run.id, status, used, now=now, error=said, due_at=again)
        if status is StageStatus.FAILED:
            text = f"The conversation was not condensed ({run.stage}), and is not tried again: {said}"
            event = Event(EventKind.STEP_FAILED, text, run.agent_id, HEARTBEAT, Severity.WARNING)
            self._database.write(journal.log, event, now=now)
            self._hub.publish(event)
        return status
