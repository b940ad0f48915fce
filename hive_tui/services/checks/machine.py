"""Services and models that agents need: whether they answer, and whether they stay up."""

from collections.abc import Callable, Iterator
from datetime import timedelta

from hive_tui.domain.durations import counted, in_words
from hive_tui.domain.ports import Clock
from hive_tui.domain.services import FORGIVEN_AFTER, Actual
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.services.machine_view import MachineView, ServiceView

AREA = "dependencies and versions"
CRASH_LOOP = 2
"""So many crashes within the time that forgives them are no accident."""


class Machine:
    """Looks at all of them once, now.

    Args:
        view: What is seen of them; None while none are named in the settings.
    """

    def __init__(self, view: Callable[[], MachineView | None], clock: Clock) -> None:
        self._view = view
        self._clock = clock

    def checks(self) -> list[Check]:
        """One look for all."""
        return [Check(AREA, "services", self.look)]

    def look(self) -> Iterator[Finding]:
        """A finding for each that is in trouble; one for all where none is."""
        seen = self._view()
        if seen is None:
            return
        found = [finding for one in seen.services for finding in self._of_service(one)]
        found += [
            Finding(f"models of {name}", "warning", said, "Look at the address in [models], and whether it runs")
            for name, said in sorted(seen.trouble.items())
        ]
        yield from found
        if not found:
            there = [counted(len(seen.services), "service"), counted(len(seen.servers), "model server")]
            yield Finding("services", "ok", f"{' and '.join(there)}, all can be looked at")

    def _of_service(self, one: ServiceView) -> Iterator[Finding]:
        name, record = one.service.name, one.record
        what = f"service {name}"
        needed = f"; needed by {', '.join(one.awake)}" if one.awake else ""
        if record.actual in (Actual.MISSING, Actual.UNKNOWN):
            status = "broken" if one.awake else "warning"
            said = record.detail or f"its state is {record.actual}"
            yield Finding(what, status, said + needed, f"Look at [services.{name}] and `hive-tui services`")
        since = self._clock.now() - record.crashed_at if record.crashed_at else timedelta.max
        if record.crashes >= CRASH_LOOP and since < FORGIVEN_AFTER:
            said = f"it has ended by itself {counted(record.crashes, 'time')}, last {in_words(since)} ago{needed}"
            yield Finding(what, "broken", said, f"Look at its log, then `hive-tui services start {name}`")
