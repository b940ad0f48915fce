"""The zone of this machine, with its clock changes."""

import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

from hive_tui.domain.agents import Agent

LOCALTIME = Path("/etc/localtime")


def zone_of(agent: Agent) -> tzinfo:
    """The zone in which an agent tells times that name none."""
    return local_zone(dict(agent.env).get("TZ", ""))


def local_zone(named: str = "") -> tzinfo:
    """The zone that `TZ` names, else the machine's; UTC where neither is known.

    Args:
        named: The `TZ` of the program whose times are read; empty for this one's.
    """
    for name in (named, os.environ.get("TZ", "")):
        try:
            if name:
                return ZoneInfo(name.lstrip(":"))
        except (ValueError, OSError):
            continue
    try:
        target = str(LOCALTIME.resolve())
        if "zoneinfo/" in target:
            return ZoneInfo(target.rpartition("zoneinfo/")[2])
        with LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file)
    except (ValueError, OSError):
        return UTC
