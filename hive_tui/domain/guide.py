"""A guide: somebody who says, one line at a time, what a person sees on the screen."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct


class GuideLine(Struct, frozen=True):
    """What is said now."""

    text: str
    """What happens; short enough for a narrow terminal."""
    more: str = ""
    """What a person can do or look at; shown where there is room for all of it."""
    number: int = 0
    """The step, counted from 1; 0 for a line that belongs to none."""
    steps: int = 0
    """How many steps there are."""


class Guide(Protocol):
    """Leads a person through a hive that is thrown away afterwards, so leaving it needs no second thought."""

    @property
    def line(self) -> GuideLine:
        """What is said now."""
        ...

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` whenever the line changes, in any thread; returns what ends that."""
        ...
