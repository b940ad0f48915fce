"""How short the machine is of memory, as Linux tells; elsewhere nothing is known."""

import re
from contextlib import suppress
from pathlib import Path

from hive_tui.domain.idle import Memory

PROC = Path("/proc")


def read_memory(proc: Path = PROC) -> Memory:
    """From `/proc/meminfo`, and from `/proc/pressure/memory` where the kernel keeps that. Raises nothing."""
    amounts = {
        name: int(count) for name, count in re.findall(r"^(\w+):\s+(\d+)", _text(proc / "meminfo"), re.MULTILINE)
    }
    total, available = amounts.get("MemTotal", 0), amounts.get("MemAvailable")
    share = min(1.0, available / total) if total and available is not None else None
    stalled = re.search(r"^some .*?avg60=(\d+(?:\.\d+)?)", _text(proc / "pressure/memory"), re.MULTILINE)
    return Memory(share, float(stalled[1]) / 100 if stalled else None)


def _text(path: Path) -> str:
    with suppress(OSError, UnicodeDecodeError):
        return path.read_text(encoding="ascii")
    return ""
