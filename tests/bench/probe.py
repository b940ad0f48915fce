"""How long an event loop is blocked: the lateness of a timer in it, in milliseconds."""

import asyncio
import json
from pathlib import Path
from time import perf_counter

EVERY_S = 0.005


class LoopProbe:
    """Wants to be called every 5 ms; what it comes later than that, something held up the loop."""

    def __init__(self) -> None:
        self.late_ms: list[float] = []

    async def run(self) -> None:
        """Take the time until cancelled."""
        while True:
            began = perf_counter()
            await asyncio.sleep(EVERY_S)
            self.late_ms.append((perf_counter() - began - EVERY_S) * 1000)

    def save(self, path: Path) -> None:
        """Write what was found."""
        path.write_text(json.dumps(self.late_ms))
