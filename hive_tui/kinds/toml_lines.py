"""Where in a TOML file a key stands; `tomllib` does not tell."""

import re

Place = tuple[str | int, ...]
"""Keys from the outside in; a number counts the tables of an array, from 0."""


class TomlLines:
    """Line numbers of tables and keys of one file, for error messages."""

    def __init__(self, text: str) -> None:
        self._lines: dict[Place, int] = {}
        table: Place = ()
        counts: dict[Place, int] = {}
        for number, line in enumerate(text.splitlines(), 1):
            if header := re.match(r"\s*(\[\[?)\s*([^\]]+?)\s*\]", line):
                table = parts(header[2])
                if header[1] == "[[":
                    count = counts[table] = counts.get(table, -1) + 1
                    table = (*table, count)
                self._lines.setdefault(table, number)
            elif key := re.match(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*[\w-]+)*)\s*=", line):
                self._lines.setdefault((*table, *parts(key[1])), number)

    def of(self, place: Place) -> int | None:
        """The line of a key, or else of the nearest table around it."""
        return next((self._lines[place[:end]] for end in range(len(place), 0, -1) if place[:end] in self._lines), None)


def parts(dotted: str) -> Place:
    """The parts of a dotted key."""
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
