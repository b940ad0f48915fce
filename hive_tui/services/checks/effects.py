"""What became of side effects: those that nobody knows of, those that failed, and those that take long."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from shlex import quote

from hive_tui.domain.durations import counted, in_words
from hive_tui.domain.effects import EffectState
from hive_tui.domain.ports import Clock
from hive_tui.services.checks.finding import Check, Finding
from hive_tui.store import effects as store
from hive_tui.store.database import Database

AREA = "effects"
RECENT = timedelta(days=1)
LONG = timedelta(hours=1)
"""What is under way for longer may hang."""
MOST = 1_000


class Effects:
    """The log of side effects, as a person has to know it after a crash."""

    def __init__(self, database: Callable[[], Database], clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def checks(self) -> list[Check]:
        """What a person has to decide first."""
        return [
            Check(AREA, "unknown effects", self.unknown),
            Check(AREA, "failed effects", self.failed),
            Check(AREA, "open effects", self.open),
        ]

    def unknown(self) -> Iterator[Finding]:
        """Those that may have happened or not, each with what is to be said of it."""
        found = self._database().read(store.everything, states=[EffectState.UNKNOWN], limit=MOST)
        if not found:
            yield Finding("unknown effects", "ok", "what has become of each is known")
            return
        oldest = found[-1]
        said = f"{counted(len(found), 'effect')}; the oldest: {oldest.shown} ({oldest.target})"
        why = f", {oldest.error.rstrip('.')}" if oldest.error else ""
        mend = f"Look there, then `hive-tui effect resolve {quote(oldest.key)} done` or `not-done`"
        yield Finding("unknown effects", "warning", said + why, mend)

    def failed(self) -> Iterator[Finding]:
        """Those of the last day that failed; what has not happened at all binds nobody, and is done again."""
        since = self._clock.now() - RECENT
        known = self._database().read(store.everything, states=[EffectState.FAILED], limit=MOST)
        found = [one for one in known if one.ended_at is not None and one.ended_at > since]
        if not found:
            yield Finding("failed effects", "ok", "none in the last 24 hours")
            return
        last = max(found, key=lambda one: one.ended_at or since)
        said = f"{counted(len(found), 'effect')} in the last 24 hours; the last: {last.shown}: "
        said += last.error or (f"ended with {last.exit_code}" if last.exit_code is not None else "no reason kept")
        yield Finding("failed effects", "warning", said, f"`hive-tui effect show {quote(last.key)}` says more")

    def open(self) -> Iterator[Finding]:
        """Those that were begun long ago and have not ended."""
        now = self._clock.now()
        found = [one for one in self._database().read(store.of_open) if now - one.intent_at > LONG]
        if found:
            first = found[0]
            said = f"{counted(len(found), 'effect')} under way for long; the first: {first.shown}, begun"
            said += f" {in_words(now - first.intent_at)} ago"
            yield Finding("open effects", "warning", said, "The heartbeat settles what was cut off: `hive-tui serve`")
