"""Puts together what tells a person: the alerts, their channels, and the watch that makes them prompt."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from hive_tui.assembly.part import part

if TYPE_CHECKING:
    from hive_tui.domain.agents import Agent
    from hive_tui.domain.alerts import AlertPolicy
    from hive_tui.hive import Hive
    from hive_tui.services.alert_delivery import Channel
    from hive_tui.services.alerts import Alerts
    from hive_tui.services.sources.runner import Source


FINISH_S = 15.0


class Alerting:
    """Like `Hive`, of which it is a part: each is made when it is first asked for."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive

    @part
    def alerts(self) -> Alerts:
        from hive_tui.services.alerts import Alerts

        hive = self._hive
        wanted = hive.settings.notify
        return Alerts(
            hive.database,
            hive.notifier,
            hive.clock,
            calls=wanted.needs_you,
            done=wanted.done,
            last_words=self._last_words if wanted.last_words else None,
            policy=self.policy,
            channels=self.channels,
            failed=hive.hub.publish,
        )

    def _last_words(self, agent: Agent) -> str:
        from hive_tui.services.last_words import LastWords

        hive = self._hive
        return LastWords(hive.kinds, hive.panes, hive.hook_reports).of(agent)

    @part
    def policy(self) -> AlertPolicy:
        from hive_tui.domain.alert_words import DESKTOP, NTFY, WEBHOOK
        from hive_tui.domain.alerts import AlertPolicy, QuietHours

        wanted = self._hive.settings.alerts
        classes = {
            DESKTOP: wanted.desktop if self._hive.settings.notify.desktop else (),
            NTFY: wanted.ntfy_for if wanted.ntfy else (),
            WEBHOOK: wanted.webhook_for if wanted.webhook else (),
        }
        minutes = wanted.escalate_minutes
        return AlertPolicy(
            {channel: frozenset(one) for channel, one in classes.items() if one},
            details=wanted.details,
            repeat=timedelta(seconds=wanted.repeat_s),
            quiet=QuietHours.parse(wanted.quiet_from, wanted.quiet_until, wanted.quiet_zone),
            lets=frozenset(wanted.quiet_lets),
            escalate_after=timedelta(minutes=minutes) if minutes else None,
            escalate_to=wanted.escalate_to,
        )

    @part
    def channels(self) -> list[Channel]:
        wanted = self._hive.settings.alerts
        if not (wanted.ntfy or wanted.webhook):
            return []
        from hive_tui.adapters.notify.push import Ntfy, Webhook

        made: list[Channel] = []
        if wanted.ntfy:
            made.append(Ntfy(wanted.ntfy, os.environ.get(wanted.ntfy_token_env, ""), timeout_s=wanted.timeout_s))
        if wanted.webhook:
            secret = os.environ.get(wanted.webhook_secret_env, "")
            made.append(Webhook(wanted.webhook, secret, timeout_s=wanted.timeout_s))
        return made

    def tell_and_wait(self) -> None:
        """For a process that ends soon: also what goes by HTTP is given some time."""
        self.alerts.tell()
        self.alerts.finish(FINISH_S)

    def sources(self) -> list[Source]:
        """What the heartbeat runs so that alerts go out at once; the heartbeat itself tells them every few seconds."""
        from hive_tui.services.alerts import AlertWatch

        if not self.policy.wanted:
            return []
        return [AlertWatch(self._hive.listening.event_log.subscribe, lambda: self.alerts.tell())]
