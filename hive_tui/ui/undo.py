"""What was done at this screen, so that it can be taken back: the latest key press first."""

from collections.abc import Callable

from msgspec import Struct, field

MOST = 40
TRIES = 3
"""After so many vain ones a deed stands no longer before those that are older."""


class Deed(Struct, eq=False):
    """One thing that a key press did, or does."""

    press: int
    """Number of the key press; several agents may be marked when one key is pressed."""
    what: str
    """In words: `the nap of shop`."""
    is_under_way: bool = True
    undo: Callable[[], None] | None = None
    """Takes it back; None where that cannot be."""
    refusal: str = ""
    """Why it cannot be taken back."""
    tries: int = 0
    """How often taking it back came to nothing."""


class UndoStack(Struct):
    """Touched in the event loop alone; forgets all but the latest."""

    _deeds: list[Deed] = field(default_factory=list)

    def begin(self, what: str, press: int) -> Deed:
        """Something is being done from now on; `end` or `drop` it."""
        deed = Deed(press, what)
        self._deeds = [*self._deeds[-MOST + 1 :], deed]
        return deed

    def end(self, deed: Deed, undo: Callable[[], None] | None, refusal: str = "") -> None:
        """It was done; `undo` takes it back."""
        deed.is_under_way, deed.undo, deed.refusal = False, undo, refusal

    def drop(self, deed: Deed) -> None:
        """It came to nothing."""
        self._deeds = [one for one in self._deeds if one is not deed]

    def put_back(self, deed: Deed) -> None:
        """Taking it back came to nothing, so it can be tried again; a few times."""
        deed.tries += 1
        if deed.tries < TRIES:
            self._deeds = sorted([*self._deeds, deed], key=lambda one: one.press)

    def latest(self) -> list[Deed]:
        """What the latest key press did, in that order."""
        return [one for one in self._deeds if one.press == self._deeds[-1].press] if self._deeds else []

    def pop(self) -> list[Deed]:
        """The same, which is no longer to be undone after that."""
        latest = self.latest()
        self._deeds = [one for one in self._deeds if one not in latest]
        return latest


def in_words(deeds: list[Deed]) -> str:
    """All of them: `the nap of shop and 2 more`."""
    return deeds[0].what if len(deeds) == 1 else f"{deeds[0].what} and {len(deeds) - 1} more"
