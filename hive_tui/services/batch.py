"""Runs all stages that are due, as many at once as there are cores for: none idles while a stage waits."""

from collections.abc import Callable
from threading import Event, Lock, Thread

from hive_tui.adapters.cores import Cores
from hive_tui.domain.consolidation import ASKING, CORELESS, StageRun

LOOK_EVERY_S = 1.0
"""Beside each end of a stage: an agent may have gone to sleep, a retry may be due."""
SHORT_OF_CORES_S = 0.05
"""A helper gives its core back after one shard, and says so to nobody."""


class Batch:
    """Each stage on a thread that the end of the program does not wait for."""

    def __init__(
        self,
        due: Callable[[], list[StageRun]],
        begin: Callable[[StageRun], bool],
        run: Callable[[StageRun], object],
        cores: Cores,
        jobs: int,
    ) -> None:
        """Make it.

        Args:
            due: The stages that may begin now, in the order in which they should.
            begin: Write down that one begins; False if it does not after all.
            run: Do it.
            cores: Of which each stage takes one, but for those that need none.
            jobs: So many agents are worked on at once.
        """
        self._due = due
        self._begin = begin
        self._run = run
        self._cores = cores
        self._jobs = jobs
        self._running: dict[int, StageRun] = {}
        self._done = 0
        self._errors: list[Exception] = []
        self._changing = Lock()
        self._changed = Event()

    def work_off(self) -> int:
        """Run stages until none is due and all have ended; how many that were.

        Raises:
            Exception: The first that ended one of them; no other is begun then.
        """
        try:
            while True:
                self._changed.clear()  # before the look: what ends after it may have made room for more
                is_short = self._look()
                if not is_short and self._is_done():
                    break
                self._changed.wait(SHORT_OF_CORES_S if is_short else LOOK_EVERY_S)
        finally:
            self._cores.want_none()
        if self._errors:
            raise self._errors[0]
        return self._done

    def _look(self) -> bool:
        """As `_begin_all`; where that fails, those that run are waited for all the same."""
        try:
            return self._begin_all()
        except Exception as error:
            self._errors.append(error)
            return False

    def _begin_all(self) -> bool:
        """Begin what may begin; whether something waits for a core."""
        is_short = False
        for run in [] if self._errors else self._due():
            if not self._may_begin(run):
                continue
            give_back = (lambda: None) if run.stage in CORELESS else self._cores.try_take()
            if give_back is None:
                is_short = True
            elif not self._errors and self._begin(run):
                with self._changing:
                    self._running[run.id] = run
                Thread(target=self._do, args=(run, give_back), name=f"consolidation {run.stage}", daemon=True).start()
            else:
                give_back()
        if not is_short:
            self._cores.want_none()
        return is_short

    def _is_done(self) -> bool:
        with self._changing:
            return not self._running and not self._changed.is_set()

    def _may_begin(self, run: StageRun) -> bool:
        """Whether it keeps to the bound on agents; who waits for a model does not count, and there is one at most."""
        with self._changing:
            others = list(self._running.values())
        if run.stage in ASKING:
            return run.stage not in {one.stage for one in others}
        agents = {one.agent_id for one in others if one.stage not in ASKING}
        return run.agent_id in agents or len(agents) < self._jobs

    def _do(self, run: StageRun, give_back: Callable[[], None]) -> None:
        try:
            self._run(run)
        except Exception as error:
            self._errors.append(error)
        finally:
            give_back()
            with self._changing:
                del self._running[run.id]
                self._done += 1
                self._changed.set()
