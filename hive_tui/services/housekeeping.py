"""What the heartbeat does now and then: keeps the sleep windows; keeps checkpoints few, takes, copies, proves them."""

import os
from datetime import timedelta

from hive_tui.domain.ports import Clock
from hive_tui.services.background import Background
from hive_tui.services.backups import Backups
from hive_tui.services.budget_keeping import BudgetKeeper
from hive_tui.services.chores import Chore, Chores
from hive_tui.services.consolidation import Consolidation
from hive_tui.services.drill import Drills
from hive_tui.services.ledger import Ledger
from hive_tui.services.offsite import Offsite
from hive_tui.services.periodic import PeriodicCheckpoints
from hive_tui.services.queue import WakeupQueue
from hive_tui.services.retention import Retention
from hive_tui.services.scheduler import Scheduler
from hive_tui.services.thinning import Thinning
from hive_tui.store.database import Database

FOLD_EVERY_S = 2.0
SCHEDULE_EVERY_S = 5.0
PRUNE_EVERY_S = 15.0
COPY_EVERY_S = 10.0
COUNT_EVERY_S = 10.0
COUNT_PATIENCE_S = 0.5
TAKE_EVERY_S = 15.0
BACK_UP_EVERY_S = 15.0
PURGE_EVERY_S = 60.0
CONDENSE_EVERY_S = 10.0
PROVE_EVERY_S = 60.0
"""How often each looks whether there is something to do; a look is a few reads of the database."""
AT_REST_EVERY_S = 600.0
"""How often at rest what goes by hours and days, or by what is in the database."""
PURGE_BATCHES = 4
"""So few at a time, that no wake waits for the writer."""
IDLE_LOAD = 0.8
"""Load of the machine, a core, up to which a drill may begin."""


class Housekeeping:
    """Long work goes to threads of its own, so that no checkpoint holds up a wake; each kind at most once."""

    def __init__(
        self,
        retention: Retention,
        periodic: PeriodicCheckpoints,
        offsite: Offsite,
        thinning: Thinning,
        drills: Drills,
        backups: Backups,
        scheduler: Scheduler,
        ledger: Ledger,
        budgets: BudgetKeeper,
        queue: WakeupQueue,
        consolidation: Consolidation,
        *,
        keep_wakeups: timedelta | None,
    ) -> None:
        """Make it; `keep_wakeups` says how long wakeups that have ended are kept, None for ever."""
        self._ledger = ledger
        self._budgets = budgets
        self._consolidation = consolidation
        self._scheduler = scheduler
        self._queue = queue
        self._keep_wakeups = keep_wakeups
        self._backups = backups
        self._retention = retention
        self._periodic = periodic
        self._offsite = offsite
        self._thinning = thinning
        self._drills = drills
        self._taking = Background("checkpoints")
        self._copying = Background("off-site")
        self._proving = Background("drill")
        self._condensing = Background("consolidation")

    def chores(self, database: Database, clock: Clock, *more: Chore) -> Chores:
        """For the heartbeat; with `more` of other parts."""
        every = (
            Chore("move the log into the database", database.fold_wal, FOLD_EVERY_S),
            Chore("keep the sleep windows", self._scheduler.keep, SCHEDULE_EVERY_S),
            Chore("count the tokens", self._count, COUNT_EVERY_S, at_rest_every_s=AT_REST_EVERY_S),
            Chore("keep the budgets", self._budgets.keep, COUNT_EVERY_S),
            Chore(
                "keep the checkpoints few", self._retention.prune_if_due, PRUNE_EVERY_S, at_rest_every_s=AT_REST_EVERY_S
            ),
            Chore("take checkpoints", self._take, TAKE_EVERY_S),
            Chore("copy checkpoints to the second place", self._copy, COPY_EVERY_S),
            Chore("purge the queue", self._purge, PURGE_EVERY_S, at_rest_every_s=AT_REST_EVERY_S),
            Chore("copy the database", self._backups.take_if_due, BACK_UP_EVERY_S, at_rest_every_s=AT_REST_EVERY_S),
            # Not at the start, when there is other work.
            Chore("condense conversations", self._condense, CONDENSE_EVERY_S, clock.monotonic(), AT_REST_EVERY_S),
            Chore("prove a checkpoint", self._prove, PROVE_EVERY_S, clock.monotonic(), AT_REST_EVERY_S),
        )
        return Chores(database, clock, (*every, *more))

    def _count(self) -> None:
        # The first reading of long transcripts takes a while; the heartbeat does it bit by bit.
        self._ledger.take_in(patience_s=COUNT_PATIENCE_S)

    def _purge(self) -> None:
        if self._keep_wakeups is not None:
            self._queue.purge(self._keep_wakeups, most_batches=PURGE_BATCHES)

    def _take(self) -> None:
        if not self._taking.is_busy and self._periodic.due():
            self._taking.start(self._periodic.take_due)

    def _copy(self) -> None:
        if self._copying.is_busy:
            return
        if self._offsite.has_work():
            self._copying.start(self._offsite.work)
        elif self._thinning.spare():
            self._copying.start(self._thinning.run)

    def _condense(self) -> None:
        if self._condensing.is_busy:
            self._consolidation.note_progress()
        elif self._consolidation.has_work():
            self._condensing.start(self._consolidation.work)

    def _prove(self) -> None:
        is_idle = os.getloadavg()[0] < IDLE_LOAD * (os.cpu_count() or 1)
        if is_idle and not self._proving.is_busy and self._drills.due() is not None:
            self._proving.start(self._drills.prove_due)
