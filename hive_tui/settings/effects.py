"""The part of the settings that is about the log of side effects."""

from collections.abc import Iterator

from msgspec import Struct

LEAST_OUTPUT, MOST_OUTPUT = 1_000, 10_000_000


class EffectSettings(Struct, frozen=True):
    """What is kept of side effects."""

    keep_days: int = 90
    """Days after which effects that are done or have failed are forgotten, their keys with them; 0 for never."""
    output_bytes: int = 65_536
    """So much of each output of a command is kept: half from its beginning, half from its end."""


def mistakes(effects: EffectSettings) -> Iterator[tuple[tuple[str, ...], str]]:
    """What is wrong: the setting, and the end of a sentence that begins with its name."""
    if effects.keep_days < 0:
        yield ("effects", "keep_days"), "must be 0 or more"
    if not LEAST_OUTPUT <= effects.output_bytes <= MOST_OUTPUT:
        yield (
            ("effects", "output_bytes"),
            f"is {effects.output_bytes}, but must be from {LEAST_OUTPUT} to {MOST_OUTPUT}",
        )
