"""Budgets: how many tokens an agent may spend in a day (UTC), and what happens when they are spent."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from enum import StrEnum

from hive_tui.domain.errors import HiveError
from hive_tui.domain.gate import Refused
from hive_tui.domain.usage import Tokens, count_in_words

WARN_SHARE = 0.8
"""Of a budget; from here on it is told that it runs out."""
NAP_REASON = "its budget of the day is used up"
"""How the reason of an agent begins that sleeps for its budget."""
PASSED_BY_HARD = frozenset({"working", "cpu", "watched"})
"""Vetoes that a hard budget passes. The others stand for what a nap would lose: a draft, a question, work behind it."""
MOST = 10**15


class BudgetMode(StrEnum):
    """What a budget does once it is used up."""

    WARN = "warn"
    """It tells, and no more."""
    SOFT = "soft"
    """The agent finishes its turn, then naps."""
    HARD = "hard"
    """The agent naps now, in the middle of its turn."""


class Level(StrEnum):
    """How far a budget is used up."""

    FINE = "fine"
    WARNED = "warned"
    EXCEEDED = "exceeded"


@dataclass(frozen=True, slots=True)
class Budget:
    """A budget. All tokens count: fresh input, cache writes and reads, output."""

    tokens_per_day: int
    mode: BudgetMode = BudgetMode.SOFT

    def level(self, used: int) -> Level:
        """How far it is used up."""
        if used >= self.tokens_per_day:
            return Level.EXCEEDED
        return Level.WARNED if used >= self.tokens_per_day * WARN_SHARE else Level.FINE


def refusal(
    budget: Budget | None, used: int, *, price: int | None, limited_until: datetime | None, now: datetime
) -> Refused | None:
    """Why an agent may not be woken now; None if it may. The later of two reasons counts.

    Args:
        budget: Its budget, if it has one.
        used: Tokens that it has spent since 00:00 UTC.
        price: Tokens that its wake costs; None if that is not known.
        limited_until: When its usage limit ends, if it has one.
        now: Aware UTC.
    """
    found: list[Refused] = []
    if budget is not None and budget.mode is not BudgetMode.WARN:
        limit, tomorrow = count_in_words(budget.tokens_per_day), next_day(now)
        left = budget.tokens_per_day - used
        if left <= 0:
            found.append(Refused(f"{NAP_REASON}: {count_in_words(used)} of {limit} tokens since 00:00 UTC", tomorrow))
        elif price is not None and price > left and used > 0:
            # With nothing spent yet it may: tomorrow there is no more than that either.
            said = (
                f"its wake costs about {count_in_words(price)} tokens, and {count_in_words(left)} of {limit} are left"
            )
            found.append(Refused(said, tomorrow))
    if limited_until is not None and limited_until > now:
        found.append(Refused(f"its usage limit lasts until {limited_until:%Y-%m-%d %H:%M} UTC", limited_until))
    return max(found, key=lambda one: one.until or now, default=None)


def next_day(now: datetime) -> datetime:
    """The next 00:00 UTC."""
    return datetime.combine(now.astimezone(UTC).date() + timedelta(days=1), time(), UTC)


def price_in_words(price: int) -> str:
    """What a wake costs, as a sentence."""
    return f"A wake sends the whole conversation again: about {count_in_words(price)} tokens."


def used_in_words(used: Tokens, budget: Budget) -> str:
    """How much of a budget is used."""
    share = used.total / budget.tokens_per_day
    return f"{count_in_words(used.total)} of {count_in_words(budget.tokens_per_day)} tokens ({share:.0%})"


def parse_tokens(text: str) -> int:
    """A number of tokens: `2000000`, `2_000_000`, `500k`, `1.5M`.

    Raises:
        HiveError: It is none, or not above 0.
    """
    found = re.fullmatch(r"(\d+(?:_\d{3})*(?:\.\d+)?)\s*([kKmM]?)", text.strip())
    factor = {"": 1, "k": 1_000, "m": 1_000_000}
    count = int(float(found[1].replace("_", "")) * factor[found[2].lower()] + 0.5) if found and len(text) < 20 else 0
    if not 0 < count <= MOST:
        raise HiveError(f"{text!r} is no number of tokens.", hint="Write it like 500k, 1.5M or 2000000.")
    return count
