"""The part of the settings that is about figures: what tokens cost."""

from collections.abc import Iterator

from msgspec import Struct, structs


class PriceSettings(Struct, frozen=True):
    """What a million tokens of each kind cost; 0 for all: nothing is said about money."""

    input: float = 0.0
    """Fresh input."""
    cache_write: float = 0.0
    """Input that is written to the vendor's cache."""
    cache_read: float = 0.0
    """Input that the cache still had."""
    output: float = 0.0
    """What the model wrote."""
    currency: str = "USD"
    """Printed beside each sum."""


class SavingsSettings(Struct, frozen=True):
    """What the replay of `hive-tui savings` takes for granted."""

    compact_at_tokens: int = 150_000
    """Without a handoff, a conversation of so many tokens would have been compacted by its agent."""


def mistakes(prices: PriceSettings, savings: SavingsSettings) -> Iterator[tuple[tuple[str, str], str]]:
    """What is wrong: the setting, and the end of a sentence that begins with its name."""
    for name, value in structs.asdict(prices).items():
        if isinstance(value, float) and not 0 <= value < 1e6:
            yield ("prices", name), f"is {value:g}, but must be from 0 to below a million"
    if not 1_000 <= savings.compact_at_tokens <= 10_000_000:
        yield ("savings", "compact_at_tokens"), f"is {savings.compact_at_tokens}, but must be from 1000 to 10000000"
    if not prices.currency.isprintable():
        yield ("prices", "currency"), "holds a character that cannot be printed"
