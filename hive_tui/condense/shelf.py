"""Entries of a ledger, and a shelf that keeps the best ones of a conversation of any length."""

from dataclasses import dataclass, field
from enum import IntEnum

from hive_tui.condense.atoms import atoms
from hive_tui.condense.tokens import count


class Section(IntEnum):
    """Parts of a ledger, in the order in which they are written."""

    PLACE = 0
    USER = 1
    OPEN = 2
    FAILING = 3
    DECISION = 4
    DEAD_END = 5
    CAUSE = 6
    FINDING = 7
    FILE = 8
    COMMAND = 9
    COMMIT = 10
    LIST = 11
    NOTE = 12
    LAST = 13


POINTER_TOKENS = 5


@dataclass(slots=True)
class Entry:
    """One line of a ledger, with what it tells and what it costs."""

    section: Section
    text: str
    line: int
    base: float
    """What it is worth beside its atoms."""
    factor: float = 1.0
    """By how much its atoms count."""
    is_must: bool = False
    atoms: tuple[str, ...] = ()
    tokens: int = 0
    overruled_by: int = 0
    """The line that overrules it; 0 while nothing does."""
    needs: "list[Entry]" = field(default_factory=list)
    """What must stand in the ledger if this does."""

    def __post_init__(self) -> None:
        if not self.tokens:
            self.measure()

    def measure(self) -> None:
        """Its text is another one."""
        self.atoms = atoms(self.text)
        self.tokens = count(self.text) + POINTER_TOKENS


MOST_LETTERS = 6_000_000
"""Beyond that the least valuable half is forgotten: an archive of any size has to be read in bounded memory."""


class Shelf:
    """Takes entries in the order of the conversation."""

    def __init__(self, most_letters: int = MOST_LETTERS) -> None:
        self._entries: list[Entry] = []
        self._letters = 0
        self._most = most_letters
        self.forgotten = 0

    def add(self, entry: Entry) -> Entry:
        """Keep it, for now."""
        self._entries.append(entry)
        self._letters += len(entry.text) + 200
        if self._letters > self._most:
            self._thin_out()
        return entry

    def entries(self) -> list[Entry]:
        """All that are kept, in the order of the conversation."""
        return list(self._entries)

    def _thin_out(self) -> None:
        """Newer ones are worth more, and what must stay stays unless there is nothing else."""
        total = len(self._entries)
        ranked = sorted(
            range(total),
            key=lambda at: (
                (self._entries[at].is_must + self._entries[at].base + 0.2 * len(self._entries[at].atoms))
                * (0.5 + at / total)
            ),
        )
        gone = set(ranked[: total // 2])
        self.forgotten += len(gone)
        self._entries = [entry for at, entry in enumerate(self._entries) if at not in gone]
        self._letters = sum(len(entry.text) + 200 for entry in self._entries)
