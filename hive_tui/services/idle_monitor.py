"""Looks at services and models now and then, and puts to sleep what nobody uses."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import HEARTBEAT, Event, EventKind, Severity
from hive_tui.domain.idle_sleep import IdleSleepPolicy
from hive_tui.domain.ports import Clock
from hive_tui.domain.services import (
    Actual,
    Around,
    Deed,
    Desired,
    Look,
    Service,
    ServiceFailed,
    ServiceRecord,
    ServiceRefused,
    crashes_after,
    start_order,
    use_since,
    verdict,
    veto,
)
from hive_tui.services.background import Background
from hive_tui.services.hub import Hub
from hive_tui.services.model_keeper import ModelKeeper
from hive_tui.services.service_keeper import ServiceKeeper
from hive_tui.store import journal, settings
from hive_tui.store import services as service_store
from hive_tui.store.database import Database

SIGN = "idle_monitor"
"""The monitor's sign of life."""


class IdleMonitor:
    """A chore of the heartbeat; the looks run on a thread of their own.

    Args:
        policy: The figures that hold now; read anew each time.
    """

    def __init__(
        self,
        database: Database,
        keeper: ServiceKeeper,
        models: ModelKeeper,
        policy: Callable[[], IdleSleepPolicy],
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._database = database
        self._keeper = keeper
        self._models = models
        self._policy = policy
        self._clock = clock
        self._hub = hub
        self._background = Background("idle monitor")
        self._checked_s: float | None = None
        self._is_started = False

    def keep(self) -> None:
        """Begin a check where it is time for one; returns at once."""
        policy = self._policy()
        if not policy.enabled:
            self._is_started, self._checked_s = False, None
            return
        now_s = self._clock.monotonic()
        if self._checked_s is not None and now_s - self._checked_s < policy.check.total_seconds():
            return
        if self._background.start(self.check):
            self._checked_s = now_s

    def check(self) -> None:
        """Look at all services and models once, and do what is to be done. What fails is told, and stops nothing."""
        policy = self._policy()
        if not self._is_started:
            self._is_started = True
            self._tell(Event(EventKind.MONITOR_STARTED, "Idle monitor task started"))
        self._database.write(settings.put, SIGN, {}, now=self._clock.now())
        # Those that others depend on come last, so that a whole chain can end in one round.
        for service in self._dependants_first():
            with suppress(ServiceFailed, ServiceRefused):  # it has been told, or somebody else works on it
                self._check(service, policy)
        self._models.check(policy)

    def wait(self, timeout_s: float) -> bool:
        """Whether the check that runs has ended within so many seconds."""
        return self._background.wait(timeout_s)

    def _dependants_first(self) -> list[Service]:
        services = self._keeper.services
        order = start_order(services, {name: one.depends_on for name, one in services.items()})
        return [services[name] for name in reversed(order)]

    def _check(self, service: Service, policy: IdleSleepPolicy) -> None:
        with self._keeper.owned(service, "look"):
            look, around = self._keeper.look(service), self._keeper.around(service)
            before = self._database.read(service_store.get, service.name)
            record = self._noted(before, look, around, policy)
            found = verdict(service, record, look, around, policy, self._clock.now())
            record = replace(record, reason=found.reason, sleeps_at=found.sleeps_at)
            self._database.write(service_store.put_look, record)
            if found.deed is Deed.START:
                self._keeper.start_owned(service, HEARTBEAT)
            elif found.deed is Deed.STOP:
                self._stop(service)

    def _noted(self, before: ServiceRecord, look: Look, around: Around, policy: IdleSleepPolicy) -> ServiceRecord:
        """The record after a look: what was used, and whether it has ended by itself."""
        now = self._clock.now()
        # A look that has shown nothing is none: after some of them the span begins anew.
        looked_at = before.looked_at if look.actual is Actual.UNKNOWN else now
        record = replace(before, actual=look.actual, detail=look.detail, looked_at=looked_at)
        if look.actual is Actual.STOPPED and before.actual in (Actual.RUNNING, Actual.STARTING):
            record = replace(record, crashes=crashes_after(before, now), crashed_at=now)
            self._tell_end(record)
        elif look.is_looping:
            record = replace(record, crashes=crashes_after(before, now), crashed_at=now)
            if record.crashes == 1:  # it is the same news until it has kept quiet for a while
                self._tell_end(record)
        if not look.runs:
            return record
        # That an idle service depends on it holds a stop up, and is no use: a whole chain sleeps after one span.
        used = veto(look, Around(around.awake)) or use_since(before, look, policy, now)
        return replace(
            record,
            last_used_at=now if used else before.last_used_at,
            run_id=look.run_id,
            cpu_s=look.cpu_s,
            network_bytes=look.network_bytes,
        )

    def _tell_end(self, record: ServiceRecord) -> None:
        why = f": {record.detail}" if record.detail else ""
        text = f"Service {record.name} has ended, and not by hive-tui{why}"
        payload = {"service": record.name, "crashes": record.crashes}
        self._tell(Event(EventKind.SERVICE_ENDED, text, severity=Severity.WARNING, payload=payload))

    def _stop(self, service: Service) -> None:
        """Stop it, unless somebody has begun to use it, or has changed what is wanted, since the look."""
        policy = self._policy()
        look, around = self._keeper.look(service), self._keeper.around(service)
        record = self._database.read(service_store.get, service.name)
        again = veto(look, around) or ("a start waits" if self._keeper.start_is_asked(record) else "")
        is_wanted_so = verdict(service, record, look, around, policy, self._clock.now()).deed is Deed.STOP
        if again or not is_wanted_so:
            why, now = again or "something has changed", self._clock.now()
            kept = replace(record, last_used_at=now, reason=why, sleeps_at=None)
            self._database.write(service_store.put_look, kept)
            return
        minutes = self._idle_minutes(record)
        payload = {"service": service.name, "idle_minutes": minutes}
        text = f"Service {service.name} has been idle for {minutes} minutes, stopping..."
        if record.desired is Desired.OFF:
            text = f"Service {service.name} is to be off and nobody uses it, stopping..."
        self._tell(Event(EventKind.SERVICE_IDLE, text, payload=payload))
        self._keeper.stop_owned(service, f"Successfully stopped idle service {service.name}")

    def _idle_minutes(self, record: ServiceRecord) -> int:
        now = self._clock.now()
        return (now - (record.last_used_at or now)) // timedelta(minutes=1)

    def _tell(self, event: Event) -> None:
        with suppress(HiveError):
            self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)
