"""Whether what goes wrong reaches a person."""

from collections.abc import Callable, Iterator

from hive_tui.domain.errors import HiveError
from hive_tui.domain.ports import Clock
from hive_tui.services.alert_views import RECENT
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.settings import Settings
from hive_tui.store import alerts as outbox
from hive_tui.store.database import Database

AREA = "notifications"


class Notifying:
    """The desktop, and what else is set up."""

    def __init__(
        self, probe_notifier: Callable[[], str], loaded: Settings, database: Callable[[], Database], clock: Clock
    ) -> None:
        self._database = database
        self._clock = clock
        self._probe_notifier = probe_notifier
        self._settings = loaded

    def checks(self) -> list[Check]:
        """The desktop, then what became of the alerts of the last day."""
        return [Check(AREA, "notifications", self.desktop), Check(AREA, "alerts", self.alerts)]

    def alerts(self) -> Iterator[Finding]:
        """By channel: what did not arrive, and what waits to be tried again."""
        now = self._clock.now()
        counts = self._database().read(outbox.counts, since=now - RECENT)
        for channel in sorted({channel for channel, _ in counts}):
            sent, failed, waits = (counts.get((channel, state), 0) for state in ("sent", "failed", "pending"))
            last = self._database().read(outbox.last_of, channel)
            said = f"{channel}: {sent} sent in the last 24 hours, {failed} not delivered, {waits} waiting"
            if last is not None and last.state in ("failed", "pending"):
                yield Finding("alerts", "warning", f"{said}; {last.note}", "`hive-tui alerts test` tries every channel")
            else:
                yield Finding("alerts", "ok", said)
        if not counts:
            yield Finding("alerts", "ok", f"none in the last 24 hours; they go to {' and '.join(self._channels())}")

    def _channels(self) -> list[str]:
        named = (("desktop", self._settings.notify.desktop), ("ntfy", self._settings.alerts.ntfy))
        return [name for name, is_on in (*named, ("webhook", self._settings.alerts.webhook)) if is_on] or ["nobody"]

    def desktop(self) -> Iterator[Finding]:
        """How a message would be shown."""
        if not self._settings.notify.desktop:
            yield Finding("notifications", "ok", "switched off in the settings")
            return
        try:
            yield Finding("notifications", "ok", self._probe_notifier())
        except HiveError as error:
            yield Finding("notifications", "warning", error.what, error.hint)
