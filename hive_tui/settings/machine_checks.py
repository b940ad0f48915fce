"""What may be wrong with the settings of services and models. Imported only where there are some."""

import re
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from hive_tui.domain.errors import HiveError
from hive_tui.domain.idle_sleep import BOUNDS, LONGEST_MINUTES, PRESETS, IdleSleepPolicy, with_changes
from hive_tui.domain.services import start_order
from hive_tui.settings.machine import IdleSleepSettings, ModelsSettings, ServiceSettings

KINDS = ("docker", "systemd", "command")
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


def policy_of(settings: IdleSleepSettings) -> IdleSleepPolicy:
    """The figures that the settings file gives."""
    own = {name: value for name in BOUNDS if (value := getattr(settings, name))}
    figures = {**PRESETS[settings.preset], **own, "enabled": settings.enabled}
    fixed = IdleSleepPolicy(cpu_below=settings.cpu_below, network_below=settings.network_below)
    return with_changes(fixed, figures)


Mistake = tuple[tuple[str, ...], str]


def mistakes(
    idle_sleep: IdleSleepSettings,
    models: ModelsSettings,
    services: Mapping[str, ServiceSettings],
    needs: Mapping[str, tuple[str, ...]],
) -> Iterator[Mistake]:
    """What is wrong: the setting, and the end of a sentence that begins with its name.

    Args:
        idle_sleep: The table.
        models: The table.
        services: Those of `[services.NAME]`, by name.
        needs: By agent, the services that it names.
    """
    yield from _of_idle_sleep(idle_sleep)
    for name in ("ollama", "llama_cpp", "llama_swap"):
        address = getattr(models, name)
        if address and (urlsplit(address).scheme not in ("http", "https") or not urlsplit(address).hostname):
            yield ("models", name), f"is {address!r}, but must begin with http:// or https://"
        elif "@" in address:
            yield ("models", name), "must not hold a name and a password: they would be shown in messages"
    for limit in ("timeout_s", "load_timeout_s"):
        if not 0 < getattr(models, limit) <= 3600:
            yield ("models", limit), "must be above 0, and 3600 at most"
    for name, one in services.items():
        yield from ((("services", name, *key), what) for key, what in _of_service(name, one, services))
    for agent, named in needs.items():
        for service in named:
            if service not in services:
                yield ("agents", agent, "needs"), f"names {service!r}, but there is no [services.{service}]"


def _of_idle_sleep(settings: IdleSleepSettings) -> Iterator[Mistake]:
    if settings.preset not in PRESETS:
        yield ("idle_sleep", "preset"), f"is {settings.preset!r}, but must be one of {', '.join(PRESETS)}"
    for name, (least, most) in BOUNDS.items():
        value = getattr(settings, name)
        if value and not least <= value <= most:
            yield ("idle_sleep", name), f"is {value:g}, but must be 0, or from {least:g} to {most:g}"
    for name, most in (("cpu_below", 1.0), ("network_below", 1e9), ("timeout_s", 3600.0)):
        if not 0 < getattr(settings, name) <= most:
            yield ("idle_sleep", name), f"must be above 0, and {most:g} at most"
    if not settings.docker.startswith(("unix:///", "http://", "https://")):
        yield ("idle_sleep", "docker"), f"is {settings.docker!r}, but must begin with unix:/// or http://"


def _of_service(name: str, one: ServiceSettings, services: Mapping[str, ServiceSettings]) -> Iterator[Mistake]:
    if not NAME.fullmatch(name):
        yield (), "is no name of a service: letters, digits, and _ . - between them"
    if one.kind not in KINDS:
        yield ("kind",), f"is {one.kind!r}, but must be one of {', '.join(KINDS)}"
    if one.kind == "command" and not one.start:
        yield (), "is of kind command and needs `start`"
    if one.target.startswith("-"):
        yield ("target",), f"is {one.target!r}, but must not begin with a dash"
    if one.kind != "command":
        for key in ("start", "stop", "check", "busy"):
            if getattr(one, key):
                yield (key,), f"is for services of kind command only, and this one is {one.kind}"
    for port in one.ports:
        if not 0 < port < 65_536:
            yield ("ports",), f"has {port} in it, which is no port"
    if one.idle_minutes and not 1 <= one.idle_minutes <= LONGEST_MINUTES:
        yield ("idle_minutes",), f"is {one.idle_minutes:g}, but must be 0, or from 1 to {LONGEST_MINUTES:g}"
    for key in ("start_timeout_s", "stop_timeout_s"):
        if not 0 < getattr(one, key) <= 3600:
            yield (key,), "must be above 0, and 3600 at most"
    try:
        start_order([name], {known: other.depends_on for known, other in services.items()})
    except HiveError as error:
        yield ("depends_on",), f"is wrong: {error.what.rstrip('.')}"
