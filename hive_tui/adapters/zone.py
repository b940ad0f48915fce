"""The zone of this machine, with its clock changes."""

import os
from datetime import UTC, tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo

LOCALTIME = Path("/etc/localtime")


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
