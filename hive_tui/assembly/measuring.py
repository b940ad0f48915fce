"""Puts together the parts that count what is done, show it, and work out what sleep has saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.hive import Hive
    from hive_tui.services.background import Background
    from hive_tui.services.chores import Chore
    from hive_tui.services.commit_checks import CommitChecks
    from hive_tui.services.counting import Counting
    from hive_tui.services.exposition import Sample
    from hive_tui.services.figures import FiguresReader
    from hive_tui.services.savings import Accountant

COUNT_EVERY_S = 30.0
CHECK_EVERY_S = 300.0
AT_REST_EVERY_S = 600.0
"""Well within the time that two counts may lie apart for what is between them to count as watched."""


class Measuring:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def counting(self) -> Counting:
        from hive_tui.services.counting import Counting

        return Counting(self._hive.database, self._hive.clock)

    @part
    def commit_checks(self) -> CommitChecks:
        from hive_tui.services.commit_checks import CommitChecks

        return CommitChecks(self._hive.database, self._hive.clock)

    @part
    def accountant(self) -> Accountant:
        from hive_tui.domain.savings import Price
        from hive_tui.services.savings import Accountant

        settings = self._hive.settings
        prices = settings.prices
        price = Price(prices.input, prices.cache_write, prices.cache_read, prices.output)
        return Accountant(
            self._hive.database,
            self._hive.clock,
            price=price,
            cache_s=settings.handoff.cache_s,
            compact_at=settings.savings.compact_at_tokens,
        )

    @part
    def figures(self) -> FiguresReader:
        from hive_tui.services.figures import FiguresReader

        return FiguresReader(self._hive.database, self._hive.clock)

    @part
    def _checking(self) -> Background:
        from hive_tui.services.background import Background

        return Background("commits")

    def samples(self, agent_id: str | None = None) -> list[Sample]:
        """All metrics that have a value now; of one agent if its id is given."""
        from hive_tui.services.exposition import samples

        return self._hive.database.read(samples, now=self._hive.clock.now(), agent_id=agent_id)

    def prometheus(self, agent_id: str | None = None) -> str:
        """The metrics in the text exposition format of Prometheus 0.0.4, for `GET /metrics`."""
        from hive_tui.services.exposition import text_of

        return text_of(self.samples(agent_id))

    def chores(self) -> tuple[Chore, ...]:
        """What the heartbeat does for it now and then.

        They come before the chore that forgets old events: what was done while no heartbeat ran is counted first.
        """
        from hive_tui.services.chores import Chore

        return (
            Chore("count what was done", self._count, COUNT_EVERY_S, at_rest_every_s=AT_REST_EVERY_S),
            Chore("look for commits made twice", self._check, CHECK_EVERY_S, self._hive.clock.monotonic()),
        )

    def _count(self) -> None:
        self.counting.count()

    def _check(self) -> None:
        if not self._checking.is_busy and self.commit_checks.due():
            self._checking.start(self.commit_checks.check_due)
