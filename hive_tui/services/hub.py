"""Tells listeners in this process that something happened, after it was committed."""

import threading
from collections.abc import Callable

from hive_tui.domain.events import Event

Listener = Callable[[Event], None]


class Hub:
    """Plain subscriptions. Listeners run in the publisher's thread and must be quick."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._lock = threading.Lock()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for every event from now on; returns what ends that."""
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def publish(self, *events: Event | None) -> None:
        """Tell every listener of every event; None is no event."""
        with self._lock:
            listeners = tuple(self._listeners)
        for event in events:
            if event is not None:
                for listener in listeners:
                    listener(event)
