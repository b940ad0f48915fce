"""Starts and stops the services of the machine: one at a time does that to a service, whoever wants it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta

from hive_tui.adapters.clock import wait_until
from hive_tui.adapters.locks import FileLock
from hive_tui.domain.durations import counted
from hive_tui.domain.errors import HiveError
from hive_tui.domain.events import HEARTBEAT, Actor, Event, EventKind, Severity
from hive_tui.domain.ports import Clock
from hive_tui.domain.services import (
    Actual,
    Around,
    Desired,
    Look,
    Service,
    ServiceControl,
    ServiceFailed,
    ServiceRecord,
    ServiceRefused,
    crashes_after,
    may_start_at,
    start_order,
    veto,
)
from hive_tui.services.hub import Hub
from hive_tui.services.service_users import ServiceUsers
from hive_tui.store import journal
from hive_tui.store import services as service_store
from hive_tui.store.database import Database

STOP_SHOWS_S = 5.0
"""So long after its own time a stopped service may still be seen to run."""
LOOK_EVERY_S = 0.2
FORCE = "Z on the Services screen stops it nevertheless, and so does --force."
SEE_LIST = "`hive-tui services` shows how all of them are."
JUST_SEEN = timedelta(seconds=5)
NEVER_SEEN = ServiceRecord("")
ASKED_FOR = timedelta(minutes=10)
"""Whoever waits for a start gives up before that, or has died."""


class ServiceKeeper:
    """The one way to a service.

    Args:
        services: The registry, by name.
        controls: What talks to services, by kind.
        is_healthy: Asks a health check.
        lock_of: The lock of a service; its holder is the only one that starts or stops it.
        users: Who needs which service.
    """

    def __init__(
        self,
        database: Database,
        services: Mapping[str, Service],
        controls: Mapping[str, ServiceControl],
        is_healthy: Callable[[str], bool],
        lock_of: Callable[[str], FileLock],
        users: ServiceUsers,
        clock: Clock,
        hub: Hub,
    ) -> None:
        self._database = database
        self.services = services
        self._controls = controls
        self._is_healthy = is_healthy
        self._lock_of = lock_of
        self._users = users
        self._clock = clock
        self._hub = hub

    def find(self, name: str) -> Service:
        """A service of the registry.

        Raises:
            ServiceRefused: There is none of that name.
        """
        start_order([name], {known: one.depends_on for known, one in self.services.items()})
        return self.services[name]

    def look(self, service: Service) -> Look:
        """What it does now; one that runs and fails its health check is starting."""
        look = self._controls[service.kind].look(service)
        if look.actual is Actual.RUNNING and service.health and not self._is_healthy(service.health):
            return replace(look, actual=Actual.STARTING, detail="its health check fails")
        return look

    def around(self, service: Service) -> Around:
        """Who uses it now; and which services that depend on it run."""
        known = self._database.read(service_store.everything)
        depending = [one for one in self.services.values() if service.name in one.depends_on]
        running = [one.name for one in depending if self._runs(one, known.get(one.name, NEVER_SEEN))]
        return Around(self._users.awake(service.name), tuple(running))

    def _runs(self, service: Service, record: ServiceRecord) -> bool:
        """Whether it runs; a round looks at dependants first, so most were looked at a moment ago."""
        if record.looked_at is not None and timedelta(0) <= self._clock.now() - record.looked_at < JUST_SEEN:
            return record.actual in (Actual.RUNNING, Actual.STARTING)
        return self.look(service).runs

    def set_desired(self, name: str, desired: Desired, actor: Actor) -> Desired:
        """Note what a person wants of a service; what it was before.

        Raises:
            ServiceRefused: There is none of that name.
        """
        self.find(name)
        before = self._database.write(service_store.set_desired, name, desired)
        if before is not desired:
            payload = {"service": name, "desired": str(desired)}
            text = f"Service {name} is to be {desired}"
            self._tell(Event(EventKind.SERVICE_CHANGED, text, actor=actor, payload=payload))
        return before

    def ensure_ready(self, names: Iterable[str], actor: Actor = HEARTBEAT, *, asked: bool = False) -> None:
        """Have services run and answer, each after those that it depends on.

        Args:
            names: Of the registry.
            actor: Who wants it.
            asked: A person has asked for these very services: neither `off` nor a crash loop holds them back.

        Raises:
            ServiceFailed: One did not get ready; a later attempt may succeed.
            ServiceRefused: One is switched off, or not known.
        """
        wanted = tuple(names)
        for name in start_order(wanted, {known: one.depends_on for known, one in self.services.items()}):
            self._ensure(self.services[name], actor, asked=asked and name in wanted)

    def _ensure(self, service: Service, actor: Actor, *, asked: bool) -> None:
        self._database.write(service_store.ask_start, service.name, now=self._clock.now())
        try:
            with self.owned(service, "start", wait_s=service.start_timeout_s + service.stop_timeout_s + 30.0):
                self.start_owned(service, actor, asked=asked)
        finally:
            with suppress(HiveError):
                self._database.write(service_store.end_start, service.name)

    @contextmanager
    def owned(self, service: Service, purpose: str, *, wait_s: float = 0.0) -> Iterator[None]:
        """Hold the service's lock: a start that comes during a stop waits for its end, and the other way round.

        Raises:
            ServiceFailed: Another one holds it, and still did after `wait_s` seconds.
        """
        lock = self._lock_of(service.name)
        if not wait_until(lambda: lock.try_take(purpose), timeout_s=wait_s, clock=self._clock):
            said = lock.holder()
            raise ServiceFailed(
                f"Another hive-tui works on service {service.name} ({said.get('purpose', 'unknown')}, "
                f"process {said.get('pid', '?')}).",
                hint="Wait until it is done, then try again.",
            )
        try:
            yield
        finally:
            lock.release()

    def start_owned(self, service: Service, actor: Actor, *, asked: bool = False) -> None:
        """Start it unless it runs, and wait until it is ready; the caller holds its lock.

        Raises:
            ServiceFailed: It did not get ready.
            ServiceRefused: It is switched off.
        """
        record, look = self._database.read(service_store.get, service.name), self.look(service)
        was_down = not look.runs
        if was_down:
            self._refuse_start(service, record, look, asked=asked)
        try:
            if was_down:
                self._controls[service.kind].start(service)
            look = self._wait_ready(service)
        except ServiceFailed as error:
            self._note_failed_start(record, error, is_crash=was_down)
            raise
        now = self._clock.now()
        fresh = replace(_looked(record, look), last_used_at=now, looked_at=now, sleeps_at=None, reason="used just now")
        self._database.write(service_store.put_look, replace(fresh, crashes=0) if asked else fresh)
        if was_down:
            payload = {"service": service.name}
            text = f"Service {service.name} runs and is ready"
            self._tell(Event(EventKind.SERVICE_STARTED, text, actor=actor, payload=payload))

    def _refuse_start(self, service: Service, record: ServiceRecord, look: Look, *, asked: bool) -> None:
        if look.actual in (Actual.MISSING, Actual.UNKNOWN):
            raise ServiceFailed(f"Service {service.name} cannot be started: {look.detail.rstrip('.')}.", hint=SEE_LIST)
        if asked:
            return
        if record.desired is Desired.OFF:
            raise ServiceRefused(
                f"Service {service.name} is switched off.",
                hint=f"`hive-tui services set {service.name} auto` lets agents start it again.",
            )
        again_at = may_start_at(record)
        if again_at is not None and self._clock.now() < again_at:
            raise ServiceFailed(
                f"Service {service.name} has ended by itself {counted(record.crashes, 'time')}; "
                f"it is not started again before {again_at.astimezone():%H:%M}.",
                hint=f"`hive-tui services start {service.name}` starts it at once.",
            )

    def _wait_ready(self, service: Service) -> Look:
        seen = [Look(Actual.UNKNOWN)]

        def is_over() -> bool:
            seen[0] = self.look(service)
            # Its own check may well say no while it starts; without one, what has stopped has failed.
            return seen[0].actual is Actual.RUNNING or (seen[0].actual is Actual.STOPPED and not service.check)

        wait_until(is_over, timeout_s=service.start_timeout_s, clock=self._clock, every_s=LOOK_EVERY_S)
        if seen[0].actual is Actual.RUNNING:
            return seen[0]
        why = f": {seen[0].detail}" if seen[0].detail else ""
        if seen[0].actual is Actual.STOPPED and not service.check:
            raise ServiceFailed(f"Service {service.name} ended right after its start{why}.", hint="See its own log.")
        raise ServiceFailed(
            f"Service {service.name} is not ready after {service.start_timeout_s:g} s{why}.",
            hint="See its own log.",
            timed_out=True,
        )

    def stop(self, name: str, actor: Actor, *, force: bool = False) -> bool:
        """Stop a service now, because a person wants it; False if it did not run.

        Args:
            name: Of the registry.
            actor: Who wants it.
            force: Pass over whoever uses it.

        Raises:
            ServiceRefused: It is in use; the sentence says by whom.
            ServiceFailed: It did not stop.
        """
        service = self.find(name)
        with self.owned(service, "stop", wait_s=service.start_timeout_s + service.stop_timeout_s + 30.0):
            look = self.look(service)
            if look.actual in (Actual.MISSING, Actual.UNKNOWN):
                raise ServiceFailed(f"Service {name} cannot be stopped: {look.detail.rstrip('.')}.")
            if not look.runs:
                return False
            in_use = "" if force else veto(look, self.around(service))
            if in_use:
                raise ServiceRefused(
                    f"Service {name} was not stopped: {in_use}.",
                    hint=FORCE,
                )
            self.stop_owned(service, f"Successfully stopped service {name}", actor)
            return True

    def stop_owned(self, service: Service, said: str, actor: Actor = HEARTBEAT) -> None:
        """Stop it, and see that it has stopped; the caller holds its lock and has looked for vetoes.

        Raises:
            ServiceFailed: It did not stop. That is told, too.
        """
        record = self._database.read(service_store.get, service.name)
        # Written before, so that a kill of hive-tui in between does not make a crash of the service out of it.
        begun = replace(record, actual=Actual.UNKNOWN, reason="being stopped", sleeps_at=None)
        self._database.write(service_store.put_look, begun)
        try:
            self._controls[service.kind].stop(service)
            look = self._wait_stopped(service)
        except ServiceFailed as error:
            now = self._clock.now()
            # It is tried again only after another whole span.
            again = replace(record, last_used_at=now, sleeps_at=None, reason=f"its stop failed: {error.what}")
            self._database.write(service_store.put_look, again)
            self._tell(_failure(service.name, error))
            raise
        now = self._clock.now()
        stopped = replace(_looked(record, look), looked_at=now, sleeps_at=None, reason=f"stopped by {actor.name}")
        self._database.write(service_store.put_look, stopped)
        self._tell(Event(EventKind.SERVICE_STOPPED, said, actor=actor, payload={"service": service.name}))

    def _wait_stopped(self, service: Service) -> Look:
        seen = [Look(Actual.UNKNOWN)]

        def is_down() -> bool:
            seen[0] = self.look(service)
            return seen[0].actual is Actual.STOPPED

        patience_s = service.stop_timeout_s + STOP_SHOWS_S
        if wait_until(is_down, timeout_s=patience_s, clock=self._clock, every_s=LOOK_EVERY_S):
            return seen[0]
        raise ServiceFailed(
            f"Service {service.name} was told to stop, and after {patience_s:g} s it is still {seen[0].actual}.",
            hint="Something may keep it running: a restart policy, or a supervisor.",
        )

    def start_is_asked(self, record: ServiceRecord) -> bool:
        """Whether somebody waits for its start."""
        asked_at = record.start_asked_at
        return asked_at is not None and self._clock.now() - asked_at < ASKED_FOR

    def _note_failed_start(self, record: ServiceRecord, error: ServiceFailed, *, is_crash: bool) -> None:
        now = self._clock.now()
        failed = replace(record, looked_at=now, reason=error.what, sleeps_at=None)
        if is_crash:
            failed = replace(failed, crashes=crashes_after(record, now), crashed_at=now)
        with suppress(HiveError):
            self._database.write(service_store.put_look, failed)
            self._tell(_failure(record.name, error))

    def _tell(self, event: Event) -> None:
        self._database.write(journal.log, event, now=self._clock.now())
        self._hub.publish(event)


def _failure(name: str, error: ServiceFailed) -> Event:
    return Event(EventKind.SERVICE_FAILED, error.what.rstrip("."), severity=Severity.FAILURE, payload={"service": name})


def _looked(record: ServiceRecord, look: Look) -> ServiceRecord:
    return replace(
        record,
        actual=look.actual,
        detail=look.detail,
        run_id=look.run_id,
        cpu_s=look.cpu_s,
        network_bytes=look.network_bytes,
    )
