"""Lines of a file that may be cut, huge, or in a wrong encoding: one at a time, so that memory stays small."""

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from hive_tui.condense.records import Reading

LONGEST_BYTES = 16 * 1024 * 1024
"""A line that is longer is skipped; no agent writes such."""
DEEPEST = "it is nested too deep"
UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def rows(path: Path, reading: Reading) -> Iterator[tuple[int, dict[str, Any]]]:
    """The JSON objects of the file, each with its line number; counts in `reading` what is none.

    Begins behind the lines and bytes that `reading` has counted already.

    Raises:
        OSError: The file cannot be read.
    """
    for number, line in _lines(path, reading):
        if not line.strip("\x00 \t\r\n"):
            reading.skip("an empty line")
            continue
        row = _parsed(line, reading)
        if isinstance(row, dict):
            yield number, row


def _parsed(line: str, reading: Reading) -> object:
    try:
        row = json.loads(line)
    except RecursionError:
        reading.skip(DEEPEST)
        return None
    except ValueError:
        reading.skip("no JSON, or cut in the middle")
        return None
    if not isinstance(row, dict):
        reading.skip("JSON that is no object")
    return row


def _lines(path: Path, reading: Reading) -> Iterator[tuple[int, str]]:
    with path.open("rb") as file:
        encoding = UTF_16.get(file.read(2), "")
        if encoding:
            with path.open("r", encoding=encoding, errors="replace") as text:
                reading.lines = reading.size_bytes = 0
                yield from _text_lines(text, reading)
            return
        file.seek(reading.size_bytes)
        yield from _byte_lines(file, reading)


def _byte_lines(file: IO[bytes], reading: Reading) -> Iterator[tuple[int, str]]:
    while line := file.readline(LONGEST_BYTES):
        reading.lines += 1
        reading.size_bytes += len(line)
        if len(line) == LONGEST_BYTES and not line.endswith(b"\n"):
            reading.skip(f"longer than {LONGEST_BYTES // 1024 // 1024} MiB")
            while (rest := file.readline(LONGEST_BYTES)) and not rest.endswith(b"\n"):
                reading.size_bytes += len(rest)
            continue
        yield reading.lines, _decoded(line, reading)


def _decoded(line: bytes, reading: Reading) -> str:
    try:
        return line.decode("utf-8-sig" if reading.lines == 1 else "utf-8")
    except UnicodeDecodeError:
        reading.skip("bytes that are no UTF-8 (the rest of the line is used)")
        return line.decode("cp1252", errors="replace")


def _text_lines(file: IO[str], reading: Reading) -> Iterator[tuple[int, str]]:
    while line := file.readline(LONGEST_BYTES):
        reading.lines += 1
        reading.size_bytes += 2 * len(line)
        yield reading.lines, line.removeprefix("\ufeff")
