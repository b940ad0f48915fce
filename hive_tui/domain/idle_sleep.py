"""When services and models that nobody uses are put to sleep: the figures, and the presets for them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from hive_tui.domain.errors import HiveError

LONGEST_MINUTES = 7 * 24 * 60.0
LONGEST_HOURS = 7 * 24.0


@dataclass(frozen=True, slots=True)
class IdleSleepPolicy:
    """The figures that hold now."""

    enabled: bool = False
    idle_minutes: float = 60.0
    """Minutes without any use after which a service is stopped."""
    model_keep_alive_hours: float = 2.0
    """Hours without any use after which a model is unloaded."""
    check_minutes: float = 5.0
    """Minutes between two looks at all services and models."""
    cpu_below: float = 0.02
    """A service is used while it takes this share of a core, or more, from one look to the next."""
    network_below: float = 1_000.0
    """A service is used while so many bytes a second, or more, go over its network from one look to the next."""

    @property
    def idle(self) -> timedelta:
        """`idle_minutes` as a span."""
        return timedelta(minutes=self.idle_minutes)

    @property
    def keep_alive(self) -> timedelta:
        """`model_keep_alive_hours` as a span."""
        return timedelta(hours=self.model_keep_alive_hours)

    @property
    def check(self) -> timedelta:
        """`check_minutes` as a span."""
        return timedelta(minutes=self.check_minutes)


PRESETS: Mapping[str, Mapping[str, float | bool]] = {
    "conservative": {"enabled": False, "idle_minutes": 120.0, "model_keep_alive_hours": 4.0, "check_minutes": 5.0},
    "balanced": {"enabled": True, "idle_minutes": 60.0, "model_keep_alive_hours": 2.0, "check_minutes": 5.0},
    "aggressive": {"enabled": True, "idle_minutes": 15.0, "model_keep_alive_hours": 0.5, "check_minutes": 2.0},
}
"""By name, the figures that each sets; `conservative` also switches idle sleep off."""

WIRE_NAMES = {
    "idleSleepEnabled": "enabled",
    "idleTimeout": "idle_minutes",
    "modelKeepAlive": "model_keep_alive_hours",
    "idleCheckInterval": "check_minutes",
}
"""What a change from outside calls the figures, and what they are called here."""
BOUNDS = {
    "idle_minutes": (1.0, LONGEST_MINUTES),
    "model_keep_alive_hours": (0.05, LONGEST_HOURS),
    "check_minutes": (0.5, 60.0),
}


def with_changes(policy: IdleSleepPolicy, changes: Mapping[str, Any]) -> IdleSleepPolicy:
    """The policy with some figures changed, by their names here; names that are not known are passed over."""
    known = {name: value for name, value in changes.items() if name in BOUNDS or name == "enabled"}
    return replace(policy, **known)


def checked_changes(changes: Mapping[str, object]) -> dict[str, float | bool]:
    """Changes under their wire names (`idleTimeout`, ...) as names and figures of a policy; None changes nothing.

    Raises:
        HiveError: A name is not known, or a value is out of its bounds.
    """
    found: dict[str, float | bool] = {}
    for wire, value in changes.items():
        name = WIRE_NAMES.get(wire)
        if name is None:
            raise HiveError(f"{wire!r} is no setting of idle sleep.", hint=f"Known are {', '.join(WIRE_NAMES)}.")
        if value is None:
            continue
        if name == "enabled":
            if not isinstance(value, bool):
                raise HiveError(f"{wire} is {value!r}, but must be true or false.")
            found[name] = value
        else:
            found[name] = _checked_figure(wire, name, value)
    return found


def _checked_figure(wire: str, name: str, value: object) -> float:
    least, most = BOUNDS[name]
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        unit = "hours" if name == "model_keep_alive_hours" else "minutes"
        raise HiveError(f"{wire} is {value!r}, but must be from {least:g} to {most:g} {unit}.")
    return float(value)


def preset_of(policy: IdleSleepPolicy) -> str:
    """The name of the preset whose figures hold, whether idle sleep is on or not; empty for none."""
    for name, figures in PRESETS.items():
        if all(getattr(policy, key) == value for key, value in figures.items() if key != "enabled"):
            return name
    return ""
