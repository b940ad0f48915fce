"""Writes a ledger as text: sections in a fixed order, each entry with a pointer into the archive."""

from collections.abc import Iterable, Sequence

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


def pointer(line: int) -> str:
    """Where in the archive something stands; with a comma in the thousands, so that it is no number of its own."""
    return f"[#{line:,}]"


def write(entries: Iterable[Entry]) -> str:
    """All entries, by section, each section in the order of the conversation."""
    by_section: dict[Section, list[Entry]] = {}
    for entry in entries:
        by_section.setdefault(entry.section, []).append(entry)
    parts = []
    for section, title in TITLES.items():
        if section in by_section:
            parts.append(f"## {title}\n{_section(by_section[section])}")
    return "\n\n".join(parts) + "\n" if parts else ""


def _section(entries: Sequence[Entry]) -> str:
    return "\n".join(_line(entry) for entry in sorted(entries, key=lambda entry: entry.line))


def _line(entry: Entry) -> str:
    """One entry; further lines of it are indented, so that no text of the conversation looks like a heading."""
    first, *rest = [line.rstrip() for line in entry.text.splitlines()] or [""]
    return "\n".join([f"- {first} {pointer(entry.line)}", *(f"  {line}" for line in rest if line)])
