"""Services that agents need: what they are, and when one is stopped or started unasked. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from hive_tui.domain.durations import counted, in_words
from hive_tui.domain.errors import ErrorClass, HiveError, NotFound
from hive_tui.domain.idle_sleep import IdleSleepPolicy


class ServiceFailed(HiveError):
    """A service could not be looked at, started or stopped."""


class ServiceRefused(HiveError):
    """A service was not started or stopped; the sentence says why. Only a person can change that."""

    error_class = ErrorClass.NEEDS_PERSON


class ServiceUnknown(ServiceRefused, NotFound):
    """No service of that name is in the settings."""


class Desired(StrEnum):
    """What a person wants of a service."""

    AUTO = "auto"
    """It runs for the agents that need it, and is stopped once it is idle."""
    ON = "on"
    """It runs; where it does not, it is started."""
    OFF = "off"
    """It is stopped as soon as nobody uses it, and no agent wakes it."""


class Actual(StrEnum):
    """What a service does, as seen at the last look."""

    RUNNING = "running"
    STARTING = "starting"
    """It runs and is not ready yet, or was started again by its own keeper."""
    STOPPED = "stopped"
    MISSING = "missing"
    """There is no such container or unit."""
    UNKNOWN = "unknown"
    """Whoever could tell does not answer."""


@dataclass(frozen=True, slots=True)
class Service:
    """One of the registry, as the settings say."""

    name: str
    kind: str
    """`docker`, `systemd` or `command`."""
    target: str
    """Name of the container or the unit."""
    ports: tuple[int, ...] = ()
    depends_on: tuple[str, ...] = ()
    idle: timedelta | None = None
    """Its own idle span; None as for all."""
    never_sleeps: bool = False
    start: str = ""
    stop: str = ""
    check: str = ""
    busy: str = ""
    """A shell command that ends with 0 while work is in flight; empty for none."""
    health: str = ""
    """An http(s) address, or a shell command that ends with 0; empty for what its kind says."""
    start_timeout_s: float = 60.0
    stop_timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a service has shown. Counts go up as long as `run_id` stays."""

    actual: Actual
    detail: str = ""
    """Why it is in its state, for a person; empty for nothing special."""
    run_id: str = ""
    """Another one for each run."""
    cpu_s: float | None = None
    """Seconds of CPU time that this run has used; None if nobody can tell."""
    network_bytes: int | None = None
    """Bytes that have gone in and out; None if nobody can tell."""
    connections: int | None = None
    """Clients that are connected; None if nobody can tell."""
    in_flight: str = ""
    """What works inside, as a reason; empty for nothing that is known."""
    is_looping: bool = False
    """It ends by itself again and again; its own keeper waits before the next start, and nothing of it runs."""

    @property
    def runs(self) -> bool:
        """Whether there is something that could be stopped."""
        return self.actual in (Actual.RUNNING, Actual.STARTING)


class ServiceControl(Protocol):
    """Looks at services of one kind, starts and stops them."""

    def look(self, service: Service) -> Look:
        """What it does now; raises nothing, `UNKNOWN` says that nobody could tell."""
        ...

    def start(self, service: Service) -> None:
        """Have it started; raises ServiceFailed."""
        ...

    def stop(self, service: Service) -> None:
        """Have it stopped, gracefully at first; raises ServiceFailed."""
        ...


@dataclass(frozen=True, slots=True)
class ServiceRecord:
    """What is remembered of a service from one look to the next."""

    name: str
    desired: Desired = Desired.AUTO
    actual: Actual = Actual.UNKNOWN
    detail: str = ""
    last_used_at: datetime | None = None
    """When it was last seen in use; None if it was never looked at."""
    looked_at: datetime | None = None
    run_id: str = ""
    cpu_s: float | None = None
    network_bytes: int | None = None
    reason: str = ""
    """Why it was left as it is at the last decision."""
    sleeps_at: datetime | None = None
    crashes: int = 0
    crashed_at: datetime | None = None
    start_asked_at: datetime | None = None


class Deed(StrEnum):
    """What is done about a service."""

    KEEP = "keep"
    STOP = "stop"
    START = "start"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is done, and why; `sleeps_at` is when it would be stopped if nothing happens until then."""

    deed: Deed
    reason: str
    sleeps_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Around:
    """Who uses a service, beside what a look at it shows."""

    awake: tuple[str, ...] = ()
    """Names of agents that need it and do not sleep."""
    dependants: tuple[str, ...] = ()
    """Names of running services that depend on it."""


LOOKS_MISSED = 3
"""After so many check intervals without a look nobody knows what has happened meanwhile."""
FORGIVEN_AFTER = timedelta(hours=1)
FIRST_BACKOFF = timedelta(minutes=1)
LONGEST_BACKOFF = timedelta(hours=1)


def veto(look: Look, around: Around) -> str:
    """Why a running service is in use at this very moment; empty if it is not."""
    if around.awake:
        return needed_by(around.awake)
    if around.dependants:
        return f"{', '.join(around.dependants)} depends on it and runs"
    if look.is_looping:
        return ""
    if look.in_flight:
        return look.in_flight
    if look.connections is None:
        return "its connections cannot be seen; name its ports"
    if look.connections:
        return f"{counted(look.connections, 'connection')} open"
    if look.cpu_s is None:
        return "what it uses of the CPU is not known"
    return ""


def needed_by(awake: Sequence[str]) -> str:
    """`shop needs it`, `shop, toys need it`: agents that do not sleep."""
    return f"{', '.join(awake)} need{'s' if len(awake) == 1 else ''} it"


def use_since(record: ServiceRecord, look: Look, policy: IdleSleepPolicy, now: datetime) -> str:
    """Why it counts as used since the look before; empty if it was quiet all the time.

    Counters are compared, so what happened between two looks is not missed.
    """
    if record.looked_at is None or record.last_used_at is None:
        return "first seen now"
    if look.is_looping:
        return ""
    if record.run_id != look.run_id:
        return "started since the last look"
    span_s = (now - record.looked_at).total_seconds()
    if not 0 <= span_s <= LOOKS_MISSED * policy.check.total_seconds():
        return "nobody has looked for a while"
    if span_s == 0:
        return ""
    cpu = (look.cpu_s - record.cpu_s) / span_s if look.cpu_s is not None and record.cpu_s is not None else 0.0
    if cpu < 0 or cpu >= policy.cpu_below:
        return f"used {cpu:.0%} of a core" if cpu > 0 else "some of its processes have ended"
    if look.network_bytes is not None and record.network_bytes is not None:
        rate = (look.network_bytes - record.network_bytes) / span_s
        if not 0 <= rate < policy.network_below:
            return f"{rate / 1000:.1f} kB/s over its network"
    return ""


def verdict(
    service: Service, record: ServiceRecord, look: Look, around: Around, policy: IdleSleepPolicy, now: datetime
) -> Verdict:
    """What is to be done about a service now.

    Args:
        service: As the settings say.
        record: With `last_used_at` brought up to this look.
        look: What was seen just now.
        around: Who else uses it.
        policy: The figures for all services.
        now: Aware UTC.
    """
    if look.actual in (Actual.MISSING, Actual.UNKNOWN):
        return Verdict(Deed.KEEP, look.detail or str(look.actual))
    if look.actual is Actual.STOPPED:
        return _of_stopped(record, around, now)
    if record.desired is Desired.ON:
        return Verdict(Deed.KEEP, "desired is on")
    if record.desired is Desired.AUTO:
        if service.never_sleeps:
            return Verdict(Deed.KEEP, "never_sleep is set")
        if not policy.enabled:
            return Verdict(Deed.KEEP, "idle sleep is off")
    in_use = veto(look, around)
    if in_use:
        return Verdict(Deed.KEEP, in_use)
    span = span_of(service, record, policy)
    used_at = record.last_used_at or now
    if now - used_at < span:
        return Verdict(Deed.KEEP, f"used {in_words(now - used_at)} ago", used_at + span)
    return Verdict(Deed.STOP, f"idle for {in_words(now - used_at)}", now)


def span_of(service: Service, record: ServiceRecord, policy: IdleSleepPolicy) -> timedelta:
    """How long it has to be idle: one whose person wants it off, only from one look to the next."""
    if record.desired is Desired.OFF:
        return policy.check
    return service.idle or policy.idle


def _of_stopped(record: ServiceRecord, around: Around, now: datetime) -> Verdict:
    if record.desired is Desired.OFF:
        return Verdict(Deed.KEEP, "desired is off")
    if record.desired is Desired.AUTO and not around.awake:
        return Verdict(Deed.KEEP, "no awake agent needs it")
    again_at = may_start_at(record)
    if again_at is not None and now < again_at:
        return Verdict(Deed.KEEP, f"crashed {counted(record.crashes, 'time')}; started again later")
    why = "desired is on" if record.desired is Desired.ON else needed_by(around.awake)
    return Verdict(Deed.START, why)


def crashes_after(record: ServiceRecord, now: datetime) -> int:
    """How many crashes in a row the next one makes; those of long ago are forgiven."""
    is_new = record.crashed_at is None or now - record.crashed_at > FORGIVEN_AFTER
    return 1 if is_new else record.crashes + 1


def may_start_at(record: ServiceRecord) -> datetime | None:
    """Before when a service that ended by itself is not started unasked; None for at any time.

    Source: exponential backoff, as container keepers do it for crash loops.
    """
    if record.crashed_at is None or record.crashes < 1:
        return None
    doublings = min(record.crashes - 1, 10)
    return record.crashed_at + min(FIRST_BACKOFF * float(2**doublings), LONGEST_BACKOFF)


def start_order(wanted: Iterable[str], depends_on: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The wanted services and all that they depend on, each behind what it depends on.

    Raises:
        ServiceUnknown: A name is not known.
        ServiceRefused: Services depend on each other in a circle.
    """
    order: list[str] = []
    for name in wanted:
        _visit(name, depends_on, order, ())
    return tuple(order)


def _visit(name: str, depends_on: Mapping[str, Sequence[str]], order: list[str], path: tuple[str, ...]) -> None:
    if name in order:
        return
    if name in path:
        circle = " -> ".join((*path[path.index(name) :], name))
        raise ServiceRefused(f"The services depend on each other in a circle: {circle}.", hint="Mend depends_on.")
    if name not in depends_on:
        known = ", ".join(sorted(depends_on)) or "none"
        raise ServiceUnknown(f"There is no service {name!r}.", hint=f"Known are: {known}; see [services.NAME].")
    for needed in depends_on[name]:
        _visit(needed, depends_on, order, (*path, name))
    order.append(name)
