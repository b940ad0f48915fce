"""The commands services and models."""

from typing import Any

import click

from hive_tui.cli.context import PERSON, command, listing, print_json, print_table, warn
from hive_tui.domain.durations import bytes_in_words, in_words
from hive_tui.domain.idle_sleep import PRESETS
from hive_tui.domain.models import ModelRecord
from hive_tui.domain.services import Desired
from hive_tui.hive import Hive
from hive_tui.services.machine_view import MachineView, ServiceView

ADD_SERVICE = "There are no services; a table [services.NAME] in the settings file (`hive-tui config path`) adds one."
ADD_MODELS = 'There is no model server; `ollama = "http://127.0.0.1:11434"` below [models] in the settings names one.'


@listing("services", "Services that agents need, and when they are stopped for idleness.")
def services(hive: Hive, as_json: bool) -> None:
    """List all services as they are now, and why they are not stopped."""
    hive.machine.refresh()
    _list(hive, as_json)


def _list(hive: Hive, as_json: bool) -> None:
    view = hive.machine.view()
    if as_json:
        print_json([_shape(one, view) for one in view.services])
        return
    if not view.services:
        click.echo(ADD_SERVICE)
        return
    click.echo(_policy(hive, view))
    print_table(
        ["SERVICE", "KIND", "ACTUAL", "DESIRED", "USED", "SLEEPS", "WHY"], [_row(one, view) for one in view.services]
    )


def _policy(hive: Hive, view: MachineView) -> str:
    policy = view.policy
    if not policy.enabled:
        return "Idle sleep is off; `hive-tui services preset balanced` switches it on."
    # One that runs and has not looked yet, since idle sleep is on only now, will.
    is_watched = view.is_watched or hive.heartbeat_lock.is_held()
    watched = "" if is_watched else " No heartbeat watches now: `hive-tui serve`, or the dashboard, does."
    return (
        f"Idle sleep is on: services after {policy.idle_minutes:g} min, models after "
        f"{policy.model_keep_alive_hours:g} h, a look each {policy.check_minutes:g} min.{watched}"
    )


def _row(one: ServiceView, view: MachineView) -> list[str]:
    record = one.record
    sleeps_at = record.sleeps_at if view.policy.enabled else None
    return [
        one.service.name,
        one.service.kind,
        str(record.actual),
        str(record.desired),
        f"{in_words(view.at - record.last_used_at)} ago" if record.last_used_at else "-",
        f"in {in_words(sleeps_at - view.at)}" if sleeps_at else "-",
        record.reason or record.detail or "-",
    ]


def _shape(one: ServiceView, view: MachineView) -> dict[str, Any]:
    record, service = one.record, one.service
    return {
        "name": service.name,
        "kind": service.kind,
        "target": service.target,
        "desired": record.desired,
        "actual": record.actual,
        "detail": record.detail,
        "last_used_at": record.last_used_at,
        "sleeps_at": record.sleeps_at if view.policy.enabled else None,
        "reason": record.reason,
        "never_sleeps": service.never_sleeps,
        "depends_on": list(service.depends_on),
    }


@command("status")
def status(hive: Hive, as_json: bool) -> None:
    """Figures of the idle sleep, with all services and models."""
    hive.machine.refresh()
    if as_json:
        print_json(hive.machine.idle_status())
        return
    _list(hive, as_json=False)
    _list_models(hive, as_json=False)


@command("start")
@click.argument("name")
def start(hive: Hive, as_json: bool, name: str) -> None:
    """Start a service and what it depends on, and wait until it is ready."""
    hive.machine.start_service(name, PERSON)
    _said(as_json, {"service": name, "actual": "running"}, f"{name} runs and is ready.")


@command("stop")
@click.argument("name")
@click.option("--force", is_flag=True, help="Also while it is in use.")
def stop(hive: Hive, as_json: bool, name: str, force: bool) -> None:
    """Stop a service now, unless it is in use."""
    did = hive.machine.sleep_service(name, PERSON, force=force)
    warn(hive.machine.comes_back(name))
    _said(
        as_json,
        {"service": name, "actual": "stopped", "did": did},
        f"{name} {'has stopped' if did else 'did not run'}.",
    )


@command("set")
@click.argument("name")
@click.argument("desired", type=click.Choice([one.value for one in Desired]))
def set_(hive: Hive, as_json: bool, name: str, desired: str) -> None:
    """Say what is wanted of a service: on, off, or auto (it runs for the agents that need it)."""
    hive.machine.keeper.set_desired(name, Desired(desired), PERSON)
    if not hive.machine.policy().enabled:
        warn("idle sleep is off, so nothing is stopped or started for that; `hive-tui services enable` switches it on.")
    _said(as_json, {"service": name, "desired": desired}, f"{name} is to be {desired}.")


@command("preset")
@click.argument("name", type=click.Choice(list(PRESETS)))
def preset(hive: Hive, as_json: bool, name: str) -> None:
    """Take the figures of a preset; conservative switches idle sleep off, the others on."""
    hive.machine.use_preset(name, PERSON)
    _tell_policy(hive, as_json)


@command("enable")
def enable(hive: Hive, as_json: bool) -> None:
    """Switch idle sleep on."""
    hive.machine.change_settings(PERSON, idleSleepEnabled=True)
    _tell_policy(hive, as_json)


@command("disable")
def disable(hive: Hive, as_json: bool) -> None:
    """Switch idle sleep off."""
    hive.machine.change_settings(PERSON, idleSleepEnabled=False)
    _tell_policy(hive, as_json)


def _tell_policy(hive: Hive, as_json: bool) -> None:
    view = hive.machine.view()
    policy = view.policy
    shape = {
        "idle_sleep_enabled": policy.enabled,
        "idle_timeout_minutes": policy.idle_minutes,
        "model_keep_alive_hours": policy.model_keep_alive_hours,
        "idle_check_interval_minutes": policy.check_minutes,
        "preset": view.preset or None,
    }
    _said(as_json, shape, _policy(hive, view))


def _said(as_json: bool, shape: dict[str, Any], sentence: str) -> None:
    if as_json:
        print_json(shape)
    else:
        click.echo(sentence)


for one in (status, start, stop, set_, preset, enable, disable):
    services.add_command(one)


@listing("models", "Models in the memory of model servers.")
def models(hive: Hive, as_json: bool) -> None:
    """List the loaded models, and until when they are kept."""
    hive.machine.refresh()
    _list_models(hive, as_json)


def _list_models(hive: Hive, as_json: bool) -> None:
    view = hive.machine.view()
    if as_json:
        print_json([_model_shape(one) for one in view.models])
        return
    if not view.servers:
        click.echo(ADD_MODELS)
        return
    for said in view.trouble.values():
        warn(said)
    if not view.models and not view.trouble:
        click.echo("No model is loaded.")
    print_table(["MODEL", "SIZE", "VRAM", "USED", "UNLOADED", "WHY"], [_model_row(one, view) for one in view.models])


def _model_row(one: ModelRecord, view: MachineView) -> list[str]:
    return [
        one.key,
        bytes_in_words(one.size_bytes) if one.size_bytes is not None else "-",
        bytes_in_words(one.vram_bytes) if one.vram_bytes is not None else "-",
        f"{in_words(view.at - one.last_used_at)} ago" if one.last_used_at else "-",
        f"in {in_words(one.keep_until - view.at)}" if one.keep_until else "-",
        one.reason or "-",
    ]


def _model_shape(one: ModelRecord) -> dict[str, Any]:
    return {
        "model": one.name,
        "provider": one.provider,
        "size_bytes": one.size_bytes,
        "vram_bytes": one.vram_bytes,
        "expires_at": one.expires_at,
        "last_used_at": one.last_used_at,
        "keep_alive_until": one.keep_until,
        "reason": one.reason,
    }


@command("unload")
@click.argument("name")
def unload(hive: Hive, as_json: bool, name: str) -> None:
    """Unload a model now, and see that it is gone."""
    key = hive.machine.unload_model(name, PERSON)
    _said(as_json, {"model": key, "loaded": False}, f"{key} was unloaded.")


@command("preload")
@click.argument("name")
def preload(hive: Hive, as_json: bool, name: str) -> None:
    """Load a model, named SERVER/MODEL, and wait for that."""
    hive.machine.models.preload([name], PERSON)
    _said(as_json, {"model": name, "loaded": True}, f"{name} is loaded.")


for one in (unload, preload):
    models.add_command(one)
