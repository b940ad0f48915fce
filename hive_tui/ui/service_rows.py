"""The rows of the Services screen, and what is said of the selected one. Pure."""

from collections.abc import Sequence
from datetime import datetime

from hive_tui.domain.durations import bytes_in_words, counted, in_words
from hive_tui.domain.models import ModelRecord
from hive_tui.domain.services import Actual, Desired
from hive_tui.services.machine_view import MachineView, ServiceView
from hive_tui.ui.format import Cell, Row, age

SERVICE_COLUMNS = ("state", "name", "kind", "desired", "sleeps", "why it runs, or not")
STATES = {
    Actual.RUNNING: Cell("● running", "$text-success"),
    Actual.STARTING: Cell("◌ starting", "$text-accent"),
    Actual.STOPPED: Cell("○ stopped", "$text-muted"),
    Actual.MISSING: Cell("✕ missing", "$text-error"),
    Actual.UNKNOWN: Cell("? unknown", "$text-warning"),
}
LOADED = Cell("■ loaded", "$text-success")
DESIRED = {
    Desired.AUTO: Cell("auto"),
    Desired.ON: Cell("on", "$text-success"),
    Desired.OFF: Cell("off", "$text-warning"),
}
NOT_YET = Cell("-", "$text-muted")
MODEL = "model:"
"""How keys of rows begin that are models."""


def machine_rows(view: MachineView) -> tuple[Row, ...]:
    """All services, then all loaded models."""
    services = (_service_row(one, view) for one in view.services)
    return (*services, *(_model_row(one, view.at) for one in view.models))


def _service_row(one: ServiceView, view: MachineView) -> Row:
    record = one.record
    return Row(
        one.service.name,
        (
            STATES[record.actual],
            Cell(one.service.name),
            Cell(one.service.kind),
            DESIRED[record.desired],
            _coming(record.sleeps_at if view.policy.enabled else None, view.at),
            Cell(why(one, view)),
        ),
    )


def _model_row(one: ModelRecord, now: datetime) -> Row:
    size = one.vram_bytes or one.size_bytes
    return Row(
        MODEL + one.key,
        (
            LOADED,
            Cell(f"{one.name} ({bytes_in_words(size)})" if size else one.name),
            Cell(one.provider),
            NOT_YET,
            _coming(one.keep_until, now),
            Cell(model_why(one, now)),
        ),
    )


def _coming(at: datetime | None, now: datetime) -> Cell:
    return Cell(f"in {age(at - now)}" if at > now else "now", "$text-accent") if at is not None else NOT_YET


def why(one: ServiceView, view: MachineView) -> str:
    """Why a service is not put to sleep, or why it does not run."""
    record = one.record
    if record.sleeps_at is not None and record.last_used_at is not None:
        return f"used {age(view.at - record.last_used_at)} ago"  # what was noted at the last look gets old
    if record.reason:
        return record.reason
    if record.detail:
        return record.detail
    if record.actual in (Actual.RUNNING, Actual.STARTING):
        return "idle sleep is off" if not view.policy.enabled else "seen for the first time"
    return "not started by hive-tui"


def model_why(one: ModelRecord, now: datetime) -> str:
    """Why a model is not unloaded."""
    if one.keep_until is None:
        return one.reason
    if now >= one.keep_until or one.last_used_at is None:
        return "its keep-alive is over"
    return f"used {age(now - one.last_used_at)} ago"


def policy_line(view: MachineView) -> tuple[str, bool]:
    """What holds for all, and whether idle sleep is on."""
    policy = view.policy
    figures = (
        f"services {policy.idle_minutes:g} min, models {policy.model_keep_alive_hours:g} h, "
        f"look each {policy.check_minutes:g} min"
    )
    preset = f"{view.preset}: " if view.preset else ""
    if not policy.enabled:
        return f"○ idle sleep off  {preset}{figures}", False
    return f"● idle sleep on{'' if view.is_watched else ', not watched yet'}  {preset}{figures}", True


def service_details(one: ServiceView, view: MachineView) -> Sequence[tuple[str, str]]:
    """What is known of a service, as label and text."""
    service, record = one.service, one.record
    found = [("why", why(one, view))]
    if record.detail and record.detail != why(one, view):
        found.append(("state", record.detail))
    if record.last_used_at is not None:
        found.append(("last used", f"{age(view.at - record.last_used_at)} ago"))
    runs = {"docker": f"container {service.target}", "systemd": f"unit {service.target}"}.get(
        service.kind, service.start
    )
    found.append((service.kind, runs))
    used_by = ", ".join(one.awake) or "no awake agent"
    depending = [other.service.name for other in view.services if service.name in other.service.depends_on]
    found.append(("needed by", ", ".join([used_by, *depending])))
    if service.depends_on:
        found.append(("needs", ", ".join(service.depends_on)))
    if service.never_sleeps:
        found.append(("sleep", "never for idleness (never_sleep)"))
    elif service.idle is not None:
        found.append(("sleep", f"after {in_words(service.idle)}, and not as for all"))
    if record.crashes:
        found.append(("ended", f"{counted(record.crashes, 'time')} by itself"))
    return found


def model_details(one: ModelRecord, now: datetime) -> Sequence[tuple[str, str]]:
    """What is known of a model, as label and text."""
    found = [("why", model_why(one, now))]
    if one.size_bytes is not None:
        vram = f", {bytes_in_words(one.vram_bytes)} of it in VRAM" if one.vram_bytes is not None else ""
        found.append(("size", f"{bytes_in_words(one.size_bytes)}{vram}"))
    if one.last_used_at is not None:
        found.append(("last used", f"{age(now - one.last_used_at)} ago"))
    if one.expires_at is not None:
        is_soon = one.expires_at > now and (one.expires_at - now).days < 30
        when = f"in {in_words(one.expires_at - now)}" if is_soon else "never" if one.expires_at > now else "now"
        found.append(("its server", f"unloads it {when}"))
    if one.reloads:
        found.append(("reloads", f"{counted(one.reloads, 'time')} by a client soon after it was unloaded"))
    return found
