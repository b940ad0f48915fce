"""The notifier of the desktop: tries the ways to it in turn, and remembers which failed."""

import math
import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hive_tui.adapters.notify.bus import SessionBus
from hive_tui.adapters.notify.handover import Plyer
from hive_tui.adapters.notify.notice import NotDelivered, Notice, Unanswered, Way, notice_of
from hive_tui.domain.ports import Clock

REST_S = 60.0
"""A way that failed is left alone for so long: a storm of messages starts no storm of processes."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a way failed, and when it may be tried again (monotonic)."""

    error: NotDelivered
    retry_at: float


class DesktopNotifier:
    """Shows messages by D-Bus, which proves delivery, else by plyer, which cannot.

    Blocks for up to `timeout_s` seconds a way. May be called by any number of threads that run no
    event loop of their own; messages go out one at a time, so that the first failure counts for all.

    Args:
        sound: Whether the desktop may make a noise with a message; plyer's ways have none.
        environ: Where the session bus is looked up, and what plyer's process gets; None for our own.
        platform: As in `sys.platform`; D-Bus is for Linux only.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        app_name: str = "hive-tui",
        sound: bool = False,
        timeout_s: float = 2.0,
        environ: Mapping[str, str] | None = None,
        platform: str = sys.platform,
    ) -> None:
        environ = os.environ if environ is None else environ
        plyer = Plyer(environ, timeout_s=timeout_s, platform=platform)
        self._ways: tuple[Way, ...] = (plyer,)
        if platform == "linux":
            self._ways = (SessionBus(environ, timeout_s=timeout_s), plyer)
        self._clock = clock
        self._app_name = app_name
        self._sound = sound
        self._failures: dict[str, Failure] = {}
        self._lock = threading.Lock()

    def notify(self, title: str, body: str, *, urgent: bool = False) -> str:
        """Show a message; returns how it was delivered.

        Control characters are removed, a long title or body is cut, and markup is shown as plain text.
        A way that failed is tried again after `REST_S` seconds.

        Raises:
            NotDelivered: Nothing delivered it; the sentences say why for each way.
        """
        notice = notice_of(title, body, app_name=self._app_name, urgent=urgent, sound=self._sound)
        with self._lock:
            delivered, _ = self._first(
                lambda way: self._show(way, notice), failed=f"The notification {notice.title!r} was not delivered."
            )
        return delivered

    def probe(self) -> str:
        """Which way a message would go now, and why not a better one; shows none.

        Asks anew, whatever failed before.

        Raises:
            NotDelivered: No way is open.
        """
        found, why_no_better = self._first(lambda way: way.probe(), failed="No notification can be shown.")
        return " ".join([found, *why_no_better])

    def _first(self, attempt: Callable[[Way], str], *, failed: str) -> tuple[str, list[str]]:
        """What the first way says that does not fail, and why the ways before it failed."""
        errors: list[NotDelivered] = []
        for way in self._ways:
            try:
                return attempt(way), [error.what for error in errors]
            except NotDelivered as error:
                errors.append(error)
                if isinstance(error, Unanswered):
                    break
        reasons = [error.what for error in errors]
        raise NotDelivered(" ".join([failed, *reasons]), hint=errors[0].hint) from errors[-1]

    def _show(self, way: Way, notice: Notice) -> str:
        failure = self._failures.get(way.name)
        if failure is not None:
            rest_s = failure.retry_at - self._clock.monotonic()
            if rest_s > 0:
                error = failure.error
                raise type(error)(f"{error.what} It is tried again in {math.ceil(rest_s)} s.", hint=error.hint)
        try:
            return way.show(notice)
        except NotDelivered as error:
            self._failures[way.name] = Failure(error, self._clock.monotonic() + REST_S)
            raise
