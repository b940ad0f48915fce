"""Works on the conversations of sleeping agents, stage by stage; whatever fails here, the agents do not notice."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any

from hive_tui.adapters.cores import Cores
from hive_tui.adapters.locks import FileLock
from hive_tui.adapters.workers import WorkerFailed, WorkerPool
from hive_tui.condense.ledger import Budget
from hive_tui.domain.agents import Agent, Lifecycle
from hive_tui.domain.consolidation import BUILT_IN, CORELESS, Stage, StageRun, StageStatus, Used, retry_at
from hive_tui.domain.errors import HiveError, class_of
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.windows import open_night
from hive_tui.services.batch import Batch
from hive_tui.services.hub import Hub
from hive_tui.services.model_pass import ModelPass, NotNow
from hive_tui.services.prose import price
from hive_tui.services.vector_pass import VectorPass
from hive_tui.settings.sleep import ConsolidationSettings
from hive_tui.store import agents as agent_store
from hive_tui.store import checkpoints, consolidations, journal, settings, windows
from hive_tui.store.database import Database

MODULE = "hive_tui.services.stage_worker"
NOTHING = Used(0.0, 0.0)
ENTER_EVERY_S = 5.0
REST_AFTER_S = 60.0
"""Between two parts of what takes longer than one stage may."""


class ModelSaidNo(HiveError):
    """A model was asked and gave nothing that helps now; it may later."""

    def __init__(
        self, what: str, *, wait_s: float | None, timed_out: bool = False, told: Mapping[str, Any] | None = None
    ) -> None:
        """Make it.

        Args:
            what: What went wrong.
            wait_s: Seconds before another try, beside the backoff; None where none would help.
            timed_out: See `HiveError`.
            told: What the stage has done all the same.
        """
        super().__init__(what, timed_out=timed_out)
        self.wait_s = wait_s
        self.told = told


class Consolidation:
    """One process at a time in the whole hive; a few jobs at once, each of another agent."""

    def __init__(
        self,
        home: Path,
        database: Database,
        lock: FileLock,
        wanted: ConsolidationSettings,
        model: ModelPass,
        clock: Clock,
        hub: Hub,
        earlier: Callable[[Agent, Path], list[Path]] = lambda agent, transcript: [],
        vectors: VectorPass | None = None,
    ) -> None:
        self._home = home
        self._database = database
        self._lock = lock
        self._wanted = wanted
        self._model = model
        self._clock = clock
        self._hub = hub
        self._earlier = earlier
        self._vectors = vectors if vectors is not None and vectors.is_on else None
        self._cores = Cores(home / "locks" / "cores", wanted.cores, clock)
        self._workers = WorkerPool()
        self._entered_at = float("-inf")

    def ledger_of(self, agent_id: str) -> Path:
        """Where the newest ledger of an agent lies."""
        return self._home / "ledgers" / f"{agent_id}.md"

    def has_work(self) -> bool:
        """Whether something is due. Enters what sleeping agents have said since the last time."""
        if not self._may_work():
            return False
        self._enter_all()
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
            return Batch(self._due, self._begin, self.run, self._cores, self._wanted.jobs).work_off()
        finally:
            self._workers.dismiss()
            self._lock.release()

    def run(self, run: StageRun) -> StageStatus:
        """One attempt of one stage that was begun; every failure is written down and none is raised."""
        began = self._clock.monotonic()
        try:
            agent = self._database.read(agent_store.get, run.agent_id)
            if agent.session_id != run.session_id:  # it was woken meanwhile, and began another conversation
                self._database.write(consolidations.end, run.id, StageStatus.SKIPPED, NOTHING, now=self._clock.now())
                return StageStatus.SKIPPED
            result = self._do(agent, run)
        except Exception as error:
            return self._fail(run, error, self._allotted_s(run, began))
        cpu_s = float(result.pop("cpu_s", 0.0))
        allotted_s = self._allotted_s(run, began) + float(result.pop("helped_s", 0.0))
        return self._end(run, result, Used(cpu_s, max(allotted_s, cpu_s)))

    def _end(self, run: StageRun, result: dict[str, Any], used: Used) -> StageStatus:
        """It has not failed: it is done, or a part of it, or it is not done for a reason that does not pass."""
        now = self._clock.now()
        status = StageStatus.SKIPPED if result.get("not_done") else StageStatus.DONE
        if (wait_s := result.get("again_after_s")) is not None:
            until = now + timedelta(seconds=max(REST_AFTER_S, float(wait_s)))
            self._database.write(consolidations.go_on, run.id, used, now=now, until=until, result=result)
            return StageStatus.PENDING
        self._database.write(consolidations.end, run.id, status, used, now=now, result=result)
        return status

    def _allotted_s(self, run: StageRun, began: float) -> float:
        """Of the core that a stage has while it lasts."""
        return 0.0 if run.stage in CORELESS else self._clock.monotonic() - began

    def rewritten(self, agent_id: str, ledger_sha256: str) -> str:
        """The ledger with the prose that a model has shortened, if it is of exactly this ledger; else nothing."""
        with suppress(OSError, ValueError):
            head, _, text = self.ledger_of(agent_id).with_suffix(".prose").read_text(encoding="utf-8").partition("\n")
            return text if head == ledger_sha256 else ""
        return ""

    def _may_work(self) -> bool:
        if self._wanted.when == "off" or self._database.read(settings.get, settings.PAUSED, False):
            return False
        if self._wanted.when == "nap":
            return True
        now = self._clock.now()
        return any(open_night(one, now) for one in self._database.read(windows.everything) if one.active)

    def _due(self) -> list[StageRun]:
        """What may begin now; an agent that went to sleep while others are worked on is among them."""
        if not self._may_work():
            return []
        if self._clock.monotonic() - self._entered_at >= ENTER_EVERY_S:
            self._enter_all()
        return self._database.read(consolidations.due, now=self._clock.now())

    def _begin(self, run: StageRun) -> bool:
        if self._is_put_off(run):
            return False
        self._database.write(consolidations.begin, run.id, now=self._clock.now())
        return True

    def _enter_all(self) -> None:
        self._entered_at = self._clock.monotonic()
        is_new_model = self._vectors is not None and self._vectors.is_changed()
        for agent in self._database.read(agent_store.everyone):
            self._enter(agent, is_new_model)
        if self._vectors is not None and is_new_model:
            self._vectors.note_change()

    def _enter(self, agent: Agent, is_new_model: bool) -> None:
        if agent.lifecycle is not Lifecycle.ASLEEP or not agent.session_id or not agent.transcript:
            return
        with suppress(OSError):
            source = f"{agent.session_id}:{Path(agent.transcript).stat().st_size}"
            known = self._database.read(consolidations.of_agent, agent.id, source=source, limit=1)
            now = self._clock.now()
            if not known:
                stages = (*BUILT_IN, *([Stage.PROSE] if self._model.is_on else []))
                stages = (*stages, *([Stage.VECTORS] if self._vectors else []))
                self._database.write(consolidations.enter, agent.id, source, now=now, stages=stages)
            elif self._vectors and (is_new_model or known[0].stage is not Stage.VECTORS):
                self._database.write(consolidations.enter_again, agent.id, source, Stage.VECTORS, now=now)

    def _do(self, agent: Agent, run: StageRun) -> dict[str, Any]:
        if run.stage is Stage.SNAPSHOT:
            return self._snapshot(agent)
        if run.stage is Stage.PROSE:
            said = self._model.ask(MODULE, agent, run, self.ledger_of(agent.id), nice=self._wanted.nice)
            if (wait_s := said.get("again_after_s")) is not None:
                raise ModelSaidNo(str(said["why"]), wait_s=float(wait_s), timed_out=bool(said.get("timed_out")))
            return said
        return self._with_vectors(agent, run) if run.stage is Stage.VECTORS else self._in_worker(agent, run)

    def _with_vectors(self, agent: Agent, run: StageRun) -> dict[str, Any]:
        if self._vectors is None:  # it was entered by a hive with other settings
            return {"not_done": True, "why": "no model is chosen for vectors"}
        bounds: dict[str, Any] = {"timeout_s": self._wanted.timeout_s, "nice": self._wanted.nice}
        said = self._vectors.make(MODULE, agent, run, self._home / "context.db", **bounds)
        is_late, wait_s = bool(said.get("timed_out")), said.get("again_after_s")
        if said.get("failed") and (wait_s is None or not said["made"]):  # what gets on is no failure
            raise ModelSaidNo(str(said["why"]), wait_s=wait_s, timed_out=is_late, told=said)
        return said

    def _is_put_off(self, run: StageRun) -> bool:
        """Whether no model is asked now; it is written down why, and whether it is asked later."""
        if run.stage is not Stage.PROSE:
            return False
        now = self._clock.now()
        try:
            agent = self._database.read(agent_store.get, run.agent_id)
            cost = price(self.ledger_of(agent.id).read_text(encoding="utf-8"))
            refused = self._model.claim(agent, cost) if cost else NotNow("there is little prose", None)
        except (HiveError, OSError, ValueError) as error:
            refused = NotNow(f"there is no ledger: {error}", None)
        if refused is None:
            return False
        if refused.until is not None:
            self._database.write(consolidations.put_off, run.id, refused.why, until=refused.until)
            return True
        told = {"accepted": False, "why": refused.why}
        self._database.write(consolidations.end, run.id, StageStatus.SKIPPED, NOTHING, now=now, result=told)
        return True

    def _snapshot(self, agent: Agent) -> dict[str, Any]:
        """The archive is the checkpoint that the nap has verified; without one the conversation is not touched."""
        mine = self._database.read(checkpoints.of_agent, agent.id)
        kept = next((one for one in mine if one.is_valid and one.session_id == agent.session_id), None)
        if kept is None:
            raise WorkerFailed(f"No valid checkpoint of {agent.name} holds its conversation.")
        return {"checkpoint_id": kept.id, "sha256": kept.sha256}

    def _in_worker(self, agent: Agent, run: StageRun) -> dict[str, Any]:
        progress = self._progress_of(run)
        progress.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
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
            "cores": self._cores.count,
            "cores_folder": str(self._cores.folder),
            "progress": str(progress),
        }
        try:
            return self._workers.run(MODULE, given, timeout_s=self._wanted.timeout_s, nice=self._wanted.nice)
        finally:
            progress.unlink(missing_ok=True)

    def _progress_of(self, run: StageRun) -> Path:
        return self.ledger_of(run.agent_id).with_suffix(f".{run.stage}.progress")

    def note_progress(self) -> None:
        """Write down how far the stages are that are under way; what nobody has told is left as it was."""
        for run in self._database.read(consolidations.running):
            with suppress(OSError, ValueError):
                told = self._progress_of(run).read_text(encoding="ascii")
                self._database.write(consolidations.note_progress, run.id, min(1.0, max(0.0, float(told))))

    def _fail(self, run: StageRun, error: Exception, took_s: float) -> StageStatus:
        said = error.what if isinstance(error, HiveError) else f"{type(error).__name__}: {error}"
        now = self._clock.now()
        wait_s, told = (error.wait_s, error.told) if isinstance(error, ModelSaidNo) else (0.0, None)
        again = retry_at(run.attempts + 1, now) if wait_s is not None else None
        again = max(again, now + timedelta(seconds=wait_s or 0.0)) if again is not None else None
        status = StageStatus.PENDING if again is not None else StageStatus.FAILED
        ended: dict[str, Any] = {"error": said, "error_class": class_of(error), "due_at": again, "result": told}
        self._database.write(consolidations.end, run.id, status, Used(0.0, took_s), now=now, **ended)
        if status is StageStatus.FAILED:
            text = f"The conversation was not condensed ({run.stage}), and is not tried again: {said}"
            if run.stage is Stage.VECTORS:
                text = f"The conversation is not found by its meaning, and that is not tried again: {said}"
            event = Event(EventKind.STEP_FAILED, text, run.agent_id, HEARTBEAT, Severity.WARNING)
            self._database.write(journal.log, event, now=now)
            self._hub.publish(event)
        return status
