"""On which line of a TOML file something stands; `tomllib` does not tell."""

import re
import tomllib


def line_of(error: tomllib.TOMLDecodeError, text: str) -> int:
    """The line that `tomllib` names in its message; the last one where it says "at end of document"."""
    named = re.search(r"at line (\d+)", str(error))
    return int(named[1]) if named else max(1, len(text.splitlines()))


def lines_of_keys(text: str) -> dict[tuple[str, ...], int]:
    """Line numbers of tables and keys; `tomllib` does not tell them."""
    found: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[\[?\s*([^\]]+?)\s*\]", line):
            table = _parts(header[1])
            found.setdefault(table, number)
        elif key := re.match(r"\s*((?:[A-Za-z0-9_-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*[A-Za-z0-9_-]+)*)\s*=", line):
            found.setdefault((*table, *_parts(key[1])), number)
    return found


def _parts(dotted: str) -> tuple[str, ...]:
    return tuple(part.strip().strip("\"'") for part in dotted.split("."))
