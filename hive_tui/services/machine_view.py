"""What is to be seen of services and models: one frozen view for screen, command line and HTTP."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from hive_tui.domain.idle_sleep import IdleSleepPolicy
from hive_tui.domain.models import ModelRecord
from hive_tui.domain.services import Desired, Look, Service, ServiceRecord
from hive_tui.services.service_users import Needs


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service with all that is known of it."""

    service: Service
    record: ServiceRecord

    awake: tuple[str, ...] = ()
    """Names of the agents that need it and do not sleep."""

    @property
    def sleeps_unasked(self) -> bool:
        """Whether it may be stopped for idleness at all."""
        return self.record.desired is Desired.AUTO and not self.service.never_sleeps


@dataclass(frozen=True, slots=True)
class MachineView:
    """Services and models now."""

    at: datetime
    policy: IdleSleepPolicy
    preset: str
    """Whose figures hold; empty for none."""
    services: tuple[ServiceView, ...]
    models: tuple[ModelRecord, ...]
    """The loaded ones."""
    trouble: Mapping[str, str]
    """Model servers that do not answer, or cannot unload."""
    servers: tuple[str, ...]
    is_watched: bool
    """Whether the idle monitor runs, here or in another process."""


def seen(record: ServiceRecord, live: tuple[Look, datetime] | None) -> ServiceRecord:
    """The record with what was seen since, for the eye only."""
    if live is None or (record.looked_at is not None and record.looked_at >= live[1]):
        return record
    look, _ = live
    if look.actual is not record.actual:
        record = replace(record, reason="", sleeps_at=None)
    return replace(record, actual=look.actual, detail=look.detail)


def needs_in_words(needs: Needs, view: MachineView) -> tuple[str, ...]:
    """What an agent needs, for a person: each service with its state, each model, and what may be missing."""
    states = {one.service.name: one.record for one in view.services}
    loaded = {name for one in view.models for name in (one.key, one.name)}

    def of(name: str, more: str = "") -> str:
        record = states.get(name)
        if record is None:
            return f"service {name}{more}: the settings do not name it"
        off = "; desired is off, so no wake starts it" if record.desired is Desired.OFF else ""
        return f"service {name}{more}: {record.actual}{f', {record.detail}' if record.detail else ''}{off}"

    return (
        *(of(name) for name in needs.services),
        *(of(name, ", without which it is woken, too") for name in needs.wanted),
        *(f"model {name}: {'loaded' if name in loaded else 'not loaded'}" for name in needs.models),
    )


def minutes_until(at: datetime | None, now: datetime) -> float | None:
    """Minutes from now, 0 where the instant has passed; None for never."""
    return None if at is None else round(max(0.0, (at - now) / timedelta(minutes=1)), 1)


def idle_status(view: MachineView) -> dict[str, object]:
    """What `GET /admin/idle-status` and `hive-tui services status --json` answer; fields may grow and never change."""
    now = view.at
    names = [one.name for one in view.models]
    return {
        "idle_sleep_enabled": view.policy.enabled,
        "idle_timeout_minutes": view.policy.idle_minutes,
        "model_keep_alive_hours": view.policy.model_keep_alive_hours,
        "services": {one.service.name: _service(one, view.policy, now) for one in view.services},
        "models": {one.name if names.count(one.name) == 1 else one.key: _model(one, now) for one in view.models},
        "monitor_task_running": view.is_watched,
    }


def _service(one: ServiceView, policy: IdleSleepPolicy, now: datetime) -> dict[str, object]:
    record = one.record
    used_at = record.last_used_at
    sleeps_at = record.sleeps_at if policy.enabled else None
    return {
        "last_used": _iso(used_at),
        "idle_for_minutes": None if used_at is None else round(max(0.0, (now - used_at) / timedelta(minutes=1)), 1),
        "idle_sleep_enabled": one.sleeps_unasked,
        "desired": str(record.desired),
        "actual": str(record.actual),
        "will_sleep_in_minutes": minutes_until(sleeps_at, now),
    }


def _model(one: ModelRecord, now: datetime) -> dict[str, object]:
    return {
        "last_used": _iso(one.last_used_at),
        "keep_alive_until": _iso(one.keep_until),
        "will_unload_in_minutes": minutes_until(one.keep_until, now),
        "provider": one.provider,
    }


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")
