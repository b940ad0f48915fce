"""How much each client may ask for."""

from __future__ import annotations

from collections import OrderedDict

from hive_tui.domain.ports import Clock

MOST_CLIENTS = 256
"""So many are told apart; the one that was quiet for the longest is forgotten, and begins anew."""


class TokenBuckets:
    """A token bucket for each client: full at first, it takes one token a request, and fills by and by.

    Args:
        clock: Time.
        per_s: Tokens that each bucket gains in a second.
        burst: Tokens that fit into it.
    """

    def __init__(self, clock: Clock, per_s: float, burst: float) -> None:
        self._clock = clock
        self._per_s = per_s
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, client: str) -> float:
        """Take a token; 0 if there was one, else the seconds until there is."""
        now = self._clock.monotonic()
        left, at = self._left.pop(client, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_s)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._per_s
        self._left[client] = (left if wait_s else left - 1, now)
        if len(self._left) > MOST_CLIENTS:
            self._left.popitem(last=False)
        return wait_s
