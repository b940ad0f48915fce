"""Writes a ledger as text: sections in a fixed order, each entry with a pointer into the archive."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from hive_tui.condense.shelf import Entry, Section

TITLES = {
    Section.USER: "What the user said, word for word, oldest first (a later message overrules an earlier one)",
    Section.OPEN: "Open",
    Section.FAILING: "Failing when it stopped",
    Section.DECISION: "Decisions",
    Section.DEAD_END: "Dead ends: do not try again",
    Section.CAUSE: "Causes found",
    Section.FINDING: "Facts found",
    Section.FILE: "Files changed, with the last change",
    Section.COMMAND: "Commands that ran",
    Section.COMMIT: "Commits",
    Section.LIST: "Lists to work through",
    Section.NOTE: "Notes",
    Section.LAST: "The agent's last words",
}


def pointer(line: int, conversation: int = 0) -> str:
    """Where in the archive something stands; with a comma in the thousands, so that it is no number of its own."""
    return f"[{conversation or ''}#{line:,}]"


@dataclass(frozen=True, slots=True)
class Pointers:
    """Tells lines that are numbered through several conversations apart."""

    ends: tuple[int, ...] = ()
    """The last line of each earlier conversation, the oldest first."""

    def __call__(self, line: int) -> str:
        """The pointer to a line; one into an earlier conversation names which."""
        before = bisect_left(self.ends, line)
        begin = self.ends[before - 1] if before else 0
        return pointer(line - begin, before + 1 if before < len(self.ends) else 0)


def write(entries: Iterable[Entry], pointers: Callable[[int], str] = pointer) -> str:
    """All entries, by section, each section in the order of the conversation."""
    by_section: dict[Section, list[Entry]] = {}
    for entry in entries:
        by_section.setdefault(entry.section, []).append(entry)
    parts = []
    for section, title in TITLES.items():
        if section in by_section:
            parts.append(f"## {title}\n{_section(by_section[section], pointers)}")
    return "\n\n".join(parts) + "\n" if parts else ""


def _section(entries: Sequence[Entry], pointers: Callable[[int], str]) -> str:
    return "\n".join(_line(entry, pointers) for entry in sorted(entries, key=lambda entry: entry.line))


def _line(entry: Entry, pointers: Callable[[int], str]) -> str:
    """One entry; further lines of it are indented, so that no text of the conversation looks like a heading."""
    first, *rest = [line.rstrip() for line in entry.text.splitlines()] or [""]
    return "\n".join([f"- {first} {pointers(entry.line)}", *(f"  {line}" for line in rest if line)])
